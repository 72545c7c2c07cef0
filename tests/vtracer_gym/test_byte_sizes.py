import pytest

from vtracer_gym.byte_sizes import format_bytes


@pytest.mark.parametrize(("size", "text"), [(812, "812 B"), (7_120, "7.1 kB"), (64_400, "64 kB")])
def test_sizes_are_readable(size: int, text: str) -> None:
    """Sizes have a readable unit."""
    assert format_bytes(size) == text

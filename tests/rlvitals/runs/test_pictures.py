"""Pictures among a run's artifacts."""

import pytest

from rlvitals.runs.pictures import PNG, media_type


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"\n<SVG>", "image/svg+xml"),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(content: bytes, media: str | None) -> None:
    """Not by its name."""
    assert media_type(content) == media

"""Run names and paths of segments."""

import pytest

from rlvitals.errors import RunNameError
from rlvitals.runs.layout import Layout, checked_name, segments_in, valid_name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../elsewhere",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "..\\b",
        "a\x00b",
        "a\nb",
        " a",
        "a ",
        "a.",
        "C:",
        "what?",
        "x" * 101,
        "\ud800",
        "🦊" * 90,
    ],
    ids=lambda name: repr(name)[1:13],
)
def test_a_name_that_is_not_a_valid_folder_name_is_refused(name: str) -> None:
    """A name that leads out of the folder of runs, or that a file system does not allow, is refused."""
    with pytest.raises(RunNameError):
        checked_name(name)


@pytest.mark.parametrize("name", ["ppo", "ppo-1", "läufer", "走", "a b", "x" * 100, "v1.2", "~", "-rf"])
def test_an_unusual_valid_name_is_accepted(name: str) -> None:
    """Inner spaces, dashes and letters of any language are allowed."""
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("a/b: c", "a-b- c"), ("..", "run"), ("run (1)", "run (1)"), ("ü" * 200, "ü" * 80), ("𠮷" * 200, "𠮷" * 60)],
    ids=["path", "dots", "valid", "long", "bytes"],
)
def test_any_text_is_converted_to_a_valid_name(wanted: str, name: str) -> None:
    """A valid name is kept, and another text gives a similar name."""
    assert valid_name(wanted) == checked_name(name) == name


def test_a_name_that_is_not_a_string_is_refused() -> None:
    """The error shows the value."""
    with pytest.raises(RunNameError, match="got 7"):
        checked_name(7)  # type: ignore[arg-type]


def test_segments_are_sorted_by_number(layout: Layout) -> None:
    """Segment 1,000,000 follows segment 2, although its name sorts before it."""
    folder = layout.stream("episodes")
    for name in ("1000000.jsonl", "000002.jsonl", "000001.parquet", "notes.txt", ".000002.1.tmp", "000001.torn"):
        (folder / name).touch()

    assert [segment.path.name for segment in segments_in(folder)] == [
        "000001.parquet",
        "000002.jsonl",
        "1000000.jsonl",
    ]


def test_the_sealed_file_of_a_segment_is_preferred(layout: Layout) -> None:
    """A kill between the last two steps of sealing leaves both files."""
    folder = layout.stream("episodes")
    for name in ("000001.jsonl", "000001.parquet"):
        (folder / name).touch()

    assert [segment.path.name for segment in layout.segments("episodes")] == ["000001.parquet"]


def test_a_missing_folder_has_no_segments(layout: Layout) -> None:
    """A file instead of the folder has no segments either."""
    (layout.path / "file").touch()

    assert segments_in(layout.path / "gone") == segments_in(layout.path / "file") == []

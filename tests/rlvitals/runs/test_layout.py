"""Names and places."""

import pytest

from rlvitals.errors import RunNameError
from rlvitals.runs.layout import Layout, checked_name, segments_in


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
def test_a_name_that_cannot_be_a_folder_is_refused(name: str) -> None:
    """A name that leaves the folder of runs, or that some file system cannot hold, is refused."""
    with pytest.raises(RunNameError):
        checked_name(name)


@pytest.mark.parametrize("name", ["ppo", "ppo-1", "läufer", "走", "a b", "x" * 100, "v1.2", "~", "-rf"])
def test_an_odd_but_harmless_name_is_taken(name: str) -> None:
    """Spaces inside, dashes and any language are fine."""
    assert checked_name(name) == name


def test_a_name_that_is_no_text_is_refused() -> None:
    """A number is no name, and the message says what it was."""
    with pytest.raises(RunNameError, match="got 7"):
        checked_name(7)  # type: ignore[arg-type]


def test_segments_come_in_the_order_of_their_numbers(layout: Layout) -> None:
    """The millionth segment comes behind the second, though its name sorts before."""
    folder = layout.stream("episodes")
    for name in ("1000000.jsonl", "000002.jsonl", "000001.parquet", "notes.txt", ".000002.1.tmp", "000001.torn"):
        (folder / name).touch()

    assert [segment.path.name for segment in segments_in(folder)] == [
        "000001.parquet",
        "000002.jsonl",
        "1000000.jsonl",
    ]


def test_of_a_segment_that_is_there_twice_the_sealed_one_counts(layout: Layout) -> None:
    """A kill between the last two steps of sealing leaves both."""
    folder = layout.stream("episodes")
    for name in ("000001.jsonl", "000001.parquet"):
        (folder / name).touch()

    assert [segment.path.name for segment in layout.segments("episodes")] == ["000001.parquet"]


def test_a_folder_that_is_gone_has_no_segments(layout: Layout) -> None:
    """Neither has a file in a folder's place."""
    (layout.path / "file").touch()

    assert segments_in(layout.path / "gone") == segments_in(layout.path / "file") == []

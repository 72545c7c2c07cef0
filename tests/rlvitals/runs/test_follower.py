"""Following of a live stream."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import RunFormatError
from rlvitals.runs.follower import Follower
from rlvitals.runs.journal import Journal
from rlvitals.runs.layout import Layout, Segment
from rlvitals.runs.sealing import seal

Line = Callable[..., bytes]
OpenJournal = Callable[..., Journal]


def _numbers(records: list[Any]) -> list[int]:
    return [record.episode for record in records]


@pytest.fixture
def follower(layout: Layout) -> Follower:
    return Follower(layout, "episodes")


def test_each_record_is_returned_once_while_segments_grow_and_change(
    follower: Follower, open_journal: OpenJournal, line: Line
) -> None:
    """Segments can rotate and be sealed between two reads."""
    journal = open_journal(seal_records=5)
    full: list[Path] = []
    journal.on_rotated = full.append
    seen: list[int] = []
    for number in range(40):
        journal.append(line(number))
        if number % 3 == 0:
            seen += _numbers(follower.read())
        if number % 7 == 0 and full:
            seal(full.pop())

    assert seen + _numbers(follower.read()) == list(range(40))
    assert follower.read() == []


def test_a_segment_that_is_sealed_between_reads_is_continued(follower: Follower, line: Line, folder: Path) -> None:
    """Records that were read as lines are not returned again as rows."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + line(1))
    first = _numbers(follower.read())
    with segment.open("ab") as file:
        file.write(line(2))
    seal(segment)

    assert (first, _numbers(follower.read()), follower.read()) == ([0, 1], [2], [])


def test_a_segment_that_is_sealed_after_the_listing_is_not_skipped(layout: Layout, line: Line, folder: Path) -> None:
    """The listed open segment no longer exists when it is opened, and a later segment already exists."""
    (folder / "000001.jsonl").write_bytes(line(0) + line(1))
    (folder / "000002.jsonl").write_bytes(line(2))

    class Stale(Layout):
        """Layout that seals the first segment after listing it."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            if listed and not listed[0].sealed:
                seal(listed[0].path)
            return listed

    follower = Follower(Stale(layout.path), "episodes")

    assert _numbers(follower.read() + follower.read()) == [0, 1, 2]


def test_a_line_is_returned_when_it_is_complete(follower: Follower, line: Line, folder: Path) -> None:
    """A line that is incomplete at any byte is returned by a later read."""
    content = line(0, category="läufer")
    for cut in range(len(content)):
        follower = Follower(follower._layout, "episodes")
        (folder / "000001.jsonl").write_bytes(content[:cut])
        before = follower.read()
        (folder / "000001.jsonl").write_bytes(content)
        assert (before, _numbers(follower.read())) == ([], [0])


def test_torn_lines_are_skipped(follower: Follower, line: Line, folder: Path) -> None:
    """Records after a torn line are returned once, also if sealing removes the torn line."""
    (folder / "000001.jsonl").write_bytes(line(0) + b"{torn\n" + line(1))
    first = _numbers(follower.read())
    seal(folder / "000001.jsonl")
    (folder / "000002.jsonl").write_bytes(line(2))

    assert (first, _numbers(follower.read())) == ([0, 1], [2])


def test_only_later_records_are_returned_after_a_skip(follower: Follower, line: Line, folder: Path) -> None:
    """Records before the skip are not returned."""
    (folder / "000001.jsonl").write_bytes(line(0))
    follower.skip()
    (folder / "000002.jsonl").write_bytes(line(1))

    assert _numbers(follower.read()) == [1]


def test_a_resumed_run_is_followed(follower: Follower, open_journal: OpenJournal, line: Line) -> None:
    """The segments of the next writer follow those of the previous one."""
    seen: list[int] = []
    for number in range(3):
        journal = open_journal()
        journal.append(line(number))
        seen += _numbers(follower.read())
        journal.close()
        seen += _numbers(follower.read())

    assert seen == [0, 1, 2]


def test_a_removed_folder_returns_no_records(follower: Follower, open_journal: OpenJournal, line: Line) -> None:
    """After the writer has restored the folder, only new records are returned."""
    journal = open_journal()
    journal.append(line(0))
    first = _numbers(follower.read())
    shutil.rmtree(journal.folder)
    gone = follower.read()
    journal.append(line(1))
    journal.recover()

    assert (first, gone, _numbers(follower.read())) == ([0], [], [1])


def test_records_before_a_damaged_segment_are_returned(follower: Follower, line: Line, folder: Path) -> None:
    """The read returns the records before the damage, and the next read raises the error."""
    (folder / "000001.jsonl").write_bytes(line(0))
    (folder / "000002.parquet").write_bytes(b"PAR1 no PAR1")

    assert _numbers(follower.read()) == [0]
    with pytest.raises(RunFormatError, match=r"000002\.parquet is damaged"):
        follower.read()

"""Following a live stream."""

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


def test_each_record_is_given_once_while_segments_grow_and_change(
    follower: Follower, open_journal: OpenJournal, line: Line
) -> None:
    """Across rotation, and whichever of the full segments are sealed between two looks."""
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


def test_a_segment_sealed_in_the_middle_of_being_followed_goes_on_where_it_was(
    follower: Follower, line: Line, folder: Path
) -> None:
    """The rows that had been lines are not given again."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + line(1))
    first = _numbers(follower.read())
    with segment.open("ab") as file:
        file.write(line(2))
    seal(segment)

    assert (first, _numbers(follower.read()), follower.read()) == ([0, 1], [2], [])


def test_a_segment_sealed_between_the_listing_and_the_look_is_not_passed_over(
    layout: Layout, line: Line, folder: Path
) -> None:
    """What was listed as lines is gone when it is opened, and later segments are there already."""
    (folder / "000001.jsonl").write_bytes(line(0) + line(1))
    (folder / "000002.jsonl").write_bytes(line(2))

    class Stale(Layout):
        """Lists the segments as they were a moment ago."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            if listed and not listed[0].sealed:
                seal(listed[0].path)
            return listed

    follower = Follower(Stale(layout.path), "episodes")

    assert _numbers(follower.read() + follower.read()) == [0, 1, 2]


def test_a_line_is_given_when_its_end_is_there(follower: Follower, line: Line, folder: Path) -> None:
    """Wherever it is cut while it is being written."""
    content = line(0, category="läufer")
    for cut in range(len(content)):
        follower = Follower(follower._layout, "episodes")
        (folder / "000001.jsonl").write_bytes(content[:cut])
        before = follower.read()
        (folder / "000001.jsonl").write_bytes(content)
        assert (before, _numbers(follower.read())) == ([], [0])


def test_torn_lines_are_passed_over(follower: Follower, line: Line, folder: Path) -> None:
    """They hide nothing behind them, and sealing, which drops them, changes nothing."""
    (folder / "000001.jsonl").write_bytes(line(0) + b"{torn\n" + line(1))
    first = _numbers(follower.read())
    seal(folder / "000001.jsonl")
    (folder / "000002.jsonl").write_bytes(line(2))

    assert (first, _numbers(follower.read())) == ([0, 1], [2])


def test_only_what_comes_is_given_after_a_skip(follower: Follower, line: Line, folder: Path) -> None:
    """A dashboard that has shown the past wants no more of it."""
    (folder / "000001.jsonl").write_bytes(line(0))
    follower.skip()
    (folder / "000002.jsonl").write_bytes(line(1))

    assert _numbers(follower.read()) == [1]


def test_a_run_that_is_taken_up_is_followed_on(follower: Follower, open_journal: OpenJournal, line: Line) -> None:
    """The next writer's segments are behind those of the first."""
    seen: list[int] = []
    for number in range(3):
        journal = open_journal()
        journal.append(line(number))
        seen += _numbers(follower.read())
        journal.close()
        seen += _numbers(follower.read())

    assert seen == [0, 1, 2]


def test_a_folder_that_is_gone_gives_nothing(follower: Follower, open_journal: OpenJournal, line: Line) -> None:
    """And once the writer has put it back, what is new."""
    journal = open_journal()
    journal.append(line(0))
    first = _numbers(follower.read())
    shutil.rmtree(journal.folder)
    gone = follower.read()
    journal.append(line(1))
    journal.recover()

    assert (first, gone, _numbers(follower.read())) == ([0], [], [1])


def test_a_damaged_segment_costs_nothing_that_was_read_before_it(follower: Follower, line: Line, folder: Path) -> None:
    """What came first is given first; the damage is said at the next look."""
    (folder / "000001.jsonl").write_bytes(line(0))
    (folder / "000002.parquet").write_bytes(b"PAR1 no PAR1")

    assert _numbers(follower.read()) == [0]
    with pytest.raises(RunFormatError, match=r"000002\.parquet is damaged"):
        follower.read()

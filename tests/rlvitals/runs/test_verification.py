"""Verification and repair of a run folder."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from rlvitals.runs.checksum import write_sums
from rlvitals.runs.header import write_header
from rlvitals.runs.layout import Layout, Segment
from rlvitals.runs.lock import WriterLock
from rlvitals.runs.run import Run
from rlvitals.runs.sealing import seal
from rlvitals.runs.verification import (
    CHANGED,
    DAMAGED,
    DOUBLED,
    FOLDER,
    GAP,
    IRREGULAR,
    RECORDS,
    TORN_END,
    TORN_LINE,
    TWICE,
    Verification,
    verify,
)

Line = Callable[..., bytes]


def _codes(verdict: Verification) -> list[tuple[str, bool]]:
    return [(fault.code, fault.mended) for fault in verdict.faults]


@pytest.fixture
def run(layout: Layout) -> Run:
    return Run(layout.path)


@pytest.fixture
def whole(folder: Path, line: Line) -> Path:
    """Create two segments of two episodes, of which the first is sealed. Return the path of the second."""
    (folder / "000001.jsonl").write_bytes(line(0) + line(1))
    seal(folder / "000001.jsonl")
    (folder / "000002.jsonl").write_bytes(line(2) + line(3))
    return folder / "000002.jsonl"


@pytest.mark.usefixtures("whole")
def test_a_whole_run_is_sound(run: Run) -> None:
    """It has no faults, and every record is counted."""
    verdict = verify(run)

    assert verdict.sound
    assert verdict.counts["episodes"] == 4
    assert verdict.faults == []


def test_a_segment_truncated_at_any_byte_of_its_last_record_is_reported(run: Run, folder: Path, line: Line) -> None:
    """The repair reports the number of truncated bytes and keeps them. All other records exist before and after it."""
    whole, content, last = folder / "000001.jsonl", line(1) + line(2) + line(3), line(3)
    for cut in range(1, len(last)):
        whole.write_bytes(content[:-cut])
        found, mended, again = verify(run), verify(run, mending=True), verify(run)

        assert _codes(found) == [(TORN_END, False)]
        assert _codes(mended) == [(TORN_END, True)]
        assert mended.faults[0].message == f"{len(last) - cut} bytes were truncated and kept in a separate file"
        assert found.counts == mended.counts == again.counts
        assert again.counts["episodes"] == 2
        assert again.faults == []
        aside = whole.with_suffix(".torn")
        assert aside.read_bytes() == last[:-cut] + b"\n"
        aside.unlink()


def test_a_torn_line_inside_a_segment_is_reported(run: Run, whole: Path) -> None:
    """The line is skipped, and nothing is truncated, because the lines after it are whole."""
    whole.write_bytes(b"{torn\n" + whole.read_bytes())

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(TORN_LINE, False)]
    assert verdict.counts["episodes"] == 4
    assert not verdict.sound


def test_the_open_file_of_a_segment_is_removed_if_the_sealed_file_has_all_records(
    run: Run, whole: Path, tmp_path: Path
) -> None:
    """A kill at the end of sealing leaves both files."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)

    assert _codes(verify(run)) == [(TWICE, False)]
    assert _codes(verify(run, mending=True)) == [(TWICE, True)]
    assert verify(run).sound
    assert verify(run).counts["episodes"] == 4


def test_the_lines_of_a_damaged_sealed_segment_are_kept(run: Run, whole: Path) -> None:
    """The lines are the only intact copy, so the damaged file is renamed."""
    whole.with_suffix(".parquet").write_bytes(b"PAR1 no PAR1")

    verdict = verify(run, mending=True)

    assert whole.exists()
    assert verdict.sound
    assert verify(run).counts["episodes"] == 4
    assert verify(run).faults == []


def test_lines_that_the_sealed_file_lacks_are_kept(run: Run, whole: Path, tmp_path: Path, line: Line) -> None:
    """A sealed file with fewer records is renamed, and the lines are used."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)
    with whole.open("ab") as file:
        file.write(line(4))

    assert verify(run, mending=True).sound
    assert verify(run).faults == []
    assert verify(run).counts["episodes"] == 5


def test_a_damaged_sealed_segment_is_reported(run: Run, whole: Path) -> None:
    """The records of the other segments are counted."""
    (whole.parent / "000001.parquet").write_bytes(b"PAR1 no PAR1")

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(DAMAGED, False)]
    assert verdict.counts["episodes"] == 2


@pytest.mark.parametrize(("removed", "behind"), [(1, "000002"), (2, "000003")])
def test_a_missing_segment_is_reported_once(run: Run, whole: Path, line: Line, removed: int, behind: str) -> None:
    """A missing first segment is reported too."""
    for number in (3, 4):
        (whole.parent / f"00000{number}.jsonl").write_bytes(line(number))
    next(whole.parent.glob(f"00000{removed}.*")).unlink()

    verdict = verify(run)

    assert _codes(verdict) == [(GAP, False)]
    assert behind in verdict.faults[0].message


def test_a_run_that_is_being_written_is_not_repaired(run: Run, whole: Path) -> None:
    """Its writer can be about to complete the last line."""
    whole.write_bytes(whole.read_bytes()[:-3])
    lock = WriterLock(run.layout.lock)
    before = whole.read_bytes()

    verdict = verify(run, mending=True)
    lock.release()

    assert verdict.live
    assert whole.read_bytes() == before


def test_a_run_that_cannot_be_locked_is_not_repaired(run: Run, whole: Path) -> None:
    """The run is still verified. Here a folder has the name of the lock; another cause is a read-only disk."""
    run.layout.lock.mkdir()
    whole.write_bytes(whole.read_bytes()[:-3])

    assert _codes(verify(run, mending=True)) == [(IRREGULAR, False), (TORN_END, False)]


def test_a_missing_stream_folder_is_reported(run: Run) -> None:
    """A writer creates the folders of all streams, including streams without records."""
    shutil.rmtree(run.layout.stream("scalars"))

    assert _codes(verify(run, mending=True)) == [(FOLDER, False)]


@pytest.mark.usefixtures("whole")
def test_missing_records_that_the_header_counts_are_reported(run: Run) -> None:
    """Here the whole last segment of a closed run is missing."""
    header = run.header
    header.status, header.totals = "completed", {"episodes": 4}
    write_header(run.layout, header)

    assert verify(Run(run.path)).sound
    run.layout.segments("episodes")[-1].path.unlink()
    (fault,) = verify(Run(run.path)).faults

    assert fault.code == RECORDS
    assert fault.message == "2 records missing: run.json counts 4, but 2 exist"


@pytest.mark.usefixtures("whole")
def test_dropped_records_are_not_reported_as_missing(run: Run) -> None:
    """The totals in the header include the dropped records, whose number it has too."""
    header = run.header
    header.status, header.totals, header.dropped_records = "completed", {"episodes": 6}, {"records": 2}
    write_header(run.layout, header)

    assert verify(Run(run.path)).sound


# ---------------------------------------------------------------------- checksums


def test_a_changed_but_readable_sealed_segment_is_reported(run: Run, whole: Path) -> None:
    """Here the name of the program that wrote the file was changed, which readers ignore."""
    first = whole.parent / "000001.parquet"
    first.write_bytes(first.read_bytes().replace(b"DuckDB", b"DackDB"))

    assert len(list(run.records("episodes"))) == 4
    assert _codes(verify(run)) == [(DAMAGED, False)]


def test_segments_without_a_checksum_are_counted_and_sound(run: Run, whole: Path) -> None:
    """An earlier version without checksums sealed them."""
    first = whole.parent / "000001.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM '{first}') TO '{whole.parent}/old' (FORMAT parquet)")
    (whole.parent / "old").replace(first)

    verdict = verify(run)

    assert (verdict.sound, verdict.unchecked, verdict.counts["episodes"]) == (True, 1, 4)


def test_a_reader_can_verify_its_run(run: Run, whole: Path) -> None:
    """`Run.verify` repairs nothing."""
    whole.write_bytes(whole.read_bytes()[:-3])

    assert _codes(run.verify()) == [(TORN_END, False)]


def test_a_changed_digit_in_a_line_of_a_closed_run_is_reported(run: Run, whole: Path) -> None:
    """The changed line is still a valid record."""
    write_sums(run.layout)
    whole.write_bytes(whole.read_bytes().replace(b"0.5", b"0.7", 1))

    assert _codes(verify(run)) == [(CHANGED, False)]


@pytest.mark.parametrize("at", [0, 1])
def test_a_duplicate_line_is_reported(run: Run, whole: Path, at: int) -> None:
    """The copy can follow its original immediately or later. The run was not closed, so there is no checksum."""
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join([*lines, lines[at]]))

    (fault,) = verify(run).faults

    assert (fault.code, fault.message.partition(":")[0]) == (DOUBLED, "1 line is an exact copy of other lines")


def test_a_line_that_is_duplicated_after_the_run_was_closed_is_reported(run: Run, whole: Path) -> None:
    """The checksum does not match, and the message gives the number of copies."""
    write_sums(run.layout)
    whole.write_bytes(2 * whole.read_bytes())

    (fault,) = verify(run).faults

    assert (fault.code, fault.message.partition("; ")[2]) == (CHANGED, "2 lines are exact copies of other lines")


def test_a_record_that_was_logged_twice_is_not_a_fault_of_a_closed_run(run: Run, whole: Path) -> None:
    """The checksum confirms the content."""
    whole.write_bytes(2 * whole.read_bytes())
    write_sums(run.layout)

    assert verify(run).faults == []


# ---------------------------------------------------------------------- live runs


class Sealing(Layout):
    """Layout that seals an open segment immediately after listing it."""

    def segments(self, stream: str) -> list[Segment]:
        listed = super().segments(stream)
        for segment in listed:
            if not segment.sealed:
                seal(segment.path)
        return listed


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("mending", [False, True])
def test_a_segment_sealed_between_listing_and_reading_is_sound(run: Run, mending: bool) -> None:
    """No error is raised, and every record is counted once."""
    run.layout = Sealing(run.path)

    verdict = verify(run, mending=mending)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 4)


def test_a_segment_listed_between_the_last_steps_of_sealing_is_sound(run: Run, whole: Path, tmp_path: Path) -> None:
    """Its lines no longer exist when it is checked again."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)
    looks = iter([False])

    class Late(Layout):
        """Layout that removes the lines after the first listing."""

        def segments(self, stream: str) -> list[Segment]:
            if stream == "episodes" and next(looks, True):
                whole.unlink(missing_ok=True)
            return super().segments(stream)

    run.layout = Late(run.path)

    verdict = verify(run)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 4)


def test_a_segment_that_a_listing_missed_is_not_a_gap(run: Run, whole: Path, line: Line) -> None:
    """A listing during a rename can miss both names."""
    (whole.parent / "000003.jsonl").write_bytes(line(4))
    missing = [True]

    class Missing(Layout):
        """Layout that misses the second segment once."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            return listed[:1] + listed[2:] if listed and missing and missing.pop() else listed

    run.layout = Missing(run.path)

    verdict = verify(run)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 5)


def test_a_segment_that_is_removed_during_the_verification_is_reported(run: Run, whole: Path) -> None:
    """No error is raised."""

    class Removing(Layout):
        """Layout that removes the second segment after listing it."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            whole.unlink(missing_ok=True)
            return listed

    run.layout = Removing(run.path)

    assert _codes(verify(run)) == [(GAP, False)]


# ---------------------------------------------------------------------- irregular files


def _outside(run: Run, line: Line) -> Path:
    """Create a file outside the run, with a torn tail."""
    outside = run.path.parent / "outside.jsonl"
    outside.write_bytes(line(0) + b"{torn")
    return outside


@pytest.mark.parametrize("place", ["episodes/000001.jsonl", "episodes/000003.parquet", "episodes/000002.torn"])
@pytest.mark.parametrize("pipe", [False, True], ids=["link", "pipe"])
def test_an_irregular_file_is_reported_and_not_changed(run: Run, line: Line, place: str, pipe: bool) -> None:
    """A link can lead out of the run, and reading a named pipe would block."""
    outside = _outside(run, line)
    if pipe:
        os.mkfifo(run.path / place)
    else:
        (run.path / place).symlink_to(outside)
    before = outside.read_bytes()

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(IRREGULAR, False)]
    assert verdict.faults[0].path == run.path / place
    assert verdict.counts["episodes"] == 0
    assert outside.read_bytes() == before


@pytest.mark.parametrize("place", ["episodes", "artifacts"])
@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a named pipe"), (Path.touch, "a file")], ids=["pipe", "file"])
def test_a_file_instead_of_a_folder_is_reported(run: Run, place: str, make: Callable[[Path], None], kind: str) -> None:
    """It is not reported as a missing folder."""
    (run.path / place).rmdir()
    make(run.path / place)

    assert [(fault.code, fault.message) for fault in verify(run).faults] == [
        (IRREGULAR, f"Is {kind}, not a folder: move it out of the run; it is neither read nor written")
    ]


@pytest.mark.parametrize("place", ["episodes", "artifacts", "writer.lock"])
def test_a_link_instead_of_a_folder_or_lock_is_reported(run: Run, line: Line, place: str) -> None:
    """The target of the link is not read or written."""
    outside = run.path.parent / "outside"
    outside.mkdir()
    (outside / "000001.jsonl").write_bytes(line(0) + b"{torn")
    if place != "writer.lock":
        (run.path / place).rmdir()
    (run.path / place).symlink_to(outside)

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(IRREGULAR, False)]
    assert "Is a symbolic link" in verdict.faults[0].message
    assert verdict.counts["episodes"] == 0
    assert (outside / "000001.jsonl").read_bytes() == line(0) + b"{torn"


def test_repairing_a_segment_with_a_second_hard_link_does_not_change_the_other_name(
    run: Run, folder: Path, line: Line
) -> None:
    """The segment of the run is replaced with a copy. Backup tools can create such links."""
    outside = _outside(run, line)
    os.link(outside, folder / "000001.jsonl")

    assert _codes(verify(run, mending=True)) == [(TORN_END, True)]
    assert outside.read_bytes() == line(0) + b"{torn"
    assert (folder / "000001.jsonl").read_bytes() == line(0)

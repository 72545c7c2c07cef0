"""Checking a folder."""

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
    """Two segments of two episodes, the first of them sealed; gives the second."""
    (folder / "000001.jsonl").write_bytes(line(0) + line(1))
    seal(folder / "000001.jsonl")
    (folder / "000002.jsonl").write_bytes(line(2) + line(3))
    return folder / "000002.jsonl"


@pytest.mark.usefixtures("whole")
def test_a_whole_run_is_sound(run: Run) -> None:
    """Every record is counted."""
    verdict = verify(run)

    assert verdict.sound
    assert verdict.counts["episodes"] == 4
    assert verdict.faults == []


def test_a_segment_cut_at_any_byte_of_its_last_record_is_told_of(run: Run, folder: Path, line: Line) -> None:
    """What was cut is said in bytes and kept aside; everything else is still there, before and after."""
    whole, content, last = folder / "000001.jsonl", line(1) + line(2) + line(3), line(3)
    for cut in range(1, len(last)):
        whole.write_bytes(content[:-cut])
        found, mended, again = verify(run), verify(run, mending=True), verify(run)

        assert _codes(found) == [(TORN_END, False)]
        assert _codes(mended) == [(TORN_END, True)]
        assert mended.faults[0].message == f"{len(last) - cut} bytes were cut off and kept aside"
        assert found.counts == mended.counts == again.counts
        assert again.counts["episodes"] == 2
        assert again.faults == []
        aside = whole.with_suffix(".torn")
        assert aside.read_bytes() == last[:-cut] + b"\n"
        aside.unlink()


def test_a_torn_line_inside_is_told_of(run: Run, whole: Path) -> None:
    """It is passed over; nothing is cut, as what follows is whole."""
    whole.write_bytes(b"{torn\n" + whole.read_bytes())

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(TORN_LINE, False)]
    assert verdict.counts["episodes"] == 4
    assert not verdict.sound


def test_a_segment_that_is_there_twice_loses_its_lines_only_if_the_rows_have_them_all(
    run: Run, whole: Path, tmp_path: Path
) -> None:
    """A kill at the end of sealing leaves both: the lines go."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)

    assert _codes(verify(run)) == [(TWICE, False)]
    assert _codes(verify(run, mending=True)) == [(TWICE, True)]
    assert verify(run).sound
    assert verify(run).counts["episodes"] == 4


def test_the_lines_of_a_damaged_sealed_segment_are_kept(run: Run, whole: Path) -> None:
    """They are the only good copy: it is the damaged one that is put aside."""
    whole.with_suffix(".parquet").write_bytes(b"PAR1 no PAR1")

    verdict = verify(run, mending=True)

    assert whole.exists()
    assert verdict.sound
    assert verify(run).counts["episodes"] == 4
    assert verify(run).faults == []


def test_lines_that_the_rows_do_not_have_are_kept(run: Run, whole: Path, tmp_path: Path, line: Line) -> None:
    """Where the sealed segment holds fewer records it is put aside, and the lines count."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)
    with whole.open("ab") as file:
        file.write(line(4))

    assert verify(run, mending=True).sound
    assert verify(run).faults == []
    assert verify(run).counts["episodes"] == 5


def test_a_damaged_sealed_segment_is_told_of(run: Run, whole: Path) -> None:
    """The rest is counted."""
    (whole.parent / "000001.parquet").write_bytes(b"PAR1 no PAR1")

    verdict = verify(run, mending=True)

    assert _codes(verdict) == [(DAMAGED, False)]
    assert verdict.counts["episodes"] == 2


@pytest.mark.parametrize(("removed", "behind"), [(1, "000002"), (2, "000003")])
def test_a_missing_segment_is_told_of_once(run: Run, whole: Path, line: Line, removed: int, behind: str) -> None:
    """The first one too."""
    for number in (3, 4):
        (whole.parent / f"00000{number}.jsonl").write_bytes(line(number))
    next(whole.parent.glob(f"00000{removed}.*")).unlink()

    verdict = verify(run)

    assert _codes(verdict) == [(GAP, False)]
    assert behind in verdict.faults[0].message


def test_a_run_that_is_being_written_is_not_mended(run: Run, whole: Path) -> None:
    """Its last line may be on its way."""
    whole.write_bytes(whole.read_bytes()[:-3])
    lock = WriterLock(run.layout.lock)
    before = whole.read_bytes()

    verdict = verify(run, mending=True)
    lock.release()

    assert verdict.live
    assert whole.read_bytes() == before


def test_a_run_whose_lock_cannot_be_had_is_not_mended(run: Run, whole: Path) -> None:
    """Here a folder lies in its place, elsewhere the disk is read-only; it is checked all the same."""
    run.layout.lock.mkdir()
    whole.write_bytes(whole.read_bytes()[:-3])

    assert _codes(verify(run, mending=True)) == [(IRREGULAR, False), (TORN_END, False)]


def test_a_stream_whose_folder_is_gone_is_told_of(run: Run) -> None:
    """A writer makes all of them, also those that it has no record for."""
    shutil.rmtree(run.layout.stream("scalars"))

    assert _codes(verify(run, mending=True)) == [(FOLDER, False)]


@pytest.mark.usefixtures("whole")
def test_records_that_the_header_knows_of_and_that_are_not_there_are_told_of(run: Run) -> None:
    """Here a whole segment, the last one, of a run that was closed."""
    header = run.header
    header.status, header.totals = "completed", {"episodes": 4}
    write_header(run.layout, header)

    assert verify(Run(run.path)).sound
    run.layout.segments("episodes")[-1].path.unlink()
    (fault,) = verify(Run(run.path)).faults

    assert fault.code == RECORDS
    assert fault.message == "2 records missing: run.json knows of 4, and 2 are there"


@pytest.mark.usefixtures("whole")
def test_records_that_were_lost_when_they_were_written_are_not_missed(run: Run) -> None:
    """The header counts them, and says that they were lost."""
    header = run.header
    header.status, header.totals, header.dropped_records = "completed", {"episodes": 6}, {"records": 2}
    write_header(run.layout, header)

    assert verify(Run(run.path)).sound


# ---------------------------------------------------------------------- checksums


def test_a_sealed_segment_that_reads_well_but_has_changed_is_told_of(run: Run, whole: Path) -> None:
    """Here in the name of the program that wrote it, which no reader looks at."""
    first = whole.parent / "000001.parquet"
    first.write_bytes(first.read_bytes().replace(b"DuckDB", b"DackDB"))

    assert len(list(run.records("episodes"))) == 4
    assert _codes(verify(run)) == [(DAMAGED, False)]


def test_segments_without_a_checksum_are_counted_and_sound(run: Run, whole: Path) -> None:
    """A release before checksums sealed them."""
    first = whole.parent / "000001.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM '{first}') TO '{whole.parent}/old' (FORMAT parquet)")
    (whole.parent / "old").replace(first)

    verdict = verify(run)

    assert (verdict.sound, verdict.unchecked, verdict.counts["episodes"]) == (True, 1, 4)


def test_a_reader_may_verify_its_run(run: Run, whole: Path) -> None:
    """Without a command, and without changing anything."""
    whole.write_bytes(whole.read_bytes()[:-3])

    assert _codes(run.verify()) == [(TORN_END, False)]


def test_a_digit_changed_in_a_line_of_a_closed_run_is_told_of(run: Run, whole: Path) -> None:
    """The line is still a record."""
    write_sums(run.layout)
    whole.write_bytes(whole.read_bytes().replace(b"0.5", b"0.7", 1))

    assert _codes(verify(run)) == [(CHANGED, False)]


@pytest.mark.parametrize("at", [0, 1])
def test_a_doubled_line_is_told_of(run: Run, whole: Path, at: int) -> None:
    """Whether the copy is behind its original or further on; a run that was never closed has no checksum of it."""
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join([*lines, lines[at]]))

    (fault,) = verify(run).faults

    assert (fault.code, fault.message.partition(":")[0]) == (DOUBLED, "1 lines are exact copies of others")


def test_a_line_doubled_after_the_run_was_closed_is_told_of(run: Run, whole: Path) -> None:
    """Its checksum tells, and the copy is named."""
    write_sums(run.layout)
    whole.write_bytes(2 * whole.read_bytes())

    (fault,) = verify(run).faults

    assert (fault.code, fault.message.partition("; ")[2]) == (CHANGED, "2 lines are exact copies of others")


def test_a_record_that_was_logged_twice_is_no_fault_of_a_closed_run(run: Run, whole: Path) -> None:
    """The checksum says that it was written so."""
    whole.write_bytes(2 * whole.read_bytes())
    write_sums(run.layout)

    assert verify(run).faults == []


# ---------------------------------------------------------------------- while it is written


class Sealing(Layout):
    """Seals a segment right after it was listed as lines."""

    def segments(self, stream: str) -> list[Segment]:
        listed = super().segments(stream)
        for segment in listed:
            if not segment.sealed:
                seal(segment.path)
        return listed


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("mending", [False, True])
def test_a_segment_sealed_between_listing_and_reading_is_sound(run: Run, mending: bool) -> None:
    """Nothing is raised, and every record is counted once."""
    run.layout = Sealing(run.path)

    verdict = verify(run, mending=mending)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 4)


def test_a_segment_listed_between_the_last_steps_of_sealing_is_sound(run: Run, whole: Path, tmp_path: Path) -> None:
    """Its lines are gone when it is looked at again."""
    shutil.copy(whole, tmp_path / "lines")
    seal(whole)
    shutil.copy(tmp_path / "lines", whole)
    looks = iter([False])

    class Late(Layout):
        """The lines go after the first listing has been read."""

        def segments(self, stream: str) -> list[Segment]:
            if stream == "episodes" and next(looks, True):
                whole.unlink(missing_ok=True)
            return super().segments(stream)

    run.layout = Late(run.path)

    verdict = verify(run)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 4)


def test_a_segment_that_a_listing_missed_is_no_gap(run: Run, whole: Path, line: Line) -> None:
    """A listing during a renaming may see neither of the two names."""
    (whole.parent / "000003.jsonl").write_bytes(line(4))
    missing = [True]

    class Missing(Layout):
        """Misses the second segment once."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            return listed[:1] + listed[2:] if listed and missing and missing.pop() else listed

    run.layout = Missing(run.path)

    verdict = verify(run)

    assert (verdict.faults, verdict.counts["episodes"]) == ([], 5)


def test_a_segment_removed_while_it_is_checked_is_told_of(run: Run, whole: Path) -> None:
    """By somebody who tidies up: nothing is raised."""

    class Removing(Layout):
        """Removes the second segment once it was listed."""

        def segments(self, stream: str) -> list[Segment]:
            listed = super().segments(stream)
            whole.unlink(missing_ok=True)
            return listed

    run.layout = Removing(run.path)

    assert _codes(verify(run)) == [(GAP, False)]


# ---------------------------------------------------------------------- what is not a regular file


def _outside(run: Run, line: Line) -> Path:
    """A file that is not of the run, with an end that is torn."""
    outside = run.path.parent / "outside.jsonl"
    outside.write_bytes(line(0) + b"{torn")
    return outside


@pytest.mark.parametrize("place", ["episodes/000001.jsonl", "episodes/000003.parquet", "episodes/000002.torn"])
@pytest.mark.parametrize("pipe", [False, True], ids=["link", "pipe"])
def test_what_stands_in_a_files_place_is_told_of_and_left_alone(run: Run, line: Line, place: str, pipe: bool) -> None:
    """A link may lead out of the run, and a named pipe would never be read to its end."""
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
def test_what_stands_in_a_folders_place_is_told_of(
    run: Run, place: str, make: Callable[[Path], None], kind: str
) -> None:
    """It is not called a folder that is gone."""
    (run.path / place).rmdir()
    make(run.path / place)

    assert [(fault.code, fault.message) for fault in verify(run).faults] == [
        (IRREGULAR, f"Is {kind}, not a folder: move it out of the run; it is neither read nor written")
    ]


@pytest.mark.parametrize("place", ["episodes", "artifacts", "writer.lock"])
def test_a_link_in_the_place_of_a_folder_or_of_the_lock_is_told_of(run: Run, line: Line, place: str) -> None:
    """Where it leads, nothing is read or written."""
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


def test_a_segment_with_a_second_name_is_mended_without_changing_the_other(run: Run, folder: Path, line: Line) -> None:
    """A hard link, as backups make them: the run gets a copy of its own."""
    outside = _outside(run, line)
    os.link(outside, folder / "000001.jsonl")

    assert _codes(verify(run, mending=True)) == [(TORN_END, True)]
    assert outside.read_bytes() == line(0) + b"{torn"
    assert (folder / "000001.jsonl").read_bytes() == line(0)

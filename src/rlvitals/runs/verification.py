"""Verification of a run folder, and repair of faults that can be repaired without losing data.

A run can be written and sealed while it is verified. A segment with a fault is therefore checked again if its files
have changed meanwhile.
"""

import contextlib
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from rlvitals.errors import RunFormatError, RunLockedError
from rlvitals.files.regular_files import IrregularFileError, is_folder, is_regular, read_regular
from rlvitals.formatting import counted
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.runs import checksum
from rlvitals.runs.durability import put_in_place
from rlvitals.runs.folder import RunFolder, is_abandoned, records_in, rewinds_of
from rlvitals.runs.header import ENDED, Header, Rewind
from rlvitals.runs.layout import ARTIFACTS, HEADER, LOCK, OPEN, SUMS, TORN, Layout, Segment, irregular_in
from rlvitals.runs.lock import Heartbeat, WriterLock, read_heartbeat
from rlvitals.runs.torn import lines_of, mend, whole_until

TORN_END = "torn-end"
TORN_LINE = "torn-line"
DAMAGED = "damaged-segment"
TWICE = "segment-twice"
GAP = "segment-missing"
FOLDER = "folder-missing"
RECORDS = "records-missing"
CHANGED = "changed-lines"
DOUBLED = "doubled-lines"
IRREGULAR = "irregular-file"

PASSING = frozenset({TORN_END, TWICE, DOUBLED})
"""Faults that a run can have for a short time while it is written, or that can be decided only after it has ended."""

_ASIDE = ".damaged"
_LOOKS = 5
"""Maximum number of checks of a segment. Sealing changes a segment twice: it adds the rows, then removes the lines."""


class Fault(NamedTuple):
    """A fault of a run folder.

    Attributes:
        code: Kind of fault.
        path: Path of the file or folder.
        message: Description of the fault, in one sentence.
        mended: Whether the fault was repaired.
    """

    code: str
    path: Path
    message: str
    mended: bool = False


class Verification(NamedTuple):
    """Result of the verification of a run folder.

    Attributes:
        counts: Number of readable records by stream.
        faults: Faults of the folder.
        live: Whether a writer holds the lock, so that nothing was repaired.
        unchecked: Number of sealed segments without a checksum, which earlier versions wrote.
    """

    counts: dict[str, int]
    faults: list[Fault]
    live: bool
    unchecked: int = 0

    @property
    def sound(self) -> bool:
        """Whether there are no faults, or all faults were repaired."""
        return all(fault.mended for fault in self.faults)


def verify(run: RunFolder, *, mending: bool = False) -> Verification:
    """Read every record of a run and compare every segment with its checksum.

    Args:
        run: Run to verify; it can be live.
        mending: Whether to repair faults, such as torn tails, unless a process is writing to the run. Truncated tails
            are kept in separate files.

    Returns:
        The number of readable records and the faults.

    Raises:
        RunFormatError: The header is missing or damaged.
        OSError: A file cannot be read or repaired.
    """
    with contextlib.ExitStack() as stack:
        live = False
        if mending:
            try:
                stack.callback(WriterLock(run.layout.lock).release)
            except RunLockedError:
                live, mending = True, False
            except OSError:  # a read-only disk
                mending = False
        # Read the heartbeat before the records, so that records of a live writer can only exceed its counts.
        header, beat = run.header, read_heartbeat(run.layout.lock)
        tally = _Tally(rewinds_of(header), _last_session(header, beat))
        faults = _irregular(path for path in (run.layout.lock, run.layout.artifacts) if os.path.lexists(path))
        sums = checksum.read_sums(run.layout)
        for stream in STREAMS:
            faults += _check_stream(run.layout, stream, tally, sums, mending=mending)
        if beat is not None and tally.of_session >= beat.records and len(tally.session) == len(header.writers):
            # All written records exist, so a missing folder was empty. Some copy tools leave out empty folders.
            faults = [fault for fault in faults if fault.code != FOLDER]
        if beat is not None and header.ended is not None and tally.holds_exactly(beat.records, header):
            # The number of records equals the number of logged ones, so equal lines were logged twice.
            faults = [fault for fault in faults if fault.code != DOUBLED]
        faults += _check_counts(run.layout, tally, header, beat, faults)
        return Verification(tally.counts, faults, live, tally.unchecked)


class _Tally:
    """Counts of the readable records: by stream, by stream without abandoned branches, and of the last session."""

    def __init__(self, rewinds: list[tuple[int, Rewind]], session: frozenset[int]) -> None:
        self.counts = dict.fromkeys(STREAMS, 0)
        self.going_on = dict.fromkeys(STREAMS, 0)
        self.of_session = 0
        self.unchecked = 0
        self._rewinds = rewinds
        self.session = session

    def take(self, stream: str, records: Iterable[Record]) -> None:
        """Count records of a stream."""
        for record in records:
            self.counts[stream] += 1
            self.going_on[stream] += not is_abandoned(record, self._rewinds)
            self.of_session += record.writer in self.session

    def holds_exactly(self, records: int, header: Header) -> bool:
        """Return whether the run has exactly this number of records, all from one session."""
        return self.of_session == records and len(self.session) == len(header.writers)


def _last_session(header: Header, beat: Heartbeat | None) -> frozenset[int]:
    """Return the writer numbers of the process in the last heartbeat. A process has several if it rewound the run."""
    found = itertools.takewhile(
        lambda writer: beat is not None and (writer.host, writer.pid) == (beat.host, beat.pid), reversed(header.writers)
    )
    return frozenset(writer.writer for writer in found)


def _check_counts(
    layout: Layout, tally: _Tally, header: Header, beat: Heartbeat | None, found: list[Fault]
) -> list[Fault]:
    """Compare the number of records with the totals in the header and in the last heartbeat."""
    faults: list[Fault] = []
    # Torn and damaged segments lack records and are already reported.
    told = {
        place for fault in found if fault.code not in {FOLDER, CHANGED} for place in (fault.path, fault.path.parent)
    }
    lost = header.dropped_records.get("records", 0)
    for stream in STREAMS if header.status in ENDED else ():
        missing = header.totals.get(stream, 0) - tally.going_on[stream] - lost
        if missing > 0 and layout.stream(stream) not in told:
            known = f"{HEADER} counts {header.totals[stream]}, but {tally.going_on[stream]} exist"
            faults.append(Fault(RECORDS, layout.stream(stream), f"{counted(missing, 'record')} missing: {known}"))
    if beat is not None and tally.of_session < beat.records and not faults and not found:
        known = f"{LOCK} counts {beat.records} in the last session, but {tally.of_session} exist"
        gone = counted(beat.records - tally.of_session, "record")
        faults.append(Fault(RECORDS, layout.path, f"{gone} missing: {known}"))
    return faults


def _irregular(paths: Iterable[Path]) -> list[Fault]:
    """Return a fault for each path that is a link, a named pipe, a device, or a folder instead of a file."""
    faults: list[Fault] = []
    for path in paths:
        is_place = path.name in {*STREAMS, ARTIFACTS}
        wanted, there = ("a folder", is_folder) if is_place else ("a regular file", is_regular)
        with contextlib.suppress(FileNotFoundError):  # removed since it was listed
            if not there(path):
                said = IrregularFileError(path, path.lstat().st_mode, wanted).strerror
                faults.append(Fault(IRREGULAR, path, f"{said}; it is neither read nor written"))
    return faults


def _check_stream(
    layout: Layout, stream: str, tally: _Tally, sums: Mapping[Path, str], *, mending: bool
) -> list[Fault]:
    if not is_folder(layout.stream(stream)):
        message = (
            "the folder is missing, with all its records; if it was empty, create an empty folder to repair the run"
        )
        return _irregular([layout.stream(stream)]) or [Fault(FOLDER, layout.stream(stream), message)]
    irregular = irregular_in(layout.stream(stream))
    asides = [path for path in layout.stream(stream).glob(f"*{TORN}") if not is_regular(path)]
    faults = _irregular([*irregular, *asides])
    taken = {int(path.stem) for path in irregular}
    before = 0
    for segment in _listed(layout, stream):
        if not taken.issuperset(range(before + 1, segment.number)):
            faults.append(Fault(GAP, segment.path, f"segments are missing before {segment.path.name}"))
        before = segment.number
        found = _check_segment(layout, stream, segment, sums, mending=mending)
        tally.take(stream, found.records)
        tally.unchecked += found.unchecked
        faults += found.faults
    return faults


def _listed(layout: Layout, stream: str) -> list[Segment]:
    """Return the segments of a stream. List them again if one is missing: it can be sealed during the listing."""
    listed: list[Segment] = []
    for _ in range(_LOOKS):
        listed = layout.segments(stream)
        if [segment.number for segment in listed] == list(range(1, len(listed) + 1)):
            break
    return listed


class _SegmentCheck(NamedTuple):
    """Records and faults of one segment."""

    records: list[Record]
    faults: list[Fault]
    unchecked: bool = False


def _check_segment(
    layout: Layout, stream: str, segment: Segment, sums: Mapping[Path, str], *, mending: bool
) -> _SegmentCheck:
    """Check a segment. Check it again if it has a fault and was sealed meanwhile."""
    found = _SegmentCheck([], [Fault(DAMAGED, segment.path, "cannot be read: it is replaced repeatedly")])
    for _ in range(_LOOKS):
        twice = _is_twice(segment)
        try:
            found = _look_at(segment, stream, sums, twice=twice, mending=mending)
        except FileNotFoundError:
            pass
        else:
            if not found.faults or any(fault.mended for fault in found.faults):
                break
        now = next((one for one in layout.segments(stream) if one.number == segment.number), None)
        if now is None:
            return _SegmentCheck([], [Fault(GAP, segment.path, "was removed during the verification")])
        if now == segment and _is_twice(now) == twice:
            break
        segment = now
    return found


def _is_twice(segment: Segment) -> bool:
    return segment.sealed and segment.path.with_suffix(OPEN).exists()


def _look_at(segment: Segment, stream: str, sums: Mapping[Path, str], *, twice: bool, mending: bool) -> _SegmentCheck:
    faults: list[Fault] = []
    if twice:
        fault, segment = _undouble(segment, stream, mending=mending)
        faults.append(fault)
    if not segment.sealed:
        records, wrong = _check_open(segment, stream, sums, mending=mending)
        return _SegmentCheck(records, faults + wrong)
    found = _check_sealed(segment, stream)
    return found._replace(faults=faults + found.faults)


def _undouble(segment: Segment, stream: str, *, mending: bool) -> tuple[Fault, Segment]:
    """Keep one of the two files of a segment: the sealed one unless it has fewer records. Return the kept segment."""
    lines = segment._replace(path=segment.path.with_suffix(OPEN))
    rows, damage, _ = _check_sealed(segment, stream)
    if not damage and len(rows) >= sum(1 for _ in records_in(lines, STREAMS[stream])):
        if mending:
            lines.path.unlink(missing_ok=True)
        message = f"also exists as the sealed segment {segment.path.name}, which is used"
        return Fault(TWICE, lines.path, message, mended=mending), segment
    message = f"has fewer records than {lines.path.name}; the repair renames it to {segment.path.name}{_ASIDE}"
    if not mending:
        return Fault(DAMAGED, segment.path, message), segment
    put_in_place(segment.path, segment.path.with_name(segment.path.name + _ASIDE))
    return Fault(DAMAGED, segment.path, message, mended=True), lines


def _check_sealed(segment: Segment, stream: str) -> _SegmentCheck:
    checked = checksum.check(segment.path)
    if checked is checksum.Checked.WRONG:
        message = "its content has changed since it was sealed: the checksum does not match"
        return _SegmentCheck([], [Fault(DAMAGED, segment.path, message)])
    try:
        records = list(records_in(segment, STREAMS[stream]))
    except RunFormatError as error:
        return _SegmentCheck([], [Fault(DAMAGED, segment.path, str(error))])
    return _SegmentCheck(records, [], checked is checksum.Checked.ABSENT)


def _check_open(
    segment: Segment, stream: str, sums: Mapping[Path, str], *, mending: bool
) -> tuple[list[Record], list[Fault]]:
    unpack = codec_of(STREAMS[stream]).unpack
    content = read_regular(segment.path)
    lines = list(lines_of(content, unpack))
    whole = [record for _, record in lines if record is not None]
    trailing = next((place for place, (_, record) in enumerate(reversed(lines)) if record is not None), len(lines))
    # Text that was added after the end is reported as a torn tail.
    written = content[: whole_until(content, unpack)] if trailing or not content.endswith(b"\n") else content
    faults = _compare(segment, written, [line for line, record in lines if record is not None], sums)
    inside = len(lines) - len(whole) - trailing
    if inside:
        faults.append(
            Fault(TORN_LINE, segment.path, f"{inside} lines inside the segment cannot be read and are skipped")
        )
    if trailing or (content and not content.endswith(b"\n")):
        cut = mend(segment.path, unpack) if mending else 0
        done = f"{cut} bytes were truncated and kept in a separate file" if mending else "its tail is torn"
        faults.append(Fault(TORN_END, segment.path, done, mended=mending))
    return whole, faults


def _compare(segment: Segment, content: bytes, lines: list[bytes], sums: Mapping[Path, str]) -> list[Fault]:
    """Compare lines with their checksum. Without one, find repeated lines, because each record has its own time."""
    doubled = len(lines) - len(set(lines))
    copies = f"{counted(doubled, 'line')} {'is an exact copy' if doubled == 1 else 'are exact copies'} of other lines"
    if checksum.is_changed(segment.path, content, sums):
        message = f"its content has changed since the run was closed: the checksum in {SUMS} does not match"
        return [Fault(CHANGED, segment.path, message + (f"; {copies}" if doubled else ""))]
    if doubled and segment.path not in sums:
        return [Fault(DOUBLED, segment.path, f"{copies}: they were written twice, or logged twice with the same time")]
    return []

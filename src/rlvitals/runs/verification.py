"""Checking a run folder, and mending what can be mended without losing anything.

A run may be written and sealed while it is checked. Whatever is found wrong with a segment is therefore looked at again
if the segment's files have changed meanwhile.
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
"""Faults that a run has for a moment while it is written, or that only its end decides."""

_ASIDE = ".damaged"
_LOOKS = 5
"""A segment changes twice in its life: rows appear beside its lines, then the lines go."""


class Fault(NamedTuple):
    """One thing wrong with a run folder.

    Attributes:
        code: What kind of thing.
        path: Where.
        message: What, in one sentence.
        mended: Whether it was put right.
    """

    code: str
    path: Path
    message: str
    mended: bool = False


class Verification(NamedTuple):
    """What a check of a folder found.

    Attributes:
        counts: Records that can be read, by stream.
        faults: What is wrong.
        live: Whether a writer holds the run, so that nothing was mended.
        unchecked: Sealed segments without a checksum, which releases before checksums wrote.
    """

    counts: dict[str, int]
    faults: list[Fault]
    live: bool
    unchecked: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, or everything that was has been mended."""
        return all(fault.mended for fault in self.faults)


def verify(run: RunFolder, *, mending: bool = False) -> Verification:
    """Read every record of a run, and compare every segment with its checksum.

    Args:
        run: The run; it may be live.
        mending: Whether torn ends are cut off (and kept aside), if nobody writes to the run.

    Raises:
        RunFormatError: The header is gone or damaged.
        OSError: A file cannot be read, or not be mended.
    """
    with contextlib.ExitStack() as stack:
        live = False
        if mending:
            try:
                stack.callback(WriterLock(run.layout.lock).release)
            except RunLockedError:
                live, mending = True, False
            except OSError:  # a disk that can only be read
                mending = False
        # Before the records: what a live writer adds meanwhile is more, not less.
        header, beat = run.header, read_heartbeat(run.layout.lock)
        tally = _Tally(rewinds_of(header), _last_session(header, beat))
        faults = _irregular(path for path in (run.layout.lock, run.layout.artifacts) if os.path.lexists(path))
        sums = checksum.read_sums(run.layout)
        for stream in STREAMS:
            faults += _check_stream(run.layout, stream, tally, sums, mending=mending)
        if beat is not None and tally.of_session >= beat.records and len(tally.session) == len(header.writers):
            # All that was ever written is there: what is gone was empty, and some ways to copy leave such folders out.
            faults = [fault for fault in faults if fault.code != FOLDER]
        if beat is not None and header.ended is not None and tally.holds_exactly(beat.records, header):
            # As many as were logged: what looks doubled was logged twice.
            faults = [fault for fault in faults if fault.code != DOUBLED]
        faults += _check_counts(run.layout, tally, header, beat, faults)
        return Verification(tally.counts, faults, live, tally.unchecked)


class _Tally:
    """Counts the records that can be read: those of each stream, those on the branch that goes on, and of a session."""

    def __init__(self, rewinds: list[tuple[int, Rewind]], session: frozenset[int]) -> None:
        self.counts = dict.fromkeys(STREAMS, 0)
        self.going_on = dict.fromkeys(STREAMS, 0)
        self.of_session = 0
        self.unchecked = 0
        self._rewinds = rewinds
        self.session = session

    def take(self, stream: str, records: Iterable[Record]) -> None:
        """Count some records of a stream."""
        for record in records:
            self.counts[stream] += 1
            self.going_on[stream] += not is_abandoned(record, self._rewinds)
            self.of_session += record.writer in self.session

    def holds_exactly(self, records: int, header: Header) -> bool:
        """Whether so many records are there, all of one session."""
        return self.of_session == records and len(self.session) == len(header.writers)


def _last_session(header: Header, beat: Heartbeat | None) -> frozenset[int]:
    """The numbers of the writers that were the process of the last sign of life; a rewind gives it another one."""
    found = itertools.takewhile(
        lambda writer: beat is not None and (writer.host, writer.pid) == (beat.host, beat.pid), reversed(header.writers)
    )
    return frozenset(writer.writer for writer in found)


def _check_counts(
    layout: Layout, tally: _Tally, header: Header, beat: Heartbeat | None, found: list[Fault]
) -> list[Fault]:
    """Hold the records that there are against those that the header and the last sign of life know of."""
    faults: list[Fault] = []
    # What is torn or damaged is told of already, and lacks records.
    told = {
        place for fault in found if fault.code not in {FOLDER, CHANGED} for place in (fault.path, fault.path.parent)
    }
    lost = header.dropped_records.get("records", 0)
    for stream in STREAMS if header.status in ENDED else ():
        missing = header.totals.get(stream, 0) - tally.going_on[stream] - lost
        if missing > 0 and layout.stream(stream) not in told:
            known = f"{HEADER} knows of {header.totals[stream]}, and {tally.going_on[stream]} are there"
            faults.append(Fault(RECORDS, layout.stream(stream), f"{counted(missing, 'record')} missing: {known}"))
    if beat is not None and tally.of_session < beat.records and not faults and not found:
        known = f"its last session wrote {beat.records}, as {LOCK} knows, and {tally.of_session} are there"
        gone = counted(beat.records - tally.of_session, "record")
        faults.append(Fault(RECORDS, layout.path, f"{gone} missing: {known}"))
    return faults


def _irregular(paths: Iterable[Path]) -> list[Fault]:
    """A fault for each path that is a link, a named pipe, a device, or a folder in a file's place."""
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
        message = "the folder is gone, with all that was in it; if nothing was, an empty one makes the run sound"
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
    """The segments of a stream; listed again if one is missing: its lines may have become rows during the listing."""
    listed: list[Segment] = []
    for _ in range(_LOOKS):
        listed = layout.segments(stream)
        if [segment.number for segment in listed] == list(range(1, len(listed) + 1)):
            break
    return listed


class _SegmentCheck(NamedTuple):
    """What one segment holds, and what is wrong with it."""

    records: list[Record]
    faults: list[Fault]
    unchecked: bool = False


def _check_segment(
    layout: Layout, stream: str, segment: Segment, sums: Mapping[Path, str], *, mending: bool
) -> _SegmentCheck:
    """Check a segment; again if it was sealed meanwhile, and something seems wrong."""
    found = _SegmentCheck([], [Fault(DAMAGED, segment.path, "cannot be read: it is replaced again and again")])
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
            return _SegmentCheck([], [Fault(GAP, segment.path, "was removed while it was read")])
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
    """Keep one of a segment's two files, the sealed one unless it holds less; give the one that counts from now on."""
    lines = segment._replace(path=segment.path.with_suffix(OPEN))
    rows, damage, _ = _check_sealed(segment, stream)
    if not damage and len(rows) >= sum(1 for _ in records_in(lines, STREAMS[stream])):
        if mending:
            lines.path.unlink(missing_ok=True)
        message = f"is there sealed as well ({segment.path.name}), which counts"
        return Fault(TWICE, lines.path, message, mended=mending), segment
    message = f"holds less than {lines.path.name}: it is to be put aside as {segment.path.name}{_ASIDE}"
    if not mending:
        return Fault(DAMAGED, segment.path, message), segment
    put_in_place(segment.path, segment.path.with_name(segment.path.name + _ASIDE))
    return Fault(DAMAGED, segment.path, message, mended=True), lines


def _check_sealed(segment: Segment, stream: str) -> _SegmentCheck:
    checked = checksum.check(segment.path)
    if checked is checksum.Checked.WRONG:
        message = "its bytes are not those that were sealed: the checksum does not match"
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
    # What was added behind the end is told of as torn.
    written = content[: whole_until(content, unpack)] if trailing or not content.endswith(b"\n") else content
    faults = _compare(segment, written, [line for line, record in lines if record is not None], sums)
    inside = len(lines) - len(whole) - trailing
    if inside:
        faults.append(Fault(TORN_LINE, segment.path, f"{inside} lines inside cannot be read, and are passed over"))
    if trailing or (content and not content.endswith(b"\n")):
        cut = mend(segment.path, unpack) if mending else 0
        done = f"{cut} bytes were cut off and kept aside" if mending else "its end is torn"
        faults.append(Fault(TORN_END, segment.path, done, mended=mending))
    return whole, faults


def _compare(segment: Segment, content: bytes, lines: list[bytes], sums: Mapping[Path, str]) -> list[Fault]:
    """Compare lines with their checksum; without one only repeated lines can be told, as each record has its time."""
    doubled = len(lines) - len(set(lines))
    copies = f"{doubled} lines are exact copies of others"
    if checksum.is_changed(segment.path, content, sums):
        message = f"its bytes are not those that were written: the checksum in {SUMS} does not match"
        return [Fault(CHANGED, segment.path, message + (f"; {copies}" if doubled else ""))]
    if doubled and segment.path not in sums:
        return [Fault(DOUBLED, segment.path, f"{copies}: written twice, or logged twice with one time")]
    return []

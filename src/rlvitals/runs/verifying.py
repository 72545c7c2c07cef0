"""Checking a run folder, and mending what can be mended without losing anything."""

import contextlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from rlvitals.errors import RunFormatError, RunLockedError
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.runs.folder import RunFolder, is_abandoned, records_in, rewinds_of
from rlvitals.runs.header import ENDED, Header, Rewind
from rlvitals.runs.layout import HEADER, LOCK, OPEN, Layout, Segment
from rlvitals.runs.lock import Heartbeat, WriterLock, read_heartbeat
from rlvitals.runs.torn import lines_of, mend

TORN_END = "torn-end"
TORN_LINE = "torn-line"
DAMAGED = "damaged-segment"
TWICE = "segment-twice"
GAP = "segment-missing"
FOLDER = "folder-missing"
RECORDS = "records-missing"

_ASIDE = ".damaged"


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


class Verdict(NamedTuple):
    """What a check of a folder found.

    Attributes:
        counts: Records that can be read, by stream.
        faults: What is wrong.
        live: Whether a writer holds the run, so that nothing was mended.
    """

    counts: dict[str, int]
    faults: list[Fault]
    live: bool

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong, or everything that was has been mended."""
        return all(fault.mended for fault in self.faults)


def verify(run: RunFolder, *, mending: bool = False) -> Verdict:
    """Read every record of a run.

    Args:
        run: The run.
        mending: Whether torn ends are cut off (and kept aside), if nobody writes to the run.
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
        faults: list[Fault] = []
        for stream in STREAMS:
            faults += _check_stream(run.layout, stream, tally, mending=mending)
        if beat is not None and tally.of_session >= beat.records and len(tally.session) == len(header.writers):
            # All that was ever written is there: what is gone was empty, and some ways to copy leave such folders out.
            faults = [fault for fault in faults if fault.code != FOLDER]
        faults += _check_counts(run.layout, tally, header, beat, faults)
        return Verdict(tally.counts, faults, live)


class _Tally:
    """Counts the records that can be read: those of each stream, those on the branch that goes on, and of a session."""

    def __init__(self, rewinds: list[tuple[int, Rewind]], session: frozenset[int]) -> None:
        self.counts = dict.fromkeys(STREAMS, 0)
        self.going_on = dict.fromkeys(STREAMS, 0)
        self.of_session = 0
        self._rewinds = rewinds
        self.session = session

    def take(self, stream: str, records: Iterable[Record]) -> None:
        """Count some records of a stream."""
        for record in records:
            self.counts[stream] += 1
            self.going_on[stream] += not is_abandoned(record, self._rewinds)
            self.of_session += record.writer in self.session


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
    told = {fault.path.parent for fault in found if fault.code != FOLDER}
    lost = header.losses.get("records", 0)
    for stream in STREAMS if header.status in ENDED else ():
        missing = header.totals.get(stream, 0) - tally.going_on[stream] - lost
        if missing > 0 and layout.stream(stream) not in told:
            known = f"{HEADER} knows of {header.totals[stream]}, and {tally.going_on[stream]} are there"
            faults.append(Fault(RECORDS, layout.stream(stream), f"{missing} records are missing: {known}"))
    if beat is not None and tally.of_session < beat.records and not faults and not found:
        known = f"its last session wrote {beat.records}, as {LOCK} knows, and {tally.of_session} are there"
        faults.append(Fault(RECORDS, layout.path, f"{beat.records - tally.of_session} records are missing: {known}"))
    return faults


def _check_stream(layout: Layout, stream: str, tally: _Tally, *, mending: bool) -> list[Fault]:
    if not layout.stream(stream).is_dir():
        message = "the folder is gone, with all that was in it; if nothing was, an empty one makes the run sound"
        return [Fault(FOLDER, layout.stream(stream), message)]
    faults: list[Fault] = []
    before = 0
    for listed in layout.segments(stream):
        segment = listed
        if segment.number != before + 1:
            faults.append(Fault(GAP, segment.path, f"segments are missing before {segment.path.name}"))
        before = segment.number
        if segment.sealed and segment.path.with_suffix(OPEN).exists():
            fault, segment = _undouble(segment, stream, mending=mending)
            faults.append(fault)
        records, wrong = (
            _check_sealed(segment, stream) if segment.sealed else _check_open(segment, stream, mending=mending)
        )
        tally.take(stream, records)
        faults += wrong
    return faults


def _undouble(segment: Segment, stream: str, *, mending: bool) -> tuple[Fault, Segment]:
    """Keep one of a segment's two files, the sealed one unless it holds less; give the one that counts from now on."""
    lines = segment._replace(path=segment.path.with_suffix(OPEN))
    rows, damage = _check_sealed(segment, stream)
    if not damage and len(rows) >= sum(1 for _ in records_in(lines, STREAMS[stream])):
        if mending:
            lines.path.unlink()
        message = f"is there sealed as well ({segment.path.name}), which counts"
        return Fault(TWICE, lines.path, message, mended=mending), segment
    message = f"holds less than {lines.path.name}: it is to be put aside as {segment.path.name}{_ASIDE}"
    if not mending:
        return Fault(TWICE, segment.path, message), segment
    segment.path.rename(segment.path.with_name(segment.path.name + _ASIDE))
    return Fault(TWICE, segment.path, message, mended=True), lines


def _check_sealed(segment: Segment, stream: str) -> tuple[list[Record], list[Fault]]:
    try:
        return list(records_in(segment, STREAMS[stream])), []
    except RunFormatError as error:
        return [], [Fault(DAMAGED, segment.path, str(error))]


def _check_open(segment: Segment, stream: str, *, mending: bool) -> tuple[list[Record], list[Fault]]:
    unpack = codec_of(STREAMS[stream]).unpack
    content = segment.path.read_bytes()
    parsed = [record for _, record in lines_of(content, unpack)]
    whole = [record for record in parsed if record is not None]
    trailing = next((place for place, record in enumerate(reversed(parsed)) if record is not None), len(parsed))
    faults: list[Fault] = []
    inside = len(parsed) - len(whole) - trailing
    if inside:
        faults.append(Fault(TORN_LINE, segment.path, f"{inside} lines inside cannot be read, and are passed over"))
    if trailing or (content and not content.endswith(b"\n")):
        cut = mend(segment.path, unpack) if mending else 0
        done = f"{cut} bytes were cut off and kept aside" if mending else "its end is torn"
        faults.append(Fault(TORN_END, segment.path, done, mended=mending))
    return whole, faults

"""Checking a run folder, and mending what can be mended without losing anything."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from rlvitals.errors import RunFormatError, RunLockedError
from rlvitals.records import STREAMS, codec_of
from rlvitals.runs.folder import RunFolder, records_in
from rlvitals.runs.layout import OPEN, Layout, Segment
from rlvitals.runs.lock import WriterLock
from rlvitals.runs.torn import lines_of, mend

TORN_END = "torn-end"
TORN_LINE = "torn-line"
DAMAGED = "damaged-segment"
TWICE = "segment-twice"
GAP = "segment-missing"

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
        counts: dict[str, int] = {}
        faults: list[Fault] = []
        for stream in STREAMS:
            counts[stream], found = _check_stream(run.layout, stream, mending=mending)
            faults += found
        return Verdict(counts, faults, live)


def _check_stream(layout: Layout, stream: str, *, mending: bool) -> tuple[int, list[Fault]]:
    count = 0
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
        found, wrong = (
            _check_sealed(segment, stream) if segment.sealed else _check_open(segment, stream, mending=mending)
        )
        count += found
        faults += wrong
    return count, faults


def _undouble(segment: Segment, stream: str, *, mending: bool) -> tuple[Fault, Segment]:
    """Keep one of a segment's two files, the sealed one unless it holds less; give the one that counts from now on."""
    lines = segment._replace(path=segment.path.with_suffix(OPEN))
    rows, damage = _check_sealed(segment, stream)
    if not damage and rows >= sum(1 for _ in records_in(lines, STREAMS[stream])):
        if mending:
            lines.path.unlink()
        message = f"is there sealed as well ({segment.path.name}), which counts"
        return Fault(TWICE, lines.path, message, mended=mending), segment
    message = f"holds less than {lines.path.name}: it is to be put aside as {segment.path.name}{_ASIDE}"
    if not mending:
        return Fault(TWICE, segment.path, message), segment
    segment.path.rename(segment.path.with_name(segment.path.name + _ASIDE))
    return Fault(TWICE, segment.path, message, mended=True), lines


def _check_sealed(segment: Segment, stream: str) -> tuple[int, list[Fault]]:
    try:
        return sum(1 for _ in records_in(segment, STREAMS[stream])), []
    except RunFormatError as error:
        return 0, [Fault(DAMAGED, segment.path, str(error))]


def _check_open(segment: Segment, stream: str, *, mending: bool) -> tuple[int, list[Fault]]:
    unpack = codec_of(STREAMS[stream]).unpack
    content = segment.path.read_bytes()
    parsed = [record for _, record in lines_of(content, unpack)]
    whole = sum(record is not None for record in parsed)
    trailing = next((place for place, record in enumerate(reversed(parsed)) if record is not None), len(parsed))
    faults: list[Fault] = []
    inside = len(parsed) - whole - trailing
    if inside:
        faults.append(Fault(TORN_LINE, segment.path, f"{inside} lines inside cannot be read, and are passed over"))
    if trailing or (content and not content.endswith(b"\n")):
        cut = mend(segment.path, unpack) if mending else 0
        done = f"{cut} bytes were cut off and kept aside" if mending else "its end is torn"
        faults.append(Fault(TORN_END, segment.path, done, mended=mending))
    return whole, faults

"""The result of `rlvitals verify` for one run."""

import msgspec

from rlvitals.errors import RunError
from rlvitals.runs import verification
from rlvitals.runs.run import Run


class FaultEntry(msgspec.Struct, frozen=True):
    """One fault of a run folder; its path is relative to the folder."""

    code: str
    path: str
    message: str
    mended: bool


class VerifiedRun(msgspec.Struct, frozen=True):
    """What a check of one run found.

    Attributes:
        sound: Whether nothing is wrong, or everything that was has been mended.
        live: Whether the run is being written, so that nothing was mended.
        counts: Number of readable records by stream.
        unchecked: Sealed segments without a checksum, which releases before checksums wrote.
    """

    run_id: str
    path: str
    sound: bool
    live: bool
    counts: dict[str, int]
    unchecked: int
    faults: list[FaultEntry]


def verified(run: Run, *, mending: bool) -> VerifiedRun:
    """Check one run; what is no fault while a run is written is left out.

    Args:
        run: The run.
        mending: Whether to mend it, if nobody writes to it.

    Raises:
        RunError: It cannot be read, or not be mended.
    """
    try:
        found = verification.verify(run, mending=mending)
    except OSError as error:
        way_out = ": --check only looks" if mending else ""
        raise RunError(f"{error.filename or run.path}: {error.strerror or error}{way_out}") from None
    live = found.live or run.vitality().is_open
    faults = [
        FaultEntry(fault.code, str(fault.path.relative_to(run.path)), fault.message, fault.mended)
        for fault in found.faults
        # The end of a live stream may be half a line, and a segment be lines and rows, for a moment: that is no fault.
        if not (live and fault.code in verification.PASSING)
    ]
    sound = all(fault.mended for fault in faults)
    return VerifiedRun(run.run_id, str(run.path.absolute()), sound, live, found.counts, found.unchecked, faults)

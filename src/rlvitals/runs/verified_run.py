"""The result of `rlvitals verify` for one run."""

import msgspec

from rlvitals.errors import RunError
from rlvitals.runs import verification
from rlvitals.runs.run import Run


class FaultEntry(msgspec.Struct, frozen=True):
    """One fault of a run folder; its path is relative to the folder.

    Attributes:
        code: Code of the fault.
        path: Path of the damaged file, relative to the run folder.
        message: Description of the fault.
        mended: Whether it was repaired.
    """

    code: str
    path: str
    message: str
    mended: bool


class VerifiedRun(msgspec.Struct, frozen=True):
    """Result of the verification of one run.

    Attributes:
        run_id: Name of the run.
        path: Absolute path of the run folder.
        faults: Faults that were found.
        sound: Whether there are no faults, or all faults were repaired.
        live: Whether the run is being written, so that nothing was repaired.
        counts: Number of readable records by stream.
        unchecked: Number of sealed segments without a checksum, which earlier versions wrote.
    """

    run_id: str
    path: str
    sound: bool
    live: bool
    counts: dict[str, int]
    unchecked: int
    faults: list[FaultEntry]


def verified(run: Run, *, mending: bool) -> VerifiedRun:
    """Verify one run. Faults that are normal while a run is being written are left out.

    Args:
        run: Run to verify.
        mending: Whether to repair the run, unless a process is writing to it.

    Raises:
        RunError: The run cannot be read or repaired.
    """
    try:
        found = verification.verify(run, mending=mending)
    except OSError as error:
        way_out = "; use --check to verify without repairing" if mending else ""
        raise RunError(f"{error.filename or run.path}: {error.strerror or error}{way_out}") from None
    live = found.live or run.vitality().is_open
    faults = [
        FaultEntry(fault.code, str(fault.path.relative_to(run.path)), fault.message, fault.mended)
        for fault in found.faults
        # For a short time, a live stream can end in half a line, and a segment can exist in both forms.
        if not (live and fault.code in verification.PASSING)
    ]
    sound = all(fault.mended for fault in faults)
    return VerifiedRun(run.run_id, str(run.path.absolute()), sound, live, found.counts, found.unchecked, faults)

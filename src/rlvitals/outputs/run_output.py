"""Document of `rlvitals run --json`."""

import msgspec

from rlvitals.summary.overview import Overview


class AttachedRun(msgspec.Struct, frozen=True):
    """A run that a training script recorded.

    Attributes:
        run: Path of the run folder.
        attached: Libraries that were attached. Empty if the program recorded the run itself.
        overview: Overview of the run. `None` if it cannot be read.
    """

    run: str
    attached: list[str]
    overview: Overview | None


class AttachedRuns(msgspec.Struct, frozen=True):
    """The runs of a training script, printed on standard error.

    Attributes:
        runs: Runs that were recorded.
        reason: Why nothing was recorded. Empty if there are runs.
    """

    runs: list[AttachedRun]
    reason: str

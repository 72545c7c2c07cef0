"""Document of `rlvitals verify --json`."""

import msgspec

from rlvitals.comparison.result import Refusal
from rlvitals.runs.verified_run import VerifiedRun


class VerifiedRuns(msgspec.Struct, frozen=True):
    """Result of a verification.

    Attributes:
        runs: Runs that were verified.
        refused: Runs that could not be opened or repaired.
    """

    runs: list[VerifiedRun]
    refused: list[Refusal]

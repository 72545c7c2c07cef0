"""Document of `rlvitals import --json`."""

import msgspec

from rlvitals.comparison.result import Refusal


class ImportedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was made from logs of another program.

    Attributes:
        run_id: Name of the run.
        path: Absolute path of the run folder.
        origin: Path of the imported logs.
        records: Number of records by stream.
        warnings: Warnings of the import.
    """

    run_id: str
    path: str
    origin: str = msgspec.field(name="from")
    records: dict[str, int]
    warnings: list[str]


class ImportedRuns(msgspec.Struct, frozen=True):
    """Result of an import.

    Attributes:
        runs: Runs that were made.
        refused: Trainings that could not be imported.
    """

    runs: list[ImportedRun]
    refused: list[Refusal]

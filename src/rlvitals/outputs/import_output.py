"""Document of `rlvitals import --json`."""

import msgspec

from rlvitals.comparison.result import Refusal


class ImportedTraining(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was made from logs of another program.

    Attributes:
        run_id: Name of the run.
        path: Absolute path of the run folder.
        origin: Path of the imported logs.
        outcome: `imported`, `updated` if the logs have grown since an earlier import, or `unchanged`.
        records: Number of records by stream.
        warnings: Warnings of the import.
    """

    run_id: str
    path: str
    origin: str = msgspec.field(name="from")
    outcome: str
    records: dict[str, int]
    warnings: list[str]


class ImportedRuns(msgspec.Struct, frozen=True):
    """Result of an import.

    Attributes:
        runs: Runs that were made.
        refused: Trainings that could not be imported.
        unreadable: Messages about folders that could not be searched.
    """

    runs: list[ImportedTraining]
    refused: list[Refusal]
    unreadable: list[str]

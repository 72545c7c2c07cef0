"""Document of `rlvitals ls --json`."""

from pathlib import Path

import msgspec

from rlvitals.comparison.result import Refusal
from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.summary.overview import Overview
from rlvitals.summary.run_list import overviews_in
from rlvitals.summary.status import RunState

ListedRun = flat(
    "ListedRun",
    "One run of the list: its state and its overview. Times are UTC, seconds since 1970. Durations are in seconds.",
    RunState,
    Overview,
    without=frozenset({"state"}),
)


class ListedRuns(msgspec.Struct, frozen=True):
    """The runs in a folder.

    Attributes:
        folder: Folder of runs, as it was given.
        runs: The runs, newest first.
        refused: Runs that could not be opened.
    """

    folder: str
    runs: list[ListedRun]  # type: ignore[valid-type]  # made from two structs
    refused: list[Refusal]


def run_list(folder: Path) -> ListedRuns:
    """List the runs in a folder.

    Raises:
        RunNotFoundError: The folder does not exist.
    """
    rows, refused = overviews_in(folder)
    runs = [flattened(ListedRun, row.state, row) for row in rows]
    return ListedRuns(str(folder), runs, [Refusal(str(path), str(error)) for path, error in refused])

"""Search for the runs in a folder."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.runs.layout import HEADER, is_headless
from rlvitals.runs.run import Run

if TYPE_CHECKING:
    from rlvitals.runs.answer import Answer

MAX_DEPTH = 4
"""Number of folder levels below a folder of runs that are searched for runs."""

R = TypeVar("R", bound=Run)


def open_run(path: str | Path) -> Run:
    """Open a run for reading.

    Args:
        path: Run folder.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
    """
    return Run(path)


class Runs(Sequence[R]):
    """Several runs, opened for reading.

    Args:
        runs: Runs.
        refused: Folders that could not be opened, with the errors.
    """

    def __init__(self, runs: Iterable[R], refused: Iterable[tuple[Path, RunError]] = ()) -> None:
        self._runs = tuple(runs)
        self.refused = tuple(refused)

    def __repr__(self) -> str:
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return f"<Runs: {len(self)}{refused}>"

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, at: int) -> R: ...

    @overload
    def __getitem__(self, at: slice) -> "Runs[R]": ...

    def __getitem__(self, at: int | slice) -> "R | Runs[R]":
        return Runs(self._runs[at]) if isinstance(at, slice) else self._runs[at]

    def sql(self, question: str) -> "Answer":
        """Run a SQL query. Each stream of all runs is a table, and the column `run` names the run.

        Raises:
            QueryError: The query is invalid, or is not read-only.
            RunFormatError: A segment is damaged.
        """
        from rlvitals.runs.answer import query  # noqa: PLC0415 - a trainer needs no database

        return query(self, question)


def open_runs(*where: str | Path) -> Runs[Run]:
    """Open several runs for reading. Runs that cannot be opened are skipped and listed in `refused`.

    Args:
        *where: Run folders, or folders that are searched for runs.

    Raises:
        RunNotFoundError: A folder does not exist.
    """
    found = [find_runs(folder) for folder in where]
    unique = {run.path.absolute(): run for runs, _ in found for run in runs}
    return Runs(unique.values(), (refusal for _, refused in found for refusal in refused))


def run_folders(folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Yield the run folders at or below a folder, sorted by name. Run folders are not searched for nested runs.

    Folders that look like a run without a header and folders without read permission are included, because opening
    them reports the reason.

    Raises:
        RunNotFoundError: The folder does not exist.
    """
    if os.path.lexists(folder / HEADER):  # even if it is not a file: opening the run reports the error
        yield folder
        return
    if depth == 0:
        return
    try:
        below = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except NotADirectoryError:
        return
    except PermissionError:
        yield folder
        return
    except FileNotFoundError:
        raise RunNotFoundError(f"folder {folder} does not exist; check the path") from None
    if is_headless({entry.name for entry in below}):
        yield folder
        return
    for entry in below:
        with contextlib.suppress(RunNotFoundError):  # removed since it was listed
            yield from run_folders(entry, depth - 1)


def find_runs(folder: str | Path) -> tuple[list[Run], list[tuple[Path, RunError]]]:
    """Find the runs at or below a folder.

    Returns:
        The runs, and the folders that could not be opened with the errors.

    Raises:
        RunNotFoundError: The folder does not exist.
    """
    runs: list[Run] = []
    refused: list[tuple[Path, RunError]] = []
    for path in run_folders(Path(folder)):
        try:
            runs.append(Run(path))
        except RunError as error:
            refused.append((path, error))
    return runs, refused


def newest_of(runs: Iterable[R]) -> R:
    """Return the run that was started or resumed last.

    The status does not matter, so that the result stays the same while several runs are written.

    Raises:
        ValueError: There are no runs.
    """
    return max(
        runs, key=lambda run: (max((one.started for one in run.header.writers), default=run.header.started), run.path)
    )

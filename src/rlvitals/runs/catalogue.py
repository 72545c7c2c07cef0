"""The runs in a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.runs.layout import HEADER
from rlvitals.runs.run import Run

_MAX_DEPTH = 4


def open_run(path: str | Path) -> Run:
    """Open a run for reading.

    Args:
        path: The run's folder.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, is damaged, or is of a newer format.
    """
    return Run(path)


def run_folders(folder: Path, depth: int = _MAX_DEPTH) -> Iterator[Path]:
    """The run folders at or below a folder, by name; a run is not searched for further runs.

    A folder that may not be looked into is given too: it may be a run, and whoever opens it is told why it cannot be.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    if os.path.isfile(folder / HEADER):  # noqa: PTH113 - Path.is_file raises where the folder is locked
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
        raise RunNotFoundError(f"there is no folder {folder}") from None
    for entry in below:
        yield from run_folders(entry, depth - 1)


def find_runs(folder: str | Path) -> tuple[list[Run], list[tuple[Path, RunError]]]:
    """The runs at or below a folder, and the folders that could not be opened, with the reason.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    runs: list[Run] = []
    refused: list[tuple[Path, RunError]] = []
    for path in run_folders(Path(folder)):
        try:
            runs.append(Run(path))
        except RunError as error:
            refused.append((path, error))
    return runs, refused

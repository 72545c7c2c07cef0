"""Where the runs are that a user names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.runs import Run, find_runs
from rlvitals.runs.catalogue import run_folders
from rlvitals.runs.layout import HEADER

LOGS = Path("logs")
"""Where runs are looked for by name, unless the user says where."""

Folder = Annotated[Path, typer.Option("--folder", help="Where runs are looked for by name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one strict JSON document.")]
RunName = Annotated[str, typer.Argument(help="A run's folder, or its name.", metavar="RUN", show_default=False)]

_SHOWN = 5
_DEPTH = 2
"""How far a folder that is no run is searched for some: it may be anything, a whole disk."""


def open_named(name: str, folder: Path) -> Run:
    """Open the run that a user names: by its path, or by its name inside a folder of runs.

    Raises:
        RunNotFoundError: There is none.
        RunFormatError: What is there is no run, or more than one has that name.
    """
    path = Path(name)
    if (path / HEADER).exists():
        return Run(path)
    if (folder / name / HEADER).exists():
        return Run(folder / name)
    named = _named(name, folder)
    if len(named) == 1:
        return Run(named[0])
    if named:
        raise RunFormatError(f"{len(named)} runs are named {name}: {_list(named)}; give the path of one")
    if not path.exists():
        raise RunNotFoundError(f"there is no run {name}, neither at that path nor by that name in {folder}")
    below = list(run_folders(path, _DEPTH))
    if below:
        raise RunFormatError(f"{path} is a folder of runs, not a run: give one of {_list(below)}")
    return Run(path)  # says why it is none


def open_all(names: Iterable[str], folder: Path) -> tuple[list[Run], list[tuple[str, RunError]]]:
    """Open every run that a user names, and every run in the folders that he names.

    Returns:
        The runs, and what could not be opened, with the reason.
    """
    runs: list[Run] = []
    refused: list[tuple[str, RunError]] = []
    for name in names:
        try:
            path = Path(name)
            if path.is_dir() and not (path / HEADER).exists() and any(run_folders(path, _DEPTH)):
                found, bad = find_runs(path)
                runs += found
                refused += [(str(at), error) for at, error in bad]
            else:
                runs.append(open_named(name, folder))
        except RunError as error:
            refused.append((name, error))
    return runs, refused


def _named(name: str, folder: Path) -> list[Path]:
    if not folder.is_dir() or Path(name).name != name:
        return []
    return [path for path in run_folders(folder) if path.name == name]


def _list(paths: list[Path]) -> str:
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(str, paths[:_SHOWN])) + more

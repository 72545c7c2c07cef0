"""Where the runs are that a user names."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.runs import Run, find_runs
from rlvitals.runs.catalogue import run_folders
from rlvitals.runs.layout import HEADER
from rlvitals.runs.search import is_pattern, places_of

LOGS = Path("logs")
"""Where runs are looked for by name, unless the user says where."""

Folder = Annotated[Path, typer.Option("--folder", help="Where runs are looked for by name or pattern.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one strict JSON document.")]
_RUN_HELP = "A run's folder, its name, or a pattern that it alone matches."
RunName = Annotated[
    str,
    typer.Argument(help=_RUN_HELP, metavar="RUN", show_default=False),
]

_SHOWN = 5
_DEPTH = 2
"""How far a folder that is no run is searched for some: it may be anything, a whole disk."""


def open_named(name: str, folder: Path) -> Run:
    """Open the run that a user names: by its path, by its name inside a folder of runs, or by a pattern.

    Raises:
        RunNotFoundError: There is none.
        RunFormatError: What is there is no run, or more than one has that name or matches the pattern.
    """
    places = places_of(name, folder, depth=_DEPTH)
    runs = [place for place in places if _is_run(place)]
    if len(runs) == 1:
        return Run(runs[0])
    if runs:
        are = "match" if is_pattern(name) else "are named"
        raise RunFormatError(f"{len(runs)} runs {are} {name}: {_list(runs)}; give the path of one")
    below = [run for place in places if place.is_dir() for run in run_folders(place, _DEPTH)]
    if below:
        raise RunFormatError(f"{places[0]} is a folder of runs, not a run: give one of {_list(below)}")
    return Run(places[0])  # says why it is none


def open_all(names: Iterable[str], folder: Path) -> tuple[list[Run], list[tuple[str, RunError]]]:
    """Open every run that a user names, every one that a pattern matches, and every one in the folders among these.

    Returns:
        The runs, and what could not be opened, with the reason.
    """
    runs: list[Run] = []
    refused: list[tuple[str, RunError]] = []
    for name in names:
        try:
            places = places_of(name, folder, depth=_DEPTH)
            if len(places) == 1 or not is_pattern(name):
                found, bad = _opened(places[0]) if len(places) == 1 else ([open_named(name, folder)], [])
            else:
                holding = [_opened(place) for place in places if place.is_dir()]
                found, bad = [run for part, _ in holding for run in part], [one for _, part in holding for one in part]
                if not found and not bad:
                    raise RunNotFoundError(f"there is no run in any of the {len(places)} paths that are like {name}")
            runs += found
            refused += [(str(at), error) for at, error in bad]
        except RunError as error:
            refused.append((name, error))
    return runs, refused


def _opened(place: Path) -> tuple[list[Run], list[tuple[Path, RunError]]]:
    """The runs at or below a path; of one that holds none, why it is no run."""
    if not _is_run(place) and place.is_dir() and any(True for _ in run_folders(place, _DEPTH)):
        return find_runs(place)
    return [Run(place)], []


def _is_run(place: Path) -> bool:
    return os.path.lexists(place / HEADER)


def _list(paths: list[Path]) -> str:
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(str, paths[:_SHOWN])) + more

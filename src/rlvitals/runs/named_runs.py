"""Opening of runs that a user selects by path, name or pattern."""

import os
from collections.abc import Iterable
from pathlib import Path

from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.runs.catalogue import find_runs, newest_of, run_folders
from rlvitals.runs.layout import HEADER
from rlvitals.runs.run import Run
from rlvitals.runs.search import is_pattern, places_of

_SHOWN = 5
_DEPTH = 2
"""Number of folder levels that are searched below a folder that is not a run, which can be a whole disk."""


def run_named(name: str, folder: Path) -> Run:
    """Open the run with a name.

    Args:
        name: Path, name or pattern of the run.
        folder: Folder of runs to search.

    Raises:
        RunNotFoundError: No run has that name.
        RunFormatError: The folder is not a run folder, or several runs have that name or match the pattern.
    """
    places = places_of(name, folder, depth=_DEPTH)
    runs = [place for place in places if _is_run(place)]
    if len(runs) == 1:
        return Run(runs[0])
    if runs:
        are = "match" if is_pattern(name) else "are named"
        raise RunFormatError(f"{len(runs)} runs {are} {name!r}: {_list(runs)}. Pass the path of one run.")
    below = [run for place in places if place.is_dir() for run in run_folders(place, _DEPTH)]
    if below:
        raise RunFormatError(f"{places[0]} is a folder of runs, not a run. Pass one of its runs: {_list(below)}")
    return Run(places[0])  # raises the reason


def runs_named(names: Iterable[str], folder: Path) -> tuple[list[Run], list[tuple[str, RunError]]]:
    """Open all runs with the given names, all runs that match the patterns, and all runs in the given folders.

    Args:
        names: Paths, names or patterns of runs, or folders of runs.
        folder: Folder of runs to search.

    Returns:
        The runs, and the names and paths that could not be opened with the errors.
    """
    runs: list[Run] = []
    refused: list[tuple[str, RunError]] = []
    for name in names:
        try:
            places = places_of(name, folder, depth=_DEPTH)
            if len(places) > 1 and not is_pattern(name):
                runs.append(run_named(name, folder))
                continue
            parts = [_runs_at(place) for place in places if len(places) == 1 or place.is_dir()]
            if not any(found or bad for found, bad in parts):
                raise RunNotFoundError(
                    f"none of the {len(places)} paths that match {name!r} contains a run. Run `rlvitals ls FOLDER` to "
                    "list the runs in a folder."
                )
            runs += [run for found, _ in parts for run in found]
            refused += [(str(at), error) for _, bad in parts for at, error in bad]
        except RunError as error:
            refused.append((name, error))
    return runs, refused


def newest_run(folder: Path) -> Run:
    """Open the run in a folder that was started or resumed last.

    Raises:
        RunNotFoundError: The folder has no run, or no run can be opened.
    """
    remedy = "Record a run, or pass the folder of your runs with --folder FOLDER."
    if not folder.is_dir():
        raise RunNotFoundError(f"no run found: the folder {folder} does not exist. {remedy}")
    runs, refused = find_runs(folder)
    if refused and not runs:
        raise RunNotFoundError(f"no run in {folder} can be opened. Run `rlvitals ls {folder}` to list the reasons.")
    if not runs:
        raise RunNotFoundError(f"no run found in {folder}. {remedy}")
    return newest_of(runs)


def folder_named(name: str, folder: Path) -> Path:
    """Find the folder of runs with a name.

    Args:
        name: Path, pattern, or name in the folder of runs.
        folder: Folder of runs to search.

    Raises:
        RunNotFoundError: No folder has that name.
        RunFormatError: The pattern matches several folders.
    """
    try:
        places = places_of(name, folder, depth=_DEPTH)
    except RunNotFoundError:
        raise RunNotFoundError(f"no folder {name!r} in {Path.cwd()} or in {folder}; check the path") from None
    if len(places) > 1:
        raise RunFormatError(f"{len(places)} folders match {name!r}: {_list(places)}. Pass the path of one folder.")
    return places[0]


def _runs_at(place: Path) -> tuple[list[Run], list[tuple[Path, RunError]]]:
    """Open the runs at or below a path. If there are none, raise the error of opening the path itself."""
    if not _is_run(place) and place.is_dir() and any(True for _ in run_folders(place, _DEPTH)):
        return find_runs(place)
    return [Run(place)], []


def _is_run(place: Path) -> bool:
    return os.path.lexists(place / HEADER)


def _list(paths: list[Path]) -> str:
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(str, paths[:_SHOWN])) + more

"""Open the runs that a user names by path, by name or by pattern."""

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
"""Levels of folders that are searched below a folder that is not a run, which may be a whole disk."""


def run_named(name: str, folder: Path) -> Run:
    """Open the one run that a word names.

    Args:
        name: A path, a name or a pattern.
        folder: The folder of runs.

    Raises:
        RunNotFoundError: No run is there.
        RunFormatError: The folder is not a run, or several runs have that name or match the pattern.
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
    return Run(places[0])  # raises the reason


def runs_named(names: Iterable[str], folder: Path) -> tuple[list[Run], list[tuple[str, RunError]]]:
    """Open all runs that words name, that match their patterns, and that are in the folders they name.

    Returns:
        The runs, and what could not be opened, with the reason.
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
                raise RunNotFoundError(f"there is no run in any of the {len(places)} paths that are like {name}")
            runs += [run for found, _ in parts for run in found]
            refused += [(str(at), error) for _, bad in parts for at, error in bad]
        except RunError as error:
            refused.append((name, error))
    return runs, refused


def newest_run(folder: Path) -> Run:
    """Open the run in a folder that was started or resumed last.

    Raises:
        RunNotFoundError: No run is there, or none can be opened.
    """
    remedy = "record one first, or name the folder of your runs: --folder FOLDER"
    if not folder.is_dir():
        raise RunNotFoundError(f"no run found: there is no folder {folder}; {remedy}")
    runs, refused = find_runs(folder)
    if refused and not runs:
        raise RunNotFoundError(f"no run in {folder} can be opened: `rlvitals ls {folder}` lists the reasons")
    if not runs:
        raise RunNotFoundError(f"no run found in {folder}: {remedy}")
    return newest_of(runs)


def folder_named(name: str, folder: Path) -> Path:
    """Find the folder of runs that a word names.

    Args:
        name: A path, a name in the folder of runs, or a pattern.
        folder: The folder of runs.

    Raises:
        RunNotFoundError: There is no such folder.
        RunFormatError: The pattern matches several.
    """
    try:
        places = places_of(name, folder, depth=_DEPTH)
    except RunNotFoundError:
        raise RunNotFoundError(f"there is no folder {name}, neither in {Path.cwd()} nor in {folder}") from None
    if len(places) > 1:
        raise RunFormatError(f"{len(places)} folders match {name}: {_list(places)}; give the path of one")
    return places[0]


def _runs_at(place: Path) -> tuple[list[Run], list[tuple[Path, RunError]]]:
    """Open the runs at or below a path; if there are none, raise the reason."""
    if not _is_run(place) and place.is_dir() and any(True for _ in run_folders(place, _DEPTH)):
        return find_runs(place)
    return [Run(place)], []


def _is_run(place: Path) -> bool:
    return os.path.lexists(place / HEADER)


def _list(paths: list[Path]) -> str:
    more = f", and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(str, paths[:_SHOWN])) + more

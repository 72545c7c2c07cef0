"""Where the runs are that a user names."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.render.terminal import LABEL, make_screen
from rlvitals.runs import Run, find_runs
from rlvitals.runs.catalogue import newest_of, run_folders
from rlvitals.runs.layout import HEADER
from rlvitals.runs.search import LOGS, is_pattern, places_of
from rlvitals.text_escaping import escape_control

__all__ = ["LOGS", "AsJson", "Folder", "RunName", "complete_run", "folder_named", "open_all", "open_named"]

Folder = Annotated[Path, typer.Option("--folder", help="Where runs are looked for by name or pattern.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one strict JSON document.")]

_SHOWN = 5
_DEPTH = 2
"""How far a folder that is no run is searched for some: it may be anything, a whole disk."""


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a run in the folder of runs; a path is left to the shell."""
    folder = Path(context.params.get("folder") or LOGS)
    if os.sep in incomplete or not folder.is_dir():
        return []
    return sorted({path.name for path in run_folders(folder) if path.name.startswith(incomplete)})


RunName = Annotated[
    str | None,
    typer.Argument(
        help="A run's folder, its name, or a pattern that it alone matches. Default: the newest run.",
        metavar="RUN",
        show_default=False,
        autocompletion=complete_run,
    ),
]


def open_named(name: str | None, folder: Path) -> Run:
    """Open the run that a user names by its path, its name in a folder of runs or a pattern; else the newest one.

    Args:
        name: A path, a name or a pattern; `None` for the newest run in the folder, which is named on standard error.
        folder: The folder of runs.

    Raises:
        RunNotFoundError: No run is there.
        RunFormatError: What is there is no run, or more than one has that name or matches the pattern.
    """
    if name is None:
        return _newest(folder)
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


def folder_named(name: str | None, folder: Path) -> Path:
    """Find the folder of runs that a user names, by its path, its name in the folder of runs or a pattern.

    Raises:
        RunNotFoundError: There is none.
        RunFormatError: The pattern matches several.
    """
    if name is None:
        return folder
    try:
        places = places_of(name, folder, depth=_DEPTH)
    except RunNotFoundError:
        raise RunNotFoundError(f"there is no folder {name}, neither in {Path.cwd()} nor in {folder}") from None
    if len(places) > 1:
        raise RunFormatError(f"{len(places)} folders match {name}: {_list(places)}; give the path of one")
    return places[0]


def _newest(folder: Path) -> Run:
    remedy = "record one first, or name the folder of your runs: --folder FOLDER"
    if not folder.is_dir():
        raise RunNotFoundError(f"no run found: there is no folder {folder}; {remedy}")
    runs, refused = find_runs(folder)
    if refused and not runs:
        raise RunNotFoundError(f"no run in {folder} can be opened: `rlvitals ls {folder}` lists the reasons")
    if not runs:
        raise RunNotFoundError(f"no run found in {folder}: {remedy}")
    run = newest_of(runs)
    make_screen(to_stderr=True).print(Text(f"newest run: {escape_control(str(run.path))}", LABEL), soft_wrap=True)
    return run


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

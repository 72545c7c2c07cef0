"""Resolution of the arguments of a comparison: runs, folders of runs, patterns and group names."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rlvitals.errors import ComparisonError, RunError, RunNotFoundError
from rlvitals.runs import Run, find_runs
from rlvitals.runs.layout import HEADER
from rlvitals.runs.search import is_pattern, places_of

What = str | Path | Run


class Opened(NamedTuple):
    """Runs selected for a comparison.

    Attributes:
        runs: The runs, each once.
        given: Group name of the runs that were passed as members of a group, by index.
        refused: Runs that could not be opened and folders without a run, with the reason.
    """

    runs: list[Run]
    given: dict[int, str]
    refused: list[tuple[Path, RunError]]


def opened(what: Sequence[What | Sequence[What]], folder: Path | None = None) -> Opened:
    """Find the runs that the arguments refer to.

    Args:
        what: As for `compare`.
        folder: Additional folder in which to look up names and patterns.

    Raises:
        ComparisonError: There is no run.
        RunNotFoundError: A path, folder or pattern matches no run.
        RunFormatError: A run that was listed by name is damaged.
    """
    words = [word for one in what for word in ([one] if isinstance(one, str | Path | Run) else one)]
    parts = [_found(word, folder) for word in words]
    told = any(part.named for part in parts) or sum(part.group is not None for part in parts) > 1
    runs: dict[Path, Run] = {}
    given: dict[int, str] = {}
    for part in parts:
        for run in part.runs:
            if (path := run.path.absolute()) not in runs:
                if told:
                    given[len(runs)] = part.group or run.run_id
                runs[path] = run
    refused = list({str(path): (path, error) for part in parts for path, error in part.refused}.values())
    if not runs:
        raise ComparisonError("there is no run to compare: give runs, folders of runs, or patterns such as logs/a-*")
    return Opened(list(runs.values()), given, refused)


def single_run(word: str, folder: Path | None) -> Run | None:
    """Open the run that an argument refers to. `None` for patterns, folders of runs and unreadable runs."""
    with contextlib.suppress(RunError):
        places = places_of(word, folder)
        return Run(places[0]) if _is_run(word, places) else None
    return None


def _is_run(word: str, places: Sequence[Path]) -> bool:
    return len(places) == 1 and (places[0] / HEADER).exists() and not is_pattern(word)


class _Part(NamedTuple):
    """One resolved argument: its runs, their group name if they form a group, and whether the user chose the name."""

    group: str | None
    named: bool
    runs: list[Run]
    refused: list[tuple[Path, RunError]]


def _found(word: What, folder: Path | None) -> _Part:
    if isinstance(word, Run):
        return _Part(None, named=False, runs=[word], refused=[])
    text, name, places = _read(os.fspath(word), folder)
    if _is_run(text, places):
        return _Part(name or None, named=bool(name), runs=[Run(places[0])], refused=[])
    below = {place: find_runs(place) for place in places if place.is_dir()}
    runs = [run for found, _ in below.values() for run in found]
    refused = [refusal for _, part in below.values() for refusal in part]
    if not runs:
        raise RunNotFoundError(_nothing_in(text, places, refused))
    refused += [
        (place, RunNotFoundError(f"there is no run in {place}"))
        for place, (found, torn) in below.items()
        if not found and not torn and not _inside_a_run(place)
    ]
    return _Part(name or text.rstrip(os.sep), named=bool(name), runs=runs, refused=refused)


def _read(text: str, folder: Path | None) -> tuple[str, str, list[Path]]:
    """Split an argument into a path or pattern and a group name, and find the matching paths.

    The name of a run can contain `=`, so `lr=0.1` is a group `lr` only if no path has that name.
    """
    try:
        return text, "", places_of(text, folder)
    except RunNotFoundError:
        name, sign, rest = text.partition("=")
        if not sign or os.sep in name:
            raise
        return rest, name, places_of(rest, folder)


def _nothing_in(text: str, places: Sequence[Path], refused: Sequence[tuple[Path, RunError]]) -> str:
    if refused:
        return f"no run in {text} can be opened: {len(refused)} failed, the first with: {refused[0][1]}"
    if len(places) > 1:
        return f"there is no run in any of the {len(places)} paths that match {text}, such as {places[0]}"
    kind = "the folder is empty" if _is_empty(places[0]) else f"a run is a folder with a {HEADER}"
    return f"there is no run in {places[0]}: {kind}"


def _is_empty(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None


def _inside_a_run(path: Path) -> bool:
    """Return whether a path is inside a run folder. A pattern such as `logs/**` also matches the folders of streams."""
    return any((parent / HEADER).exists() for parent in path.absolute().parents)

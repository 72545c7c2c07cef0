"""What the words of a comparison mean: runs, folders of runs, patterns, and names for groups."""

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
    """What is compared.

    Attributes:
        runs: The runs, each once.
        given: The group of those (by their place) that were given as members of one.
        refused: What could not be opened, and folders without a run, with the reason.
    """

    runs: list[Run]
    given: dict[int, str]
    refused: list[tuple[Path, RunError]]


def opened(what: Sequence[What | Sequence[What]], folder: Path | None = None) -> Opened:
    """Find the runs that are meant.

    Args:
        what: As for `compare`.
        folder: Where names and patterns are looked for too.

    Raises:
        ComparisonError: There is none.
        RunNotFoundError: There is none at a path, in a folder, or below what is like a pattern.
        RunFormatError: A run that was named is damaged.
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
    """Open the run that a word names; `None` for a pattern, a folder of runs, and what cannot be opened."""
    with contextlib.suppress(RunError):
        places = places_of(word, folder)
        return Run(places[0]) if _is_run(word, places) else None
    return None


def _is_run(word: str, places: Sequence[Path]) -> bool:
    return len(places) == 1 and (places[0] / HEADER).exists() and not is_pattern(word)


class _Part(NamedTuple):
    """What one argument means: its runs, what they are called if they are a group, and whether the user named it."""

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
    """What a word says: a path or pattern, the group that it names, and what is there.

    A run's name may have `=` in it, so `lr=0.1` is a group `lr` only where nothing is called so.
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
        return f"there is no run in {text} that can be opened: {len(refused)} cannot, the first: {refused[0][1]}"
    if len(places) > 1:
        return f"there is no run in any of the {len(places)} paths that are like {text}, such as {places[0]}"
    kind = "it is an empty folder" if _is_empty(places[0]) else f"a run is a folder with a {HEADER}"
    return f"there is no run in {places[0]}: {kind}"


def _is_empty(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None


def _inside_a_run(path: Path) -> bool:
    """A pattern such as `logs/**` is like the folders of a run's streams, too."""
    return any((parent / HEADER).exists() for parent in path.absolute().parents)

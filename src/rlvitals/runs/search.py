"""Search for the paths that a user means by a path, a run name or a pattern."""

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from rlvitals.errors import RunNotFoundError
from rlvitals.runs.catalogue import MAX_DEPTH, run_folders
from rlvitals.runs.layout import HEADER

LOGS = Path("logs")
"""Default folder of runs."""

_boundary: ContextVar[Path | None] = ContextVar("boundary", default=None)
_WILDCARD = re.compile(r"[*?]|\[.+\]", re.DOTALL)


@contextmanager
def confined_to(folder: Path) -> Iterator[None]:
    """Refuse all paths outside of a folder in a `with` block, in this thread. Links in the folder are followed.

    Args:
        folder: Folder that limits the search.
    """
    token = _boundary.set(folder)
    try:
        yield
    finally:
        _boundary.reset(token)


def places_of(word: str, folder: Path | None = None, *, depth: int = MAX_DEPTH) -> list[Path]:
    """Find the paths that match a path, a name or a pattern.

    The search covers the working directory, then the folder of runs, then the runs in its subfolders. It stops at the
    first of these locations that has a matching run. A folder of runs that the user selected (any except `LOGS`) is
    searched before the working directory.

    Args:
        word: Path, name, or pattern such as `base-*`.
        folder: Folder of runs; `None` to search only the working directory.
        depth: Number of folder levels to search for a run.

    Returns:
        At least one path. If no match contains a run, existing paths without a run are returned.

    Raises:
        RunNotFoundError: No path matches, or only paths outside of the folder of `confined_to`.
    """
    known: list[Path] = []
    outside: list[Path] = []
    boundary = _boundary.get()
    for matches in _searches(word, folder):
        found = [place for place in matches if boundary is None or _is_inside(place, boundary)]
        outside = outside or [place for place in matches if place not in found]
        if any(_holds_run(place, depth) for place in found):
            return found
        known = known or found
    if known:
        return known
    if outside:
        raise RunNotFoundError(
            f"{word!r:.200} is {outside[0].absolute()}, which is outside of the folder {boundary}. Pass the name of a "
            "run in this folder, or start the server with --folder FOLDER for another one."
        )
    raise RunNotFoundError(_missing(word, folder))


def is_pattern(word: str) -> bool:
    """Return whether a word has wildcards (`*`, `?`, `[...]`)."""
    return _WILDCARD.search(word) is not None


def _is_inside(place: Path, boundary: Path) -> bool:
    """Return whether a path is in a folder: by its parts, as for a link in the folder, or by its target."""
    if os.pardir not in place.parts and place.absolute().is_relative_to(boundary.absolute()):
        return True
    return place.resolve().is_relative_to(boundary.resolve())


def _searches(word: str, folder: Path | None) -> Iterator[list[Path]]:
    """Yield the matches in each location, in the order of the search."""
    if folder is None or not _may_be_below(word):
        yield _matches(word, None)
    elif folder == LOGS:
        yield _matches(word, None)
        yield _matches(word, folder)
        yield _below(word, folder)
    else:
        yield _matches(word, folder)
        yield _below(word, folder)
        yield _matches(word, None)


def _may_be_below(word: str) -> bool:
    is_here = word == os.curdir or word.startswith(os.curdir + os.sep)
    return bool(word) and not is_here and not Path(word).is_absolute() and os.pardir not in Path(word).parts


def _matches(word: str, base: Path | None) -> list[Path]:
    text = word if base is None else os.path.join(base, word)  # noqa: PTH118 - a trailing slash of a pattern counts
    if not word:
        return []
    place = Path(text)
    if (place / HEADER).exists() or place.exists() or place.is_symlink():
        return [place]
    if not is_pattern(word):
        return []
    inside = word if base is None else os.path.join(glob.escape(str(base)), word)  # noqa: PTH118
    try:
        return [Path(found) for found in sorted(glob.glob(inside, recursive=True))]  # noqa: PTH207 - may be absolute
    except ValueError:  # the word contains a NUL character
        return []


def _holds_run(place: Path, depth: int) -> bool:
    try:
        return place.is_dir() and any(True for _ in run_folders(place, depth))
    except (OSError, RunNotFoundError):
        return False


def _below(word: str, folder: Path) -> list[Path]:
    """Return the runs below a folder that have a name or match a pattern."""
    if not folder.is_dir() or Path(word).name != word:
        return []
    if is_pattern(word):
        return [path for path in run_folders(folder) if fnmatch.fnmatchcase(path.name, word)]
    return [path for path in run_folders(folder) if path.name == word]


def _missing(word: str, folder: Path | None) -> str:
    what = f"no run matches {word!r}" if is_pattern(word) else f"no run {word!r}"
    here = f"in the working directory {Path.cwd()}"
    if folder is None:
        return f"{what} {here}. Run `rlvitals ls FOLDER` to list the runs in a folder."
    if not folder.is_dir():
        return f"{what} {here}, and {folder} is not a folder. Pass the folder of your runs with --folder FOLDER."
    return f"{what} {here} or in {folder}. Run `rlvitals ls {folder}` to list runs."

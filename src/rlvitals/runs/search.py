"""Find what a user means by a word: the path of a run or of a folder of runs, a run's name, or a pattern."""

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from rlvitals.errors import RunNotFoundError
from rlvitals.runs.catalogue import MAX_DEPTH, run_folders
from rlvitals.runs.layout import HEADER

LOGS = Path("logs")
"""The folder of runs where the user names none."""

_WILDCARD = re.compile(r"[*?]|\[.+\]", re.DOTALL)


def places_of(word: str, folder: Path | None = None, *, depth: int = MAX_DEPTH) -> list[Path]:
    """Find the paths that a word means.

    A path, a name or a pattern is looked up in the working directory, then in the folder of runs, then among the runs
    in the folders below that one. The first of these places that holds a run counts. A folder of runs that the user
    named (any but `LOGS`) is searched before the working directory.

    Args:
        word: A path, a name, or a pattern such as `base-*`.
        folder: The folder of runs; `None` for the working directory alone.
        depth: How many levels of folders are searched for a run.

    Returns:
        At least one path. A path that exists is returned although no run is there, if nothing else fits.

    Raises:
        RunNotFoundError: Nothing is there, or matches.
    """
    known: list[Path] = []
    for found in _searches(word, folder):
        if any(_holds_run(place, depth) for place in found):
            return found
        known = known or found
    if known:
        return known
    raise RunNotFoundError(_missing(word, folder))


def is_pattern(word: str) -> bool:
    """Whether a word has wildcards (`*`, `?`, `[...]`)."""
    return _WILDCARD.search(word) is not None


def _searches(word: str, folder: Path | None) -> Iterator[list[Path]]:
    """What each place holds for a word, in the order in which the places count."""
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
    except ValueError:  # a NUL in it
        return []


def _holds_run(place: Path, depth: int) -> bool:
    try:
        return place.is_dir() and any(True for _ in run_folders(place, depth))
    except (OSError, RunNotFoundError):
        return False


def _below(word: str, folder: Path) -> list[Path]:
    """The runs of a name, or that match a pattern, in the folders below a folder of runs."""
    if not folder.is_dir() or Path(word).name != word:
        return []
    if is_pattern(word):
        return [path for path in run_folders(folder) if fnmatch.fnmatchcase(path.name, word)]
    return [path for path in run_folders(folder) if path.name == word]


def _missing(word: str, folder: Path | None) -> str:
    what = f"there is no run at {word}, and no path is like it" if is_pattern(word) else f"there is no run {word}"
    here = f"in the working directory {Path.cwd()}"
    if folder is None:
        return f"{what}, {here}: `rlvitals ls FOLDER` lists the runs in a folder"
    if not folder.is_dir():
        return f"{what}, neither {here} nor in {folder}, which is no folder: say with --folder where the runs are"
    return f"{what}, neither {here} nor in {folder}: `rlvitals ls {folder}` lists the runs there"

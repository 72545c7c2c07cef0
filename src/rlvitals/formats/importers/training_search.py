"""Search for the trainings in a folder of folders."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rlvitals.files.regular_files import is_regular
from rlvitals.formats.importers.importer import Importer, StoreImporter
from rlvitals.formats.importers.importer_registry import importer_names, importer_of, is_of_format
from rlvitals.runs.layout import HEADER, PROPOSED_NAME, valid_name

_MOST_DEPTH = 100
"""Number of folder levels to search. Links that lead in circles end earlier, because no folder is searched twice."""

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Names of folders with thousands of files of installed packages. Hidden folders are skipped, too."""


class Training(NamedTuple):
    """A path to import.

    Attributes:
        path: File or folder.
        format: Name of its format, or the importer that was passed. `None` if no format was found; importing the path
            then raises an error with the reason.
    """

    path: Path
    format: str | Importer | None = None


class TrainingSearch:
    """Search for trainings.

    Args:
        format: Name of the only format to search for, or an importer. Default: every installed format.
        progress: Callback that receives the number of folders searched.
        depth: Number of folder levels to search below a folder.

    Attributes:
        unreadable: Message for each folder that could not be read.

    Raises:
        ImportFormatError: The format is unknown.
        MissingExtraError: The format needs a package that is not installed.
    """

    def __init__(
        self,
        format: str | Importer | None = None,  # noqa: A002 - name in the public interface
        progress: Callable[[int], None] | None = None,
        *,
        depth: int = _MOST_DEPTH,
    ) -> None:
        if format is not None:
            importer_of(format)
        self._formats: Sequence[str | Importer] = importer_names() if format is None else [format]
        self._otherwise = format
        self._progress = progress
        self._depth = depth
        self._seen: set[tuple[int, int]] = set()
        self.unreadable: list[str] = []

    def trainings_at(self, path: Path) -> list[Training]:
        """Return the trainings at or below a path, sorted by path.

        A folder that an importer recognises is one training, including the subfolders that belong to it
        (`Importer.includes`). Databases with several runs in it are separate. Other folders are searched at any depth.
        Links to folders are followed, and each folder is searched once. Hidden folders, installed packages and run
        folders of rlvitals are skipped.

        Args:
            path: File or folder to search.

        Returns:
            The trainings, or only `path` if there are none.
        """
        self._seen.clear()
        if not path.is_dir() or is_regular(path / HEADER):
            return [Training(path, self._otherwise)]
        return self._below(path, self._depth) or [Training(path, self._otherwise)]

    def _below(self, folder: Path, depth: int, within: Training | None = None) -> list[Training]:
        """Return the trainings in a folder. `within` is the innermost training whose folder contains the folder."""
        try:
            if not self._is_new(folder):
                return []
            folders, files = _entries(folder)
        except OSError as error:
            self.unreadable.append(
                f"{folder} cannot be read: {error.strerror or error}. The import leaves it out; change its permissions "
                "to import its trainings."
            )
            return []
        found = [Training(file, of) for file in files if (of := self._format_of(file))]
        if whole := self._format_of(folder):
            stores = [one for one in found if one.format and isinstance(importer_of(one.format), StoreImporter)]
            within = Training(folder, whole)
            found = [within, *(one for one in stores if one.format != whole)]
        if within is not None and within.format is not None:
            importer, path = importer_of(within.format), within.path
            folders = [entry for entry in folders if not importer.includes(path, entry)]
        for entry in folders if depth else ():
            found += self._below(entry, depth - 1, within)
        return found

    def _is_new(self, folder: Path) -> bool:
        """Return whether the folder was not searched before.

        Raises:
            OSError: The folder cannot be read.
        """
        found = folder.stat()
        identity = (found.st_dev, found.st_ino)
        if identity in self._seen:
            return False
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        self._seen.add(identity)
        if self._progress is not None:
            self._progress(len(self._seen))
        return True

    def _format_of(self, path: Path) -> str | Importer | None:
        return next((name for name in self._formats if is_of_format(path, name)), None)


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the subfolders without run folders, and the files."""
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _SKIPPED]
    shown.sort(key=lambda each: each.name)
    # Links come last, so that a folder is named by its own path and not by a link such as `latest`.
    folders = sorted((entry for entry in shown if _is_folder(entry)), key=lambda each: each.is_symlink())
    return (
        [path for entry in folders if not is_regular((path := folder / entry.name) / HEADER)],
        [folder / entry.name for entry in shown if entry.is_file(follow_symlinks=False)],
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def relative_name(training: Path, folder: Path, run: str = "") -> str:
    """Return the name of one of several runs: its path relative to the folder, joined with hyphens.

    A name that is too long loses its beginning, because the end distinguishes the runs of an experiment.

    Args:
        training: Path of the training.
        folder: Folder that was searched.
        run: Name of the run in a store of several runs.
    """
    *above, last = training.relative_to(folder).parts or (training.absolute().name,)
    parts = [*above, training.stem if training.is_file() else last, *([run] if run else [])]
    return valid_name("-".join(parts)[-PROPOSED_NAME:])

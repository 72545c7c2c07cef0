"""Runs that earlier imports created, and whether their sources have changed since."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from rlvitals.errors import RunError
from rlvitals.formats.importers.folder_settings import settings_files
from rlvitals.formats.importers.sqlite_file import LOG_SUFFIX
from rlvitals.records.masking import DEFAULT_MASKING
from rlvitals.runs.header import IMPORTED, Header
from rlvitals.runs.layout import HEADER
from rlvitals.runs.run import Run


class ImportMark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Origin of an imported run, stored in its header under `IMPORTED`.

    Attributes:
        path: Absolute path of the imported file or folder, with masked secrets.
        format: Name of the format.
        time: Time of the import (UTC, seconds since 1970).
        run: Identifier of the run in a store of several runs; otherwise empty.
        key: Digest of the origin (`import_key`). Empty in imports of earlier versions.
        name: Name that was wanted for the run. If it was taken, the run has a number.
        source: Signature of the files (`source_signature`). Empty in imports of earlier versions.
        content: Digest of the imported records and settings.
        records: Number of records per stream.
        writers: Number of writers. A resumed import has more.
    """

    path: str
    format: str
    time: float
    run: str = ""
    key: str = ""
    name: str = ""
    source: str = ""
    content: str = ""
    records: dict[str, int] = {}
    writers: int = 1


class EarlierImports:
    """The imported runs in a folder of runs. Links to runs elsewhere are left out, so that they are never replaced.

    Args:
        log_dir: Folder of runs. It can be missing.
    """

    def __init__(self, log_dir: Path) -> None:
        self._runs: dict[str, dict[str, tuple[Run, ImportMark]]] = {}
        with contextlib.suppress(OSError):
            for header in sorted(log_dir.glob(f"*/{HEADER}")):
                with contextlib.suppress(RunError):
                    if not header.parent.is_symlink():
                        self.add(Run(header.parent))

    def add(self, run: Run) -> None:
        """Add a run if it is an import without records of a later training."""
        mark = mark_of(run.header)
        if mark is not None:
            key = mark.key or _key_of(mark.path, mark.format, {}, mark.run)
            self._runs.setdefault(key, {})[run.run_id] = (run, mark)

    def find(self, key: str, name: str | None = None) -> tuple[Run, ImportMark] | None:
        """Return the newest run of an origin, and its mark.

        Args:
            key: Digest of the origin (`import_key`).
            name: Name that was wanted for the run. Default: any.
        """
        found = self._runs.get(key, {}).values()
        named = [(run, mark) for run, mark in found if name is None or name in {run.run_id, mark.name}]
        return max(named, key=lambda each: each[1].time, default=None)


def mark_of(header: Header) -> ImportMark | None:
    """Return the origin of an imported run. `None` for another run, and for an import that was resumed."""
    try:
        mark = msgspec.convert(header.reproduction.get(IMPORTED), ImportMark)
    except msgspec.ValidationError:
        return None
    return mark if mark.writers == len(header.writers) else None


def import_key(path: Path, format: str, settings: Mapping[str, str], run: str) -> str:  # noqa: A002 - as in the interface
    """Compute a digest of the origin of an import, which is different for paths that differ only in a masked secret.

    Args:
        path: Imported file or folder.
        format: Name of the format.
        settings: Settings of the importer.
        run: Identifier of the run in a store of several runs; otherwise empty.
    """
    return _key_of(str(path.absolute()), format, settings, run)


def _key_of(path: str, format_: str, settings: Mapping[str, str], run: str) -> str:
    content = "\0".join([path, format_, run, *(f"{name}={value}" for name, value in sorted(settings.items()))])
    return hashlib.blake2b(os.fsencode(content), digest_size=16).hexdigest()


def marked_path(path: Path) -> str:
    """Return an absolute path as it is stored, with masked secrets."""
    return str(DEFAULT_MASKING.settings(str(path.absolute())))


def source_signature(path: Path) -> str:
    """Compute a signature of a file, or of all files in a folder, from their names, sizes and modification times.

    Raises:
        OSError: A file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file in _files_at(path):
        with contextlib.suppress(FileNotFoundError):  # a broken link
            found = file.stat()
            place = os.path.relpath(file, path)  # the same, however the path is spelled
            digest.update(os.fsencode(f"{place}\0{found.st_size}\0{found.st_mtime_ns}\0"))
    return digest.hexdigest()


def _files_at(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield from (path, path.with_name(path.name + LOG_SUFFIX), *settings_files(path.absolute().parent))
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        if HEADER in files:  # a run of rlvitals, which can be in the imported folder
            folders.clear()
        else:
            yield from (Path(folder, file) for file in sorted(files))
    yield from settings_files(path.absolute())  # Hydra's are above

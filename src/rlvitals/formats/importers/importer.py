"""Base class of importers, and the data that an importer returns."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.errors import ImportFormatError
from rlvitals.records import Record
from rlvitals.runs.header import Header


class Imported(NamedTuple):
    """A run from another source.

    Attributes:
        name: Suggested run name. It can be in use already, or be invalid as a folder name.
        records: Records, read lazily. The order within each stream is kept.
        header: Complete header of the run if available; otherwise rlvitals creates one from the remaining attributes
            and the record times.
        counts: Expected number of records per stream, if known.
        project: Name of the project.
        configuration: Training settings as plain values. The importer can add entries while the records are read.
        tags: Tags of the run. The importer can add tags while the records are read.
        run: Identifier of the run in a store of several runs, such as a database, or of a later training with the same
            folder. Otherwise empty.
    """

    name: str
    records: Iterator[Record]
    header: Header | None = None
    counts: dict[str, int] | None = None
    project: str = ""
    configuration: dict[str, Any] | None = None
    tags: Sequence[str] = ()
    run: str = ""


class Importer(ABC):
    """Base class of importers of one run. Subclasses implement `recognises` and `read`.

    For a database or a folder with several runs, inherit from `StoreImporter`.

    Memory:
        The input can be larger than memory. Yield records while reading.
    Records:
        Yield validated records, as `records.Codec` creates them. Keep values without a matching field in `extra`,
        in `info` or as `Scalars`. Keep NaN, infinity, negative infinity and missing values distinct.
    Errors:
        For damaged data, raise an `ImportFormatError` with file, line and value, or leave the data out and add an event
        with the same details (`import_warnings`). Never drop data silently.
    """

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings that change how a file is read. Imports with different settings are different runs."""
        return {}

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the contents of a file or folder have this format. Never raises.

        A folder has the format if it is one training. A folder that only contains such trainings in its subfolders does
        not.
        """

    def includes(self, path: Path, folder: Path) -> bool:
        """Return whether a subfolder of a recognised folder belongs to its training. The search skips such subfolders.

        Args:
            path: Folder that the importer recognises.
            folder: Folder in it. Folders in a subfolder that does not belong to the training are asked about, too.
        """
        del path, folder
        return True

    @abstractmethod
    def read(self, path: Path) -> Imported:
        """Open a file or a folder.

        Raises:
            ImportFormatError: The data is damaged or has another format. Reading the records can raise this, too.
            MissingExtraError: The importer needs a package that is not installed.
        """

    def runs_in(self, path: Path) -> Iterator[Imported]:
        """Yield the runs of a file or a folder: the one from `read`, unless several trainings logged to the folder.

        Raises:
            ImportFormatError: As for `read`.
            MissingExtraError: As for `read`.
        """
        yield self.read(path)


class StoreImporter(Importer):
    """Base class of importers of stores, which can hold several runs. Subclasses implement `recognises` and `runs_in`.

    The attribute `run` of each `Imported` identifies the run in the store, so that the next import finds it again.
    """

    @abstractmethod
    def runs_in(self, path: Path) -> Iterator[Imported]:
        """Yield the runs of a store. The records of each run are read lazily, before the next run is requested.

        Raises:
            ImportFormatError: The store is damaged, has another format or has no runs.
            MissingExtraError: The importer needs a package that is not installed.
        """

    def read(self, path: Path) -> Imported:
        """Return the only run of a store.

        Raises:
            ImportFormatError: The store has several runs, or as for `runs_in`.
            MissingExtraError: As for `runs_in`.
        """
        runs = self.runs_in(path)
        first = next(runs, None)
        if first is None:
            raise ImportFormatError(f"{path} contains no runs")
        return first._replace(records=_alone(first.records, runs, path))


def _alone(records: Iterator[Record], others: Iterator[Imported], path: Path) -> Iterator[Record]:
    """Yield the records of the only run of a store.

    Raises:
        ImportFormatError: There are other runs.
    """
    yield from records
    if next(others, None) is not None:
        raise ImportFormatError(
            f"{path} contains several runs, and only one can be imported here. To import all of them, use "
            f"`rlvitals import {path}` without a name, or `import_runs`"
        )


def head_of(path: Path, size: int = 4096) -> bytes:
    """Return the first `size` bytes of a file, or an empty value if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def tail_of(path: Path, size: int) -> bytes:
    """Return the last `size` bytes of a file, or an empty value if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - size, 0))
            return file.read(size)
    except OSError:
        return b""

"""Base class of importers, and the data that an importer returns."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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
    """

    name: str
    records: Iterator[Record]
    header: Header | None = None
    counts: dict[str, int] | None = None
    project: str = ""
    configuration: dict[str, Any] | None = None


class Importer(ABC):
    """Base class of importers. Subclasses implement `recognises` and `read`.

    Memory:
        The input can be larger than memory. Yield records while reading.
    Records:
        Yield validated records, as `records.Codec` creates them. Keep values without a matching field in `extra`,
        in `info` or as `Scalars`. Keep NaN, infinity, negative infinity and missing values distinct.
    Errors:
        For damaged data, raise an `ImportFormatError` with file, line and value, or leave the data out and add an event
        with the same details (`import_warnings`). Never drop data silently.
    """

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the contents of a file or folder have this format. Never raises."""

    @abstractmethod
    def read(self, path: Path) -> Imported:
        """Open a file or a folder.

        Raises:
            ImportFormatError: The data is damaged or has another format. Reading the records can raise this, too.
            MissingExtraError: The importer needs a package that is not installed.
        """


def head_of(path: Path, size: int = 4096) -> bytes:
    """Return the first `size` bytes of a file, or an empty value if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""

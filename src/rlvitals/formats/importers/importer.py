"""The contract of an importer: a file or a folder in, a run's records out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.records import Record
from rlvitals.runs.header import Header


class Imported(NamedTuple):
    """A run that comes from elsewhere.

    Attributes:
        name: What it may be called; it need not be free, nor fit to be a folder's name.
        records: The records; those of one stream in their order. Nothing is read before they are asked for.
        header: What the run says of itself, where that is known in full; else it is made of what follows, and of the
            records' times.
        counts: How many records of each stream there must be, where that is known.
        project: What it belongs to.
        configuration: The training's settings, plain values; may be filled while the records are read.
    """

    name: str
    records: Iterator[Record]
    header: Header | None = None
    counts: dict[str, int] | None = None
    project: str = ""
    configuration: dict[str, Any] | None = None


class Importer(ABC):
    """One noun, two verbs: `recognises` and `read`.

    Memory:
        What is read may be larger than memory: records are given as they are read.
    Records:
        Checked ones, as `records.Codec` makes them. What has no field of its own is kept: in `extra`, in `info`, or as
        `Scalars`. NaN, the infinities and what was not said stay four different things.
    Errors:
        What is damaged is an `ImportFormatError` that names the file, the line and the value, or is left out with an
        event that names them (`import_warnings`). Nothing is left out in silence.
    """

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether a file or a folder is of this format, by its contents. Raises nothing."""

    @abstractmethod
    def read(self, path: Path) -> Imported:
        """Open a file or a folder.

        Raises:
            ImportFormatError: It is damaged, or of another format; also while the records are read.
            MissingExtraError: It needs a package that is not installed.
        """


def head_of(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""

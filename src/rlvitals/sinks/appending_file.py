"""A file that grows by whole pieces."""

import os
from pathlib import Path

from rlvitals.files.regular_files import open_appending


class AppendingFile:
    """Appends to a file: all of a piece, or nothing. What was appended is with the operating system at once.

    A disk that is full takes half a piece, and what comes behind half a piece cannot be read.

    Args:
        path: The file; it and its folder are made if they are missing.

    Raises:
        IrregularFileError: Something that is not a regular file is there.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(open_appending(path), "ab", buffering=0)
        self._size = self._file.seek(0, os.SEEK_END)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def append(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            OSError: Nothing of it was appended.
        """
        try:
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(piece)

    def close(self) -> None:
        """Let go of the file; may be called again."""
        self._file.close()

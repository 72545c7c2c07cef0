"""A file that is only extended by complete pieces."""

import os
from pathlib import Path

from rlvitals.files.regular_files import open_appending


class AppendingFile:
    """Appends pieces to a file, each completely or not at all. The operating system has a piece when `append` returns.

    A full disk can accept part of a piece. The pieces after an incomplete one would be unreadable.

    Args:
        path: File to extend. The file and its folder are created if they are missing.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(open_appending(path), "ab", buffering=0)
        self._size = self._file.seek(0, os.SEEK_END)

    @property
    def size(self) -> int:
        """Size of the file, in bytes."""
        return self._size

    def append(self, piece: bytes) -> None:
        """Append a piece.

        Args:
            piece: Bytes to append.

        Raises:
            OSError: The piece cannot be written. The file is unchanged.
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
        """Close the file. Can be called again."""
        self._file.close()

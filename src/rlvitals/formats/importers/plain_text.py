"""Lines and rows of text files in any encoding, including files damaged by editors or crashes."""

import codecs
import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rlvitals.formats.importers.importer import head_of

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SIGN = 256
"""Number of bytes used to detect the encoding."""
_HEAD = 1 << 20
_MOST_JOINED = 20
"""Maximum number of lines in a quoted cell; a quote that stays open longer is damage."""


class TextLine(NamedTuple):
    """One line.

    Attributes:
        number: Line number, from 1.
        text: Text without line ending and NUL characters.
        ended: Whether a line ending follows; the last line of a truncated file has none.
        has_nul: Whether NUL characters, which a crash can leave, were removed.
    """

    number: int
    text: str
    ended: bool
    has_nul: bool


def lines_of(path: Path) -> Iterator[TextLine]:
    """Yield the lines of a file with any line endings (LF, CR LF, CR CR LF, CR) and encoding (UTF-8, UTF-16).

    Bytes that are invalid in the encoding become U+FFFD.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open(encoding=_encoding_of(head_of(path, _SIGN)), errors="replace", newline="\n") as file:
        yield from _lines(file)


def rows_of(path: Path, *, delimiter: str = ",") -> Iterator[tuple[TextLine, list[str]]]:
    """Yield the rows of a file. Quoted cells can span lines. Blank lines are skipped.

    Raises:
        OSError: The file cannot be read.
    """
    yield from _joined(lines_of(path), delimiter)


def _joined(lines: Iterable[TextLine], delimiter: str) -> Iterator[tuple[TextLine, list[str]]]:
    waiting: list[TextLine] = []
    for line in lines:
        waiting.append(line)
        if _is_open(waiting) and len(waiting) < _MOST_JOINED:
            continue
        yield from _rows(waiting, delimiter)
        waiting = []
    yield from _rows(waiting, delimiter)


def first_rows(path: Path, count: int, *, delimiter: str = ",") -> list[list[str]]:
    """Return the first rows of a file from its first MiB, or an empty list if the file is not readable text."""
    head = head_of(path, _HEAD)
    if not head or _is_binary(head[:_SIGN]):
        return []
    text = io.StringIO(head.decode(_encoding_of(head[:_SIGN]), "replace"), newline="\n")
    return [cells for _, cells in itertools.islice(_joined(_lines(text), delimiter), count)]


def _lines(raw_lines: Iterable[str]) -> Iterator[TextLine]:
    for number, raw in enumerate(raw_lines, 1):
        text = raw.rstrip("\r\n")
        clean = text.replace("\0", "")
        parts = clean.split("\r")
        for place, part in enumerate(parts, 1):
            if part or len(parts) == 1:
                ended = place < len(parts) or raw.endswith(("\n", "\r"))
                yield TextLine(number, part, ended, has_nul=len(clean) < len(text))


def _is_open(lines: list[TextLine]) -> bool:
    return sum(line.text.count('"') for line in lines) % 2 == 1


def _rows(lines: list[TextLine], delimiter: str) -> Iterator[tuple[TextLine, list[str]]]:
    if len(lines) > 1 and not _is_open(lines):
        last = lines[-1]
        text = "\n".join(line.text for line in lines)
        lines = [TextLine(lines[0].number, text, last.ended, any(line.has_nul for line in lines))]
    for line in lines:
        if line.text.strip() or line.has_nul:
            yield line, cells_of_text(line.text, delimiter=delimiter)


def cells_of_text(text: str, *, delimiter: str = ",") -> list[str]:
    """Split a row into cells."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a cell exceeds the size limit of csv
        return text.split(delimiter)


def _encoding_of(head: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if len(head) > 1 and 0 in head[:2] and _is_wide(head):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8"


def _is_wide(head: bytes) -> bool:
    """Return whether every second byte is NUL, as for ASCII text in UTF-16 without a byte order mark."""
    even = len(head) // 2 * 2
    return any(not any(head[place:even:2]) and all(head[1 - place : even : 2]) for place in (0, 1))


def _is_binary(head: bytes) -> bool:
    return b"\0" in head and _encoding_of(head) == "utf-8" and head.find(b"\0") < head.find(b"\n")

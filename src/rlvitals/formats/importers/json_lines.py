"""Files with one JSON object per line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.importer import head_of
from rlvitals.formats.importers.plain_text import lines_of

_BEGIN = b"{"
_SIGN = 16
"""Number of bytes in which an object begins, also after a byte order mark or spaces."""
_FEW = 3


def objects_of(file: Path, warnings: ImportWarnings, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and the object of each line. Damaged lines are left out.

    Args:
        file: Path of the file.
        warnings: Collector for damaged lines.
        what: Content of a line, such as `row`.

    Raises:
        ImportFormatError: Most lines are damaged.
        OSError: The file cannot be read.
    """
    whole, damaged = 0, 0
    for line in lines_of(file):
        if not line.text.strip():
            continue
        found = object_in(line.text)
        if found is None:
            damaged += 1
            warnings.add_row(file, line.number, line.text, f"is damaged; the import leaves its {what} out")
            continue
        whole += 1
        yield line.number, found
    if damaged > max(whole, _FEW):
        raise ImportFormatError(f"{file} is damaged: {damaged} of its {whole + damaged} lines are not JSON objects")


def first_object(file: Path) -> dict[str, Any] | None:
    """Return the object on the first line of a file, or `None` if there is none."""
    if _BEGIN not in head_of(file, _SIGN):  # the first line of a binary file can be as long as the file
        return None
    try:
        line = next(lines_of(file), None)
    except OSError:
        return None
    return None if line is None else object_in(line.text)


def object_in(text: str) -> dict[str, Any] | None:
    """Return the object on a line. NaN and infinities are the literals that Python's `json` writes."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

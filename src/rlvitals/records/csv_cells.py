"""Records as CSV rows, with a column for each field and for each entry of a flat dict (`parameters.color_precision`).

An empty cell means that the value is absent, and an empty text is `""`. Python's `csv` module cannot tell the two
apart. Non-finite numbers are spelled as in the files of a run.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rlvitals.records.coercion import NON_FINITE, spelled
from rlvitals.records.kinds import Record
from rlvitals.records.schema import fields

_QUOTED = re.compile(r'^$|^\s|\s$|[,"\r\n]')
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_WORDS: dict[str, float | bool] = {"true": True, "false": False, **NON_FINITE}


def plain_columns(kind: type[Record]) -> tuple[str, ...]:
    """Return the names of the fields that are one column each. A flat dict has a column per entry instead."""
    return tuple(field.name for field in fields(kind) if not field.column.is_dict)


def cells_of(record: Record, *, exact: bool = False) -> dict[str, str]:
    """Return the cells of a record by column, as they are written to a file. Absent values have no cell.

    Args:
        record: Record to convert.
        exact: Whether a text in a flat dict that would be read back as another type is written as a JSON string.
    """
    entry = exact_cell if exact else value_cell
    cells: dict[str, str] = {}
    for name, column, _ in fields(type(record)):
        value = getattr(record, name)
        if value is None:
            continue
        if column.is_dict:
            cells |= {f"{name}.{key}": entry(item) for key, item in value.items()}
        elif column.is_json:
            cells[name] = quoted(json_text(value))
        else:
            cells[name] = value_cell(value)
    return cells


def json_text(value: Any) -> str:
    """Encode a plain value as strict JSON."""
    return msgspec.json.encode(spelled(value)).decode()


def value_cell(value: Any) -> str:
    """Return the cell of a number, a bool or a text."""
    if type(value) is str:
        return quoted(value)
    if type(value) is bool:
        return "true" if value else "false"
    return str(spelled(value))


def exact_cell(value: Any) -> str:
    """Return the cell of a number, a bool or a text in a form from which `value_in` recovers the type."""
    if type(value) is str and (value.startswith('"') or type(value_in(value)) is not str):
        return quoted(json_text(value))
    return value_cell(value)


def value_in(text: str) -> float | bool | str:
    """Parse an unquoted cell as a number, a bool or a text. This inverts `exact_cell`, except for the quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.startswith('"'):
        try:
            return str(msgspec.json.decode(text, type=str))
        except msgspec.DecodeError:
            return text
    return text


def quoted(text: str) -> str:
    """Return the cell of a text, quoted if necessary. Empty text is quoted, because an empty cell means absent."""
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def unquoted(cell: str) -> str:
    """Return the text of a cell."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def spreadsheet_cell(cell: str) -> str:
    """Return a cell that no spreadsheet evaluates as a formula.

    Text that begins like a formula gets a leading apostrophe.
    """
    text = unquoted(cell)
    is_number = text in _WORDS or _NUMBER.fullmatch(text) is not None
    return quoted(f"'{text}") if _FORMULA.match(text) and not is_number else cell


def row_of(columns: Iterable[str]) -> str:
    """Join texts to a row."""
    return ",".join(map(quoted, columns)) + "\n"


def rows_in(lines: Iterable[str]) -> Iterator[str]:
    """Yield the rows of a file as they are written. Quoted text can span several lines."""
    row = ""
    for line in lines:
        row += line
        if row.count('"') % 2 == 0:
            yield row
            row = ""
    if row:
        yield row


def cells_in(row: str) -> Iterator[str]:
    """Yield the cells of a row as they are written."""
    cell = ""
    for part in row.rstrip("\r\n").split(","):
        cell += part
        if cell.count('"') % 2 == 0:
            yield cell
            cell = ""
        else:
            cell += ","

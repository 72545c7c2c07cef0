"""Records as rows of CSV: a column for each field, and one for each entry of a flat dict, `parameters.color_precision`.

An empty cell says that there is no value; an empty text is `""`. Numbers that are not finite are spelled as in a run's
files. Python's own `csv` cannot tell an empty text from nothing.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rlvitals.records.coercion import NON_FINITE, spelled
from rlvitals.records.kinds import Record
from rlvitals.records.schema import Column, fields

_QUOTED = re.compile(r'^$|^\s|\s$|[,"\r\n]')
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_WORDS: dict[str, float | bool] = {"true": True, "false": False, **NON_FINITE}


def plain_columns(kind: type[Record]) -> tuple[str, ...]:
    """The fields that are columns; a flat dict is as many as it has entries."""
    return tuple(field.name for field in fields(kind) if not field.column.is_dict)


def cells_of(record: Record, *, exact: bool = False) -> dict[str, str]:
    """A record's cells by column, as they stand in a file; what is absent has none.

    Args:
        record: The record.
        exact: Whether a text in a flat dict that would be read back as something else is a JSON string in its cell.
    """
    entry = exact_cell if exact else value_cell
    cells: dict[str, str] = {}
    for name, column, _ in fields(type(record)):
        value = getattr(record, name)
        if value is None:
            continue
        if column.is_dict:
            cells |= {f"{name}.{key}": entry(item) for key, item in value.items()}
        elif column is Column.TREE:
            cells[name] = quoted(json_text(value))
        else:
            cells[name] = value_cell(value)
    return cells


def json_text(value: Any) -> str:
    """A plain value as strict JSON."""
    return msgspec.json.encode(spelled(value)).decode()


def value_cell(value: Any) -> str:
    """The cell of a number, a flag or a text."""
    if type(value) is str:
        return quoted(value)
    if type(value) is bool:
        return "true" if value else "false"
    return str(spelled(value))


def exact_cell(value: Any) -> str:
    """The cell of a number, a flag or a text, from which `value_in` tells which of them it was."""
    if type(value) is str and (value.startswith('"') or type(value_in(value)) is not str):
        return quoted(json_text(value))
    return value_cell(value)


def value_in(text: str) -> float | bool | str:
    """The number, the flag or the text that a cell holds, by its looks; undoes `exact_cell`, but for the quotes."""
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
    """A text's cell: in quotes where it must be; an empty one too, as an empty cell says that there is none."""
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def unquoted(cell: str) -> str:
    """The text of a cell."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def spreadsheet_cell(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: a text that begins like one gets an apostrophe before it."""
    text = unquoted(cell)
    is_number = text in _WORDS or _NUMBER.fullmatch(text) is not None
    return quoted(f"'{text}") if _FORMULA.match(text) and not is_number else cell


def row_of(columns: Iterable[str]) -> str:
    """A row of texts."""
    return ",".join(map(quoted, columns)) + "\n"


def rows_in(lines: Iterable[str]) -> Iterator[str]:
    """The rows of a file, as they are written: a text in quotes may go over several lines."""
    row = ""
    for line in lines:
        row += line
        if row.count('"') % 2 == 0:
            yield row
            row = ""
    if row:
        yield row


def cells_in(row: str) -> Iterator[str]:
    """The cells of a row, as they are written."""
    cell = ""
    for part in row.rstrip("\r\n").split(","):
        cell += part
        if cell.count('"') % 2 == 0:
            yield cell
            cell = ""
        else:
            cell += ","

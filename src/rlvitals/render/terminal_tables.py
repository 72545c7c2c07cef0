"""Tables that fit a terminal: texts wrap between words; a table that is still too wide is split into several.

Numbers and words are never broken, unless a single word is wider than the screen.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from rlvitals.documents.document import Cell, Link, Span, Spark, Table, Toned
from rlvitals.formatting import ABSENT, sparkline
from rlvitals.render.terminal import LABEL, TONES, readable
from rlvitals.text_escaping import escape_control

_GAP = 2
_SHORT = (24, 16)
"""A text of at most so many characters does not wrap; the second where the first leaves no room."""
_MOST_KEYS = 3
"""Columns that name a row, at most."""
_SPAN = 21


class _Column(NamedTuple):
    """A column: its title and cells, and how wide it must and would be."""

    title: str
    cells: tuple[Text, ...]
    is_text: bool

    @property
    def natural(self) -> int:
        """The width at which nothing wraps."""
        return max([cell_len(self.title), *(cell.cell_len for cell in self.cells)])

    def least(self, short: int) -> int:
        """The least width: of a number or a short text all of it, of a long text its longest word."""
        title = _longest_word(self.title)
        widest = max((cell.cell_len for cell in self.cells), default=0)
        if self.is_text and widest > short:
            widest = max(short, *(_longest_word(cell.plain) for cell in self.cells))
        return max(title, widest)


def fitted(table: Table, width: int) -> Iterator[RenderableType]:
    """Lay out a table.

    Args:
        table: The table. A column in which every value is missing is left out.
        width: Columns of the screen.
    """
    columns = _columns(table)
    if not columns or not table.rows:
        return
    keys = _keys(columns)
    parts = [columns] if _widths(columns, width) else list(_parts(columns, keys, width))
    is_single = len(table.rows) == 1 and len(parts) > 1
    if is_single or any(_widths(part, width) is None for part in parts):
        yield from _listed(columns, len(table.rows), width)
        return
    for place, part in enumerate(parts):
        if place:
            yield Text("")
        yield _grid(part, _widths(part, width) or [])


def fits(table: Table, width: int) -> bool:
    """Whether a table has room without being split."""
    return _widths(_columns(table), width) is not None


def facts_grid(rows: Sequence[tuple[str, Text]], width: int) -> Grid:
    """Lay out names, and what is said of each, in two columns."""
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    names = [escape_control(name) for name, _ in rows]
    most = max(map(cell_len, names), default=0)
    grid.add_column(style=LABEL, no_wrap=True, width=min(most, max(1, width // 2)))
    grid.add_column(overflow="fold", max_width=max(1, readable(width) - most - _GAP))
    for name, (_, said) in zip(names, rows, strict=True):
        grid.add_row(name, said)
    return grid


def cell_text(cell: Cell) -> Text:
    """A cell of a document."""
    match cell:
        case Toned():
            return Text(escape_control(cell.text), TONES.get(cell.tone, ""))
        case Spark():
            return spark_text(cell.values)
        case Span():
            return Text(span_line(cell.value, cell.low, cell.high, -cell.limit, cell.limit))
        case Link():
            return Text(escape_control(cell.text))
        case _:
            return Text(escape_control(cell), LABEL if cell == ABSENT else "")


def spark_text(values: Sequence[float | None]) -> Text:
    """A curve in a line; stretches without a finite value stand out."""
    line = Text(sparkline(values), "cyan")
    line.highlight_regex("!+", TONES["bad"])
    return line


def span_line(value: float | None, low: float | None, high: float | None, least: float, most: float) -> str:
    """An interval around an estimate in a line, with a mark at zero.

    Args:
        value: The estimate.
        low: The lower end.
        high: The upper end.
        least: What the left edge stands for.
        most: What the right edge stands for.
    """
    if value is None or not math.isfinite(value) or not most / 2 > least / 2:
        return ABSENT

    def place(at: float) -> int:
        share = (at / 2 - least / 2) / (most / 2 - least / 2)
        return round(min(1.0, max(0.0, share)) * (_SPAN - 1))

    line = [" "] * _SPAN
    if low is not None and high is not None:
        for at in range(place(low), place(high) + 1):
            line[at] = "─"
    if least <= 0.0 <= most:
        line[place(0.0)] = "┼" if line[place(0.0)] == "─" else "│"
    line[place(value)] = "●"
    return "".join(line)


def _columns(table: Table) -> list[_Column]:
    found = [
        _Column(escape_control(title), tuple(cell_text(row[place]) for row in table.rows), place in table.texts)
        for place, title in enumerate(table.titles)
    ]
    return [
        column
        for place, column in enumerate(found)
        if place == 0 or any(cell.plain not in {ABSENT, ""} for cell in column.cells)
    ]


def _keys(columns: Sequence[_Column]) -> list[_Column]:
    """The first columns that together name each row."""
    keys = [columns[0]]
    for column in columns[1:_MOST_KEYS]:
        named = list(zip(*([cell.plain for cell in key.cells] for key in keys), strict=True))
        if not column.is_text or len(set(named)) == len(named):
            break
        keys.append(column)
    return keys


def _parts(columns: Sequence[_Column], keys: list[_Column], width: int) -> Iterator[list[_Column]]:
    """The columns in groups that fit, each behind those that name the row."""
    part = list(keys)
    for column in columns[len(keys) :]:
        if len(part) > len(keys) and _widths([*part, column], width, _SHORT[:1]) is None:
            yield part
            part = list(keys)
        part.append(column)
    yield part


def _widths(columns: Sequence[_Column], width: int, shorts: Sequence[int] = _SHORT) -> list[int] | None:
    """The width of each column; `None` if they do not fit, whichever texts are short."""
    room = width - _GAP * len(columns)  # Rich before 14 pads the last column too
    natural = [column.natural for column in columns]
    if sum(natural) <= room:
        return natural
    for short in shorts:
        least = [column.least(short) for column in columns]
        spare = room - sum(least)
        if spare >= 0:
            wanted = [more - less for more, less in zip(natural, least, strict=True)]
            return [less + spare * want // sum(wanted) for less, want in zip(least, wanted, strict=True)]
    return None


def _grid(columns: Sequence[_Column], widths: Sequence[int]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style=LABEL)
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(
            Text(column.title),
            justify="left" if column.is_text else "right",
            width=width,
            overflow="fold",
            vertical="top",
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        grid.add_row(*row)
    return grid


def _listed(columns: Sequence[_Column], rows: int, width: int) -> Iterator[RenderableType]:
    """Every row as names and values, one under another."""
    for row in range(rows):
        if row:
            yield Text("")
        named = [(column.title, column.cells[row]) for column in columns]
        yield facts_grid([(name, said) for name, said in named if said.plain not in {ABSENT, ""}], width)


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)

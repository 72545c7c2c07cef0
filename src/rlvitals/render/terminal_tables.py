"""Tables that fit a terminal. Texts wrap between words, and a table that is still too wide is split into several.

Numbers and words are not broken unless a single word is wider than the screen.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from rlvitals.documents.document import Cell, Drawing, Link, Span, Spark, Table, Toned, chosen
from rlvitals.formatting import ABSENT, interval_line, sparkline
from rlvitals.render.terminal import LABEL, TONES, readable
from rlvitals.text_escaping import escape_control

_GAP = 2
_SHORT = (24, 16)
"""Maximum lengths of a text that does not wrap. The second is used if the table does not fit with the first."""
_MOST_KEYS = 3
"""Maximum number of columns that identify a row."""
_SPARKS = (48, 40, 30, 20, 12)
"""Reduced lengths of a sparkline in a table; the first that fits is used."""


class _Column(NamedTuple):
    """A column with its title and cells."""

    title: str
    cells: tuple[Text, ...]
    is_text: bool

    @property
    def natural(self) -> int:
        """Width at which no cell wraps."""
        return max([cell_len(self.title), *(cell.cell_len for cell in self.cells)])

    def least(self, short: int) -> int:
        """Return the minimum width: the full width of numbers and short texts, the longest word of longer texts."""
        title = _longest_word(self.title)
        widest = max((cell.cell_len for cell in self.cells), default=0)
        if self.is_text and widest > short:
            widest = max(short, *(_longest_word(cell.plain) for cell in self.cells))
        return max(title, widest)


def fitted(table: Table, width: int) -> Iterator[RenderableType]:
    """Lay out a table.

    Columns without any value are omitted. Sparklines are shortened to the available width.

    Args:
        table: Table to lay out.
        width: Width of the screen in columns.
    """
    if not table.rows:
        return
    columns = _columns(_narrowed(table, width))
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


def captioned(table: Table, width: int) -> Iterator[RenderableType]:
    """Lay out a table below its caption."""
    if table.caption:
        yield Text(escape_control(table.caption), LABEL)
    yield from fitted(table, width)


def facts_grid(rows: Sequence[tuple[str, Text]], width: int) -> Grid:
    """Lay out names and values in two columns."""
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    names = [escape_control(name) for name, _ in rows]
    most = max(map(cell_len, names), default=0)
    grid.add_column(style=LABEL, no_wrap=True, width=min(most, max(1, width // 2)))
    grid.add_column(overflow="fold", max_width=max(1, readable(width) - most - _GAP))
    for name, (_, said) in zip(names, rows, strict=True):
        grid.add_row(name, said)
    return grid


def cell_text(cell: Cell) -> Text:
    """Return a cell of a document as styled text."""
    match cell:
        case Toned():
            return Text(escape_control(cell.text), TONES.get(cell.tone, ""))
        case Drawing():
            return Text(cell.text, TONES.get(cell.tone, "cyan"))
        case Spark():
            line = Text(sparkline(cell.values), "cyan")
            line.highlight_regex("!+", TONES["bad"])  # highlight stretches with non-finite values
            return line
        case Span():
            return Text(interval_line(cell.value, cell.low, cell.high, -cell.limit, cell.limit))
        case Link():
            return Text(escape_control(cell.text))
        case _:
            return Text(escape_control(cell), LABEL if cell == ABSENT else "")


def thinned(values: Sequence[float | None], most: int) -> tuple[float | None, ...]:
    """Shorten a curve to at most `most` values: the mean of each stretch, or NaN if any of its values is non-finite."""
    if len(values) <= most:
        return tuple(values)
    edges = [round(place * len(values) / most) for place in range(most + 1)]
    parts = [[value for value in values[first:end] if value is not None] for first, end in pairwise(edges)]
    return tuple(map(_stretch_mean, parts))


def _stretch_mean(part: list[float]) -> float | None:
    if not part:
        return None
    scale = max(map(abs, part)) or 1.0  # a sum of very large values would overflow
    return sum(value / scale for value in part) / len(part) * scale


def _narrowed(table: Table, width: int) -> Table:
    """Return the table with the longest sparklines that fit, without its optional columns if necessary."""
    longest = max((len(cell.values) for row in table.rows for cell in row if isinstance(cell, Spark)), default=0)
    lengths = (longest, *(length for length in _SPARKS if length < longest))
    fewest = tuple(title for title in table.titles if title not in table.spare)
    for titles, shorts, most in product(dict.fromkeys((table.titles, fewest)), ((), _SHORT), lengths):
        kept = chosen(table, titles)
        rows = (
            tuple(Spark(thinned(cell.values, most)) if isinstance(cell, Spark) else cell for cell in row)
            for row in kept.rows
        )
        narrowed = kept._replace(rows=tuple(rows))
        if _widths(_columns(narrowed), width, shorts):
            break
    return narrowed


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
    """Return the first columns that together identify each row."""
    keys = [columns[0]]
    for column in columns[1:_MOST_KEYS]:
        named = list(zip(*([cell.plain for cell in key.cells] for key in keys), strict=True))
        if not column.is_text or len(set(named)) == len(named):
            break
        keys.append(column)
    return keys


def _parts(columns: Sequence[_Column], keys: list[_Column], width: int) -> Iterator[list[_Column]]:
    """Yield groups of columns that fit the width, each starting with the columns that identify the row."""
    part = list(keys)
    for column in columns[len(keys) :]:
        if len(part) > len(keys) and _widths([*part, column], width, _SHORT[:1]) is None:
            yield part
            part = list(keys)
        part.append(column)
    yield part


def _widths(columns: Sequence[_Column], width: int, shorts: Sequence[int] = _SHORT) -> list[int] | None:
    """Return the width of each column, or `None` if they do not fit with any limit for short texts."""
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
    """Lay out each row as a list of names and values."""
    for row in range(rows):
        if row:
            yield Text("")
        named = [(column.title, column.cells[row]) for column in columns]
        yield facts_grid([(name, said) for name, said in named if said.plain not in {ABSENT, ""}], width)


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)

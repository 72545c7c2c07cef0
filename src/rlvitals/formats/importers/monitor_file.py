"""Reader for one `monitor.csv` of Stable-Baselines3, gym or OpenAI baselines, including files left by a crash."""

import ast
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.plain_text import TextLine, first_rows, rows_of

ENDING = "monitor.csv"
OWN = ("r", "l", "t")
"""First columns of every monitor file: return, length (steps) and time (seconds since the start)."""

_HEADER = re.compile(r"#\s*\{")
_NAME_THEN_NUMBER = re.compile(r"(.*?)(-?(?:\d+\.\d+(?:e[+-]?\d+)?|inf|nan))", re.DOTALL)
_RETURN = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|nan|-?inf")
_LAST_CELL = re.compile(r"-?\d+(\.\d+(e[+-]?\d+)?)?|True|False")
_RESTART = 0.9
"""Smallest ratio of a time to the previous one without a new session. A lower ratio means that the clock restarted; a
smaller step back is a correction of the system clock."""
_FEW = 3

MISSING = "is damaged; the import leaves its episode out"
NO_TIME = "has an incomplete time; the import uses the time of the previous episode"
NUL = "contains NUL characters, as after a crash; the data at that place is missing"


class MonitorRow(NamedTuple):
    """One episode.

    Attributes:
        line: Line number, from 1.
        session: Session number of a resumed training, from 0.
        reward: Return of the episode.
        length: Length in steps.
        t: Seconds since the start of the session.
        extra: Cells of other columns, as text.
    """

    line: int
    session: int
    reward: float
    length: int
    t: float
    extra: dict[str, str]


class MonitorFile:
    """A monitor file after a first pass, with its header and the lengths of its sessions.

    Args:
        path: Path of the file.
        warnings: Collector for damaged or missing data.

    Attributes:
        header: First header of the file, or an empty dict.
        starts: Start time of each session (UTC, seconds since 1970); `None` if the file does not record it.
        ends: Last time of each session, in seconds since the start of the session.
        rows: Number of episodes.
        restarts: Line numbers at which the time restarts without a header that records the start time.

    Raises:
        ImportFormatError: Most rows are damaged.
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path, warnings: ImportWarnings) -> None:
        self.path = path
        self.rows = 0
        self.ends: list[float] = []
        reader = _Reader(path, warnings)
        for row in reader.read():
            self.ends += [0.0] * (row.session + 1 - len(self.ends))
            self.ends[row.session] = row.t
            self.rows += 1
        self.header = reader.headers.get(0, {})
        self.restarts = reader.restarts
        self.ends = self.ends or [0.0]
        self.starts = [_start_in(reader.headers.get(session, {})) for session in range(len(self.ends))]
        if reader.damaged > max(self.rows, _FEW):
            line, text = reader.first_damage
            raise ImportFormatError(
                f"{path} is damaged: {reader.damaged} of its {reader.damaged + self.rows} rows are not episodes "
                f"({','.join(reader.columns)}); the first is line {line}: {text[:60]!r}. "
                "Repair the file, or move it out of the folder"
            )

    @property
    def is_dated(self) -> bool:
        """Whether a header records the start time of the training."""
        return self.starts[0] is not None

    @property
    def began(self) -> float:
        """Start time of the training (UTC, seconds since 1970), estimated from the file date if no header has it."""
        start = self.starts[0]
        return self.path.stat().st_mtime - sum(self.ends) if start is None else start

    @property
    def ended(self) -> float:
        """Time of the last episode (UTC, seconds since 1970), as recorded in the file."""
        moment = self.began
        for start, end in zip(self.starts, self.ends, strict=True):
            moment = (moment if start is None else start) + end
        return moment

    def read(self) -> Iterator[MonitorRow]:
        """Yield the episodes in file order without damaged rows.

        Raises:
            OSError: The file cannot be read.
        """
        return _Reader(self.path, ImportWarnings()).read()


def is_monitor(path: Path) -> bool:
    """Return whether a file is a monitor file, based on its first lines."""
    rows = first_rows(path, 2)
    if not rows:
        return False
    first = ",".join(rows[0])
    if _HEADER.match(first.strip()):
        return "t_start" in first or path.name.endswith(ENDING) or _columns_in(rows[-1]) is not None
    if _columns_in(rows[0]) is not None:
        return True
    return path.name.endswith(ENDING) and _numbers(rows[0][: len(OWN)]) is not None


class _Reader:
    """A single pass over a file.

    Args:
        path: Path of the file.
        warnings: Collector for damaged or missing data.
    """

    def __init__(self, path: Path, warnings: ImportWarnings) -> None:
        self.columns: list[str] = []
        self.headers: dict[int, dict[str, Any]] = {}
        self.damaged = 0
        self.first_damage = (0, "")
        self.restarts: list[int] = []
        self._path = path
        self._warnings = warnings
        self._session = 0
        self._last = -math.inf
        self._rows = 0

    def read(self) -> Iterator[MonitorRow]:
        for line, cells in rows_of(self._path):
            if line.has_nul:
                self._warnings.add_row(self._path, line.number, line.text, NUL)
            if not line.text.strip():
                continue
            rest: list[str] | None = cells
            if _HEADER.match(line.text.strip()):
                rest = self._take_header(line)
            if rest and (found := _columns_in(rest)) is not None:
                self.columns, rest = found
            for row in _unjoined(rest, len(self.columns)) if rest else ():
                yield from self._row(line, row)

    def _take_header(self, line: TextLine) -> list[str]:
        """Read a header and return the cells that follow it on the same line."""
        text = line.text.strip().lstrip("#").lstrip()
        if self._rows:  # a second header: the training was resumed
            self._session += 1
            self._last = -math.inf
        try:
            said, end = _header_in(text)
        except ValueError:
            self._warnings.add_row(
                self._path, line.number, line.text, "is a damaged header; the times of the episodes are estimates"
            )
            return []
        self.headers[self._session] = said
        rest = text[end:].strip()
        return rest.split(",") if rest else []

    def _row(self, line: TextLine, cells: list[str]) -> Iterator[MonitorRow]:
        if not self.columns:
            self.columns = [*OWN, *(f"column_{place}" for place in range(len(OWN) + 1, len(cells) + 1))]
            self._warnings.add(
                f"{self._path} has no line of column names; the import takes the columns as {', '.join(self.columns)}.",
                file=str(self._path),
            )
        is_whole = len(cells) == len(self.columns)
        said = dict(zip(self.columns, cells, strict=False))
        if not is_whole:  # the last cell can be a truncated number
            said.pop(self.columns[min(len(cells), len(self.columns)) - 1], None)
        numbers = _numbers([said.get(name, "") for name in OWN[:2]])
        if numbers is None or len(cells) > len(self.columns):
            self.damaged += 1
            self.first_damage = self.first_damage if self.damaged > 1 else (line.number, line.text)
            self._warnings.add_row(self._path, line.number, line.text, MISSING)
            return
        reward, length = numbers
        t = self._time(said.get("t", ""), line, is_last=not line.ended)
        extra = {name: text for name, text in said.items() if name not in OWN and text}
        self._rows += 1
        yield MonitorRow(line.number, self._session, reward, int(length), t, extra)

    def _time(self, text: str, line: TextLine, *, is_last: bool) -> float:
        try:
            t = float(text)
        except ValueError:
            t = math.nan
        if not math.isfinite(t) or (is_last and t < self._last):
            self._warnings.add_row(self._path, line.number, line.text, NO_TIME)
            return max(self._last, 0.0)
        if t < self._last * _RESTART:
            self._session += 1
            self.restarts.append(line.number)
            self._last = t
        self._last = max(self._last, t)
        return self._last


def _header_in(text: str) -> tuple[dict[str, Any], int]:
    """Return the header, written as JSON or as a Python dict, and the position of its end.

    Raises:
        ValueError: The header is in neither format.
    """
    try:
        return json.JSONDecoder().raw_decode(text)
    except ValueError:
        end = text.rfind("}") + 1
        try:
            said = ast.literal_eval(text[:end])
        except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
            raise ValueError(str(error)) from None
        if not isinstance(said, dict):
            raise ValueError("not a dict") from None  # noqa: TRY004 - one error type for all damage
        return said, end


def _start_in(header: dict[str, Any]) -> float | None:
    start = header.get("t_start")
    return float(start) if isinstance(start, int | float) and math.isfinite(start) else None


def _numbers(cells: list[str]) -> tuple[float, float] | None:
    """Return return and length as numbers, or `None` if they are not a number and a whole number."""
    try:
        reward, length = float(cells[0]), float(cells[1])
        [float(cell) for cell in cells[2:]]
    except (ValueError, IndexError):
        return None
    return (reward, length) if length >= 0 and length == length // 1 else None


def _columns_in(cells: list[str]) -> tuple[list[str], list[str]] | None:
    """Return the column names in a row and the episode cells on the same line; `None` if there are no names."""
    names = [cell.strip() for cell in cells]
    if {*OWN} <= {*names}:
        return names, []
    if names[:2] != list(OWN[:2]) or len(names) % 2 == 0:
        return None
    middle = len(names) // 2  # n names and n values share one cell
    joint = _NAME_THEN_NUMBER.fullmatch(names[middle])
    if joint is None or [*names[:middle], joint[1]][: len(OWN)] != list(OWN):
        return None
    return [*names[:middle], joint[1]], [joint[2], *names[middle + 1 :]]


def _unjoined(cells: list[str], columns: int) -> list[list[str]]:
    """Split two episodes on one line if there is only one way to do it."""
    if not columns or len(cells) != 2 * columns - 1:
        return [cells]
    joint = cells[columns - 1]
    ways = [
        (joint[:place], joint[place:])
        for place in range(1, len(joint))
        if _LAST_CELL.fullmatch(joint[:place]) and _RETURN.fullmatch(joint[place:])
    ]
    if len(ways) != 1:
        return [cells]
    return [[*cells[: columns - 1], ways[0][0]], [ways[0][1], *cells[columns:]]]

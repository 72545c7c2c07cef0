"""From a run to its curves: columns in memory, or entries of dicts, which are read when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rlvitals.dashboard.curve_series import CurveSeries, plain_numbers, series
from rlvitals.dashboard.run_details import table_csv
from rlvitals.dashboard.watched_run import STREAMS, WatchedRun
from rlvitals.errors import ColumnError
from rlvitals.runs.column_store import Cells, Flags, Floats

MOST_FIELDS = 24
MOST_CSV_ROWS = 5_000_000
_CSV_CHUNK = 50_000
_CLOCK_COLUMNS = {"env_step": ("env_step", "step"), "episode": ("episode",)}


class View(NamedTuple):
    """What of a curve is wanted; see `series`."""

    clock: str
    low: float | None = None
    high: float | None = None
    points: int = 1_000
    smoothing: int = -1
    category: str | None = None


def curves(run: WatchedRun, stream: str, names: Sequence[str], view: View) -> list[CurveSeries]:
    """The curves of some fields of a stream.

    Args:
        run: The run.
        stream: The stream.
        names: The fields; entries of dicts with a dot, as `reward_parts.size`.
        view: What of them is wanted.

    Raises:
        ColumnError: There is no such field.
        RunFormatError: A segment is damaged.
    """
    found = []
    for name in names:
        cells, clock, positions = _placed(run, stream, name, view.clock)
        found.append(
            series(
                cells,
                positions,
                stream=stream,
                field=name,
                clock=clock,
                low=view.low,
                high=view.high,
                points=view.points,
                smoothing=view.smoothing,
                where=_of_category(run, stream, view.category, cells.values.size),
            )
        )
    return found


def curves_csv(run: WatchedRun, stream: str, names: Sequence[str], view: View) -> Iterator[str]:
    """The same range of the same fields as CSV, every row of it.

    Raises:
        ColumnError: There is no such field.
    """
    placed = [_placed(run, stream, name, view.clock) for name in names]
    _, clock, positions = placed[0]
    rows = min(cells.values.size for cells, _, _ in placed)
    inside = ~np.isnan(positions[:rows])
    if view.low is not None:
        inside &= positions[:rows] >= view.low
    if view.high is not None:
        inside &= positions[:rows] <= view.high
    where = _of_category(run, stream, view.category, rows)
    inside &= True if where is None else where
    chosen = np.flatnonzero(inside)[:MOST_CSV_ROWS]
    quoted = ['"' + name.replace('"', '""') + '"' if set(name) & set(',"\n\r') else name for name in (clock, *names)]
    return _chunks(quoted, positions, [cells for cells, _, _ in placed], chosen)


def fields_of(run: WatchedRun) -> dict[str, list[str]]:
    """Everything that can be drawn, by stream: columns, and entries of dicts."""

    def read() -> dict[str, list[str]]:
        nested = {
            stream: [name for name in run.reader.stream(stream).names if "." in name]
            for stream in ("episodes", "updates", "scalars")
        }
        flat = {stream: run.columns[stream].said for stream in STREAMS}
        return {stream: [*flat.get(stream, []), *nested.get(stream, [])] for stream in dict.fromkeys((*flat, *nested))}

    return run.kept("fields", read)


def _chunks(names: list[str], positions: Floats, columns: list[Cells], chosen: Any) -> Iterator[str]:
    yield from table_csv(names, [[] for _ in names])
    for start in range(0, chosen.size, _CSV_CHUNK):
        rows = chosen[start : start + _CSV_CHUNK]
        texts: list[list[Any]] = [plain_numbers(positions[rows])]
        for cells in columns:
            values = plain_numbers(cells.values[rows])
            texts.append([value if there else None for value, there in zip(values, cells.present[rows], strict=True)])
        _, *lines = table_csv(names, texts)
        yield "".join(lines)


def _placed(run: WatchedRun, stream: str, name: str, clock: str) -> tuple[Cells, str, Floats]:
    if stream in STREAMS and name in run.columns[stream].names:
        found, positions = run.positions(stream, clock)
        cells = run.columns[stream].cells(name)
        rows = min(cells.values.size, positions.size)  # a live run may have gained some in between
        return Cells(cells.values[:rows], cells.present[:rows]), found, positions[:rows]
    return run.kept(f"{stream}.{name}.{clock}", lambda: _nested(run, stream, name, clock))


def _nested(run: WatchedRun, stream: str, name: str, clock: str) -> tuple[Cells, str, Floats]:
    source = run.reader.stream(stream)
    if "." not in name or name not in source.names:
        raise ColumnError(f"{stream} has no numbers called {name!r:.100}")
    clocks = [column for column in _CLOCK_COLUMNS.get(clock, ()) if column in source.names]
    columns = source.read(name, "time", *clocks)
    if columns[name].dtype == object:
        raise ColumnError(f"{stream}: {name!r:.100} holds text, which cannot be drawn")
    values = np.asarray(np.ma.getdata(columns[name]), dtype=np.float64)
    cells = Cells(values, ~np.ma.getmaskarray(columns[name]))
    for column in clocks:
        return cells, clock, _floats(columns[column])
    return cells, "time", _floats(columns["time"]) - run.begun


def _floats(column: Any) -> Floats:
    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan), dtype=np.float64)


def _of_category(run: WatchedRun, stream: str, category: str | None, rows: int) -> Flags | None:
    if category is None or stream != "episodes":
        return None
    texts = run.label("episodes", "category")
    if category not in texts:
        return np.zeros(rows, dtype=bool)
    cells = run.columns["episodes"].cells("category")
    chosen = (cells.present & (cells.values == texts.index(category)))[:rows]
    return np.concatenate([chosen, np.zeros(rows - chosen.size, dtype=bool)])

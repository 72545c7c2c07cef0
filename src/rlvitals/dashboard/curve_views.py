"""Curves of a run, from the columns in memory or from dict entries that are read on request."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rlvitals.dashboard.curve_series import CurveSeries, plain_numbers, series
from rlvitals.dashboard.query_params import View
from rlvitals.dashboard.watched_run import STREAMS, WatchedRun
from rlvitals.errors import ColumnError
from rlvitals.runs.column_store import Cells, Flags, Floats
from rlvitals.summary.successes import as_floats

MOST_CSV_ROWS = 5_000_000
_CSV_CHUNK = 50_000
_CLOCK_COLUMNS = {"env_step": ("env_step", "step"), "episode": ("episode",)}


def curves(run: WatchedRun, names: Sequence[str], view: View) -> list[CurveSeries]:
    """Return the curves of fields of a stream.

    Args:
        run: Run to read.
        names: Names of the fields; dict entries have a dot, for example `reward_parts.size`.
        view: Stream and visible part.

    Raises:
        ColumnError: A field does not exist or holds text.
        RunFormatError: A segment is damaged.
    """
    found = []
    for name in names:
        cells, clock, positions = _placed(run, name, view)
        where = _of_category(run, view, cells.values.size)
        found.append(series(cells, positions, view, field=name, clock=clock, where=where))
    return found


def curves_csv(run: WatchedRun, names: Sequence[str], view: View) -> Iterator[str]:
    """Yield all rows of the visible part as CSV, in chunks.

    Args:
        run: Run to read.
        names: Names of the fields.
        view: Stream and visible part.

    Raises:
        ColumnError: A field does not exist or holds text.
    """
    placed = [_placed(run, name, view) for name in names]
    _, clock, positions = placed[0]
    rows = min(cells.values.size for cells, _, _ in placed)
    inside = ~np.isnan(positions[:rows]) & view.contains(positions[:rows])
    if (where := _of_category(run, view, rows)) is not None:
        inside &= where
    chosen = np.flatnonzero(inside)[:MOST_CSV_ROWS]
    return _chunks([clock, *names], positions, [cells for cells, _, _ in placed], chosen)


def fields_of(run: WatchedRun) -> dict[str, list[str]]:
    """Return the names of all fields that can be drawn, by stream: columns and dict entries."""

    def read() -> dict[str, list[str]]:
        nested = {
            stream: [name for name in run.reader.stream(stream).names if "." in name]
            for stream in ("episodes", "updates", "scalars")
        }
        flat = {stream: run.columns[stream].said for stream in STREAMS}
        return {stream: [*flat.get(stream, []), *nested.get(stream, [])] for stream in dict.fromkeys((*flat, *nested))}

    return run.cached("fields", read)


def _chunks(names: list[str], positions: Floats, columns: list[Cells], chosen: Any) -> Iterator[str]:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    for start in range(0, max(1, chosen.size), _CSV_CHUNK):
        rows = chosen[start : start + _CSV_CHUNK]
        values = [plain_numbers(cells.values[rows], cells.present[rows]) for cells in columns]
        table.writerows(zip(plain_numbers(positions[rows]), *values, strict=True))
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _placed(run: WatchedRun, name: str, view: View) -> tuple[Cells, str, Floats]:
    stream, clock = view.stream, view.clock
    if stream in STREAMS and name in run.columns[stream].names:
        found, positions = run.positions(stream, clock)
        cells = run.columns[stream].cells(name)
        rows = min(cells.values.size, positions.size)  # a live run can gain rows between the two reads
        return Cells(cells.values[:rows], cells.present[:rows]), found, positions[:rows]
    return run.cached(f"{stream}.{name}.{clock}", lambda: _nested(run, stream, name, clock))


def _nested(run: WatchedRun, stream: str, name: str, clock: str) -> tuple[Cells, str, Floats]:
    source = run.reader.stream(stream)
    if "." not in name or name not in source.names:
        raise ColumnError(f"{stream} has no numeric field {name!r:.100}")
    clocks = [column for column in _CLOCK_COLUMNS.get(clock, ()) if column in source.names]
    columns = source.read(name, "time", *clocks)
    if columns[name].dtype == object:
        raise ColumnError(f"{stream}: the field {name!r:.100} holds text, which cannot be drawn")
    values = np.asarray(np.ma.getdata(columns[name]), dtype=np.float64)
    cells = Cells(values, ~np.ma.getmaskarray(columns[name]))
    if clocks:
        return cells, clock, as_floats(columns[clocks[0]])
    return cells, "time", as_floats(columns["time"]) - run.begun


def _of_category(run: WatchedRun, view: View, rows: int) -> Flags | None:
    if view.category is None or view.stream != "episodes":
        return None
    texts = run.label("episodes", "category")
    if view.category not in texts:
        return np.zeros(rows, dtype=bool)
    cells = run.columns["episodes"].cells("category")
    chosen = (cells.present & (cells.values == texts.index(view.category)))[:rows]
    return np.concatenate([chosen, np.zeros(rows - chosen.size, dtype=bool)])

"""The parameters that a run tried: rows for parallel coordinates, means for a heat map, and what they do."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.runs import Run
from rlvitals.runs.column_store import Floats
from rlvitals.stats.parameters.parameter_columns import ParameterColumn, parameter_column
from rlvitals.summary.tried_parameters import OUTCOMES, exploration_of, plain

MOST_ROWS = 50_000
"""Episodes, evenly taken, that heat maps are of."""
MOST_LINES = 600
"""Lines of the parallel coordinates."""
_BINS = 16
_MOST_LEVELS = 24
_PREFIX = "parameters."


class ParameterTable:
    """What was tried, row by row.

    Args:
        run: The run.

    Raises:
        RunFormatError: A segment is damaged.
    """

    def __init__(self, run: Run) -> None:
        self.parameters: list[ParameterColumn] = []
        self.outcomes: dict[str, Floats] = {}
        self.episodes = 0
        names = [name for name in run.episodes.names if name.startswith(_PREFIX)]
        if not names:
            return
        columns = run.episodes.read(*names, *OUTCOMES)
        self.episodes = len(columns["reward"])
        rows = np.arange(self.episodes)[:: max(1, -(-self.episodes // MOST_ROWS))]
        self.parameters = [parameter_column(name.removeprefix(_PREFIX), columns[name][rows].tolist()) for name in names]
        found = {name: np.ma.filled(columns[name][rows].astype(np.float64), np.nan) for name in OUTCOMES}
        self.outcomes = {name: np.asarray(values) for name, values in found.items() if np.isfinite(values).any()}


def tried_of(run: WatchedRun) -> ParameterTable:
    """What a run tried, read once for as long as nothing is new.

    Raises:
        RunFormatError: A segment is damaged.
    """
    return run.kept("tried", lambda: ParameterTable(run.reader))


def lines_of(table: ParameterTable, outcome: str) -> dict[str, Any]:
    """Rows for parallel coordinates, the latest ones last.

    Args:
        table: What was tried.
        outcome: What the lines are coloured by.
    """
    rows = table.outcomes.get(outcome, np.empty(0)).size
    chosen = np.unique(np.linspace(0, rows - 1, min(rows, MOST_LINES)).astype(np.int64)) if rows else np.empty(0, int)
    return {
        "episodes": table.episodes,
        "outcomes": list(table.outcomes),
        "outcome": outcome if outcome in table.outcomes else None,
        "parameters": [_axis(tried, chosen) for tried in table.parameters],
        "values": plain_numbers(table.outcomes[outcome][chosen]) if outcome in table.outcomes else [],
    }


def heat_map(table: ParameterTable, first: str, second: str, outcome: str) -> dict[str, Any] | None:
    """The mean outcome of each cell of two parameters; `None` if there is no such parameter or outcome."""
    by_name = {tried.name: tried for tried in table.parameters}
    if first not in by_name or second not in by_name or outcome not in table.outcomes:
        return None
    values = table.outcomes[outcome]
    x, y = _binned(by_name[first]), _binned(by_name[second])
    used = np.isfinite(values) & by_name[first].present & by_name[second].present
    shape = (len(y[1]), len(x[1]))
    cells = (y[0] * shape[1] + x[0])[used]
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    sums = np.bincount(cells, weights=values[used], minlength=counts.size)
    means = np.divide(sums, counts, out=np.full(counts.size, np.nan), where=counts > 0)
    return {
        "x": {"name": first, "labels": x[1]},
        "y": {"name": second, "labels": y[1]},
        "outcome": outcome,
        "means": [[None if value == "NaN" else value for value in plain_numbers(row)] for row in means.reshape(shape)],
        "counts": counts.reshape(shape).tolist(),
    }


def exploration(run: WatchedRun) -> Any:
    """Everything about the parameters (`stats.parameters.exploration`); `None` if none were said. Takes seconds.

    Raises:
        RunFormatError: A segment is damaged.
    """
    return run.kept("exploration", lambda: plain(exploration_of(run.reader)))


def _axis(tried: ParameterColumn, rows: NDArray[np.int64]) -> dict[str, Any]:
    values = tried.values[tried.present]
    return {
        "name": tried.name,
        "low": float(values.min()) if values.size else None,
        "high": float(values.max()) if values.size else None,
        "levels": [str(level) for level in tried.levels],
        "values": [
            value if there else None
            for value, there in zip(tried.values[rows].tolist(), tried.present[rows], strict=True)
        ],
    }


def _binned(tried: ParameterColumn) -> tuple[NDArray[np.int64], list[str]]:
    """The bin of each row, and what the bins are called."""
    if not tried.numeric:
        codes = np.minimum(tried.values.astype(np.int64), _MOST_LEVELS - 1)
        return codes, [str(level) for level in tried.levels[:_MOST_LEVELS]]
    distinct = np.unique(tried.values[tried.present])
    if distinct.size <= _MOST_LEVELS:
        places = np.minimum(np.searchsorted(distinct, tried.values), max(0, distinct.size - 1))
        return places, [f"{value:g}" for value in distinct] or [""]
    edges = np.linspace(distinct[0], distinct[-1], _BINS + 1)
    places = np.clip(np.searchsorted(edges, tried.values, "right") - 1, 0, _BINS - 1)
    return places, [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]

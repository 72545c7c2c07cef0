"""Explored parameters of a run: lines for parallel coordinates, means for a heat map, and their effects."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.documents.parameter_tables import parameter_rows
from rlvitals.formatting import format_any, number
from rlvitals.runs import Run
from rlvitals.runs.column_store import Floats
from rlvitals.stats.parameters.cell_means import Bins, cell_means
from rlvitals.stats.parameters.parameter_columns import ParameterColumn, parameter_column
from rlvitals.summary.tried_parameters import exploration_facts, tried_rows

MOST_LINES = 600
"""Maximum number of lines in the parallel coordinates."""
_RANGES = 16
_MOST_LEVELS = 24


class ParameterTable:
    """Explored parameters and outcomes of a run, one row per attempt or episode (`summary.tried_parameters`).

    Args:
        run: Run to read.

    Raises:
        RunFormatError: A segment is damaged.
    """

    def __init__(self, run: Run) -> None:
        self.parameters: list[ParameterColumn] = []
        self.outcomes: dict[str, Floats] = {}
        self.total = 0
        self.unit = "episode"
        found = tried_rows(run)
        if found is None:
            return
        self.total, self.unit = found.total, found.unit
        self.parameters = [parameter_column(name, values) for name, values in found.parameters.items()]
        self.outcomes = found.outcomes


def tried_of(run: WatchedRun) -> ParameterTable:
    """Return the explored parameters of a run, cached until the run gains records.

    Raises:
        RunFormatError: A segment is damaged.
    """
    return run.cached("tried", lambda: ParameterTable(run.reader))


def lines_of(run: WatchedRun, outcome: str) -> dict[str, Any]:
    """Return the lines of the parallel coordinates, oldest first.

    Args:
        run: Run to read.
        outcome: Name of the outcome that colours the lines.

    Raises:
        RunFormatError: A segment is damaged.
    """
    table = tried_of(run)
    values = table.outcomes.get(outcome, np.empty(0))
    chosen = np.unique(np.linspace(0, values.size - 1, min(values.size, MOST_LINES)).astype(np.int64))
    return {
        "total": table.total,
        "unit": table.unit,
        "outcomes": list(table.outcomes),
        "outcome": outcome if outcome in table.outcomes else None,
        "parameters": [_axis(tried, chosen) for tried in table.parameters],
        "values": plain_numbers(values[chosen]),
    }


def heat_map(run: WatchedRun, first: str, second: str, outcome: str) -> dict[str, Any] | None:
    """Return the mean outcome in each cell of two parameters, or `None` for an unknown parameter or outcome.

    Raises:
        RunFormatError: A segment is damaged.
    """
    table = tried_of(run)
    by_name = {tried.name: tried for tried in table.parameters}
    if first not in by_name or second not in by_name or outcome not in table.outcomes:
        return None
    values = table.outcomes[outcome]
    cells = cell_means(by_name[first], by_name[second], values, most_values=_MOST_LEVELS, ranges=_RANGES)
    return {
        "x": {"name": first, "labels": _labels(cells.x)},
        "y": {"name": second, "labels": _labels(cells.y)},
        "outcome": outcome,
        "means": [plain_numbers(*row) for row in zip(cells.means, cells.counts > 0, strict=True)],
        "counts": cells.counts.tolist(),
    }


def exploration(run: WatchedRun) -> Any:
    """Return the analysis of the parameters, or `None` if none were recorded.

    It is that of `summary.tried_parameters.exploration_facts`, and `effects` has the effect of each parameter on each
    outcome as text. The analysis takes seconds and is cached.

    Raises:
        RunFormatError: A segment is damaged.
    """

    def made() -> dict[str, Any] | None:
        found = exploration_facts(run.reader)
        return None if found is None else {**found, "effects": [row._asdict() for row in parameter_rows(found)]}

    return run.cached("exploration", made)


def _axis(tried: ParameterColumn, rows: NDArray[np.int64]) -> dict[str, Any]:
    values = tried.values[tried.present]
    return {
        "name": tried.name,
        "low": float(values.min()) if values.size else None,
        "high": float(values.max()) if values.size else None,
        "levels": [str(level) for level in tried.levels],
        "values": plain_numbers(tried.values[rows], tried.present[rows]),
    }


def _labels(bins: Bins) -> list[str]:
    single = [format_any(value) for value in bins.values]
    return single or [f"{number(low, 3)} to {number(high, 3)}" for low, high in itertools.pairwise(bins.edges)] or [""]

"""Objectives of a recorded run, and the columns that hold them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from rlvitals.errors import ColumnError
from rlvitals.records import Episode
from rlvitals.records.attempt_rows import best_of, decoded_attempts, episode_value
from rlvitals.records.objectives import Objective, custom_objectives, objectives_of
from rlvitals.runs import Run
from rlvitals.runs.answer import Column


def read_custom_objectives(run: Run, rows: int | None = None) -> dict[str, Column]:
    """Read the custom objectives of a run (`rlvitals.records.objectives`), one value per episode.

    A custom objective that only attempts report has the value of the best attempt.

    Args:
        run: The run. It can be live.
        rows: Number of episodes. `None` for all.

    Returns:
        Columns by name of the objective, each of shape `(rows,)`, without those that no episode reports. Missing values
        are masked.

    Raises:
        RunFormatError: A segment is damaged.
    """
    found: dict[str, Column] = {}
    for objective in custom_objectives(run.header.configuration):
        try:
            column = run.episodes[objective.column]
        except ColumnError:
            column = _of_best_attempts(run, objective)
        if column.dtype != object and column[:rows].count():
            found[objective.name] = _sized(np.ma.asarray(column.astype(np.float64)), rows)
    return found


def custom_columns_of(episodes: Sequence[Episode], configuration: Mapping[str, Any]) -> dict[str, Column]:
    """Return the custom objectives of some episodes, as `read_custom_objectives` does."""
    return {
        objective.name: _column([episode_value(objective, one.extra, one.attempts) for one in episodes])
        for objective in custom_objectives(configuration)
    }


def measured_objectives(configuration: Mapping[str, Any], columns: Mapping[str, Column]) -> tuple[Objective, ...]:
    """Return the objectives with at least one value among columns of episodes."""
    reported: Collection[str] = {name for name, column in columns.items() if column.count()}
    return objectives_of(configuration, reported)


def _of_best_attempts(run: Run, objective: Objective) -> Column:
    texts = run.episodes["attempts"].tolist()
    key = f'"{objective.name}"'
    values = [best_of(decoded_attempts(text)).get(objective.name) if text and key in text else None for text in texts]
    return _column([value if isinstance(value, int | float) else None for value in values])


def _column(values: Sequence[float | None]) -> Column:
    missing = [value is None for value in values]
    return np.ma.array([0.0 if value is None else value for value in values], mask=missing, dtype=np.float64)


def _sized(column: Column, rows: int | None) -> Column:
    """Return a column with a number of rows: a live run can have gained or lost rows since they were counted."""
    if rows is None or column.size == rows:
        return column
    kept = min(rows, column.size)
    values, missing = np.zeros(rows), np.ones(rows, dtype=bool)
    values[:kept], missing[:kept] = column.data[:kept], np.ma.getmaskarray(column)[:kept]
    return np.ma.array(values, mask=missing)

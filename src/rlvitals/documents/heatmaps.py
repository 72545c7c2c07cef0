"""Heat maps of the parameters that were tried: the mean outcome over the two that drive it most."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.documents.charts import Heat
from rlvitals.formatting import format_any, number
from rlvitals.records.metrics import metric_of
from rlvitals.runs import Run
from rlvitals.stats.parameters.parameter_columns import ParameterColumn, parameter_column
from rlvitals.summary.successes import as_floats

_BINS = 8
_MOST_ROWS = 100_000
_PAIR = 2


def heats_of(run: Run, exploration: Mapping[str, Any]) -> tuple[Heat, ...]:
    """A heat map for each outcome that two parameters are shown to drive, over all types.

    Args:
        run: The run.
        exploration: What was found of its parameters (`rlvitals.summary.tried_parameters`), as plain values.

    Raises:
        RunFormatError: A segment is damaged.
    """
    found = []
    for finding in exploration["findings"]:
        pair = _strongest(finding["drivers"])
        if finding["category"] is None and len(pair) == _PAIR:
            found.append(_heat(run, finding["outcome"], *pair))
    return tuple(found)


def _strongest(drivers: Mapping[str, Any]) -> list[str]:
    """The pair that acts together most surely, else the two parameters that explain most."""
    pairs = [pair for pair in drivers["interactions"] if pair["interacts"]]
    if pairs:
        return [str(pairs[0]["first"]), str(pairs[0]["second"])]
    effects = sorted((effect for effect in drivers["effects"] if effect["drives"]), key=lambda one: -one["share"])
    return [str(effect["name"]) for effect in effects[:_PAIR]]


def _heat(run: Run, outcome: str, first: str, second: str) -> Heat:
    columns = run.episodes.read(f"parameters.{first}", f"parameters.{second}", outcome)
    values = as_floats(columns[outcome])
    rows = np.arange(values.size)[:: max(1, -(-values.size // _MOST_ROWS))]
    values = values[rows]
    x, y = (parameter_column(name, columns[f"parameters.{name}"][rows].tolist()) for name in (first, second))
    used = np.isfinite(values) & x.present & y.present
    (across, x_labels), (up, y_labels) = _binned(x, used), _binned(y, used)
    shape = (len(y_labels), len(x_labels))
    cells = (up * shape[1] + across)[used]
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    sums = np.bincount(cells, weights=values[used], minlength=counts.size)
    means = np.divide(sums, counts, out=np.full(counts.size, np.nan), where=counts > 0)
    return Heat(
        key=f"heat_{outcome}",
        title=f"Mean {metric_of('episodes', outcome).phrase} by {first} and {second}",
        x=first,
        y=second,
        columns=x_labels,
        rows=y_labels,
        means=means.reshape(shape),
        counts=counts.reshape(shape),
    )


def _binned(tried: ParameterColumn, used: NDArray[np.bool_]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The bin of each row, and what the bins are called: single values where they are few, else equal ranges."""
    distinct = np.unique(tried.values[used])
    if distinct.size <= _BINS:
        places = np.minimum(np.searchsorted(distinct, tried.values), max(0, distinct.size - 1))
        return places, tuple(format_any(tried.said(float(value)), 3) for value in distinct)
    edges = np.linspace(distinct[0], distinct[-1], _BINS + 1)
    places = np.clip(np.searchsorted(edges, tried.values, "right") - 1, 0, _BINS - 1)
    return places, tuple(number((low + high) / 2, 3) for low, high in pairwise(edges.tolist()))

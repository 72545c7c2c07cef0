"""Heat maps of the explored parameters: the mean outcome over the two parameters with the strongest effect."""

from collections.abc import Mapping
from typing import Any

from rlvitals.documents.charts import Heat
from rlvitals.formatting import format_any
from rlvitals.records.metrics import metric_of
from rlvitals.runs import Run
from rlvitals.stats.parameters.cell_means import Bins, cell_means
from rlvitals.stats.parameters.parameter_columns import parameter_column
from rlvitals.summary.tried_parameters import TriedRows, tried_rows

_BINS = 8
_PAIR = 2


def heats_of(run: Run, exploration: Mapping[str, Any]) -> tuple[Heat, ...]:
    """Make a heat map for each outcome that two parameters are shown to affect, over all categories.

    Args:
        run: The run.
        exploration: Analysis of its parameters (`rlvitals.summary.tried_parameters`), as plain values.

    Raises:
        RunFormatError: A segment is damaged.
    """
    rows = tried_rows(run)
    found = []
    for finding in exploration["findings"]:
        pair = _strongest(finding["drivers"])
        if rows is not None and finding["category"] is None and len(pair) == _PAIR:
            found.append(_heat(rows, finding["outcome"], *pair))
    return tuple(found)


def _strongest(drivers: Mapping[str, Any]) -> list[str]:
    """Return the pair with the clearest interaction, otherwise the two parameters that explain most variance."""
    pairs = [pair for pair in drivers["interactions"] if pair["interacts"]]
    if pairs:
        return [str(pairs[0]["first"]), str(pairs[0]["second"])]
    effects = sorted((effect for effect in drivers["effects"] if effect["drives"]), key=lambda one: -one["share"])
    return [str(effect["name"]) for effect in effects[:_PAIR]]


def _heat(rows: TriedRows, outcome: str, first: str, second: str) -> Heat:
    x, y = (parameter_column(name, rows.parameters[name]) for name in (first, second))
    cells = cell_means(x, y, rows.outcomes[outcome], most_values=_BINS, ranges=_BINS)
    return Heat(
        key=f"heat_{outcome}",
        title=f"Mean {metric_of('episodes', outcome).phrase} by {first} and {second}",
        x=first,
        y=second,
        columns=_labels(cells.x),
        rows=_labels(cells.y),
        means=cells.means,
        counts=cells.counts,
    )


def _labels(bins: Bins) -> tuple[str, ...]:
    """Label single values by value, and ranges by their middle."""
    middles = (bins.edges[1:] + bins.edges[:-1]) / 2
    return tuple(format_any(value, 3) for value in bins.values or middles.tolist())

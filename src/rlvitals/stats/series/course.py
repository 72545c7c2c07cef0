"""The course of a series: what it did over its whole length, and what it has done recently."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rlvitals.stats.series.change_points import LevelChanges, change_points
from rlvitals.stats.series.convergence import Convergence, Status, convergence
from rlvitals.stats.series.trend import Trend, trend

_RECENT_SHARE = 4
FEWEST_RECENT = 100
MOST_RECENT = 1_000
_NOT_SETTLED: dict[str, Status] = {
    "improving": "improving",
    "declining": "declining",
    "stable": "not enough data",
    "not enough data": "not enough data",
}
"""The status of a series that has not settled, by its trend."""


class Course(NamedTuple):
    """What a series did, over its whole length and recently.

    Attributes:
        values: How many values it has.
        status: Of the whole series: `converged`, `flat`, `improving`, `declining` or `not enough data`. Where the whole
            has no trend, `improving` and `declining` are those of its second half.
        trend: Of the whole series.
        recent: The trend of the last `recent_values`.
        recent_values: The last quarter of the values, at least 100 and at most 1,000, if there are so many.
        convergence: Of the whole series.
        changes: Where its level changed.
    """

    values: int
    status: Status
    trend: Trend
    recent: Trend
    recent_values: int
    convergence: Convergence
    changes: LevelChanges

    @property
    def has_converged(self) -> bool:
        """Whether it is level, and stays there: it moved and settled, or it never moved."""
        return self.status in {"converged", "flat"}


def course(values: ArrayLike, positions: ArrayLike | None = None, *, higher_is_better: bool = True) -> Course:
    """Say what a series did over its whole length, and recently.

    The test for convergence allows a drift of a tenth of the range, which a recent decline can hide in. A series is not
    converged if its recent values are all from after it settled and have a trend; its status is then the trend of the
    whole series, if it has one.

    Args:
        values: The series in time order, shape `(n,)`; values that are not finite are ignored.
        positions: Position of each value, shape `(n,)`; by default its index.
        higher_is_better: False for a loss.
    """
    y = np.asarray(values, dtype=np.float64)
    x = None if positions is None else np.asarray(positions, dtype=np.float64)
    recent_values = recent_length(y.size)
    whole = trend(y, x, higher_is_better=higher_is_better)
    recent = whole
    if recent_values < y.size:
        last = slice(y.size - recent_values, None)
        recent = trend(y[last], None if x is None else x[last], higher_is_better=higher_is_better)
    changes = change_points(y, x, higher_is_better=higher_is_better)
    settled = convergence(y, x, higher_is_better=higher_is_better, known_trend=whole, known_changes=changes)
    status: Status = settled.status
    is_after = recent_values < y.size and settled.since <= (np.arange(y.size) if x is None else x)[-recent_values]
    if settled.status in {"converged", "flat"} and is_after and is_moving(recent):
        status = _NOT_SETTLED[whole.verdict]
    return Course(y.size, status, whole, recent, recent_values, settled, changes)


def recent_length(count: int) -> int:
    """How many of the last values of a series are its recent ones."""
    return min(count, max(FEWEST_RECENT, min(MOST_RECENT, count // _RECENT_SHARE)))


def is_moving(found: Trend) -> bool:
    """Whether a trend goes up or down."""
    return found.verdict in {"improving", "declining"}

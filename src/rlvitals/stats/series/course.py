"""Course of a series: trend, convergence and change points, overall and recently."""

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
"""Status of a series that has not converged, by the verdict of its trend."""


class Course(NamedTuple):
    """Trend, convergence and change points of a series.

    Attributes:
        values: Number of values, including non-finite ones.
        status: Status of the whole series: `converged`, `flat`, `improving`, `declining` or `not enough data`. If the
            whole series has no trend, `improving` and `declining` refer to its second half.
        trend: Trend of the whole series.
        recent: Trend of the last `recent_values` values.
        recent_values: Number of recent values: the last quarter, at least 100 and at most 1,000, or all values of a
            shorter series.
        convergence: Convergence of the whole series.
        changes: Change points of the whole series.
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
        """Whether the series is on a plateau: it moved and converged, or it never moved."""
        return self.status in {"converged", "flat"}


def course(values: ArrayLike, positions: ArrayLike | None = None, *, higher_is_better: bool = True) -> Course:
    """Return the trend, convergence and change points of a series, overall and recently.

    The convergence test allows a drift of a tenth of the range, which can hide a recent decline. A series is therefore
    not converged if all its recent values follow the settling point and have a trend. Its status is then the trend of
    the whole series, if it has one.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out.
        positions: Position of each value, shape `(n,)`; by default its index.
        higher_is_better: Whether higher values are better; False for a loss.
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
    """Return the number of recent values of a series.

    Args:
        count: Number of values in the series.
    """
    return min(count, max(FEWEST_RECENT, min(MOST_RECENT, count // _RECENT_SHARE)))


def is_moving(found: Trend) -> bool:
    """Return whether a trend is improving or declining."""
    return found.verdict in {"improving", "declining"}

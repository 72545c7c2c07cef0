"""Course of a positive series with skewed values, such as file sizes: measured on logarithms.

A few large values determine a mean and hide a change of all others. On logarithms, a change is relative and counts
equally for a small and a large item.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.series.convergence import Convergence
from rlvitals.stats.series.course import Course, course
from rlvitals.stats.series.intervals import Interval
from rlvitals.stats.series.trend import Trend

Floats = NDArray[np.float64]


def relative_course(values: Floats, *, higher_is_better: bool = True) -> Course:
    """Return the course of the logarithms of a series, with all levels and changes in the units of the values.

    Levels are geometric means. A change is the difference between both ends of a fitted exponential curve around the
    geometric mean. A series with a value of zero or less has no logarithms, and its course is that of the values.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out.
        higher_is_better: Whether higher values are better; False for a size.
    """
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0.0:
        return course(values, higher_is_better=higher_is_better)
    logarithms = np.where(
        np.isfinite(values), np.log(np.where(np.isfinite(values), np.maximum(values, 0.0), 1.0)), values
    )
    found = course(logarithms, higher_is_better=higher_is_better)
    recent = logarithms[-found.recent_values :]
    return found._replace(
        trend=_trend(found.trend, _middle(logarithms)),
        recent=_trend(found.recent, _middle(recent)),
        convergence=_convergence(found.convergence),
    )


def _middle(logarithms: Floats) -> float:
    finite = logarithms[np.isfinite(logarithms)]
    return float(finite.mean()) if finite.size else math.nan


def _trend(found: Trend, middle: float) -> Trend:
    def change(size: float) -> float:
        return _level(middle + 0.5 * size) - _level(middle - 0.5 * size)

    moved = found.change
    span = moved / found.slope if found.slope else math.inf
    changes = [change(size) for size in (moved, found.change_low, found.change_high)]
    slopes = [one / span for one in changes]
    # The effect size stays that of the logarithms.
    noise = abs(changes[0] * found.noise / moved) if moved else _level(middle) * found.noise
    return found._replace(
        change=changes[0], change_low=changes[1], change_high=changes[2],
        slope=slopes[0], slope_low=slopes[1], slope_high=slopes[2], noise=noise,
    )  # fmt: skip


def _convergence(found: Convergence) -> Convergence:
    level, best, drift = found.level, _level(found.best), found.drift
    middle = _level(level.estimate)
    return found._replace(
        level=Interval(middle, _level(level.low), _level(level.high), level.effective, level.used),
        gain=middle - _level(level.estimate - found.gain),
        stability=middle * found.stability,
        drift=Interval(middle * drift.estimate, middle * drift.low, middle * drift.high, drift.effective, drift.used),
        best=best,
        below_best=abs(best - middle) if found.below_best > 0.0 else 0.0,
    )


def _level(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < _LARGEST else math.inf


_LARGEST = 709.0
"""Largest exponent whose power of e is a finite float."""

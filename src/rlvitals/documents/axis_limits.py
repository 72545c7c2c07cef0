"""Axis limits of comparison charts. They fit the compared values and leave a few outliers outside."""

from collections.abc import Iterable, Sequence

import numpy as np

from rlvitals.comparison import IntervalEstimate
from rlvitals.comparison.result import GroupCurve

_FAR = 10.0
"""A value this many times farther from the median than most values is drawn at the edge."""
_MOST = 0.75
_WIDEST = 4.0
"""An interval is drawn up to this many times the farthest estimate."""
_PAD = 0.05

Ends = tuple[float, float]


def is_far(values: Sequence[float]) -> list[bool]:
    """Return which values are so far from the median that they would squeeze all other values together."""
    if not values:
        return []
    middle = float(np.median(values))
    away = np.abs(np.array(values, dtype=np.float64) / 2 - middle / 2)
    most = float(np.quantile(away, _MOST, method="inverted_cdf"))
    return [bool(one > _FAR * most) if most > 0 else False for one in away.tolist()]


def around_zero(found: Sequence[IntervalEstimate]) -> Ends:
    """Return limits around zero that hold the estimates, and their intervals unless these would squeeze them."""
    estimates = [one.estimate for one in found if one.estimate is not None]
    near = [abs(value) for value, far in zip(estimates, is_far(estimates), strict=True) if not far]
    farthest = max(near, default=0.0)
    reach = sorted(max(abs(one.low or 0.0), abs(one.high or 0.0)) for one in found)
    middle = reach[len(reach) // 2] if reach else 0.0
    edge = min(max([farthest, *reach]), max(_WIDEST * farthest, 1.5 * middle)) or 1.0
    lows = [max(-edge, end) for one in found for end in (one.low, one.estimate) if end is not None]
    highs = [min(edge, end) for one in found for end in (one.high, one.estimate) if end is not None]
    return _padded(min([0.0, *lows]), max([0.0, *highs]))


def of_groups(groups: Iterable[tuple[Sequence[float], tuple[float | None, float | None, float | None]]]) -> Ends:
    """Return limits that hold the values of groups, and their intervals unless these would squeeze the values.

    Args:
        groups: For each group, its values and the mean with both ends of its interval.
    """
    kept = [(values, mean) for values, mean in groups if len(values)]
    far = is_far([float(np.median(values)) for values, _ in kept])
    near = [one for one, out in zip(kept, far, strict=True) if not out] or kept
    return _with_intervals(
        [value for values, _ in near for value in values], [end for _, mean in near for end in mean[1:]]
    )


def of_curves(curves: Sequence[GroupCurve]) -> Ends:
    """Return limits that hold learning curves, and their bands unless these would squeeze the curves."""
    return _with_intervals(
        [mean for curve in curves for mean in curve.mean if mean is not None and np.isfinite(mean)],
        [end for curve in curves for end in (*curve.low, *curve.high)],
    )


def _with_intervals(values: Sequence[float], ends: Iterable[float | None]) -> Ends:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    half = (high / 2 - low / 2) or abs(low) * 0.1 or 1.0
    known = [end for end in ends if end is not None]
    lowest = min([low, *(max(end, low - half) for end in known)])
    return _padded(lowest, max([high, *(min(end, high + half) for end in known)]))


def _padded(low: float, high: float) -> Ends:
    pad = _PAD * (high / 2 - low / 2) * 2 or abs(low) * 0.1 or 1.0
    return low - pad, high + pad

"""Divergence of two runs: the first update at which they differ."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.change_points import EVIDENCE, FEWEST_VALUES, change_points

Kind = Literal["identical", "exact", "beyond noise", "not shown", "not enough data"]

_ROUNDING = 1e-6
_ENOUGH_AGREE = 3
"""Minimum number of equal updates at the start of twin runs."""
_TOGETHER = 2
"""Maximum number of updates between divergences that count as simultaneous."""


class SeriesDivergence(NamedTuple):
    """First update at which two runs differ.

    Attributes:
        kind: `identical` if they never differ; `exact` if they are equal up to rounding before `place`; `beyond noise`
            if they always differ slightly (another seed), and by a different amount from `place` on; `not shown`;
            `not enough data`.
        place: First index at which they differ, from 0; `None` without one.
        metrics: Metrics that differ there, the clearest first.
        compared: Number of updates that both runs have.
    """

    kind: Kind
    place: int | None
    metrics: tuple[str, ...]
    compared: int


def series_divergence(first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike]) -> SeriesDivergence:
    """Find the first update at which two runs differ in any common metric.

    Twin runs (same seed, same code) are equal to six digits up to the first update at which any metric differs; this is
    `exact`. Otherwise the divergence is the first change point of the difference of a metric, or the first update at
    which a metric is finite in only one run. Change points are found with `change_points.change_points`. Its evidence
    threshold of 20 is multiplied by the number of metrics, so all metrics together raise a false alarm in at most 5 %
    of pairs.

    Args:
        first: Series of the first run by metric, in the order of updates, shape `(n,)` each. Updates are matched by
            index.
        second: Series of the second run by metric, in the order of updates, shape `(m,)` each.
    """
    pairs = {name: _paired(first[name], second[name]) for name in first if name in second}
    pairs = {name: pair for name, pair in pairs.items() if pair[0].size}
    if not pairs:
        return SeriesDivergence("not enough data", None, (), 0)
    compared = max(a.size for a, _ in pairs.values())
    unequal = {name: _unequal(a, b) for name, (a, b) in pairs.items()}
    starts = {name: int(np.argmax(places)) for name, places in unequal.items() if places.any()}
    if not starts:
        return SeriesDivergence("identical", None, (), compared)
    earliest = min(starts.values())
    if earliest >= _ENOUGH_AGREE and _vary(pairs, earliest):
        at_once = [name for name, start in starts.items() if start == earliest]
        at_once.sort(key=lambda name: -_size(*pairs[name], earliest))
        return SeriesDivergence("exact", earliest, tuple(at_once), compared)
    if compared < FEWEST_VALUES:
        return SeriesDivergence("not enough data", None, (), compared)
    found = {name: place for name, (a, b) in pairs.items() if (place := _parts(a, b, len(pairs))) is not None}
    if not found:
        return SeriesDivergence("not shown", None, (), compared)
    place = min(found.values())
    together = sorted((name for name in found if found[name] <= place + _TOGETHER), key=lambda name: found[name])
    return SeriesDivergence("beyond noise", place, tuple(together), compared)


def _parts(a: NDArray[np.float64], b: NDArray[np.float64], metrics: int) -> int | None:
    """Return the first index at which the difference of a metric changes; `None` without one."""
    places = []
    odd = np.isfinite(a) != np.isfinite(b)
    if odd.any():
        places.append(int(np.argmax(odd)))
    with np.errstate(invalid="ignore"):
        changes = change_points(a - b, evidence=EVIDENCE * metrics).changes
    if changes:
        places.append(int(changes[0].position))
    return min(places, default=None)


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = (np.asarray(series, dtype=np.float64).ravel() for series in (first, second))
    count = min(a.size, b.size)
    return a[:count], b[:count]


def _unequal(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= _ROUNDING * np.maximum(np.abs(a), np.abs(b))
    unequal: NDArray[np.bool_] = ~(same | close)
    return unequal


def _vary(pairs: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], until: int) -> bool:
    """Return whether the equal part contains more than constants, such as a learning rate."""
    return any(np.unique(a[:until]).size > 1 for a, _ in pairs.values())


def _size(a: NDArray[np.float64], b: NDArray[np.float64], at: int) -> float:
    if not (math.isfinite(a[at]) and math.isfinite(b[at])):
        return math.inf
    return abs(float(a[at] - b[at])) / max(abs(float(a[at])), abs(float(b[at])))

"""The first update from which two runs differ."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.change_points import EVIDENCE, FEWEST_VALUES, change_points

Kind = Literal["identical", "exact", "beyond noise", "not shown", "not enough data"]

_ROUNDING = 1e-6
_ENOUGH_AGREE = 3
"""Places that agree, from which on two runs are twins."""
_TOGETHER = 2
"""Places within which metrics count as parting at once."""


class SeriesDivergence(NamedTuple):
    """From where on two runs differ.

    Attributes:
        kind: `identical`: nowhere; `exact`: they were equal to rounding before; `beyond noise`: they always differed a
            little (another seed), and from there on at another level; `not shown`; `not enough data`.
        place: The first place at which they differ, from 0; `None` if nowhere.
        metrics: The metrics that differ there, the clearest first.
        compared: Places that both have.
    """

    kind: Kind
    place: int | None
    metrics: tuple[str, ...]
    compared: int


def series_divergence(first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike]) -> SeriesDivergence:
    """Find the earliest place from which two runs differ, in any of the metrics that both have.

    Twins (same seed, same code) are equal to six digits until the first place at which any metric is not: that is
    `exact`. Else the earliest change of level of a metric's differences (`changepoints.change_points`, with the odds of
    20 asked once for each metric, so that all of them together raise a false alarm in 5 % of pairs at most), or the
    first place at which a metric of only one of them stops being finite.

    Args:
        first: Series by metric, in the order of updates; places are matched by index.
        second: The same of the other run.
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
    """The first place from which a metric differs by more than before; `None` if there is none."""
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
    """Whether what agreed was more than constants, such as a learning rate."""
    return any(np.unique(a[:until]).size > 1 for a, _ in pairs.values())


def _size(a: NDArray[np.float64], b: NDArray[np.float64], at: int) -> float:
    if not (math.isfinite(a[at]) and math.isfinite(b[at])):
        return math.inf
    return abs(float(a[at] - b[at])) / max(abs(float(a[at])), abs(float(b[at])))

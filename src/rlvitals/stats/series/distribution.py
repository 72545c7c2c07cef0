"""How values are distributed, extremes and non-finite ones included."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Presence(NamedTuple):
    """How many values there are, by kind.

    Attributes:
        total: All places.
        finite: Ordinary numbers.
        nan: Not a number, and said so.
        positive_infinity: Infinite upwards.
        negative_infinity: Infinite downwards.
        missing: Nothing was said (None).
    """

    total: int
    finite: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    missing: int


class Distribution(NamedTuple):
    """A histogram.

    Attributes:
        edges: Of the bins, shape `(k + 1,)`, units of the values; the first is the minimum and the last the maximum.
        counts: Finite values in each bin, shape `(k,)`; a bin holds its lower edge, the last one both.
        presence: Counts by kind.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    presence: Presence


def presence(values: ArrayLike | Sequence[float | None], missing: ArrayLike | None = None) -> Presence:
    """Count finite, NaN, infinite and missing values.

    Args:
        values: Shape `(n,)`; `None` counts as missing, NaN does not.
        missing: Where nothing was said, shape `(n,)` of truth values, for columns that cannot hold None; what stands in
            `values` there is not looked at.
    """
    raw = np.asarray(values).ravel()
    absent = np.zeros(raw.size, dtype=bool) if missing is None else np.asarray(missing, dtype=bool).ravel().copy()
    if raw.dtype == object:
        absent |= np.array([value is None for value in raw], dtype=bool)
    said = raw[~absent].astype(np.float64)
    finite = int(np.count_nonzero(np.isfinite(said)))
    nan = int(np.count_nonzero(np.isnan(said)))
    up = int(np.count_nonzero(said == np.inf))
    return Presence(raw.size, finite, nan, up, said.size - finite - nan - up, int(np.count_nonzero(absent)))


def distribution(values: ArrayLike | Sequence[float | None], *, most_bins: int = 60) -> Distribution:
    """Histogram of the finite values from minimum to maximum: nothing falls outside.

    The bins are as wide as `2 IQR / n^(1/3)` (Freedman and Diaconis 1981), but there are at most `most_bins`. Where
    that leaves three quarters of the values in one bin (an extreme far away), the middle 98 % get equal bins and each
    tail one bin of its own, up to the extreme.

    Args:
        values: Shape `(n,)`; `None` and NaN are counted apart.
        most_bins: At least 4.

    Raises:
        ValueError: Fewer than 4 bins are allowed.
    """
    if most_bins < 4:  # noqa: PLR2004 -- two tails, and two to see a shape
        raise ValueError(f"a distribution needs at least 4 bins, not {most_bins}")
    counted = presence(values)
    raw = np.asarray(values).ravel()
    if raw.dtype == object:
        raw = np.array([math.nan if value is None else value for value in raw], dtype=np.float64)
    sample = raw.astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return Distribution(np.zeros(0), np.zeros(0, dtype=np.int64), counted)
    edges = _edges(sample, most_bins)
    counts, _ = np.histogram(sample, edges)
    return Distribution(edges, counts.astype(np.int64), counted)


def _edges(sample: NDArray[np.float64], most_bins: int) -> NDArray[np.float64]:
    low, first, lower, upper, last, high = np.quantile(sample, (0.0, 0.01, 0.25, 0.75, 0.99, 1.0))
    if not high > low:
        return np.array([low, np.nextafter(low, np.inf)])
    width = 2.0 * (upper - lower) / sample.size ** (1.0 / 3.0)
    wanted = (high / 2.0 - low / 2.0) / (width / 2.0) if width > 0.0 else math.inf
    if wanted <= most_bins:
        return _even(low, high, max(1, math.ceil(wanted)))
    # An extreme is far away if even bins would put three quarters of the values in one of them.
    even = _even(low, high, most_bins)
    if np.histogram(sample, even)[0].max() < 0.75 * sample.size or not last > first:
        return even
    return np.unique(np.concatenate([[low], _even(first, last, most_bins - 2), [high]]))


def _even(low: float, high: float, bins: int) -> NDArray[np.float64]:
    share = np.linspace(0.0, 1.0, bins + 1)
    edges = np.unique(low * (1.0 - share) + high * share)
    edges[0], edges[-1] = low, high
    return edges

"""Distribution of values, including extremes, non-finite and missing values."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Presence(NamedTuple):
    """Counts of values by kind.

    Attributes:
        total: Number of entries.
        finite: Number of finite values.
        nan: Number of reported NaN values.
        positive_infinity: Number of positive infinities.
        negative_infinity: Number of negative infinities.
        missing: Number of missing values (None).
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
        edges: Bin edges, shape `(k + 1,)`, in the units of the values, from the minimum to the maximum.
        counts: Number of finite values in each bin, shape `(k,)`. A bin includes its lower edge; the last one includes
            both.
        presence: Counts of values by kind.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    presence: Presence


def presence(values: ArrayLike | Sequence[float | None], missing: ArrayLike | None = None) -> Presence:
    """Count finite, NaN, infinite and missing values.

    Args:
        values: Values, shape `(n,)`. `None` counts as missing, NaN does not.
        missing: Mask of missing values, booleans of shape `(n,)`, for columns that cannot hold None. Masked entries of
            `values` are ignored.
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
    """Return a histogram of all finite values, from minimum to maximum.

    The bin width is `2 IQR / n^(1/3)` (Freedman and Diaconis 1981), with at most `most_bins` bins. If an extreme value
    would leave three quarters of the values in one bin, the middle 98 % get equal bins. Each tail then gets a single
    bin that reaches to its extreme.

    Args:
        values: Values, shape `(n,)`. `None` and NaN are counted separately.
        most_bins: Maximum number of bins, at least 4.

    Raises:
        ValueError: `most_bins` is below 4.
    """
    if most_bins < 4:  # noqa: PLR2004 -- two for the tails, two for the shape
        raise ValueError(f"most_bins must be at least 4, not {most_bins}")
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
    # An extreme is far away if equal bins would put three quarters of the values in one of them.
    even = _even(low, high, most_bins)
    if np.histogram(sample, even)[0].max() < 0.75 * sample.size or not last > first:
        return even
    return np.unique(np.concatenate([[low], _even(first, last, most_bins - 2), [high]]))


def _even(low: float, high: float, bins: int) -> NDArray[np.float64]:
    share = np.linspace(0.0, 1.0, bins + 1)
    edges = np.unique(low * (1.0 - share) + high * share)
    edges[0], edges[-1] = low, high
    return edges

"""Band between the 10 % and 90 % quantiles of a series."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_TAIL = 0.1


class MiddleBand(NamedTuple):
    """Band of the middle 80 % of a series. Parts without a finite value are left out.

    Attributes:
        positions: Position of the middle of each part, shape `(k,)`.
        low: 10 % quantile of the finite values of each part, shape `(k,)`.
        high: 90 % quantile of the finite values of each part, shape `(k,)`.
    """

    positions: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def middle_band(
    values: NDArray[np.float64], positions: NDArray[np.float64], stretches: int, *, most: int | None = None
) -> MiddleBand:
    """Divide a series into parts of equally many values, and return the middle 80 % of each.

    The quantiles are values of the series (inverse of the empirical distribution function), so the band never
    overshoots.

    Args:
        values: Series, shape `(n,)`; can contain non-finite values.
        positions: Position of each value, shape `(n,)`.
        stretches: Number of parts, at least 1.
        most: Number of evenly spaced values to use per part; by default all.
    """
    found: list[tuple[float, float, float]] = []
    for part, where in zip(np.array_split(values, stretches), np.array_split(positions, stretches), strict=True):
        sample = part if most is None else part[:: max(1, part.size // most)]
        ordered = np.sort(sample[np.isfinite(sample)])
        if ordered.size:  # same values as `np.quantile`, which is slow for many short parts
            low, high = (ordered[max(0, math.ceil(q * ordered.size) - 1)] for q in (_TAIL, 1.0 - _TAIL))
            found.append((float(where[where.size // 2]), float(low), float(high)))
    return MiddleBand(*np.array(found, dtype=np.float64).reshape(-1, 3).T)

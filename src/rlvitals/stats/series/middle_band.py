"""The range of the middle 80 % of a series, stretch by stretch."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_TAIL = 0.1


class MiddleBand(NamedTuple):
    """The band. Stretches without a finite value are left out.

    Attributes:
        positions: Position of the middle of each stretch, shape `(k,)`.
        low: The 10 % quantile of its finite values, shape `(k,)`.
        high: The 90 % quantile, shape `(k,)`.
    """

    positions: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def middle_band(
    values: NDArray[np.float64], positions: NDArray[np.float64], stretches: int, *, most: int | None = None
) -> MiddleBand:
    """Cut a series into stretches of equally many values, and find the middle 80 % of each.

    Quantiles are values of the series (the inverted distribution function), so that a band never overshoots.

    Args:
        values: Shape `(n,)`; may be non-finite.
        positions: Position of each value, shape `(n,)`.
        stretches: Number of stretches, at least 1.
        most: Values of each stretch, evenly sampled, that are enough; by default all.
    """
    found: list[tuple[float, float, float]] = []
    for part, where in zip(np.array_split(values, stretches), np.array_split(positions, stretches), strict=True):
        sample = part if most is None else part[:: max(1, part.size // most)]
        ordered = np.sort(sample[np.isfinite(sample)])
        if ordered.size:  # `np.quantile` finds the same values, and is slow for many short stretches
            low, high = (ordered[max(0, math.ceil(q * ordered.size) - 1)] for q in (_TAIL, 1.0 - _TAIL))
            found.append((float(where[where.size // 2]), float(low), float(high)))
    return MiddleBand(*np.array(found, dtype=np.float64).reshape(-1, 3).T)

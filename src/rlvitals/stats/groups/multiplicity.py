"""Many comparisons at once: p-values that keep the chance, or the share, of false ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values: naming all that are at most 5 % names a false one with a chance of at most 5 %.

    Sorted, `max_{j <= i} min(1, (k - j + 1) p_(j))` (Holm 1979, Scandinavian Journal of Statistics 6), whatever they
    have to do with each other.

    Args:
        p_values: Shape `(k,)`; NaN is a comparison that was not made, and stays NaN.
    """
    given = np.asarray(p_values, dtype=np.float64).ravel()
    found = np.full(given.size, np.nan)
    asked = np.flatnonzero(~np.isnan(given))
    order = asked[np.argsort(given[asked], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    found[order] = np.maximum.accumulate(np.minimum(factors * given[order], 1.0)) if order.size else []
    return found


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values: of those that are at most 5 %, at most 5 % are expected to be false.

    Sorted, `min_{j >= i} min(1, k p_(j) / j)` (Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B
    57), for independent ones and those that go together.

    Args:
        p_values: Shape `(k,)`; NaN is a comparison that was not made, and stays NaN.
    """
    given = np.asarray(p_values, dtype=np.float64).ravel()
    found = np.full(given.size, np.nan)
    asked = np.flatnonzero(~np.isnan(given))
    order = asked[np.argsort(given[asked], kind="stable")]
    ratios = order.size * given[order] / np.arange(1, order.size + 1)
    found[order] = np.minimum(np.minimum.accumulate(ratios[::-1])[::-1], 1.0) if order.size else []
    return found

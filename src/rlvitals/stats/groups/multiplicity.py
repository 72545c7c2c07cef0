"""Multiple testing: p-values adjusted for the family-wise error rate or the false discovery rate."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Holm's method, which controls the family-wise error rate.

    If all adjusted p-values of at most 5 % are reported as differences, the probability of any false one is at most
    5 %. Sorted, `max_{j <= i} min(1, (k - j + 1) p_(j))` (Holm 1979, Scandinavian Journal of Statistics 6). The method
    is valid for any dependence between the tests.

    Args:
        p_values: p-values, shape `(k,)`. NaN marks a comparison that was not made, and stays NaN.

    Returns:
        Adjusted p-values, shape `(k,)`.
    """
    given = np.asarray(p_values, dtype=np.float64).ravel()
    found = np.full(given.size, np.nan)
    asked = np.flatnonzero(~np.isnan(given))
    order = asked[np.argsort(given[asked], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    found[order] = np.maximum.accumulate(np.minimum(factors * given[order], 1.0)) if order.size else []
    return found


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Benjamini and Hochberg's method, which controls the false discovery rate.

    If all adjusted p-values of at most 5 % are reported as differences, at most 5 % of them are expected to be false.
    Sorted, `min_{j >= i} min(1, k p_(j) / j)` (Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B
    57). The method is valid for independent or positively dependent tests.

    Args:
        p_values: p-values, shape `(k,)`. NaN marks a comparison that was not made, and stays NaN.

    Returns:
        Adjusted p-values, shape `(k,)`.
    """
    given = np.asarray(p_values, dtype=np.float64).ravel()
    found = np.full(given.size, np.nan)
    asked = np.flatnonzero(~np.isnan(given))
    order = asked[np.argsort(given[asked], kind="stable")]
    ratios = order.size * given[order] / np.arange(1, order.size + 1)
    found[order] = np.minimum(np.minimum.accumulate(ratios[::-1])[::-1], 1.0) if order.size else []
    return found

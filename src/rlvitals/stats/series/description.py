"""Descriptive statistics of a sample."""

import numpy as np
from numpy.typing import ArrayLike


def describe(values: ArrayLike) -> dict[str, float]:
    """Return the mean, standard deviation, extremes and median of the finite values of a sample.

    Args:
        values: Sample, shape `(n,)`. Non-finite values are left out.

    Returns:
        `mean`, `std` (population: divided by n), `min`, `max` and `median`, in the units of the values; all NaN if no
        value is finite.
    """
    sample = np.asarray(values, dtype=np.float64).ravel()
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return dict.fromkeys(("mean", "std", "min", "max", "median"), float("nan"))
    with np.errstate(over="ignore", invalid="ignore"):  # sums overflow to infinity without a warning
        return {
            "mean": float(sample.mean()),
            "std": float(sample.std()),
            "min": float(sample.min()),
            "max": float(sample.max()),
            "median": float(np.median(sample)),
        }

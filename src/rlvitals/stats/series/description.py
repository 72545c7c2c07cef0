"""Describing a sample of numbers."""

import numpy as np
from numpy.typing import ArrayLike


def describe(values: ArrayLike) -> dict[str, float]:
    """Mean, spread, extremes and median of the finite values of a sample.

    Args:
        values: Numbers, shape `(n,)`; non-finite ones are left out.

    Returns:
        `mean`, `std` (population: divided by n), `min`, `max`, `median`; all NaN where no value is finite.
    """
    sample = np.asarray(values, dtype=np.float64).ravel()
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return dict.fromkeys(("mean", "std", "min", "max", "median"), float("nan"))
    with np.errstate(over="ignore", invalid="ignore"):  # sums beyond the greatest float: infinite, and no warning
        return {
            "mean": float(sample.mean()),
            "std": float(sample.std()),
            "min": float(sample.min()),
            "max": float(sample.max()),
            "median": float(np.median(sample)),
        }

"""Moving averages of a series."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CHUNK = 512
_FORGOTTEN = 1000.0  # e^-1000 is zero


def windowed_average(values: ArrayLike, window: int) -> NDArray[np.float64]:
    """Return the trailing moving average of a series.

    `a_t = sum_{i = max(0, t - w + 1)}^t y_i / count`, over the finite values. The first windows are shorter. The
    average is NaN for a window without finite values.

    Args:
        values: Values, shape `(n,)`.
        window: Window length in values, at least 1.

    Returns:
        Averages, shape `(n,)`, in the units of the values.

    Raises:
        ValueError: The window is below 1.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1, not {window}")
    series = np.asarray(values, dtype=np.float64).ravel()
    finite = np.isfinite(series)
    center = float(np.median(series[finite])) if finite.any() else 0.0
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, series - center, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    ends = np.arange(1, series.size + 1)
    starts = np.maximum(ends - window, 0)
    used = counts[ends] - counts[starts]
    averages = np.full(series.size, math.nan)
    some = used > 0
    averages[some] = (sums[ends] - sums[starts])[some] / used[some] + center
    return averages


def exponential_average(values: ArrayLike, smoothing: float) -> NDArray[np.float64]:
    """Return the exponential moving average of a series, with bias correction for its start.

    `m_t = s m_{t-1} + (1 - s) y_t`, `m_0 = 0`, `a_t = m_t / (1 - s^t)` (Kingma and Ba 2015, Adam, section 3;
    TensorBoard's smoothing). Non-finite values are skipped: the average keeps its last value, and `t` does not advance.

    Args:
        values: Values, shape `(n,)`.
        smoothing: Smoothing factor, `0 <= s < 1`. 0 returns the values; near 1 the average covers about the last
            `1 / (1 - s)` values.

    Returns:
        Averages, shape `(n,)`, in the units of the values; NaN before the first finite value.

    Raises:
        ValueError: The smoothing is not in [0, 1).
    """
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"smoothing must be in [0, 1), not {smoothing}")
    series = np.asarray(values, dtype=np.float64).ravel()
    finite = np.isfinite(series)
    steps = np.full(int(np.count_nonzero(finite)), math.log(smoothing) if smoothing > 0.0 else -_FORGOTTEN)
    return _spread(_weighted(series[finite], steps), finite)


def time_exponential_average(values: ArrayLike, times: ArrayLike, half_life: float) -> NDArray[np.float64]:
    """Return the exponential average of a series at irregular times; a weight halves with every half-life.

    `a_t = sum_i w_i y_i / sum_i w_i` over the values up to t, `w_i = 2^(-(t - t_i) / h)` (Zumbach and Mueller 2001,
    Operators on inhomogeneous time series, International Journal of Theoretical and Applied Finance 4). The weights are
    normalised, so the start of the series is unbiased. With equal steps `d` the result equals `exponential_average`
    with `s = 2^(-d / h)`. Values that are non-finite, or have non-finite times, are skipped.

    Args:
        values: Values, shape `(n,)`.
        times: Time of each value in non-decreasing order, shape `(n,)`.
        half_life: Half-life in the units of the times, above 0.

    Returns:
        Averages, shape `(n,)`, in the units of the values; NaN before the first finite value.

    Raises:
        ValueError: The half-life is not positive, the lengths differ, or the times decrease.
    """
    if not half_life > 0.0:
        raise ValueError(f"half_life must be above 0, not {half_life}")
    series, when = np.asarray(values, dtype=np.float64).ravel(), np.asarray(times, dtype=np.float64).ravel()
    if series.size != when.size:
        raise ValueError(f"{series.size} values but {when.size} times")
    finite = np.isfinite(series) & np.isfinite(when)
    gaps = np.diff(when[finite], prepend=when[finite][:1])
    if np.any(gaps < 0.0):
        raise ValueError("times must not decrease; sort the values by time first")
    steps = np.maximum(-math.log(2.0) * gaps / half_life, -_FORGOTTEN)
    return _spread(_weighted(series[finite], steps), finite)


def _weighted(series: NDArray[np.float64], log_decays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `sum_i exp(l_{i+1} + ... + l_t) y_i / sum_i exp(l_{i+1} + ... + l_t)`.

    The sums are computed in chunks to prevent overflow.
    """
    averages = np.empty_like(series)
    unit = float(np.abs(series).max(initial=0.0)) or 1.0
    total, weight = 0.0, 0.0
    start = 0
    while start < series.size:
        decays = np.cumsum(log_decays[start : start + _CHUNK])
        # End the chunk before the weights relative to its end underflow (a factor of e^300).
        stop = max(1, int(np.searchsorted(-(decays - decays[0]), 300.0, side="right")))
        decays, part = decays[:stop], series[start : start + stop] / unit
        grown = np.exp(decays[0] - decays)
        before = np.exp(decays[0]) if start else 0.0
        sums = (total * before + np.cumsum(part * grown)) / grown
        weights = (weight * before + np.cumsum(grown)) / grown
        averages[start : start + stop] = sums / weights * unit
        total, weight = float(sums[-1]), float(weights[-1])
        start += stop
    return averages


def _spread(averages: NDArray[np.float64], finite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the averages of the finite values at all indices; each index gets the latest average up to it."""
    latest = np.cumsum(finite) - 1
    spread = np.full(finite.size, math.nan)
    spread[latest >= 0] = averages[latest[latest >= 0]]
    return spread

"""Steps to a target, with runs that did not reach it treated as censored."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.welch import t_quantile

_FEWEST = 2
_DRAWS = 4_999


class Reaching(NamedTuple):
    """Time to target of a group of runs.

    Attributes:
        places: Steps at which runs reached the target, increasing, shape `(k,)`.
        waiting: Kaplan-Meier estimate of the share of runs that have not reached it after each, shape `(k,)`.
        runs: Total number of runs.
        reached: Number of runs that reached the target.
        median: Median number of steps to the target; NaN if fewer than half of the runs reached it.
        restricted_mean: Mean number of steps to the target or the horizon, whichever is first, with its confidence
            interval.
        horizon: Last step considered.
    """

    places: NDArray[np.float64]
    waiting: NDArray[np.float64]
    runs: int
    reached: int
    median: float
    restricted_mean: PairedEffect
    horizon: float


def reaching(steps: ArrayLike, reached: ArrayLike, horizon: float, *, confidence: float = 0.95) -> Reaching:
    """Return the Kaplan-Meier estimate of the steps to a target (Kaplan and Meier 1958, JASA 53).

    `S(t) = prod_{t_i <= t} (1 - d_i / n_i)`. The restricted mean is the area under it up to the horizon (Royston and
    Parmar 2013, BMC Medical Research Methodology 13). Its variance is Greenwood's,
    `sum_i A_i^2 d_i / (n_i (n_i - d_i))`, with `A_i` the area beyond `t_i`, times `r / (r - 1)` for `r` runs that
    reached the target. Its interval uses Student's `t` with `r - 1` degrees of freedom. Without censoring, these are
    the mean and its `t` interval.

    Args:
        steps: Step at which each run reached the target, or its last step if it did not, shape `(n,)`.
        reached: Whether each run reached the target, booleans of shape `(n,)`.
        horizon: Last step to consider.
        confidence: Two-sided confidence level, in (0, 1).
    """
    when = np.asarray(steps, dtype=np.float64).ravel()
    done = np.asarray(reached, dtype=np.bool_).ravel() & (when <= horizon)
    when = np.minimum(when, horizon)
    places, counts = np.unique(when[done], return_counts=True)
    at_risk = np.array([np.count_nonzero(when >= place) for place in places], dtype=np.float64)
    waiting = np.asarray(np.cumprod(1.0 - counts / at_risk), dtype=np.float64)
    heights = np.concatenate([[1.0], waiting])
    widths = np.diff(np.concatenate([[0.0], places, [horizon]]))
    areas = heights * widths
    mean = float(areas.sum()) if when.size else math.nan
    beyond = areas.sum() - np.cumsum(areas)[:-1]
    left = at_risk - counts
    usable = left > 0
    events = int(counts.sum())
    low = high = math.nan
    if events >= _FEWEST:
        variance = float((beyond[usable] ** 2 * counts[usable] / (at_risk[usable] * left[usable])).sum())
        half = t_quantile(0.5 + 0.5 * confidence, events - 1) * math.sqrt(variance * events / (events - 1))
        low, high = max(0.0, mean - half), min(horizon, mean + half)
    half_done = np.flatnonzero(waiting <= 0.5 + 1e-12)
    median = float(places[half_done[0]]) if half_done.size else math.nan
    return Reaching(places, waiting, int(when.size), events, median, PairedEffect(mean, low, high), float(horizon))


def log_rank(steps: ArrayLike, reached: ArrayLike, first: ArrayLike, generator: np.random.Generator) -> float:
    """Return the two-sided p-value of the log-rank test for a difference between two groups.

    The statistic `sum_i (d_1i - d_i n_1i / n_i)` (Mantel 1966, Cancer Chemotherapy Reports 50) is compared with 4999
    random permutations of the group labels. The observed labels count as one more.

    Args:
        steps: Step at which each run reached the target, or its last step if it did not, shape `(n,)`.
        reached: Whether each run reached the target, booleans of shape `(n,)`.
        first: Whether each run belongs to the first group, booleans of shape `(n,)`.
        generator: Random generator for the permutations.

    Returns:
        The p-value; NaN if a group is empty or no run reached the target.
    """
    when = np.asarray(steps, dtype=np.float64).ravel()
    done, mine = (np.asarray(given, dtype=np.bool_).ravel() for given in (reached, first))
    if not done.any() or mine.all() or not mine.any():
        return math.nan
    # The statistic is the sum of scores over the first group. A run's score is its event minus its cumulative hazard.
    places, counts = np.unique(when[done], return_counts=True)
    hazards = np.array([count / np.count_nonzero(when >= place) for place, count in zip(places, counts, strict=True)])
    cumulative = np.concatenate([[0.0], np.cumsum(hazards)])
    scores = done - cumulative[np.searchsorted(places, when, side="right")]
    seen = abs(float(scores[mine].sum()))
    labels = generator.permuted(np.broadcast_to(mine, (_DRAWS, mine.size)), axis=1)
    drawn = np.abs(labels @ scores)
    return (1 + int(np.count_nonzero(drawn >= seen - 1e-9))) / (_DRAWS + 1)

"""Steps to a target, where some runs never got there: they are censored, neither left out nor called infinite."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.welch import t_quantile

_FEWEST = 2
_DRAWS = 4_999


class Reaching(NamedTuple):
    """How soon the runs of a group reach a target.

    Attributes:
        places: Steps at which a run reached it, rising, shape `(k,)`.
        waiting: Share of runs that have not reached it after each (Kaplan and Meier), shape `(k,)`.
        runs: Runs in all.
        reached: Runs that reached it.
        median: Steps after which half have; NaN where fewer than half did.
        restricted_mean: Mean steps to the target or to the horizon, whichever comes first, and its interval.
        horizon: The last step that was looked at.
    """

    places: NDArray[np.float64]
    waiting: NDArray[np.float64]
    runs: int
    reached: int
    median: float
    restricted_mean: PairedEffect
    horizon: float


def reaching(steps: ArrayLike, reached: ArrayLike, horizon: float, *, confidence: float = 0.95) -> Reaching:
    """Kaplan and Meier's (1958, JASA 53) account of the steps to a target.

    `S(t) = prod_{t_i <= t} (1 - d_i / n_i)`. The restricted mean is the area under it up to the horizon (Royston and
    Parmar 2013, BMC Medical Research Methodology 13), with Greenwood's variance
    `sum_i A_i^2 d_i / (n_i (n_i - d_i))`, `A_i` the area beyond `t_i`, times `r / (r - 1)` for `r` that reached it, and
    Student's `t` of `r - 1`. Without censoring it is the mean and its `t` interval.

    Args:
        steps: At which each run reached the target, or at which it was last seen without; shape `(n,)`.
        reached: Whether it did, shape `(n,)`.
        horizon: Steps beyond it are not looked at.
        confidence: Two-sided.
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
    """Two-sided chance of so large a difference between two groups' ways to a target, if there were none.

    The log-rank statistic `sum_i (d_1i - d_i n_1i / n_i)` (Mantel 1966, Cancer Chemotherapy Reports 50), over 4999
    random deals of the runs to the groups, where what was seen counts as one.

    Args:
        steps: At which each run reached the target, or was last seen without.
        reached: Whether it did.
        first: Whether a run is of the first group.
        generator: Draws deals.

    Returns:
        The p-value; NaN where a group is empty or no run reached the target.
    """
    when = np.asarray(steps, dtype=np.float64).ravel()
    done, mine = (np.asarray(given, dtype=np.bool_).ravel() for given in (reached, first))
    if not done.any() or mine.all() or not mine.any():
        return math.nan
    # The statistic is a sum over the first group of each run's score: its own event less its share of all hazards.
    places, counts = np.unique(when[done], return_counts=True)
    hazards = np.array([count / np.count_nonzero(when >= place) for place, count in zip(places, counts, strict=True)])
    cumulative = np.concatenate([[0.0], np.cumsum(hazards)])
    scores = done - cumulative[np.searchsorted(places, when, side="right")]
    seen = abs(float(scores[mine].sum()))
    labels = generator.permuted(np.broadcast_to(mine, (_DRAWS, mine.size)), axis=1)
    drawn = np.abs(labels @ scores)
    return (1 + int(np.count_nonzero(drawn >= seen - 1e-9))) / (_DRAWS + 1)

"""Success rates: overall, over time and by group, and the number of episodes until a target."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges
from rlvitals.stats.series.intervals import Interval, rate_interval


class RateBlock(NamedTuple):
    """Success rate of a range of episodes.

    Attributes:
        first: Index of the first episode.
        last: Index of the last episode, inclusive.
        rate: Share of successes among the episodes with a reported outcome, with Wilson's interval.
    """

    first: int
    last: int
    rate: Interval


class TargetReached(NamedTuple):
    """Number of episodes until a moving average reached a target.

    Attributes:
        status: `reached`, `not reached`, or `not enough data` (fewer episodes than the window).
        episodes: Number of episodes up to the end of the first window at the target; NaN unless reached.
        held: Whether every later window stayed at the target; False unless reached.
        best: Best mean of any window, in the units of the values; NaN without a window.
        window: Window length in episodes.
    """

    status: Literal["reached", "not reached", "not enough data"]
    episodes: float
    held: bool
    best: float
    window: int


def success_rate(successes: ArrayLike | Sequence[float | None], *, confidence: float = 0.95) -> Interval:
    """Return the share of successes, with Wilson's interval for autocorrelated episodes.

    See `intervals.rate_interval`.

    Args:
        successes: Outcomes in time order, shape `(n,)`: booleans, 0 or 1, or NaN and None for an episode without an
            outcome.
        confidence: Two-sided confidence level, in (0, 1).
    """
    return rate_interval(_numbers(successes), confidence=confidence)


def success_over_time(
    successes: ArrayLike | Sequence[float | None], *, blocks: int = 20, confidence: float = 0.95
) -> list[RateBlock]:
    """Return the success rate over time, with Wilson's interval (Wilson 1927, JASA 22).

    The episodes are divided into at most `blocks` equal ranges. Within a range the episodes are treated as independent,
    because the level can change between ranges.

    Args:
        successes: Outcomes in time order, shape `(n,)`, as for `success_rate`.
        blocks: Maximum number of ranges.
        confidence: Two-sided confidence level, in (0, 1).
    """
    outcomes = _numbers(successes)
    if not outcomes.size:
        return []
    edges = block_edges(outcomes.size, blocks)
    return [
        RateBlock(start, end - 1, rate_interval(outcomes[start:end], confidence=confidence, independent=True))
        for start, end in pairwise(edges.tolist())
    ]


def success_by_group(
    successes: ArrayLike | Sequence[float | None], groups: ArrayLike | Sequence[str | None], *, confidence: float = 0.95
) -> dict[str, Interval]:
    """Return the success rate of each group (category, difficulty, termination reason), sorted by name.

    Each rate has Wilson's interval for the possibly autocorrelated episodes of that group.

    Args:
        successes: Outcomes in time order, shape `(n,)`, as for `success_rate`.
        groups: Group of each episode, shape `(n,)`. Episodes with None are left out.
        confidence: Two-sided confidence level, in (0, 1).

    Raises:
        ValueError: The two arrays differ in length.
    """
    outcomes, names = _numbers(successes), np.asarray(groups, dtype=object).ravel()
    if names.size != outcomes.size:
        raise ValueError(f"{outcomes.size} outcomes but {names.size} groups")
    texts = np.array(["" if name is None else str(name) for name in names], dtype=object)
    known = np.array([name is not None for name in names], dtype=bool)
    return {
        str(name): rate_interval(outcomes[known & (texts == name)], confidence=confidence)
        for name in sorted(set(texts[known]))
    }


def episodes_until(
    values: ArrayLike, target: float, *, window: int = 100, higher_is_better: bool = True
) -> TargetReached:
    """Return the number of episodes until the mean of the last `window` episodes first reached a target.

    This is the criterion of Gymnasium's solved environments ("an average of 195 over 100 consecutive trials"). A window
    consists of finite values; non-finite values are skipped.

    Args:
        values: Rewards, qualities or successes in time order, shape `(n,)`.
        target: Target in the units of the values.
        window: Window length in episodes, at least 1.
        higher_is_better: Whether higher values are better; False for a loss, whose mean must fall to the target.

    Raises:
        ValueError: The window is below 1.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 episode, not {window}")
    series = _numbers(values)
    places = np.flatnonzero(np.isfinite(series))
    if places.size < window:
        return TargetReached("not enough data", math.nan, False, math.nan, window)  # noqa: FBT003
    finite = series[places]
    center = float(np.median(finite))
    sums = np.concatenate([[0.0], np.cumsum(finite - center)])
    means = (sums[window:] - sums[:-window]) / window + center
    best = float(means.max() if higher_is_better else means.min())
    slack = 1e-12 * max(1.0, abs(target))
    at_target = means >= target - slack if higher_is_better else means <= target + slack
    if not at_target.any():
        return TargetReached("not reached", math.nan, False, best, window)  # noqa: FBT003
    first = int(np.argmax(at_target))
    return TargetReached("reached", float(places[first + window - 1] + 1), bool(at_target[first:].all()), best, window)


def _numbers(values: ArrayLike | Sequence[float | None]) -> NDArray[np.float64]:
    """Return the values as floats; None becomes NaN."""
    return np.asarray(values, dtype=np.float64).ravel()

"""Success rates: overall, over time, by group, and episodes until a target."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges
from rlvitals.stats.series.intervals import Interval, rate_interval


class RateBlock(NamedTuple):
    """Success rate of a stretch of episodes.

    Attributes:
        first: Index of its first episode.
        last: Index of its last.
        rate: Share of successes among those that say, with Wilson's interval.
    """

    first: int
    last: int
    rate: Interval


class TargetReached(NamedTuple):
    """How long it took until a running mean reached a target.

    Attributes:
        status: `reached`, `not reached`, or `not enough data` (fewer episodes than the window).
        episodes: Episodes until then, counting from 1 to the last one of the window; NaN unless reached.
        held: Whether every later window stayed at the target; False unless reached.
        best: Best mean of any window; NaN where there is none.
        window: Episodes in a window.
    """

    status: Literal["reached", "not reached", "not enough data"]
    episodes: float
    held: bool
    best: float
    window: int


def success_rate(successes: ArrayLike | Sequence[float | None], *, confidence: float = 0.95) -> Interval:
    """Share of successes, with Wilson's interval for autocorrelated episodes (`intervals.rate_interval`).

    Args:
        successes: Truth values, 0 or 1, or NaN and None where an episode does not say, shape `(n,)`, in time order.
        confidence: Two-sided.
    """
    return rate_interval(_numbers(successes), confidence=confidence)


def success_over_time(
    successes: ArrayLike | Sequence[float | None], *, blocks: int = 20, confidence: float = 0.95
) -> list[RateBlock]:
    """Success rate of each of at most `blocks` equal stretches, with Wilson's interval (Wilson 1927, JASA 22).

    Within a stretch episodes are taken as independent: the level is allowed to move between stretches.

    Args:
        successes: As for `success_rate`.
        blocks: At most so many stretches.
        confidence: Two-sided.
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
    """Success rate of each group (category, difficulty, reason of termination), in the order of their names.

    Each with Wilson's interval for the episodes of that group, autocorrelated as they may be.

    Args:
        successes: As for `success_rate`.
        groups: Name of each episode's group, shape `(n,)`; None where it has none (left out).
        confidence: Two-sided.

    Raises:
        ValueError: The two differ in length.
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
    """Episodes until the mean of the last `window` of them first reached a target.

    The criterion of Gymnasium's solved environments ("an average of 195 over 100 consecutive trials"). A window holds
    finite values; others are ignored.

    Args:
        values: Rewards, qualities or successes, shape `(n,)`, in time order.
        target: In their units.
        window: Episodes averaged, at least 1.
        higher_is_better: False for a loss: then the mean must fall to the target.

    Raises:
        ValueError: The window is below 1.
    """
    if window < 1:
        raise ValueError(f"a window holds at least 1 episode, not {window}")
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
    """As floats; None becomes NaN."""
    return np.asarray(values, dtype=np.float64).ravel()

"""Successes of a run: overall, over time, by group, and the time to the target."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from rlvitals.records.objectives import Objective
from rlvitals.runs.answer import Column
from rlvitals.stats.series.intervals import rate_interval
from rlvitals.stats.series.mix_shift import MixShift, mix_shift
from rlvitals.stats.series.success_rates import episodes_until, success_over_time
from rlvitals.summary.measures import WINDOW, Floats, Range, as_range, known

GROUP_MEANS = ("reward", "quality_improvement", "quality_final", "length")
"""Quantities whose mean is computed for each group of episodes."""
_BLOCKS = 20
_MOST_FOR_MIX = 200_000
"""Maximum number of evenly spaced episodes from which the change of the mix is computed."""


class Block(msgspec.Struct, frozen=True):
    """Success rate of consecutive episodes. Positions count from 0 and include both ends.

    Attributes:
        first: Position of the first episode.
        last: Position of the last episode.
        rate: Success rate, 0 to 1.
    """

    first: int
    last: int
    rate: Range


class GroupRate(msgspec.Struct, frozen=True):
    """Episodes of one group. The rate is over the `known` episodes, which report success or failure.

    `objectives` holds the median of each custom objective (`rlvitals.summary.levels`), by name.

    Attributes:
        name: Name of the group. `None` for the episodes without one.
        episodes: Number of episodes.
        known: Number of episodes that reported success or failure.
        rate: Success rate, 0 to 1.
        reward: Mean reward.
        quality_improvement: Mean improvement of the quality.
        quality_final: Mean final quality.
        length: Mean length in steps.
        objectives: Median of each custom objective, by name.
    """

    name: str | None
    episodes: int
    known: int
    rate: Range
    reward: float | None = None
    quality_improvement: float | None = None
    quality_final: float | None = None
    length: float | None = None
    objectives: dict[str, float | None] = {}


class Mix(msgspec.Struct, frozen=True):
    """Split of a change in the mean into skill and mix (Simpson's paradox, `rlvitals.stats.series.mix_shift`).

    Attributes:
        verdict: Verdict in words.
        total: Change of the mean from the first half of the run to the second.
        within: Part of the change due to changes within the categories.
        mix: Part of the change due to changed shares of the categories.
        by_category: Change of each category's mean.
        shares: Share of each category in either half.
    """

    verdict: str
    total: Range
    within: Range
    mix: Range
    by_category: dict[str, Range]
    shares: dict[str, tuple[float, float]]


class SuccessTarget(msgspec.Struct, frozen=True):
    """Time until the mean of a window of episodes reached the target.

    Attributes:
        target: Target reward.
        window: Number of episodes in a window.
        status: reached, not reached or not enough data.
        episodes: Number of episodes until the target was reached.
        held: Whether every later window stayed at the target.
        best: Best mean of a window.
    """

    target: float
    window: int
    status: str
    episodes: int | None
    held: bool
    best: float | None


class Successes(msgspec.Struct, frozen=True):
    """Successes of a run. Rates have Wilson's interval for the mean probability of success in those episodes.

    While that probability changes, Wilson's interval is conservative: the variance of a sum with different
    probabilities is less than with equal probabilities (Hoeffding 1956, Annals of Mathematical Statistics 27).

    Attributes:
        episodes: Number of episodes covered.
        known: Number of episodes that reported success or failure. Every rate is over these.
        total: Number of successes.
        rate: Success rate over all episodes.
        recent: Success rate over the last 100 episodes. `None` if none of them reported success or failure.
        recent_known: Number of the last 100 episodes that reported success or failure.
        over_time: Success rate in at most 20 stretches of the run.
        by_category: Success rate by category.
        by_difficulty: Success rate by difficulty.
        reward_mix: Split of the reward's change into skill and mix of categories.
        success_mix: Split of the success rate's change into skill and mix of categories.
        target: Time to the target, if there is a target.
    """

    episodes: int
    known: int
    total: int
    rate: Range | None
    recent: Range | None
    recent_known: int
    over_time: list[Block]
    by_category: list[GroupRate]
    by_difficulty: list[GroupRate]
    reward_mix: Mix | None
    success_mix: Mix | None
    target: SuccessTarget | None


def successes(episodes: dict[str, Column], target: float | None, objectives: Sequence[Objective] = ()) -> Successes:
    """Summarise the successes.

    Args:
        episodes: Columns `success`, `reward`, `quality_improvement`, `category`, `difficulty` and custom objectives.
        target: Reward that counts as solved, if there is one.
        objectives: Custom objectives of the run.
    """
    said = as_floats(episodes["success"])
    known_ones = int(np.count_nonzero(~np.isnan(said)))
    recent_known = int(np.count_nonzero(~np.isnan(said[-WINDOW:])))
    rewards = as_floats(episodes["reward"])
    return Successes(
        episodes=said.size,
        known=known_ones,
        total=int(np.nansum(said)),
        rate=_rate(said) if known_ones else None,
        recent=_rate(said[-WINDOW:]) if recent_known else None,
        recent_known=recent_known,
        over_time=[Block(b.first, b.last, as_range(b.rate)) for b in success_over_time(said, blocks=_BLOCKS)]
        if known_ones
        else [],
        by_category=_groups(episodes, "category", said, objectives),
        by_difficulty=_groups(episodes, "difficulty", said, objectives),
        reward_mix=_mix(rewards, episodes["category"]),
        success_mix=_mix(said, episodes["category"]) if known_ones else None,
        target=None if target is None else _target(rewards, target),
    )


def as_floats(column: Column) -> Floats:
    """Convert a column to floats. Missing values become NaN."""
    return np.asarray(np.ma.filled(column.astype(np.float64), np.nan), dtype=np.float64)


def _groups(episodes: dict[str, Column], by: str, said: Floats, objectives: Sequence[Objective]) -> list[GroupRate]:
    labels, codes = coded(episodes[by])
    if not labels:
        return []
    measured = {name: as_floats(episodes[name]) for name in GROUP_MEANS if name in episodes}
    custom = {one.name: as_floats(episodes[one.name]) for one in objectives if one.name in episodes}
    return group_rates(dict(enumerate(labels)), codes, said, measured, custom)


def group_rates(
    names: Mapping[int, str | None],
    codes: NDArray[np.intp],
    success: Floats,
    measured: Mapping[str, Floats],
    objectives: Mapping[str, Floats],
) -> list[GroupRate]:
    """Summarise the episodes of each group.

    Args:
        names: Name of each group, by code.
        codes: Group of each episode, shape `(n,)`.
        success: 1 or 0 for each episode, NaN if it was not reported, shape `(n,)`.
        measured: Quantities whose means are wanted, by field of `GroupRate`, each of shape `(n,)`.
        objectives: Custom objectives whose medians are wanted, by name, each of shape `(n,)`.
    """
    found = []
    for code, name in names.items():
        rows = codes == code
        known_ones = int(np.count_nonzero(~np.isnan(success[rows])))
        means = {quantity: _mean(values[rows]) for quantity, values in measured.items()}
        medians = {objective: _median(values[rows]) for objective, values in objectives.items()}
        count, rate = int(np.count_nonzero(rows)), _rate(success[rows])
        found.append(GroupRate(name, count, known_ones, rate, **means, objectives=medians))
    return found


def _rate(said: Floats) -> Range:
    return as_range(rate_interval(said, independent=True))


def coded(column: Column) -> tuple[list[str], NDArray[np.intp]]:
    """Return the different texts of a column, and the index of each row's text. Missing values have the index -1."""
    present = ~np.ma.getmaskarray(column)
    texts = column.data[present].tolist()
    labels = sorted(dict.fromkeys(texts))  # a dict is faster than sorting a million texts
    place = {label: at for at, label in enumerate(labels)}
    codes = np.full(column.size, -1)
    codes[present] = np.fromiter(map(place.__getitem__, texts), np.intp, len(texts))
    return labels, codes


def _mix(values: Floats, categories: Column) -> Mix | None:
    every = max(1, values.size // _MOST_FOR_MIX)
    labels, codes = coded(categories[::every])
    if len(labels) < 2:  # noqa: PLR2004 - one type has no mix
        return None
    named = [None if code < 0 else labels[code] for code in codes]
    return _plain(mix_shift(values[::every], named))


def _plain(found: MixShift) -> Mix:
    return Mix(
        verdict=found.verdict,
        total=as_range(found.total),
        within=as_range(found.within),
        mix=as_range(found.mix),
        by_category={name: as_range(change) for name, change in found.by_category.items()},
        shares=found.shares,
    )


def _target(rewards: Floats, target: float) -> SuccessTarget:
    found = episodes_until(rewards, target)
    return SuccessTarget(
        target=target,
        window=found.window,
        status=found.status,
        episodes=None if np.isnan(found.episodes) else int(found.episodes),
        held=found.held,
        best=known(found.best),
    )


def _mean(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _median(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return known(float(np.median(finite))) if finite.size else None

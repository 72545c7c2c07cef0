"""Outcomes of methods on logos, and their summaries over logos, paired with VTracer's defaults on the same logo."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.baselines import PIPELINE_NAME
from vtracer_gym.intervals import Interval, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FIRST_TRY: Final = "agent, first try"

TUNED: Final = "one tuned setting"
"""Name of the setting around which the training explored, used for every logo."""

EQUAL: Final = "one tuned setting, same traces"
"""Name of the same search with as many traces as the whole training."""

SURROGATE: Final = "surrogate, same traces"
"""Name of the choice per logo by a model of the reward, learnt from the traces of the training."""

FIXED_NAMES: Final = (TUNED, EQUAL, PIPELINE_NAME)
"""Methods that use one setting of the pipeline for every logo."""

WORSE: Final = 0.001
"""A drawing is worse than the defaults if its SSIM is lower by more than this."""


def best_of(method: str, tries: int) -> str:
    """Return the name of a method that takes the best of several tries."""
    return f"{method}, best of {tries}"


BEST_PRECISION: Final = best_of(PIPELINE_NAME, 3)
"""Name of the best drawing that the agent sees before its first try: the default setting in three precisions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one method on one logo.

    Args:
        reward: Reward of the environment: relative to the drawing with the pipeline's default setting.
        quality: SSIM at the size of the logo.
        quality_difference: SSIM minus the SSIM of VTracer's defaults.
        detail: SSIM at twice the size.
        sharp: SSIM at four times the size; NaN if the logo's source is smaller.
        edge_distance: Mean distance of the outlines from the logo's edges in pixels.
        color_error: Mean absolute difference of the colours of areas in 8-bit levels.
        log_byte_ratio: Natural logarithm of the byte ratio to VTracer's defaults, 0 if the method failed.
        size_bytes: Size of the SVG in bytes, 0 if the method failed.
        tries: Number of tries on the logo, of which the best one counts.
    """

    reward: float
    quality: float
    quality_difference: float
    detail: float
    sharp: float
    edge_distance: float
    color_error: float
    log_byte_ratio: float
    size_bytes: float
    tries: int = 1

    @property
    def is_worse(self) -> bool:
        """Whether the drawing is visibly worse than the one with VTracer's defaults."""
        return self.quality_difference < -WORSE

    @classmethod
    def mean(cls, outcomes: Sequence[Outcome]) -> Outcome:
        """Return the mean of several outcomes on the same logo with the same number of tries, for example of seeds."""
        names = [field.name for field in fields(cls) if field.name != "tries"]
        rows = [[getattr(outcome, name) for name in names] for outcome in outcomes]
        return cls(**dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True)), tries=outcomes[0].tries)


@dataclass(frozen=True, slots=True)
class LogoEvaluation:
    """All results on one unseen logo.

    Args:
        logo: Name of the logo.
        category: Type of the logo.
        outcomes: Outcome of each method by name.
        search_curve: Expected best reward of random search with 1 ... n tries, shape (n,).
    """

    logo: str
    category: str
    outcomes: dict[str, Outcome]
    search_curve: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of one method over all unseen logos.

    Args:
        reward: Mean reward.
        quality: Mean SSIM.
        quality_difference: Mean SSIM difference to VTracer's defaults.
        detail: Mean SSIM at twice the size.
        sharp: Mean SSIM at four times the size; NaN if it is unknown for a logo.
        edge_distance: Mean edge distance in pixels.
        color_error: Mean colour error in 8-bit levels.
        byte_ratio: Geometric mean of the byte ratio to VTracer's defaults.
        size_bytes: Geometric mean of the size in bytes.
        worse: Number of logos on which the method is visibly worse than VTracer's defaults.
        logos: Number of logos.
    """

    reward: Interval
    quality: float
    quality_difference: Interval
    detail: float
    sharp: float
    edge_distance: float
    color_error: float
    byte_ratio: Interval
    size_bytes: float
    worse: int
    logos: int

    @property
    def worse_share(self) -> float:
        """Share of logos on which the method is visibly worse than VTracer's defaults, 0 to 1."""
        return self.worse / self.logos


def methods_of(evaluations: Sequence[LogoEvaluation]) -> list[str]:
    """Return the methods that were evaluated on every logo, in order."""
    return [name for name in evaluations[0].outcomes if all(name in one.outcomes for one in evaluations)]


def pooled(runs: Iterable[Sequence[LogoEvaluation]]) -> list[LogoEvaluation]:
    """Combine the evaluations of several seeds or sizes into one per logo, averaged over those that include it.

    A method that was not evaluated in all of them is left out.
    """
    by_logo: dict[str, list[LogoEvaluation]] = defaultdict(list)
    for run in runs:
        for evaluation in run:
            by_logo[evaluation.logo].append(evaluation)
    return [
        LogoEvaluation(
            name,
            same[0].category,
            {method: Outcome.mean([one.outcomes[method] for one in same]) for method in methods_of(same)},
            np.mean([one.search_curve for one in same], axis=0),
        )
        for name, same in sorted(by_logo.items())
    ]


def summarize(evaluations: Sequence[LogoEvaluation], method: str, seed: int = 0) -> Summary:
    """Return the summary of one method over all logos, with 95 % intervals from resampling logos.

    Raises:
        ValueError: There are no evaluations.
    """
    rng = np.random.default_rng(seed)
    outcomes = [evaluation.outcomes[method] for evaluation in evaluations]
    ratio = _exponential(bootstrap_interval([outcome.log_byte_ratio for outcome in outcomes], rng))
    sizes = [outcome.size_bytes for outcome in outcomes if outcome.size_bytes > 0.0]
    return Summary(
        reward=bootstrap_interval([outcome.reward for outcome in outcomes], rng),
        quality=float(np.mean([outcome.quality for outcome in outcomes])),
        quality_difference=bootstrap_interval([outcome.quality_difference for outcome in outcomes], rng),
        detail=float(np.mean([outcome.detail for outcome in outcomes])),
        sharp=float(np.mean([outcome.sharp for outcome in outcomes])),
        edge_distance=float(np.mean([outcome.edge_distance for outcome in outcomes])),
        color_error=float(np.mean([outcome.color_error for outcome in outcomes])),
        byte_ratio=ratio,
        size_bytes=math.exp(float(np.mean(np.log(sizes)))) if sizes else 0.0,
        worse=sum(outcome.is_worse for outcome in outcomes),
        logos=len(outcomes),
    )


def reward_gain(evaluations: Sequence[LogoEvaluation], method: str, other: str, seed: int = 0) -> Interval:
    """Return the mean reward difference of two methods, paired by logo, with its 95 % interval.

    Raises:
        ValueError: There are no evaluations.
    """
    gains = [one.outcomes[method].reward - one.outcomes[other].reward for one in evaluations]
    return bootstrap_interval(gains, np.random.default_rng(seed))


def relative_size(evaluations: Sequence[LogoEvaluation], method: str, other: str, seed: int = 0) -> Interval:
    """Return the geometric mean of the byte ratio of two methods, paired by logo, with its 95 % interval.

    Raises:
        ValueError: There are no evaluations.
    """
    logs = [one.outcomes[method].log_byte_ratio - one.outcomes[other].log_byte_ratio for one in evaluations]
    return _exponential(bootstrap_interval(logs, np.random.default_rng(seed)))


def strongest_fixed(evaluations: Sequence[LogoEvaluation]) -> str | None:
    """Return the fixed setting with the highest mean reward on these logos, or None if none was evaluated.

    Choosing it on the logos of the evaluation favours the fixed settings, so that a gain over it is a cautious claim.
    """
    known = [name for name in methods_of(evaluations) if name in FIXED_NAMES]
    return max(known, key=lambda name: float(np.mean([one.outcomes[name].reward for one in evaluations])), default=None)


def tries_to_match(evaluations: Sequence[LogoEvaluation], method: str = FIRST_TRY) -> int | None:
    """Return how many tries per logo random search needs to reach the mean reward of a method.

    Returns:
        Number of tries, or None if more tries than were made are needed.
    """
    wanted = float(np.mean([evaluation.outcomes[method].reward for evaluation in evaluations]))
    curve = np.mean([evaluation.search_curve for evaluation in evaluations], axis=0)
    reached = np.flatnonzero(curve >= wanted)
    return int(reached[0]) + 1 if reached.size else None


def _exponential(interval: Interval) -> Interval:
    return Interval(math.exp(interval.mean), math.exp(interval.low), math.exp(interval.high))

"""What an agent has to beat: VTracer's defaults and presets, one tuned setting for all logos, and random search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS, parameters_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.tracing import DEFAULTS, ColorMode, Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.reward import RewardWeights


@dataclass(frozen=True, slots=True)
class FixedSetting:
    """The same parameters for every logo."""

    parameters: Parameters
    color_mode: ColorMode = "color"


FIXED_SETTINGS: Final[dict[str, FixedSetting]] = {
    "defaults": FixedSetting(DEFAULTS),
    "defaults, 2 decimals": FixedSetting(replace(DEFAULTS, path_precision=2)),
    "preset bw": FixedSetting(DEFAULTS, "binary"),
    "preset poster": FixedSetting(replace(DEFAULTS, color_precision=8)),
    "preset photo": FixedSetting(
        replace(DEFAULTS, filter_speckle=10, color_precision=8, layer_difference=48, corner_threshold=180)
    ),
}
"""VTracer's defaults, the same rounded as many tools do, and the presets of VTracer's command-line program."""


def random_parameters(rng: np.random.Generator) -> Parameters:
    """Parameters of an action drawn evenly from the box."""
    return parameters_of(rng.uniform(-1.0, 1.0, DIMENSIONS))


def random_search(prepared: PreparedLogo, tries: int, rng: np.random.Generator) -> list[Attempt]:
    """Tries random parameters on a logo.

    Returns:
        All attempts, in the order in which they were made: the first n are a search with n tries.
    """
    return [prepared.attempt(random_parameters(rng)) for _ in range(tries)]


def expected_best(rewards: NDArray[np.floating]) -> NDArray[np.float64]:
    """The reward that a search with k tries is expected to reach, for k = 1 ... n.

    All n tries of a random search are exchangeable, so that every k of them would have been a search with k tries; this
    is the mean, over all of these, of their best: the sum over the ascending order statistics r_(i) of
    ``r_(i) * C(i - 1, k - 1) / C(n, k)``.

    Args:
        rewards: of one logo, shape (n,), n at least 1.

    Returns:
        Shape (n,), not falling; the first is the mean, the last the maximum.
    """
    ascending = np.sort(np.asarray(rewards, np.float64))
    count = ascending.size
    best = np.empty(count)
    rank = np.arange(1, count + 1, dtype=np.float64)
    weights = np.full(count, 1.0 / count)  # k = 1: every try is as likely the best one
    for tries in range(1, count + 1):
        best[tries - 1] = float(ascending @ weights)
        # C(i-1, k) / C(n, k+1) follows from C(i-1, k-1) / C(n, k) by these factors
        weights = weights * (rank - tries) * (tries + 1) / (tries * (count - tries)) if tries < count else weights
        weights[:tries] = 0.0
    return best


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How one setting for all logos is tuned.

    Args:
        generations: of candidates.
        candidates: of each generation.
        logos: that each generation is tried on.
    """

    generations: int = 10
    candidates: int = 16
    logos: int = 10

    @property
    def traces(self) -> int:
        """What it costs."""
        return self.generations * self.candidates * self.logos


def tuned_action(
    logos: Sequence[PreparedLogo],
    weights: RewardWeights,
    rng: np.random.Generator,
    settings: TuningSettings | None = None,
) -> NDArray[np.float64]:
    """The action that is best for all these logos alike, by the cross-entropy method.

    R. Y. Rubinstein: "The cross-entropy method for combinatorial and continuous optimization", Methodology and
    Computing in Applied Probability 1, 1999: candidates are drawn from a normal distribution, which then moves most of
    the way to the best quarter of them. Each generation is tried on other logos, all its candidates on the same ones.

    Args:
        logos: to tune on, at least one; not the ones to be judged on.
        weights: of the reward, whose mean decides.
        rng: draws candidates and logos.
        settings: how much is tried.

    Returns:
        Shape (8,): the mean of the last distribution, in the box.
    """
    effort = settings or TuningSettings()
    elite = max(1, effort.candidates // 4)
    mean, spread = np.zeros(DIMENSIONS), np.full(DIMENSIONS, 0.4)
    for _ in range(effort.generations):
        candidates = np.clip(rng.normal(mean, spread, (effort.candidates, DIMENSIONS)), -1.0, 1.0)
        batch = [logos[index] for index in rng.permutation(len(logos))[: effort.logos]]
        rewards = np.zeros(len(candidates))
        for one in batch:
            rewards += [weights.reward(one.attempt(parameters_of(action)), one.default) for action in candidates]
            one.release()
        best = candidates[np.argsort(-rewards, kind="stable")[:elite]]
        mean = 0.3 * mean + 0.7 * best.mean(axis=0)
        spread = 0.4 * spread + 0.6 * best.std(axis=0) + 0.02  # never so narrow that it stops to look
    return mean

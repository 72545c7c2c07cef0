"""Baselines: VTracer's defaults and presets, one tuned setting for all logos, and random search."""

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
    """A setting that is the same for every logo."""

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
"""VTracer's defaults, the defaults with rounding as in many tools, and the presets of VTracer's command-line tool."""


def random_parameters(rng: np.random.Generator) -> Parameters:
    """Return the parameters of an action drawn uniformly from the box."""
    return parameters_of(rng.uniform(-1.0, 1.0, DIMENSIONS))


def random_search(prepared: PreparedLogo, tries: int, rng: np.random.Generator) -> list[Attempt]:
    """Try random parameters on a logo.

    Returns:
        All attempts in order. The first n attempts are a search with n tries.
    """
    return [prepared.attempt(random_parameters(rng)) for _ in range(tries)]


def expected_best(rewards: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the expected best reward of a search with k tries, for k = 1 ... n.

    The n tries of a random search are exchangeable, so each subset of k tries is a search with k tries. The result is
    the mean over all subsets of their best reward, computed from the ascending order statistics r_(i) as the sum of
    ``r_(i) * C(i - 1, k - 1) / C(n, k)``.

    Args:
        rewards: Rewards on one logo, shape (n,) with n at least 1.

    Returns:
        Expected best rewards, shape (n,), non-decreasing from the mean to the maximum.
    """
    ascending = np.sort(np.asarray(rewards, np.float64))
    count = ascending.size
    best = np.empty(count)
    rank = np.arange(1, count + 1, dtype=np.float64)
    weights = np.full(count, 1.0 / count)  # k = 1: each try is equally likely to be the best one
    for tries in range(1, count + 1):
        best[tries - 1] = float(ascending @ weights)
        # Update C(i-1, k-1) / C(n, k) to C(i-1, k) / C(n, k+1).
        weights = weights * (rank - tries) * (tries + 1) / (tries * (count - tries)) if tries < count else weights
        weights[:tries] = 0.0
    return best


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """Effort for tuning one setting for all logos.

    Args:
        generations: Number of generations.
        candidates: Number of candidates per generation.
        logos: Number of logos per generation.
    """

    generations: int = 10
    candidates: int = 16
    logos: int = 10

    @property
    def traces(self) -> int:
        """Total number of traces."""
        return self.generations * self.candidates * self.logos


def tuned_action(
    logos: Sequence[PreparedLogo],
    weights: RewardWeights,
    rng: np.random.Generator,
    settings: TuningSettings | None = None,
) -> NDArray[np.float64]:
    """Return the single best action for all logos, found with the cross-entropy method.

    R. Y. Rubinstein: "The cross-entropy method for combinatorial and continuous optimization", Methodology and
    Computing in Applied Probability 1, 1999. Candidates are drawn from a normal distribution, which then moves most of
    the way to the best quarter of them. Each generation uses different logos; all its candidates use the same ones.

    Args:
        logos: Logos to tune on, at least one. They must not include logos for evaluation.
        weights: Reward weights. Candidates are ranked by mean reward.
        rng: Random generator for candidates and logos.
        settings: Effort of the search.

    Returns:
        Mean of the final distribution, shape (8,), inside the box.
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
        spread = 0.4 * spread + 0.6 * best.std(axis=0) + 0.02  # the constant keeps the search from collapsing
    return mean

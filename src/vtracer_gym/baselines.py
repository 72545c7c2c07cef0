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


def tuned_setting(
    logos: Sequence[PreparedLogo], candidates: int, weights: RewardWeights, rng: np.random.Generator
) -> Parameters:
    """The best single setting for all these logos, by random search with successive halving.

    K. Jamieson, A. Talwalkar: "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016:
    all candidates are tried on a few logos, the better quarter on four times as many, until the last are tried on all.

    Args:
        logos: to tune on, at least one; not the ones to be judged on.
        candidates: random settings to start with, at least one.
        weights: of the reward, whose mean decides.
        rng: draws the candidates and the order of the logos.
    """
    settings = [random_parameters(rng) for _ in range(candidates)]
    order = [logos[index] for index in rng.permutation(len(logos))]
    rewards = np.zeros((len(settings), 0))
    seen = 0
    stop = max(1, len(order) // 16)
    while True:
        fresh = order[seen:stop]
        tried = [[weights.reward(one.attempt(setting), one.default) for one in fresh] for setting in settings]
        for one in fresh:
            one.release()
        rewards = np.concatenate([rewards, np.asarray(tried).reshape(len(settings), len(fresh))], axis=1)
        ranking = np.argsort(-rewards.mean(axis=1), kind="stable")
        if stop == len(order):
            return settings[int(ranking[0])]
        kept = ranking[: max(1, len(settings) // 4)]
        settings = [settings[index] for index in kept]
        rewards = rewards[kept]
        seen, stop = stop, min(len(order), stop * 4)

"""Baselines: VTracer's defaults and presets, fixed settings of the pipeline, and random search."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS, SPREADS, action_of, settings_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.pipeline import Settings
from vtracer_gym.tracing import DEFAULTS, ColorMode, Parameters

START_SPREAD: Final = 0.25
"""Standard deviation of the first candidates, in a box from -1 to 1, to multiply by ``SPREADS``."""

FINAL_SHARE: Final = 3
"""Ratio of the number of logos of the final choice to that of a generation."""

DEFAULTS_NAME: Final = "defaults"
"""Name of the baseline to which all ratios and differences refer."""

COMPACT_NAME: Final = "defaults + writer"
"""Name of the defaults' drawing, written compactly: what the compact writer alone saves."""

PIPELINE_NAME: Final = "pipeline's default"
"""Name of the pipeline's default setting, whose drawing has reward 0 in the environment."""


@dataclass(frozen=True, slots=True)
class Plain:
    """VTracer alone.

    Args:
        parameters: Parameters of VTracer.
        color_mode: Colour mode of VTracer.
        compact: Whether its SVG is rewritten compactly.
    """

    parameters: Parameters = DEFAULTS
    color_mode: ColorMode = "color"
    compact: bool = False


FIXED: Final[dict[str, Plain | Settings]] = {
    DEFAULTS_NAME: Plain(),
    COMPACT_NAME: Plain(compact=True),
    "preset bw": Plain(color_mode="binary"),
    "preset poster": Plain(replace(DEFAULTS, color_precision=8)),
    "preset photo": Plain(
        replace(DEFAULTS, filter_speckle=10, color_precision=8, layer_difference=48, corner_threshold=180)
    ),
    PIPELINE_NAME: Settings(),
}
"""VTracer's defaults, the same written compactly, the presets of its command-line tool, and the pipeline's default."""


def fixed_attempt(prepared: PreparedLogo, fixed: Plain | Settings) -> Attempt:
    """Make an attempt with a fixed setting."""
    if isinstance(fixed, Settings):
        return prepared.attempt(fixed)
    return prepared.plain_attempt(fixed.parameters, fixed.color_mode, compact=fixed.compact)


def random_settings(rng: np.random.Generator) -> Settings:
    """Return the setting of an action drawn uniformly from the box."""
    return settings_of(rng.uniform(-1.0, 1.0, DIMENSIONS))


def random_search(prepared: PreparedLogo, tries: int, rng: np.random.Generator) -> list[Attempt]:
    """Try random settings on a logo.

    Returns:
        All attempts in order. The first n attempts are a search with n tries.
    """
    return [prepared.attempt(random_settings(rng)) for _ in range(tries)]


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

    generations: int = 8
    candidates: int = 16
    logos: int = 12

    @property
    def traces(self) -> int:
        """Total number of traces, with those of the final choice."""
        return (self.generations * self.candidates + FINAL_SHARE * (self.generations + 1)) * self.logos

    def within(self, traces: int) -> TuningSettings:
        """Return the same settings with as many generations as a number of traces allows, at least 1."""
        per_generation = self.candidates + FINAL_SHARE
        return replace(self, generations=max(1, (traces // self.logos - FINAL_SHARE) // per_generation))


class Recorded(NamedTuple):
    """Attempts on several logos, as rows for learning.

    Attributes:
        logo: Index of the logo of each attempt, shape (n,).
        actions: Actions, shape (n, 5).
        rewards: Rewards, shape (n,).
    """

    logo: NDArray[np.int64]
    actions: NDArray[np.float64]
    rewards: NDArray[np.float64]

    @classmethod
    def empty(cls) -> Recorded:
        """Return no attempts."""
        return cls(np.empty(0, np.int64), np.empty((0, DIMENSIONS)), np.empty(0))

    def with_more(self, other: Recorded) -> Recorded:
        """Return these attempts followed by others."""
        return Recorded(*(np.concatenate(columns) for columns in zip(self, other, strict=True)))


Try = Callable[[Sequence[tuple[int, NDArray[np.float64]]]], NDArray[np.float64]]
"""Function that tries actions on logos, given as index and action, and returns the rewards."""


def tuned_action(
    logos: int, attempt: Try, rng: np.random.Generator, settings: TuningSettings | None = None
) -> tuple[NDArray[np.float64], Recorded]:
    """Return the single best action for all logos, found with the cross-entropy method.

    R. Y. Rubinstein: "The cross-entropy method for combinatorial and continuous optimization", Methodology and
    Computing in Applied Probability 1, 1999. Candidates are drawn from a normal distribution around the pipeline's
    default setting, which then moves most of the way to the best quarter of them. Each generation uses different logos;
    all its candidates use the same ones. At the end, the means of all generations and the default setting are compared
    on the same logos, because a generation sees too few logos to be always an improvement.

    Args:
        logos: Number of logos to tune on. They must not include logos for evaluation.
        attempt: Function that makes the attempts. Candidates are ranked by mean reward.
        rng: Random generator for candidates and logos.
        settings: Effort of the search.

    Returns:
        The best mean, shape (5,), inside the box; and all attempts.
    """
    effort = settings or TuningSettings()
    tried: list[Recorded] = []

    def ranked(candidates: NDArray[np.float64], count: int) -> NDArray[np.int64]:
        chosen = rng.permutation(logos)[:count]
        pairs = [(int(logo), action) for logo in chosen for action in candidates]
        rewards = attempt(pairs)
        tried.append(Recorded(np.array([logo for logo, _ in pairs]), np.array([one for _, one in pairs]), rewards))
        return np.argsort(-rewards.reshape(chosen.size, -1).mean(axis=0), kind="stable")

    mean, spread = action_of(Settings()).astype(np.float64), START_SPREAD * SPREADS
    means = [mean]
    for _ in range(effort.generations):
        drawn = rng.normal(mean, spread, (effort.candidates - 1, DIMENSIONS))
        candidates = np.clip(np.concatenate([mean[None], drawn]), -1.0, 1.0)
        best = candidates[ranked(candidates, effort.logos)[: max(1, effort.candidates // 4)]]
        mean = 0.3 * mean + 0.7 * best.mean(axis=0)
        spread = 0.4 * spread + 0.6 * best.std(axis=0) + 0.02  # the constant keeps the search from collapsing
        means.append(mean)
    final = means[int(ranked(np.array(means), FINAL_SHARE * effort.logos)[0])]
    return final, functools.reduce(Recorded.with_more, tried, Recorded.empty())

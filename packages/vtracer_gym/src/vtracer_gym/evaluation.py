"""Evaluation of an agent and of baselines on unseen logos."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.baselines import FIXED, PIPELINE_NAME, expected_best, fixed_attempt, random_search
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import TraceError, VtracerGymError
from vtracer_gym.features import logo_features
from vtracer_gym.logo_outcomes import BEST_PRECISION, FIRST_TRY, LogoEvaluation, Outcome, best_of
from vtracer_gym.pipeline import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vtracer_gym.logos import Logo
    from vtracer_gym.reward import RewardWeights

DEFAULT_SEARCH_TRIES: Final = 40

SHARP: Final = 4
"""Multiple of the logo's size at which outcomes are measured in addition to the measures of an attempt."""

Chooser = Callable[[NDArray[np.float32]], Settings]
"""Function that chooses a setting from the features of a logo, shape (20,), see ``features.logo_features``."""

_LOGGER = logging.getLogger(__name__)


class Agent(Protocol):
    """An agent that chooses actions."""

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action, shape (5,), for an observation of ``VectorizeEnv``."""


def agent_attempts(
    agent: Agent, logo: Logo | PreparedLogo, attempts: int, weights: RewardWeights
) -> tuple[Attempt, list[Attempt]]:
    """Run an agent on a logo for one episode.

    Returns:
        The attempt with VTracer's defaults, and the agent's attempts in order.

    Raises:
        VtracerGymError: VTracer fails on the logo with its defaults.
    """
    environment = VectorizeEnv([logo], attempts, weights)
    observation, _ = environment.reset(seed=0)
    over = False
    while not over:
        observation, _, over, _, _ = environment.step(agent.act(observation))
    return environment.default, environment.tried


def outcome_of(prepared: PreparedLogo, attempt: Attempt, weights: RewardWeights) -> Outcome:
    """Return the outcome of a single attempt on a logo.

    Raises:
        TraceError: VTracer fails on the logo with its defaults.
    """
    default, measures = prepared.default, attempt.measures
    return Outcome(
        reward=weights.reward(attempt, prepared).total,
        quality=measures.quality,
        quality_difference=measures.quality - default.measures.quality,
        detail=measures.detail,
        sharp=_sharp(prepared, attempt),
        edge_distance=measures.edge_distance,
        color_error=measures.color_error,
        log_byte_ratio=0.0 if attempt.failure is not None else math.log(attempt.size_bytes / default.size_bytes),
        size_bytes=float(attempt.size_bytes),
    )


def _sharp(prepared: PreparedLogo, attempt: Attempt) -> float:
    if SHARP not in prepared.measurer.sizes:
        return math.nan
    return 0.0 if attempt.failure is not None else prepared.measurer.similarity(attempt.svg, SHARP)


@dataclass(frozen=True, slots=True)
class _SearchTask:
    logo: Logo
    tries: int
    seed: np.random.SeedSequence
    weights: RewardWeights
    group_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Baselines:
    """Results of the baselines on one logo, which keeps the attempts that all methods are compared with."""

    prepared: PreparedLogo
    outcomes: dict[str, Outcome]
    search_curve: NDArray[np.float64]


def _baselines(task: _SearchTask) -> _Baselines | str:
    """Return the results of the baselines on a logo, or the reason why VTracer cannot trace it."""
    cv2.setNumThreads(1)  # the pictures are small, and there is one process per core
    prepared = PreparedLogo(task.logo)
    try:
        prepared.default  # noqa: B018 - computes the default attempt, or raises
    except TraceError as error:
        return str(error)
    fixed = {name: fixed_attempt(prepared, setting) for name, setting in FIXED.items()}
    searched = random_search(prepared, task.tries, np.random.default_rng(task.seed))
    outcomes = {name: outcome_of(prepared, attempt, task.weights) for name, attempt in fixed.items()}
    extremes = [outcome_of(prepared, attempt, task.weights) for attempt in prepared.precision_extremes]
    outcomes[BEST_PRECISION] = _best([outcomes[PIPELINE_NAME], *extremes])
    tries = [outcome_of(prepared, attempt, task.weights) for attempt in searched]
    for size in task.group_sizes:
        outcomes[best_of("random", size)] = _mean_of_best(tries, size)
    prepared.release()
    return _Baselines(prepared, outcomes, expected_best(np.array([one.reward for one in tries])))


def _mean_of_best(tries: Sequence[Outcome], size: int) -> Outcome:
    """Return the mean over all disjoint groups of tries of their best outcomes."""
    groups = [tries[start : start + size] for start in range(0, len(tries) - size + 1, size)]
    return Outcome.mean([_best(group) for group in groups])


def _best(tries: Sequence[Outcome]) -> Outcome:
    winner = max(tries, key=lambda outcome: outcome.reward)
    return replace(winner, tries=len(tries))


def check_search_tries(attempts: int, search_tries: int) -> None:
    """Check that random search has at least as many tries as the agent, before any training or evaluation.

    Args:
        attempts: Number of the agent's tries per logo.
        search_tries: Number of random-search tries per logo.

    Raises:
        ValueError: Random search has fewer tries.
    """
    if search_tries < attempts:
        raise ValueError(f"random search needs at least as many tries as the agent ({attempts}), got {search_tries}")


def evaluate(
    agent: Agent,
    logos: Sequence[Logo],
    *,
    weights: RewardWeights,
    attempts: int,
    search_tries: int = DEFAULT_SEARCH_TRIES,
    seed: int,
    extra: Mapping[str, Chooser] | None = None,
    processes: int | None = None,
    on_logo: Callable[[], None] = lambda: None,
) -> list[LogoEvaluation]:
    """Evaluate an agent, other choosers and the baselines on every logo.

    The baselines run in parallel processes. The agent and the choosers stay in this process, because they may hold
    models that cannot be sent to another one. Random search with k tries is averaged over all disjoint groups of k
    tries to reduce the effect of chance.

    Args:
        agent: Agent to evaluate. The results are reproducible only if it is deterministic.
        logos: Unseen logos.
        weights: Weights of the reward.
        attempts: Number of the agent's tries per logo.
        search_tries: Number of random-search tries per logo, at least ``attempts``.
        seed: Seed of random search. Each logo has a separate random stream.
        extra: Additional choosers by name. Each makes one try per logo.
        processes: Number of processes for the baselines, by default one per core.
        on_logo: Callback after each logo.

    Raises:
        ValueError: There are fewer search tries than attempts.
        VtracerGymError: There is no logo that VTracer can trace with its defaults. Individual failing logos are logged
            and skipped.
    """
    check_search_tries(attempts, search_tries)
    seeds = np.random.SeedSequence(seed).spawn(len(logos))
    sizes = tuple(sorted({1, attempts, search_tries}))
    tasks = [_SearchTask(logo, search_tries, stream, weights, sizes) for logo, stream in zip(logos, seeds, strict=True)]
    evaluator = _Evaluator(agent, weights, attempts, dict(extra or {}), on_logo)
    workers = min(processes or os.cpu_count() or 1, len(tasks))
    if workers <= 1:
        return evaluator.all(tasks, map(_baselines, tasks))
    context = multiprocessing.get_context("forkserver")  # a plain fork can deadlock the threads of torch and OpenCV
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return evaluator.all(tasks, pool.map(_baselines, tasks))


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """Adds the agent and the choosers to the results of the baselines."""

    agent: Agent
    weights: RewardWeights
    attempts: int
    extra: Mapping[str, Chooser]
    on_logo: Callable[[], None]

    def all(self, tasks: Sequence[_SearchTask], baselines: Iterable[_Baselines | str]) -> list[LogoEvaluation]:
        evaluations = []
        for task, measured in zip(tasks, baselines, strict=True):
            if isinstance(measured, str):
                _LOGGER.warning("%s; skipping this logo", measured)
                continue
            logo = task.logo
            outcomes = self._chosen(measured.prepared) | measured.outcomes
            evaluations.append(LogoEvaluation(logo.name, logo.category, outcomes, measured.search_curve))
            self.on_logo()
        if not evaluations:
            raise VtracerGymError(
                "no logo to evaluate on. Pass at least one logo that VTracer can trace with its defaults"
            )
        return evaluations

    def _chosen(self, prepared: PreparedLogo) -> dict[str, Outcome]:
        weights = self.weights
        attempts = agent_attempts(self.agent, prepared, self.attempts, weights)[1]
        tried = [outcome_of(prepared, attempt, weights) for attempt in attempts]
        outcomes = {FIRST_TRY: tried[0], best_of("agent", self.attempts): _best(tried)}
        features = logo_features(prepared)
        for name, choose in self.extra.items():
            outcomes[name] = outcome_of(prepared, prepared.attempt(choose(features)), weights)
        prepared.release()
        return outcomes

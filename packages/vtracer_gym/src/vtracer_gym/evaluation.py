"""Evaluation on unseen logos, paired with VTracer's defaults on the same logo."""

from __future__ import annotations

import logging
import math
import multiprocessing
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.baselines import FIXED_SETTINGS, FixedSetting, expected_best, random_search
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import TraceError, VtracerGymError
from vtracer_gym.intervals import Interval, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vtracer_gym.logos import Logo
    from vtracer_gym.reward import RewardWeights


class Agent(Protocol):
    """An agent that chooses actions."""

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action, shape (8,), for an observation of ``VectorizeEnv``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one method on one logo, compared with VTracer's defaults.

    Args:
        reward: Reward, see ``reward.RewardWeights``.
        quality_difference: SSIM minus the SSIM of the defaults.
        log_byte_ratio: Natural logarithm of the byte ratio to the defaults, 0 if the method failed.
        quality: SSIM.
        size_bytes: Size of the SVG in bytes, 0 if the method failed.
    """

    reward: float
    quality_difference: float
    log_byte_ratio: float
    quality: float
    size_bytes: float

    @classmethod
    def of(cls, attempt: Attempt, default: Attempt, weights: RewardWeights) -> Outcome:
        """Compare an attempt with the defaults on the same logo."""
        ratio = 0.0 if attempt.failure is not None else math.log(attempt.size_bytes / default.size_bytes)
        return cls(
            weights.reward(attempt, default),
            attempt.quality - default.quality,
            ratio,
            attempt.quality,
            float(attempt.size_bytes),
        )

    @classmethod
    def mean(cls, outcomes: Sequence[Outcome]) -> Outcome:
        """Return the mean of several outcomes on the same logo, for example of several seeds."""
        rows = [
            (one.reward, one.quality_difference, one.log_byte_ratio, one.quality, one.size_bytes) for one in outcomes
        ]
        return cls(*np.mean(rows, axis=0).tolist())


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
        quality_difference: Mean SSIM difference to the defaults.
        byte_ratio: Geometric mean of the byte ratio to the defaults.
        quality: Mean SSIM.
        size_bytes: Geometric mean of the size in bytes.
        logos: Number of logos.
    """

    reward: Interval
    quality_difference: Interval
    byte_ratio: Interval
    quality: float
    size_bytes: float
    logos: int


_LOGGER = logging.getLogger(__name__)

FIRST_TRY = "agent, first try"


def best_of(method: str, tries: int) -> str:
    """Return the name of a method that takes the best of several tries."""
    return f"{method}, best of {tries}"


def agent_attempts(agent: Agent, logo: Logo, attempts: int, weights: RewardWeights) -> tuple[Attempt, list[Attempt]]:
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


@dataclass(frozen=True, slots=True)
class _SearchTask:
    logo: Logo
    tries: int
    seed: np.random.SeedSequence
    weights: RewardWeights
    settings: dict[str, FixedSetting]
    equal_tries: int


_Baselines = tuple[dict[str, Outcome], NDArray[np.float64]]


def _baselines(task: _SearchTask) -> _Baselines | str:
    """Return the results of the baselines on a logo, or the reason why VTracer cannot trace it."""
    prepared = PreparedLogo(task.logo)
    try:
        default = prepared.default
    except TraceError as error:
        return str(error)
    outcomes = {
        name: Outcome.of(prepared.attempt(setting.parameters, setting.color_mode), default, task.weights)
        for name, setting in task.settings.items()
    }
    searched = random_search(prepared, task.tries, np.random.default_rng(task.seed))
    rewards = [task.weights.reward(attempt, default) for attempt in searched]
    for tries in {1, task.equal_tries}:
        groups = [range(start, start + tries) for start in range(0, task.tries - tries + 1, tries)]
        winners = [searched[max(group, key=rewards.__getitem__)] for group in groups]
        outcomes[best_of("random", tries)] = Outcome.mean(
            [Outcome.of(winner, default, task.weights) for winner in winners]
        )
    return outcomes, expected_best(np.asarray(rewards))


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
    search_tries: int,
    seed: int,
    extra_settings: Mapping[str, FixedSetting] | None = None,
    processes: int = 1,
    on_logo: Callable[[], None] = lambda: None,
) -> list[LogoEvaluation]:
    """Evaluate an agent and the baselines on every logo.

    Random search with k tries is averaged over all disjoint groups of k tries to reduce the effect of chance.

    Args:
        agent: Agent to evaluate. The results are reproducible only if it is deterministic.
        logos: Unseen logos.
        weights: Weights of the reward.
        attempts: Number of the agent's tries per logo.
        search_tries: Number of random-search tries per logo, at least ``attempts``.
        seed: Seed of random search. Each logo has a separate random stream.
        extra_settings: Additional settings to evaluate on every logo, by name.
        processes: Number of processes for the baselines. VTracer fully uses one core per process.
        on_logo: Callback after each logo.

    Raises:
        ValueError: There are fewer search tries than attempts.
        VtracerGymError: There is no logo that VTracer can trace with its defaults. Individual failing logos are logged
            and skipped.
    """
    check_search_tries(attempts, search_tries)
    settings = {**FIXED_SETTINGS, **(extra_settings or {})}
    seeds = np.random.SeedSequence(seed).spawn(len(logos))
    tasks = [
        _SearchTask(logo, search_tries, stream, weights, settings, attempts)
        for logo, stream in zip(logos, seeds, strict=True)
    ]
    if processes == 1:
        return _assemble(agent, tasks, map(_baselines, tasks), on_logo)
    context = multiprocessing.get_context("forkserver")  # a plain fork can deadlock the threads of torch and OpenCV
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return _assemble(agent, tasks, pool.map(_baselines, tasks), on_logo)


def _assemble(
    agent: Agent,
    tasks: Sequence[_SearchTask],
    baselines: Iterable[_Baselines | str],
    on_logo: Callable[[], None],
) -> list[LogoEvaluation]:
    evaluations = []
    for task, measured in zip(tasks, baselines, strict=True):
        if isinstance(measured, str):
            _LOGGER.warning("%s; skipping this logo", measured)
            continue
        outcomes, curve = measured
        default, tried = agent_attempts(agent, task.logo, task.equal_tries, task.weights)
        found = [Outcome.of(attempt, default, task.weights) for attempt in tried]
        outcomes[FIRST_TRY] = found[0]
        outcomes[best_of("agent", task.equal_tries)] = max(found, key=lambda outcome: outcome.reward)
        evaluations.append(LogoEvaluation(task.logo.name, task.logo.category, outcomes, curve))
        on_logo()
    if not evaluations:
        raise VtracerGymError("no logo to evaluate on. Pass at least one logo that VTracer can trace with its defaults")
    return evaluations


def pooled(runs: Iterable[Sequence[LogoEvaluation]]) -> list[LogoEvaluation]:
    """Combine the evaluations of several seeds into one per logo, averaged over the seeds that include it."""
    by_logo: dict[str, list[LogoEvaluation]] = defaultdict(list)
    for run in runs:
        for evaluation in run:
            by_logo[evaluation.logo].append(evaluation)
    return [
        LogoEvaluation(
            name,
            same[0].category,
            {method: Outcome.mean([one.outcomes[method] for one in same]) for method in same[0].outcomes},
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
    ratio = bootstrap_interval([outcome.log_byte_ratio for outcome in outcomes], rng)
    sizes = [outcome.size_bytes for outcome in outcomes if outcome.size_bytes > 0.0]
    return Summary(
        reward=bootstrap_interval([outcome.reward for outcome in outcomes], rng),
        quality_difference=bootstrap_interval([outcome.quality_difference for outcome in outcomes], rng),
        byte_ratio=Interval(math.exp(ratio.mean), math.exp(ratio.low), math.exp(ratio.high)),
        quality=float(np.mean([outcome.quality for outcome in outcomes])),
        size_bytes=math.exp(float(np.mean(np.log(sizes)))) if sizes else 0.0,
        logos=len(outcomes),
    )


def tries_to_match(evaluations: Sequence[LogoEvaluation], method: str = FIRST_TRY) -> int | None:
    """Return how many tries per logo random search needs to reach the mean reward of a method.

    Returns:
        Number of tries, or None if more tries than were made are needed.
    """
    wanted = float(np.mean([evaluation.outcomes[method].reward for evaluation in evaluations]))
    curve = np.mean([evaluation.search_curve for evaluation in evaluations], axis=0)
    reached = np.flatnonzero(curve >= wanted)
    return int(reached[0]) + 1 if reached.size else None

"""Evaluation on logos that training did not see, paired logo by logo against VTracer's defaults."""

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
    """Whatever chooses actions."""

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The action, shape (8,), for an observation of ``VectorizeEnv``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method reached on one logo, against VTracer's defaults.

    Args:
        reward: see ``reward.RewardWeights``.
        quality_difference: SSIM minus that of the defaults.
        log_byte_ratio: natural logarithm of bytes over those of the defaults; 0 where the method failed.
        quality: SSIM.
        size_bytes: of the SVG; 0 where the method failed.
    """

    reward: float
    quality_difference: float
    log_byte_ratio: float
    quality: float
    size_bytes: float

    @classmethod
    def of(cls, attempt: Attempt, default: Attempt, weights: RewardWeights) -> Outcome:
        """Compares an attempt with the defaults on the same logo."""
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
        """The mean of several outcomes on the same logo, such as those of several seeds."""
        rows = [
            (one.reward, one.quality_difference, one.log_byte_ratio, one.quality, one.size_bytes) for one in outcomes
        ]
        return cls(*np.mean(rows, axis=0).tolist())


@dataclass(frozen=True, slots=True)
class LogoEvaluation:
    """Everything measured on one unseen logo.

    Args:
        logo: its name.
        category: its type.
        outcomes: of each method, by its name.
        search_curve: expected best reward of random search with 1 ... n tries, shape (n,).
    """

    logo: str
    category: str
    outcomes: dict[str, Outcome]
    search_curve: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """One method over all unseen logos.

    Args:
        reward: mean.
        quality_difference: mean difference of SSIM to the defaults.
        byte_ratio: geometric mean of the ratio of bytes to the defaults.
        quality: mean SSIM.
        size_bytes: geometric mean.
        logos: how many.
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
    """The name of a method that takes the best of several tries."""
    return f"{method}, best of {tries}"


def agent_attempts(agent: Agent, logo: Logo, attempts: int, weights: RewardWeights) -> tuple[Attempt, list[Attempt]]:
    """Lets an agent work on a logo for one episode.

    Returns:
        The attempt with VTracer's defaults, and the agent's attempts in their order.

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
    """What the baselines reach on a logo; or why VTracer cannot trace it."""
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
    """Refuse a search with fewer tries than the agent has, before anything is trained or measured.

    Args:
        attempts: The agent's tries on a logo.
        search_tries: Tries of random search on a logo.

    Raises:
        ValueError: The search has fewer tries.
    """
    if search_tries < attempts:
        raise ValueError(f"random search needs at least the agent's {attempts} tries, not {search_tries}")


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
    """Measures an agent and the baselines on every logo.

    Random search with k tries is measured over all disjoint groups of k of its tries, not over one lucky one.

    Args:
        agent: chooses actions; deterministic, if the result is to be.
        logos: that training did not see.
        weights: of the reward.
        attempts: the agent's tries on a logo.
        search_tries: of random search on a logo; at least ``attempts``.
        seed: of random search; each logo has a stream of its own.
        extra_settings: further settings to measure on every logo, by name.
        processes: for the baselines; VTracer keeps one busy.
        on_logo: called after each logo.

    Raises:
        ValueError: fewer search tries than attempts.
        VtracerGymError: VTracer fails on every logo with its defaults; where on some, these are reported and left out.
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
    context = multiprocessing.get_context("forkserver")  # torch and OpenCV have threads, which a plain fork may break
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
            _LOGGER.warning("%s; it is left out", measured)
            continue
        outcomes, curve = measured
        default, tried = agent_attempts(agent, task.logo, task.equal_tries, task.weights)
        found = [Outcome.of(attempt, default, task.weights) for attempt in tried]
        outcomes[FIRST_TRY] = found[0]
        outcomes[best_of("agent", task.equal_tries)] = max(found, key=lambda outcome: outcome.reward)
        evaluations.append(LogoEvaluation(task.logo.name, task.logo.category, outcomes, curve))
        on_logo()
    if not evaluations:
        raise VtracerGymError("there is no logo to evaluate on")
    return evaluations


def pooled(runs: Iterable[Sequence[LogoEvaluation]]) -> list[LogoEvaluation]:
    """One evaluation a logo from those of several seeds: a logo that several have met counts once, by its mean."""
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
    """One method over all logos, with 95 % intervals: the logo is the unit that is resampled.

    Raises:
        ValueError: there is no evaluation.
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
    """How many tries a logo random search needs until its mean reward reaches that of a method.

    Returns:
        None where it needs more than were made.
    """
    wanted = float(np.mean([evaluation.outcomes[method].reward for evaluation in evaluations]))
    curve = np.mean([evaluation.search_curve for evaluation in evaluations], axis=0)
    reached = np.flatnonzero(curve >= wanted)
    return int(reached[0]) + 1 if reached.size else None

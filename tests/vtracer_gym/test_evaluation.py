from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.actions import action_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.baselines import COMPACT_NAME, DEFAULTS_NAME, PIPELINE_NAME
from vtracer_gym.errors import VtracerGymError
from vtracer_gym.evaluation import SHARP, agent_attempts, evaluate, outcome_of
from vtracer_gym.features import FEATURE_NAMES
from vtracer_gym.logo_outcomes import BEST_PRECISION, FIRST_TRY, LogoEvaluation, best_of, summarize
from vtracer_gym.pipeline import Settings
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS

LOGOS = sample_logos(2, np.random.default_rng(0), 64)
WEIGHTS = RewardWeights()
COARSE = Settings(grid=1.6)


class Steady:
    """An agent that always proposes the same setting."""

    def __init__(self, settings: Settings) -> None:
        self._action = action_of(settings)

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        assert observation.ndim == 1
        return self._action


class Descending:
    """An agent whose first try is fine and whose further tries get coarser."""

    def __init__(self) -> None:
        self._grid = 10.0

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        assert observation.ndim == 1
        self._grid = max(self._grid / 2.0, 1.5)
        return action_of(replace(Settings(), grid=self._grid))


def measured(settings: Settings = COARSE, seed: int = 0, processes: int = 1) -> list[LogoEvaluation]:
    return evaluate(
        Steady(settings), LOGOS, weights=WEIGHTS, attempts=2, search_tries=3, seed=seed, processes=processes
    )


@pytest.fixture(scope="module")
def coarse() -> list[LogoEvaluation]:
    """Evaluations of an agent that always chooses the coarse setting."""
    return measured()


def test_outcome_by_hand() -> None:
    """Bytes are compared as the logarithm of their ratio, and the quality by subtraction."""
    prepared = PreparedLogo(LOGOS[0])
    attempt = prepared.attempt(COARSE)
    outcome = outcome_of(prepared, attempt, WEIGHTS)

    assert outcome.log_byte_ratio == pytest.approx(math.log(len(attempt.svg) / len(prepared.default.svg)))
    assert outcome.quality_difference == attempt.quality - prepared.default.quality
    assert (outcome.detail, outcome.edge_distance) == (attempt.measures.detail, attempt.measures.edge_distance)
    assert outcome.sharp == prepared.measurer.similarity(attempt.svg, SHARP)


def test_failed_attempt_is_an_outcome() -> None:
    """A failure has the lowest reward and no similarity at any size."""
    prepared = PreparedLogo(LOGOS[0])
    outcome = outcome_of(prepared, Attempt.failed(COARSE, "panicked"), WEIGHTS)

    assert outcome.reward == WEIGHTS.lowest
    assert (outcome.quality, outcome.sharp, outcome.size_bytes, outcome.log_byte_ratio) == (0.0, 0.0, 0.0, 0.0)


def test_sharpness_needs_a_source() -> None:
    """Without a source of four times the size, the similarity at that size is unknown."""
    prepared = PreparedLogo(replace(LOGOS[0], source=None))

    assert math.isnan(outcome_of(prepared, prepared.first, WEIGHTS).sharp)


def test_agent_works_one_episode_on_each_logo() -> None:
    """The agent's attempts use its settings, and there are as many as requested."""
    default, tried = agent_attempts(Steady(COARSE), LOGOS[0], 3, WEIGHTS)

    assert [attempt.setting for attempt in tried] == [COARSE] * 3
    assert default.setting == DEFAULTS


def test_the_pipelines_default_earns_nothing() -> None:
    """An agent that repeats the pipeline's default setting earns exactly 0, and VTracer's defaults earn less."""
    rows = measured(Settings())

    assert all(one.outcomes[FIRST_TRY] == one.outcomes[PIPELINE_NAME] for one in rows)
    assert summarize(rows, FIRST_TRY).reward.mean == 0.0
    assert summarize(rows, DEFAULTS_NAME).reward.mean < 0.0


def test_defaults_are_the_reference(coarse: list[LogoEvaluation]) -> None:
    """Compared with themselves, VTracer's defaults have ratio 1 and difference 0, and written compactly fewer bytes."""
    summary = summarize(coarse, DEFAULTS_NAME)

    assert (summary.byte_ratio.mean, summary.quality_difference.mean, summary.worse) == (1.0, 0.0, 0)
    assert summarize(coarse, COMPACT_NAME).byte_ratio.mean < 0.5


def test_chooser_sees_the_features_and_makes_one_try() -> None:
    """A chooser gets the features of each logo, and its setting gives the same outcome as an agent's."""
    seen = []

    def choose(features: NDArray[np.float32]) -> Settings:
        seen.append(features)
        return COARSE

    rows = evaluate(
        Steady(COARSE), LOGOS, weights=WEIGHTS, attempts=1, search_tries=1, seed=0, extra={"same": choose}, processes=1
    )

    assert [features.shape for features in seen] == [(len(FEATURE_NAMES),)] * 2
    assert all(one.outcomes["same"] == one.outcomes[FIRST_TRY] for one in rows)


def test_all_methods_are_evaluated(coarse: list[LogoEvaluation]) -> None:
    """Each logo has outcomes of the agent, of the random searches, of the defaults, presets and default setting."""
    names = {
        FIRST_TRY,
        best_of("agent", 2),
        *(best_of("random", tries) for tries in (1, 2, 3)),
        *(DEFAULTS_NAME, COMPACT_NAME, PIPELINE_NAME, "preset photo"),
    }

    assert all(names <= set(one.outcomes) for one in coarse)


def test_tries_are_counted(coarse: list[LogoEvaluation]) -> None:
    """An outcome states how many tries it took; fixed settings and the first try take one."""
    outcomes = coarse[0].outcomes
    searched = {name: outcomes[name].tries for name in outcomes if "best of" in name}

    random = {f"random, best of {tries}": tries for tries in (1, 2, 3)}
    assert searched == {BEST_PRECISION: 3, "agent, best of 2": 2, **random}
    assert {one.tries for name, one in outcomes.items() if name not in searched} == {1}


def test_best_try_counts() -> None:
    """The best try of the agent has the highest reward of its tries, of which the first one stays recorded."""
    (row,) = evaluate(Descending(), LOGOS[:1], weights=WEIGHTS, attempts=3, search_tries=3, seed=0, processes=1)
    prepared = PreparedLogo(LOGOS[0])
    rewards = [WEIGHTS.reward(prepared.attempt(Settings(grid=grid)), prepared).total for grid in (5.0, 2.5, 1.5)]

    assert row.outcomes[FIRST_TRY].reward == pytest.approx(rewards[0])
    assert row.outcomes[best_of("agent", 3)].reward == pytest.approx(max(rewards))


def test_search_with_one_try_is_the_start_of_the_curve(coarse: list[LogoEvaluation]) -> None:
    """The mean over single tries equals the expected best of one try, and the last value that of all tries."""
    for one in coarse:
        assert one.outcomes[best_of("random", 1)].reward == pytest.approx(one.search_curve[0])
        assert one.outcomes[best_of("random", 3)].reward == pytest.approx(one.search_curve[2])
        assert one.search_curve.shape == (3,)


def test_seed_and_processes(coarse: list[LogoEvaluation]) -> None:
    """The same seed gives the same outcomes with any number of processes, and another seed another search."""
    parallel, other = measured(processes=2), measured(seed=1)

    assert [row.outcomes for row in parallel] == [row.outcomes for row in coarse]
    assert [row.search_curve.tolist() for row in parallel] == [row.search_curve.tolist() for row in coarse]
    assert coarse[0].search_curve.tolist() != other[0].search_curve.tolist()


def test_each_logo_is_announced() -> None:
    """The callback is called once per logo."""
    calls = []
    evaluate(
        Steady(COARSE),
        LOGOS[:1],
        weights=WEIGHTS,
        attempts=1,
        search_tries=1,
        seed=0,
        processes=1,
        on_logo=lambda: calls.append(1),
    )

    assert calls == [1]


def test_needs_as_many_tries_as_the_agent() -> None:
    """A search with fewer tries than the agent is refused."""
    with pytest.raises(ValueError, match="at least"):
        evaluate(Steady(COARSE), LOGOS, weights=WEIGHTS, attempts=4, search_tries=3, seed=0)


def test_needs_a_logo() -> None:
    """Without a logo that VTracer can trace, there is nothing to evaluate."""
    with pytest.raises(VtracerGymError, match="no logo"):
        evaluate(Steady(COARSE), (), weights=WEIGHTS, attempts=1, search_tries=1, seed=0)

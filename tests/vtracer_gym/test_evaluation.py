from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.actions import action_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.baselines import FixedSetting
from vtracer_gym.evaluation import (
    FIRST_TRY,
    LogoEvaluation,
    Outcome,
    agent_attempts,
    best_of,
    evaluate,
    pooled,
    summarize,
    tries_to_match,
)
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS, Parameters

LOGOS = sample_logos(3, np.random.default_rng(0), 64)
WEIGHTS = RewardWeights()


class Steady:
    """An agent that always proposes the same parameters."""

    def __init__(self, parameters: Parameters) -> None:
        self._action = action_of(parameters)

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        assert observation.ndim == 1
        return self._action


def outcome(reward: float = 0.0, difference: float = 0.0, ratio: float = 1.0) -> Outcome:
    return Outcome(reward, difference, math.log(ratio), 0.9 + difference, 1000 * ratio)


def evaluation(name: str, first: Outcome, curve: list[float]) -> LogoEvaluation:
    return LogoEvaluation(name, "simple", {FIRST_TRY: first}, np.array(curve))


def measured(agent: Steady, seed: int = 0, processes: int = 1) -> list[LogoEvaluation]:
    return evaluate(agent, LOGOS, weights=WEIGHTS, attempts=2, search_tries=5, seed=seed, processes=processes)


def test_outcome_by_hand() -> None:
    """Half the bytes is a logarithm of -ln 2, and the quality difference is a subtraction."""
    default = Attempt(DEFAULTS, "", 0.90, 1000, 1, 1, 100.0, 0.0)
    half = Outcome.of(Attempt(DEFAULTS, "", 0.92, 500, 1, 1, 100.0, 0.0), default, WEIGHTS)

    assert half.log_byte_ratio == pytest.approx(-math.log(2))
    assert half.quality_difference == pytest.approx(0.02)


def test_an_agent_that_repeats_the_defaults_equals_them() -> None:
    """Compared with themselves, the defaults have ratio 1, difference 0 and reward 0."""
    summary = summarize(measured(Steady(DEFAULTS)), FIRST_TRY)

    assert (summary.byte_ratio.mean, summary.quality_difference.mean, summary.reward.mean) == (1.0, 0.0, 0.0)


def test_agent_works_one_episode_on_each_logo() -> None:
    """The agent's attempts use its parameters, and there are as many as requested."""
    wanted = Parameters(path_precision=1)
    default, tried = agent_attempts(Steady(wanted), LOGOS[0], 3, WEIGHTS)

    assert [attempt.parameters for attempt in tried] == [wanted] * 3
    assert default.parameters == DEFAULTS


def test_a_fixed_setting_equals_an_agent_that_always_chooses_it() -> None:
    """Both ways to use the same parameters give the same outcome."""
    wanted = Parameters(path_precision=1)
    settings = {"same": FixedSetting(wanted)}
    results = evaluate(
        Steady(wanted), LOGOS, weights=WEIGHTS, attempts=1, search_tries=1, seed=0, extra_settings=settings
    )

    assert all(one.outcomes["same"] == one.outcomes[FIRST_TRY] for one in results)


def test_all_methods_are_evaluated() -> None:
    """Each logo has outcomes of the agent, of both random searches, and of all defaults and presets."""
    names = {best_of("agent", 2), best_of("random", 1), best_of("random", 2), "defaults", "preset photo"}

    assert all(names | {FIRST_TRY} <= set(one.outcomes) for one in measured(Steady(DEFAULTS)))


def test_search_with_one_try_is_the_start_of_the_curve() -> None:
    """The mean over single tries equals the expected best of one try."""
    for one in measured(Steady(DEFAULTS)):
        assert one.outcomes[best_of("random", 1)].reward == pytest.approx(one.search_curve[0])
        assert one.search_curve.shape == (5,)


def test_seed_and_processes() -> None:
    """The same seed gives the same results with any number of processes, and another seed different ones."""
    agent = Steady(DEFAULTS)
    one, parallel, other = measured(agent), measured(agent, processes=2), measured(agent, seed=1)

    assert [row.search_curve.tolist() for row in one] == [row.search_curve.tolist() for row in parallel]
    assert one[0].search_curve.tolist() != other[0].search_curve.tolist()


def test_byte_ratio_is_a_geometric_mean() -> None:
    """Half and double the bytes cancel out."""
    rows = [evaluation("a", outcome(ratio=0.5), [0.0]), evaluation("b", outcome(ratio=2.0), [0.0])]
    summary = summarize(rows, FIRST_TRY)

    assert summary.byte_ratio.mean == pytest.approx(1.0)
    assert summary.byte_ratio.low <= 1.0 <= summary.byte_ratio.high
    assert summary.size_bytes == pytest.approx(1000.0)


def test_pooling_counts_a_logo_once() -> None:
    """A logo in the evaluations of two seeds becomes one row with the mean."""
    first = [evaluation("a", outcome(1.0), [1.0]), evaluation("b", outcome(5.0), [5.0])]
    second = [evaluation("a", outcome(3.0), [3.0])]
    rows = pooled([first, second])

    assert [(row.logo, row.outcomes[FIRST_TRY].reward, row.search_curve[0]) for row in rows] == [
        ("a", 2.0, 2.0),
        ("b", 5.0, 5.0),
    ]


@pytest.mark.parametrize(("reward", "tries"), [(0.5, 1), (1.0, 2), (1.4, 3), (1.6, None)])
def test_tries_to_match(reward: float, tries: int | None) -> None:
    """The result is the first number of tries with a mean reward of at least the agent's, or None."""
    rows = [evaluation("a", outcome(reward), [0.0, 0.5, 1.0]), evaluation("b", outcome(reward), [1.0, 1.5, 2.0])]

    assert tries_to_match(rows) == tries


def test_needs_as_many_tries_as_the_agent() -> None:
    """A search with fewer tries than the agent is refused."""
    with pytest.raises(ValueError, match="at least"):
        evaluate(Steady(DEFAULTS), LOGOS, weights=WEIGHTS, attempts=4, search_tries=3, seed=0)


def test_default_setting_is_the_reference() -> None:
    """The outcome of the setting `defaults` equals the default attempt."""
    row = measured(Steady(DEFAULTS))[0]

    assert row.outcomes["defaults"].quality == PreparedLogo(LOGOS[0]).default.quality

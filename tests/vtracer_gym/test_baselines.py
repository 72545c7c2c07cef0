from __future__ import annotations

import itertools

import numpy as np
import pytest

from vtracer_gym.actions import parameters_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import (
    FIXED_SETTINGS,
    TuningSettings,
    expected_best,
    random_parameters,
    random_search,
    tuned_action,
)
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS, Parameters

LOGOS = sample_logos(4, np.random.default_rng(0), 64)


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_expected_best_is_the_mean_over_all_subsets(count: int) -> None:
    """The closed form agrees with the mean over every subset of tries."""
    rewards = np.random.default_rng(count).normal(size=count)
    slow = [
        np.mean([max(chosen) for chosen in itertools.combinations(rewards.tolist(), tries)])
        for tries in range(1, count + 1)
    ]

    assert expected_best(rewards).tolist() == pytest.approx(slow)


def test_expected_best_of_many_is_stable() -> None:
    """With hundreds of tries, the values are still non-decreasing and end at the maximum."""
    rewards = np.random.default_rng(0).normal(size=500)
    best = expected_best(rewards)

    assert best[0] == pytest.approx(rewards.mean())
    assert best[-1] == pytest.approx(rewards.max())
    assert (np.diff(best) >= -1e-12).all()


def test_search_is_seeded_and_grows() -> None:
    """A longer search starts with the same tries."""
    short = random_search(PreparedLogo(LOGOS[0]), 2, np.random.default_rng(7))
    long = random_search(PreparedLogo(LOGOS[0]), 4, np.random.default_rng(7))

    assert [one.parameters for one in short] == [one.parameters for one in long[:2]]
    assert len({one.parameters for one in long}) == 4


def test_random_parameters_fill_the_ranges() -> None:
    """Half of the random settings are above the default, and half below."""
    drawn = [random_parameters(np.random.default_rng(seed)) for seed in range(400)]

    assert np.mean([one.corner_threshold > DEFAULTS.corner_threshold for one in drawn]) == pytest.approx(0.5, abs=0.08)


def test_fixed_settings_begin_with_the_defaults() -> None:
    """The defaults are the first fixed setting."""
    assert next(iter(FIXED_SETTINGS.values())).parameters == DEFAULTS


QUICK = TuningSettings(generations=5, candidates=8, logos=4)


def tuned(seed: int) -> list[float]:
    prepared = [PreparedLogo(logo) for logo in LOGOS]
    return list(tuned_action(prepared, RewardWeights(), np.random.default_rng(seed), QUICK).tolist())


def mean_reward(parameters: Parameters) -> float:
    prepared = [PreparedLogo(logo) for logo in LOGOS]
    return float(np.mean([RewardWeights().reward(one.attempt(parameters), one.default) for one in prepared]))


def test_tuning_beats_the_centre_of_the_box() -> None:
    """The tuned setting is better on the tuning logos than the initial setting."""
    assert mean_reward(parameters_of(np.array(tuned(0)))) > mean_reward(parameters_of(np.zeros(8)))


def test_tuning_stays_in_the_box() -> None:
    """The tuned action is a valid action."""
    assert np.abs(tuned(1)).max() <= 1.0


def test_tuning_honours_its_seed() -> None:
    """The same seed gives the same action, and another seed a different one."""
    one, same, other = (tuned(seed) for seed in (3, 3, 4))

    assert one == same != other


def test_effort_is_counted() -> None:
    """The number of traces of a tuning is generations x candidates x logos."""
    assert QUICK.traces == 160

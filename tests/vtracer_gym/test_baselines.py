from __future__ import annotations

import itertools

import numpy as np
import pytest

from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import FIXED_SETTINGS, expected_best, random_parameters, random_search, tuned_setting
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS

LOGOS = sample_logos(4, np.random.default_rng(0), 64)


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_expected_best_is_the_mean_over_all_subsets(count: int) -> None:
    """The closed form agrees with trying every subset of tries."""
    rewards = np.random.default_rng(count).normal(size=count)
    slow = [
        np.mean([max(chosen) for chosen in itertools.combinations(rewards.tolist(), tries)])
        for tries in range(1, count + 1)
    ]

    assert expected_best(rewards).tolist() == pytest.approx(slow)


def test_expected_best_of_many_is_stable() -> None:
    """With hundreds of tries it still ends at the maximum, and never falls."""
    rewards = np.random.default_rng(0).normal(size=500)
    best = expected_best(rewards)

    assert best[0] == pytest.approx(rewards.mean())
    assert best[-1] == pytest.approx(rewards.max())
    assert (np.diff(best) >= -1e-12).all()


def test_search_is_seeded_and_grows() -> None:
    """A longer search begins with the same tries."""
    short = random_search(PreparedLogo(LOGOS[0]), 2, np.random.default_rng(7))
    long = random_search(PreparedLogo(LOGOS[0]), 4, np.random.default_rng(7))

    assert [one.parameters for one in short] == [one.parameters for one in long[:2]]
    assert len({one.parameters for one in long}) == 4


def test_random_parameters_fill_the_ranges() -> None:
    """Half of the random settings lie above each default, half below."""
    drawn = [random_parameters(np.random.default_rng(seed)) for seed in range(400)]

    assert np.mean([one.corner_threshold > DEFAULTS.corner_threshold for one in drawn]) == pytest.approx(0.5, abs=0.08)


def test_fixed_settings_begin_with_the_defaults() -> None:
    """The defaults are the first of the settings that everything is compared with."""
    assert next(iter(FIXED_SETTINGS.values())).parameters == DEFAULTS


def test_tuned_setting_beats_the_average_candidate() -> None:
    """What is tuned on some logos is better on them than random settings are on average."""
    weights, prepared = RewardWeights(), [PreparedLogo(logo) for logo in LOGOS]
    tuned = tuned_setting(prepared, 8, weights, np.random.default_rng(0))
    random = [random_parameters(np.random.default_rng(seed)) for seed in range(8)]

    def mean_reward(parameters: object) -> float:
        return float(np.mean([weights.reward(one.attempt(parameters), one.default) for one in prepared]))  # type: ignore[arg-type]

    assert mean_reward(tuned) > np.mean([mean_reward(one) for one in random])


def test_tuning_honours_its_seed() -> None:
    """The same seed tunes the same setting."""
    prepared = [PreparedLogo(logo) for logo in LOGOS[:2]]
    one, same = (tuned_setting(prepared, 4, RewardWeights(), np.random.default_rng(3)) for _ in range(2))

    assert one == same

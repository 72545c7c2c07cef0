from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS, action_of, settings_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import (
    COMPACT_NAME,
    DEFAULTS_NAME,
    FIXED,
    PIPELINE_NAME,
    Plain,
    TuningSettings,
    expected_best,
    fixed_attempt,
    random_search,
    random_settings,
    tuned_action,
)
from vtracer_gym.pipeline import SETTING_BOUNDS, SETTING_NAMES, Settings
from vtracer_gym.samples import sample_logos

LOGO = sample_logos(1, np.random.default_rng(0), 64)[0]


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
    short = random_search(PreparedLogo(LOGO), 2, np.random.default_rng(7))
    long = random_search(PreparedLogo(LOGO), 4, np.random.default_rng(7))

    assert [one.setting for one in short] == [one.setting for one in long[:2]]
    assert len({one.setting for one in long}) == 4


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_random_settings_fill_the_ranges(name: str) -> None:
    """Random settings come within a tenth of both ends of each range."""
    rng = np.random.default_rng(0)
    drawn = [getattr(random_settings(rng), name) for _ in range(100)]
    low, high = SETTING_BOUNDS[name]

    assert low <= min(drawn) <= low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) <= max(drawn) <= high


def test_fixed_settings_begin_with_the_defaults() -> None:
    """VTracer's defaults are the first fixed setting, because the others are compared with them."""
    assert next(iter(FIXED.items())) == (DEFAULTS_NAME, Plain())


def test_a_fixed_setting_is_an_attempt() -> None:
    """A setting of the pipeline runs the pipeline, and parameters of VTracer run VTracer alone."""
    prepared = PreparedLogo(LOGO)

    assert fixed_attempt(prepared, FIXED[PIPELINE_NAME]).svg == prepared.first.svg
    assert fixed_attempt(prepared, FIXED[DEFAULTS_NAME]).svg == prepared.default.svg
    assert fixed_attempt(prepared, FIXED[COMPACT_NAME]).size_bytes < prepared.default.size_bytes


LOGOS = 9
QUICK = TuningSettings(generations=8, candidates=12, logos=3)
GOAL = np.linspace(-0.6, 0.6, DIMENSIONS)


def distance(pairs: Sequence[tuple[int, NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Return rewards with a maximum at the goal, on a level that differs between logos."""
    return np.array([logo - float(((action - GOAL) ** 2).sum()) for logo, action in pairs])


def tuned(seed: int) -> NDArray[np.float64]:
    return tuned_action(LOGOS, distance, np.random.default_rng(seed), QUICK)[0]


@pytest.mark.parametrize("traces", [QUICK.traces, QUICK.traces + 1, 1_000, 5_000])
def test_effort_fits_a_number_of_traces(traces: int) -> None:
    """The effort is at most the given number of traces, and one more generation would exceed it."""
    effort = QUICK.within(traces)

    assert effort.traces <= traces < replace(effort, generations=effort.generations + 1).traces


def test_tuning_approaches_the_best_action() -> None:
    """From the pipeline's default setting, the search removes most of the distance to the best action."""
    before, after = (float(((action - GOAL) ** 2).sum()) for action in (action_of(Settings()), tuned(0)))

    assert after < 0.3 * before


def test_tuning_compares_candidates_on_the_same_logos() -> None:
    """Each generation tries all its candidates on the same logos, and every attempt is returned."""
    _, tried = tuned_action(LOGOS, distance, np.random.default_rng(0), QUICK)
    searched = QUICK.generations * QUICK.logos * QUICK.candidates
    generations = tried.logo[:searched].reshape(QUICK.generations, QUICK.logos, QUICK.candidates)

    assert (generations == generations[:, :, :1]).all()
    assert tried.rewards.tolist() == pytest.approx(distance(list(zip(tried.logo, tried.actions, strict=True))))
    assert len(tried.rewards) == QUICK.traces == 369


def test_tuning_never_ends_worse_than_it_began() -> None:
    """If no mean of a generation beats the default setting on the logos of the final choice, the default stays."""
    best = action_of(Settings()).astype(np.float64)

    def attempt(pairs: Sequence[tuple[int, NDArray[np.float64]]]) -> NDArray[np.float64]:
        return np.array([-float(((action - best) ** 2).sum()) for _, action in pairs])

    assert tuned_action(LOGOS, attempt, np.random.default_rng(0), QUICK)[0].tolist() == best.tolist()


def test_tuning_stays_in_the_box() -> None:
    """The tuned action is a valid action."""
    assert np.abs(tuned(1)).max() <= 1.0
    assert isinstance(settings_of(tuned(1)), Settings)


def test_tuning_honours_its_seed() -> None:
    """The same seed gives the same action, and another seed a different one."""
    one, same, other = (tuned(seed).tolist() for seed in (3, 3, 4))

    assert one == same != other

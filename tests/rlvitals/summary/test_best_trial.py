"""Tests of the best trial of a study."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rlvitals import TrainingMonitor
from rlvitals.runs import Run
from rlvitals.summary.best_trial import best_trial_of
from rlvitals.summary.overview import overview_of

Monitor = Callable[..., TrainingMonitor]


def study(
    monitor: Monitor, rewards: Sequence[float], states: Sequence[str] = (), *directions: str, **configuration: Any
) -> Run:
    """Record a study. The reward of a trial is its value, or the negative value if lower is better."""
    facts = {"study": "search", "directions": list(directions or ("maximize",))}
    with monitor(configuration=facts | configuration) as training:
        for number, reward in enumerate(rewards):
            state = states[number] if states else "complete"
            training.log_episode(number, reward, 1, termination_reason=state, parameters={"rate": number / 10})
    return training.run


def test_the_best_trial_has_its_number_value_and_parameters(monitor: Monitor) -> None:
    """Of equal trials, the first is the best."""
    best = best_trial_of(study(monitor, [1.0, 3.0, 3.0, 2.0]))

    assert best is not None
    assert (best.number, best.value, best.direction, best.parameters) == (1, 3.0, "maximize", {"rate": 0.1})


def test_the_best_trial_of_a_minimised_value_has_the_lowest_value(monitor: Monitor) -> None:
    best = best_trial_of(study(monitor, [-5.0, -0.25, -1.0], (), "minimize"))

    assert best is not None
    assert (best.number, best.value, best.direction) == (1, 0.25, "minimize")


def test_only_completed_trials_with_a_finite_value_count(monitor: Monitor) -> None:
    """A pruned trial has its last reported value, which its training could still have lost."""
    best = best_trial_of(study(monitor, [9.0, math.nan, 1.0], ["pruned", "complete", "complete"]))

    assert best is not None
    assert best.number == 2


def test_several_objectives_have_no_single_best_trial(monitor: Monitor) -> None:
    run = study(monitor, [1.0, 2.0], (), "minimize", "maximize")
    verdict = overview_of(run).verdict

    assert best_trial_of(run) is None
    assert verdict is not None
    assert verdict.text == "2 trials with 2 objectives, so no single trial is the best."


def test_a_training_has_no_best_trial(monitor: Monitor) -> None:
    """The run of a trial names its study, too."""
    with monitor(configuration={"study": "search", "trial": 0, "algorithm": "PPO"}) as training:
        training.log_episode(0, 1.0, 10, termination_reason="complete")

    assert best_trial_of(training.run) is None


@pytest.mark.parametrize(
    ("rewards", "states", "title"),
    [((), (), "No values"), ((1.0,), ("pruned",), "No completed trial"), ((1.0,), (), "Best value: 1")],
)
def test_the_verdict_of_a_study_is_its_best_trial(
    monitor: Monitor, rewards: Sequence[float], states: Sequence[str], title: str
) -> None:
    verdict = overview_of(study(monitor, rewards, states)).verdict

    assert verdict is not None
    assert verdict.title == title


def test_the_values_of_a_study_are_not_a_learning_curve(monitor: Monitor) -> None:
    """Falling values have no course and no finding, even if the user names the tuned algorithm."""
    overview = overview_of(study(monitor, [200.0 - number for number in range(150)], algorithm="PPO"))

    assert (overview.course, overview.best_trial is not None) == (None, True)
    assert overview.verdict is not None
    assert overview.verdict.text == "Of the completed trials, trial 0 has the highest value: 200."

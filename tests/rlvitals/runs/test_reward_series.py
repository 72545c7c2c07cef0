"""Reward of a run without episode records."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.records.mean_returns import MEAN_RETURNS
from rlvitals.runs import Run
from rlvitals.runs.reward_series import FEWEST_EVALUATIONS, RewardSeries, reward_series
from rlvitals.runs.sealing import seal

Log = Callable[[TrainingMonitor], object]


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[Log], Run]:
    """Function that creates a run with the logged values."""

    def make(log: Log) -> Run:
        with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as training:
            log(training)
        return Run(training.path)

    return make


def means(training: TrainingMonitor, tag: str = "rollout/ep_rew_mean", count: int = 30) -> None:
    """Log a mean return among other metrics."""
    category, _, name = tag.rpartition("/")
    for step in range(count):
        values = {name: float(step), "ep_len_mean": 10.0}
        training.log_metrics(category or "scalars", values, step=100 * step, env_step=100 * step)
        training.log_metrics("other", {name: -1.0}, step=100 * step, env_step=100 * step)


def series(values: list[float]) -> RewardSeries:
    """Return a series with the given values."""
    column = np.array(values)
    return RewardSeries("tag", "meaning", column, column, column)


def found_in(run: Run) -> RewardSeries:
    """Return the series of a run that has one."""
    found = reward_series(run)
    assert found is not None
    return found


def test_a_mean_return_is_found_by_its_name(recorded: Callable[[Log], Run]) -> None:
    """Only its own category is read, and the series has the steps and names its source."""
    found = found_in(recorded(means))

    assert found.source == "mean return of recent episodes, from rollout/ep_rew_mean"
    assert found.values.tolist() == [float(step) for step in range(30)]
    assert found.steps.tolist() == [100.0 * step for step in range(30)]


@pytest.mark.parametrize("tag", [one.tag for one in MEAN_RETURNS])
def test_every_known_mean_return_is_found_among_scalars(recorded: Callable[[Log], Run], tag: str) -> None:
    """Names with and without a group are found."""
    category, slash, name = tag.partition("/")

    def log(training: TrainingMonitor) -> None:
        training.log_metrics(category if slash else "scalars", {name if slash else tag: 1.5}, step=7)

    assert found_in(recorded(log)).tag == tag


@pytest.mark.parametrize(("name", "found"), [("eprewmean", True), ("reward", False)])
def test_an_unambiguous_name_is_found_in_any_category(
    recorded: Callable[[Log], Run], name: str, found: bool
) -> None:  # fmt: skip
    """Other names can have another meaning in another category."""
    run = recorded(lambda training: training.log_metrics("progress", {name: 1.5}))

    assert (reward_series(run) is not None) is found


@pytest.mark.parametrize(("name", "tag"), [("reward", "train/reward"), ("rewards/mean", "train/rewards/mean")])
def test_a_mean_reward_in_an_update_is_found(recorded: Callable[[Log], Run], name: str, tag: str) -> None:
    """TRL logs it with each update, in `extra`."""

    def log(training: TrainingMonitor) -> None:
        for step in range(5):
            training.log_training_step(step, value_loss=1.0, extra={name: 0.5 * step, "note": "text"})

    found = found_in(recorded(log))

    assert (found.tag, found.values.tolist()) == (tag, [0.0, 0.5, 1.0, 1.5, 2.0])


@pytest.mark.parametrize(("count", "tag"), [(FEWEST_EVALUATIONS, "evaluations"), (3, "rollout/ep_rew_mean")])
def test_evaluations_are_preferred_if_there_are_enough_for_a_trend(
    recorded: Callable[[Log], Run], count: int, tag: str
) -> None:  # fmt: skip
    """Evaluations of baselines are not counted."""

    def log(training: TrainingMonitor) -> None:
        means(training)
        for number in range(count):
            training.log_evaluation(0, 7.0, env_step=number)
            training.log_evaluation(0, 1.0, env_step=number, policy="random")

    assert found_in(recorded(log)).tag == tag


def test_a_few_evaluations_are_used_if_there_is_no_mean_return(recorded: Callable[[Log], Run]) -> None:
    """A single evaluation is a series."""
    found = found_in(recorded(lambda training: training.log_evaluation(0, 7.0, env_step=5)))

    assert (found.source, found.values.tolist()) == ("mean return of evaluations", [7.0])


def test_a_run_without_a_reward_has_no_series(recorded: Callable[[Log], Run]) -> None:
    """Metrics with other names are not a reward."""
    run = recorded(lambda training: training.log_metrics("mine", {"reward_scale": 2.0}))

    assert reward_series(run) is None


def test_a_non_finite_mean_is_kept(recorded: Callable[[Log], Run]) -> None:
    """The level of a series with NaN is NaN."""
    found = found_in(recorded(lambda training: training.log_metrics("rollout", {"ep_rew_mean": math.nan})))

    assert math.isnan(found.level)


@pytest.mark.parametrize(("count", "recent"), [(1, 1), (60, 6), (5_000, 100)])
def test_the_level_is_the_mean_of_the_last_tenth(count: int, recent: int) -> None:
    """It covers at least 1 and at most 100 values."""
    found = series([float(value) for value in range(count)])

    assert found.recent == recent
    assert found.level == count - 1 - (recent - 1) / 2


def test_independent_values_add_no_variance() -> None:
    """The scatter of independent values contains their whole variance."""
    values = np.random.default_rng(0).normal(size=400)

    assert series(values.tolist()).correlated_variance() < 0.1


def test_the_added_variance_of_a_moving_average_restores_the_variance_of_its_values() -> None:
    """The average hides nearly all of the variance; the added variance is close to the variance of the values."""
    values = np.random.default_rng(0).normal(size=2_000)
    smooth = np.convolve(values, np.full(20, 1 / 20), mode="valid")

    assert smooth.var() < 0.1
    assert 0.4 < series(smooth.tolist()).correlated_variance() < 4.0


def test_a_curve_without_noise_adds_no_variance() -> None:
    """A series that is too short to measure noise adds none either."""
    assert series([float(value) for value in range(60)]).correlated_variance() == pytest.approx(0.0, abs=1e-9)
    assert series([1.0, 5.0]).correlated_variance() == 0.0


@pytest.mark.parametrize("odd", [math.nan, True, "text", 7])
def test_sealing_does_not_change_the_series(recorded: Callable[[Log], Run], odd: object) -> None:
    """One value can be non-finite, not a number or a whole number."""

    def log(training: TrainingMonitor) -> None:
        means(training)
        training.log_metrics("rollout", {"ep_rew_mean": odd}, step=3_000)

    run = recorded(log)
    before = found_in(run)
    seal(run.path / "scalars" / "000001.jsonl")
    after = found_in(run)

    assert not (run.path / "scalars" / "000001.jsonl").exists()
    np.testing.assert_array_equal(before.values, after.values)
    np.testing.assert_array_equal(before.steps, after.steps)

"""How far, how fast, and how long still: the one account of it."""

import numpy as np
import pytest

from rlvitals.records import Episode, PolicyUpdate, Scalars
from rlvitals.records.progress import Throughput, first_said, seconds_left, share_of, step_of


def paced(times: list[float], steps: list[float], stream: str = "episodes") -> Throughput:
    pace = Throughput()
    pace.take(stream, np.array(times, dtype=np.float64), np.array(steps, dtype=np.float64))
    return pace


def test_the_speed_is_from_the_first_step_that_is_said_to_the_furthest() -> None:
    """A run that goes on from a checkpoint did not take the steps that were there when it began."""

    assert paced([100.0, 110.0, 120.0], [1_000, 1_500, 2_000]).overall() == 50.0


def test_an_update_belongs_to_the_time_that_it_took() -> None:
    """The rollout was done at 10 s, and its update at 20 s."""
    pace = paced([0.0, 10.0], [0, 1_000])
    pace.take("updates", np.array([20.0]), np.array([1_000.0]))

    assert pace.overall() == 50.0


def test_what_is_evaluated_afterwards_slows_nothing_down() -> None:
    """Neither an evaluation, nor samples of a monitor that stays open."""
    pace = paced([0.0, 100.0], [0, 1_000])
    pace.take("evaluations", np.array([900.0]), np.array([1_000.0]))
    pace.take("system", np.array([50.0, 99.0, 500.0]), np.array([500.0, 1_000.0, 1_000.0]))

    assert pace.overall() == pace.recent() == 10.0


def test_samples_of_a_replay_do_not_count_in_the_time_of_its_records() -> None:
    """The records are of three years ago, and the machine was sampled as they were replayed."""
    pace = paced([1.7e9, 1.7e9 + 100.0], [0, 1_000])
    pace.take("system", np.array([1.8e9, 1.8e9 + 5.0]), np.array([500.0, 1_000.0]))

    assert (pace.span(), pace.overall(), pace.recent(is_open=True)) == (100.0, 10.0, 10.0)


def test_the_time_between_two_sessions_does_not_count() -> None:
    """Ten seconds before, ten behind, a night between."""
    pace = paced([0.0, 10.0, 40_010.0, 40_020.0], [0, 100, 100, 200])

    assert pace.overall([(10.0, 40_010.0)]) == 10.0


def test_lately_is_the_last_tenth_of_a_run() -> None:
    """Of 2,000 s the last 200, in which it was twice as fast."""
    times = np.arange(2_001.0)
    steps = np.where(times <= 1_800, times, 1_800 + 2.0 * (times - 1_800))

    assert paced(times.tolist(), steps.tolist()).recent() == 2.0


def test_lately_is_at_least_a_minute_so_that_a_pause_at_the_end_is_not_all_there_is() -> None:
    """The last samples fall into the final update, in which no step is taken."""
    samples = paced([float(time) for time in range(21)], [min(time, 18) * 100.0 for time in range(21)], "system")

    assert samples.recent(is_open=True) == pytest.approx(90.0)
    assert samples.recent() == 100.0


def test_a_training_that_stands_still_slows_down_while_it_is_open() -> None:
    """Its samples go on, its steps do not."""
    times = np.arange(1_000.0)
    pace = paced(times.tolist(), np.minimum(times, 500.0).tolist(), "system")

    assert pace.recent(is_open=True) == 0.0
    assert pace.recent() == 1.0


def test_records_may_come_at_once_or_one_by_one() -> None:
    """The answer is the same, so that who follows a run says what who reads it says."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.exponential(0.3, 20_000))
    steps = np.cumsum(rng.integers(1, 50, 20_000)).astype(np.float64)
    whole, parts = Throughput(), Throughput()
    whole.take("episodes", times, steps)
    for part in np.array_split(np.arange(times.size), 500):
        parts.take("episodes", times[part], steps[part])

    assert (parts.recent(), parts.overall(), parts.furthest) == (
        whole.recent(),
        whole.overall(),
        whole.furthest,
    )


def test_what_is_written_in_one_burst_has_no_speed() -> None:
    """Nor has one record."""

    assert paced([0.0, 0.001], [0, 2_048]).overall() is None
    assert paced([5.0], [2_048]).recent() is None
    assert Throughput().overall() is None


def test_what_is_not_said_is_left_out() -> None:
    """An episode without a step is one without a step."""

    assert paced([0.0, 10.0, 20.0], [0.0, np.nan, 40.0]).overall() == 2.0


def test_the_step_of_an_update_is_an_environment_step_unless_it_says_another() -> None:
    """That of scalars is a clock of the user's own."""

    assert step_of(PolicyUpdate(time=0.0, step=2_048)) == 2_048
    assert step_of(PolicyUpdate(time=0.0, step=3, env_step=2_048)) == 2_048
    assert step_of(Scalars(time=0.0, step=9, category="a", values={"b": 1.0})) is None
    assert step_of(Episode(time=0.0, episode=0, reward=0.0, length=1, env_step=7)) == 7
    assert first_said(np.array([np.nan, 5.0]), np.array([1.0, 2.0])).tolist() == [1.0, 5.0]


def test_progress_is_at_most_all_of_it() -> None:
    """The last rollout goes beyond the goal."""

    assert share_of(10_000, 10_240) == 1.0
    assert share_of(10_000, 2_500) == 0.25
    assert share_of(None, 2_500) is share_of(10_000, None) is None


def test_what_is_left_is_said_while_a_run_is_open() -> None:
    """At the speed that is given."""

    assert seconds_left(1_000, 400, 6.0, is_open=True) == 100.0
    assert seconds_left(1_000, 400, 6.0, is_open=False) is None
    assert seconds_left(1_000, 1_000, 6.0, is_open=True) is None
    assert seconds_left(1_000, 400, 0.0, is_open=True) is None

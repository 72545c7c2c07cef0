"""Progress, speed and remaining time."""

import numpy as np
import pytest

from rlvitals.records import Episode, PolicyUpdate, Scalars
from rlvitals.records.progress import Throughput, first_said, seconds_left, share_of, step_of


def paced(times: list[float], steps: list[float], stream: str = "episodes") -> Throughput:
    pace = Throughput()
    pace.take(stream, np.array(times, dtype=np.float64), np.array(steps, dtype=np.float64))
    return pace


def test_the_overall_speed_is_between_the_first_and_the_highest_step() -> None:
    """Steps before a checkpoint from which the run resumed do not count."""

    assert paced([100.0, 110.0, 120.0], [1_000, 1_500, 2_000]).overall() == 50.0


def test_the_time_of_an_update_counts() -> None:
    """The time between a rollout at 10 s and its update at 20 s counts."""
    pace = paced([0.0, 10.0], [0, 1_000])
    pace.take("updates", np.array([20.0]), np.array([1_000.0]))

    assert pace.overall() == 50.0


def test_records_after_training_do_not_lower_the_speed() -> None:
    """Neither a later evaluation nor later system samples lower the speed."""
    pace = paced([0.0, 100.0], [0, 1_000])
    pace.take("evaluations", np.array([900.0]), np.array([1_000.0]))
    pace.take("system", np.array([50.0, 99.0, 500.0]), np.array([500.0, 1_000.0, 1_000.0]))

    assert pace.overall() == pace.recent() == 10.0


def test_system_samples_of_a_replay_are_ignored() -> None:
    """System samples from the replay of a three-year-old run do not affect its speed."""
    pace = paced([1.7e9, 1.7e9 + 100.0], [0, 1_000])
    pace.take("system", np.array([1.8e9, 1.8e9 + 5.0]), np.array([500.0, 1_000.0]))

    assert (pace.span(), pace.overall(), pace.recent(is_open=True)) == (100.0, 10.0, 10.0)


def test_the_time_between_two_sessions_does_not_count() -> None:
    """A night between two sessions of ten seconds does not count."""
    pace = paced([0.0, 10.0, 40_010.0, 40_020.0], [0, 100, 100, 200])

    assert pace.overall([(10.0, 40_010.0)]) == 10.0


def test_the_recent_speed_covers_the_last_tenth_of_a_run() -> None:
    """In a run of 2,000 s, the recent speed covers the last 200 s, which were twice as fast."""
    times = np.arange(2_001.0)
    steps = np.where(times <= 1_800, times, 1_800 + 2.0 * (times - 1_800))

    assert paced(times.tolist(), steps.tolist()).recent() == 2.0


def test_the_recent_speed_covers_at_least_a_minute() -> None:
    """A final update without steps does not dominate the recent speed."""
    samples = paced([float(time) for time in range(21)], [min(time, 18) * 100.0 for time in range(21)], "system")

    assert samples.recent(is_open=True) == pytest.approx(90.0)
    assert samples.recent() == 100.0


def test_the_recent_speed_of_a_stalled_open_run_falls() -> None:
    """An open run whose samples continue without new steps has a falling recent speed."""
    times = np.arange(1_000.0)
    pace = paced(times.tolist(), np.minimum(times, 500.0).tolist(), "system")

    assert pace.recent(is_open=True) == 0.0
    assert pace.recent() == 1.0


def test_records_can_be_added_in_one_or_many_batches() -> None:
    """Following a run and reading it afterwards give the same speed."""
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


def test_records_written_in_one_burst_have_no_speed() -> None:
    """Neither records of one burst nor a single record have a speed."""

    assert paced([0.0, 0.001], [0, 2_048]).overall() is None
    assert paced([5.0], [2_048]).recent() is None
    assert Throughput().overall() is None


def test_missing_steps_are_left_out() -> None:
    """An episode without a step is ignored."""

    assert paced([0.0, 10.0, 20.0], [0.0, np.nan, 40.0]).overall() == 2.0


def test_the_step_of_an_update_is_an_env_step_by_default() -> None:
    """The step of scalars is a custom clock and is not an env step."""

    assert step_of(PolicyUpdate(time=0.0, step=2_048)) == 2_048
    assert step_of(PolicyUpdate(time=0.0, step=3, env_step=2_048)) == 2_048
    assert step_of(Scalars(time=0.0, step=9, category="a", values={"b": 1.0})) is None
    assert step_of(Episode(time=0.0, episode=0, reward=0.0, length=1, env_step=7)) == 7
    assert first_said(np.array([np.nan, 5.0]), np.array([1.0, 2.0])).tolist() == [1.0, 5.0]


def test_progress_is_at_most_one() -> None:
    """The last rollout can exceed the training budget."""

    assert share_of(10_000, 10_240) == 1.0
    assert share_of(10_000, 2_500) == 0.25
    assert share_of(None, 2_500) is share_of(10_000, None) is None


def test_only_an_open_run_has_a_remaining_time() -> None:
    """The remaining time follows from the given speed."""

    assert seconds_left(1_000, 400, 6.0, is_open=True) == 100.0
    assert seconds_left(1_000, 400, 6.0, is_open=False) is None
    assert seconds_left(1_000, 1_000, 6.0, is_open=True) is None
    assert seconds_left(1_000, 400, 0.0, is_open=True) is None

"""The list of runs says what the overview of each run says."""

import math
from collections.abc import Callable

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs import Run
from rlvitals.runs.sealing import seal
from rlvitals.summary.overview import Overview, overview_of
from rlvitals.summary.run_list import overviews_in

Monitor = Callable[..., TrainingMonitor]
OPEN = RecorderSettings(system_interval_s=None, seal_on_close=100_000)
BEGUN = 1.7e9


def both(training: TrainingMonitor, *, sealed: bool = False) -> tuple[Overview, Overview]:
    """The run in the list, and its overview; with its segments sealed, or as they are."""
    for lines in training.path.glob("*/*.jsonl") if sealed else ():
        seal(lines)
    (listed,), refused = overviews_in(training.path.parent)
    assert refused == []
    return listed, overview_of(Run(training.path))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_run_without_episodes_has_the_level_of_its_whole_series(monitor: Monitor, *, sealed: bool) -> None:
    """However many records of other categories there are between its rewards."""
    with monitor(settings=OPEN) as training:
        for step in range(600):
            training.log_metrics("rollout", {"ep_rew_mean": math.tanh(step / 100)}, step=step)
            for _ in range(4):
                training.log_metrics("machine", {"load": 1.0}, step=step)
    listed, overview = both(training, sealed=sealed)

    reward, expected = listed.levels["reward"], overview.levels["reward"]
    assert (reward.mean, reward.first, reward.window) == (expected.mean, expected.first, 60)
    assert expected.window == 60


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("updates", [True, False])
def test_a_training_that_was_replayed_in_part_took_as_long_as_its_records_cover(
    monitor: Monitor, *, updates: bool, sealed: bool
) -> None:
    """Its first episodes are from the past, its last ones from now."""
    with monitor(settings=OPEN) as training:
        for at in range(150):
            time = BEGUN + at if at < 50 else None
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=time)
            if updates:
                training.log_training_step(10 * at, 0.1, 0.2, 1.0, time=time)
    listed, overview = both(training, sealed=sealed)

    assert listed.state.duration == pytest.approx(overview.state.duration, abs=1.0)
    assert listed.state.duration > training.now() - BEGUN - 3_600.0


def test_a_replayed_training_of_updates_alone_took_as_long_as_they_cover(monitor: Monitor) -> None:
    """As its overview says."""
    with monitor() as training:
        for at in range(50):
            training.log_training_step(10 * at, 0.1, 0.2, 1.0, time=BEGUN + at)
    listed, overview = both(training)

    assert listed.state.duration == overview.state.duration == 49.0


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([BEGUN + 600.0 - at for at in range(50)], id="not in order"),
        pytest.param([4e9 + at for at in range(50)], id="in the future"),
    ],
)
def test_odd_times_of_a_replay_are_read_as_in_its_overview(monitor: Monitor, times: list[float]) -> None:
    """Whatever the first record says."""
    with monitor(settings=OPEN) as training:
        for at, time in enumerate(times):
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=time)
    listed, overview = both(training)

    assert listed.state.duration == overview.state.duration


def test_a_replay_whose_records_were_all_abandoned_is_listed(monitor: Monitor) -> None:
    """A rewind to the start leaves nothing of them."""
    with monitor(settings=OPEN) as training:
        for at in range(50):
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=BEGUN + at)
        training.rewind(env_step=0)
    listed, overview = both(training)

    assert listed.episodes == overview.episodes
    assert listed.state.duration == overview.state.duration < 3_600.0


def test_a_stream_in_which_nothing_was_recorded_says_nothing_of_the_time(monitor: Monitor) -> None:
    """A segment without a record is begun with the session."""
    with monitor(settings=OPEN) as training:
        training.log_training_step(10, 0.1, 0.2, 1.0, time=BEGUN)
        training.log_training_step(20, 0.1, 0.2, 1.0, time=BEGUN + 598.0)
        listed, overview = both(training)

        assert listed.state.duration == overview.state.duration == 598.0

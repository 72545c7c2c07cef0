"""Tests that the list of runs agrees with the overview of each run."""

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
    """Return the run from the list and its overview, with sealed or open segments."""
    for lines in training.path.glob("*/*.jsonl") if sealed else ():
        seal(lines)
    (listed,), refused = overviews_in(training.path.parent)
    assert refused == []
    return listed, overview_of(Run(training.path))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_run_without_episodes_has_the_level_of_its_whole_series(monitor: Monitor, *, sealed: bool) -> None:
    """A run without episodes has the level of its whole series, for any number of other records in between."""
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
def test_a_partly_replayed_training_lasts_as_long_as_its_records(
    monitor: Monitor, *, updates: bool, sealed: bool
) -> None:
    """The records of a partly replayed training determine its duration."""
    with monitor(settings=OPEN) as training:
        for at in range(150):
            time = BEGUN + at if at < 50 else None
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=time)
            if updates:
                training.log_training_step(10 * at, 0.1, 0.2, 1.0, time=time)
    listed, overview = both(training, sealed=sealed)

    assert listed.state.duration == pytest.approx(overview.state.duration, abs=1.0)
    assert listed.state.duration > training.now() - BEGUN - 3_600.0


def test_a_replayed_training_with_updates_only_lasts_as_long_as_they_do(monitor: Monitor) -> None:
    """The duration of a replayed training with updates only agrees with its overview."""
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
def test_unusual_times_of_a_replay_agree_with_its_overview(monitor: Monitor, times: list[float]) -> None:
    """Unusual times of a replay give the same duration as in its overview."""
    with monitor(settings=OPEN) as training:
        for at, time in enumerate(times):
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=time)
    listed, overview = both(training)

    assert listed.state.duration == overview.state.duration


def test_a_replay_whose_records_were_all_abandoned_is_listed(monitor: Monitor) -> None:
    """A replay whose records were all abandoned by a rewind is listed."""
    with monitor(settings=OPEN) as training:
        for at in range(50):
            training.log_episode(at, 1.0, 10, env_step=10 * at, time=BEGUN + at)
        training.rewind(env_step=0)
    listed, overview = both(training)

    assert listed.episodes == overview.episodes
    assert listed.state.duration == overview.state.duration < 3_600.0


def test_a_stream_without_records_does_not_affect_the_duration(monitor: Monitor) -> None:
    """A stream without records does not affect the duration."""
    with monitor(settings=OPEN) as training:
        training.log_training_step(10, 0.1, 0.2, 1.0, time=BEGUN)
        training.log_training_step(20, 0.1, 0.2, 1.0, time=BEGUN + 598.0)
        listed, overview = both(training)

        assert listed.state.duration == overview.state.duration == 598.0

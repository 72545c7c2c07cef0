"""Tests of the live vital signs of a run."""

from collections.abc import Callable

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs import Run
from rlvitals.summary.vital_signs import Observer
from rlvitals.testing.manual_clock import ManualClock

Monitor = Callable[..., TrainingMonitor]


def test_the_evaluation_of_the_agent_comes_before_those_of_baselines(monitor: Monitor) -> None:
    """The last evaluation of the agent is shown, also if a baseline was evaluated after it."""
    with monitor() as training:
        training.log_evaluation(0, 1.0, policy="before")
        training.log_evaluation(0, 2.0)
        training.log_evaluation(0, 3.0)
        training.log_evaluation(0, 4.0, policy="after")
    evaluation = Observer(Run(training.path)).observe().evaluation

    assert evaluation is not None
    assert (evaluation.policy, evaluation.reward) == (None, 3.0)


def test_a_rewind_is_noticed_immediately(monitor: Monitor) -> None:
    """After a rewind, the whole run is read again immediately."""
    rarely = RecorderSettings(system_interval_s=None, fsync_interval_s=3_600.0, heartbeat_s=3_600.0)
    training = monitor(settings=rarely)
    for number in range(30):
        training.log_episode(number, float(number), 10, env_step=10 * (number + 1))
    training.save_session()  # with a heartbeat
    observer = Observer(Run(training.path), ManualClock(training.now()))
    before = observer.observe()
    training.rewind(env_step=100)
    after = observer.observe()
    training.close()

    counted = [(vitals.overview.episodes, vitals.overview.env_step) for vitals in (before, after)]
    assert counted == [(30, 300), (10, 100)]
    assert (before.overview.levels["reward"].mean, after.overview.levels["reward"].mean) == (14.5, 4.5)
    assert (len(before.sparks["reward"]), after.sparks["reward"]) == (30, tuple(map(float, range(10))))

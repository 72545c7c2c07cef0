"""The vital signs of a run, live."""

from collections.abc import Callable

from rlvitals import TrainingMonitor
from rlvitals.runs import Run
from rlvitals.summary.vital_signs import Observer
from rlvitals.testing.manual_clock import ManualClock

Monitor = Callable[..., TrainingMonitor]


def test_a_rewind_is_seen_at_once(monitor: Monitor) -> None:
    """The whole run is read again, however short the time since it was read last."""
    training = monitor()
    for number in range(30):
        training.log_episode(number, float(number), 10, env_step=10 * (number + 1))
    observer = Observer(Run(training.path), ManualClock(training.now()))
    before = observer.observe()
    training.rewind(env_step=100)
    after = observer.observe()
    training.close()

    assert (before.overview.levels["reward"].mean, after.overview.levels["reward"].mean) == (14.5, 4.5)
    assert (len(before.sparks["reward"]), after.sparks["reward"]) == (30, tuple(map(float, range(10))))

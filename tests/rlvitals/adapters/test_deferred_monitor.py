"""A monitor whose run is opened later."""

from typing import cast

from rlvitals import TrainingMonitor
from rlvitals.adapters.deferred_monitor import DeferredMonitor
from rlvitals.adapters.reward_layers import Layers
from rlvitals.adapters.step_log import StepLog


def test_what_was_logged_before_is_recorded_when_the_run_opens(monitor: TrainingMonitor) -> None:
    """Steps and times are those of the calls."""
    deferred = DeferredMonitor()
    deferred.advance(5)
    deferred.log_episode(0, reward=1.0, length=5, env_step=5, time=100.0)
    deferred.log_event("adapter", "A message.", severity="info")
    deferred.update_configuration({"a": 1})
    deferred.advance(7)
    deferred.open(monitor)

    (episode,) = monitor.run.records("episodes")
    assert (episode.episode, episode.env_step, episode.time) == (0, 5, 100.0)
    assert [event.message for event in monitor.run.records("events") if event.kind == "adapter"] == ["A message."]
    assert (monitor.session.configuration, monitor.env_step) == ({"a": 1}, 7)


def test_later_calls_are_passed_on(monitor: TrainingMonitor) -> None:
    deferred = DeferredMonitor()
    deferred.open(monitor)
    deferred.log_episode(0, reward=1.0, length=5)
    deferred.advance(9)

    assert (monitor.last_episode, deferred.last_episode, monitor.env_step) == (0, 0, 9)
    assert deferred.session_id == monitor.session_id


def test_episodes_follow_those_of_the_run(monitor: TrainingMonitor) -> None:
    monitor.log_episode(4, reward=0.0, length=1)
    deferred = DeferredMonitor()
    deferred.log_episode(0, reward=1.0, length=5)
    deferred.open(monitor)

    assert [episode.episode for episode in monitor.run.records("episodes")] == [4, 5]


def test_a_log_of_steps_can_use_it(monitor: TrainingMonitor) -> None:
    deferred = DeferredMonitor()
    log = StepLog(cast("TrainingMonitor", deferred), (), None, Layers(), None)
    for step in range(4):
        log.add((None, 1.0, step == 1, False, {}))
    deferred.open(monitor)
    log.add((None, 1.0, True, False, {}))

    found = [(one.episode, one.reward, one.env_step) for one in monitor.run.records("episodes")]
    assert found == [(0, 2.0, 2), (1, 3.0, 5)]

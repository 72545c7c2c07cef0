"""Episodes from the steps and infos of environments."""

from typing import Any

import numpy as np
import pytest

from rlvitals import TrainingMonitor
from rlvitals.adapters.episodes import Ending, EpisodeLog, EpisodeTally, FailureLog, episode_fields


def test_returns_and_lengths_are_summed() -> None:
    """One of two environments ends after two steps, and both end after three."""
    tally = EpisodeTally(2, clock=iter(range(100)).__next__)
    for _ in range(2):
        tally.add([1.0, 2.0])
    second = tally.ending(1)[:2]
    tally.add([1.0, 2.0])

    assert [second, tally.ending(0)[:2], tally.ending(1)[:2]] == [(4.0, 2), (3.0, 3), (2.0, 1)]
    assert tally.total == 9.0


def test_duration_is_from_start_to_end() -> None:
    """An episode from 10 s to 14 s takes four seconds, and the next one begins at 14 s."""
    moments = iter([10.0, 14.0, 14.0, 20.0, 20.0])
    tally = EpisodeTally(1, clock=moments.__next__)

    assert [tally.ending(0)[2], tally.ending(0)[2]] == [4.0, 6.0]


def test_a_restart_discards_the_episode() -> None:
    """Rewards from before a reset belong to no episode."""
    tally = EpisodeTally(1)
    tally.add([5.0])
    tally.restart(0)
    tally.add([1.0])

    assert tally.ending(0)[:2] == (1.0, 1)


def test_an_endless_episode_uses_bounded_memory() -> None:
    """The number of buffered steps is bounded, and no step is lost."""
    tally = EpisodeTally(1)
    for _ in range(10_000):
        tally.add([0.5])

    assert len(tally._pending) < 2_000
    assert tally.ending(0)[:2] == (5_000.0, 10_000)


def test_aliases_fill_fields() -> None:
    """`is_success` and `logo_type` fill success and category, and the original name wins over an alias."""
    assert episode_fields({"is_success": True, "logo_type": "text"}) == {"success": True, "category": "text"}
    assert episode_fields({"category": "mine", "logo_type": "text"})["category"] == "mine"


def test_statistics_of_a_wrapper_are_used() -> None:
    """`info["episode"]` provides return and length as plain numbers, and further keys in `extra`."""
    info = {"episode": {"r": np.float32(1.5), "l": np.int64(3), "t": 0.1, "score": 7}}

    assert episode_fields(info) == {"reward": 1.5, "length": 3, "extra": {"score": 7}}


def test_requested_keys_are_stored_by_shape() -> None:
    """Flat values are stored in `extra`, nested values in `info`, and missing keys are ignored."""
    info = {"score": np.array([3]), "path": [1, 2], "grid": np.zeros((2, 2)), "other": 1, "gone": None}

    fields = episode_fields(info, ("score", "path", "grid", "missing", "gone"))
    assert (set(fields["extra"]), set(fields["info"])) == ({"score"}, {"path", "grid"})


def test_attempts_are_recorded(monitor: TrainingMonitor) -> None:
    """The attempts in the last `info` of an episode are those of the episode."""
    attempts = [{"parameters": {"speed": 2}, "reward": np.float32(0.5), "size": np.int64(7)}]
    log = EpisodeLog(monitor, (), FailureLog(monitor))
    log.record(Ending(None, 1.0, 2, 0.1, truncated=False, info={"attempts": attempts}), env_step=2)

    (episode,) = monitor.run.records("episodes")
    assert episode.attempts == [{"parameters": {"speed": 2}, "reward": 0.5, "size": 7}]


def test_a_custom_termination_reason_is_kept() -> None:
    """The termination reason from the environment is used."""
    assert episode_fields({"termination_reason": "fell over"}) == {"termination_reason": "fell over"}


def test_a_requested_key_can_have_the_name_of_an_argument(monitor: TrainingMonitor) -> None:
    """Keys named `reward` or `time` do not overwrite the fields of the episode."""
    log = EpisodeLog(monitor, ("reward", "time"), FailureLog(monitor))
    log.record(Ending(None, 1.0, 2, 0.1, truncated=False, info={"reward": 5, "time": 6}), env_step=2)

    (episode,) = monitor.run.records("episodes")
    assert (episode.reward, episode.extra) == (1.0, {"reward": 5, "time": 6})


@pytest.mark.parametrize("info", [{"episode": {"r": "?"}}, {"quality_final": object()}, {"reward_parts": 3}])
def test_an_invalid_info_does_not_affect_the_episode(monitor: TrainingMonitor, info: dict[str, Any]) -> None:
    """The episode is recorded without its invalid `info`, and the failure is counted."""
    failures = FailureLog(monitor)
    EpisodeLog(monitor, (), failures).record(Ending(None, 1.0, 2, 0.1, truncated=True, info=info), env_step=2)

    (episode,) = monitor.run.records("episodes")
    assert (episode.reward, episode.length, episode.termination_reason) == (1.0, 2, "truncated")
    assert failures.counts == {"an episode's info could not be recorded": 1}

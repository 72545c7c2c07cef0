"""Episodes from what environments say."""

from typing import Any

import numpy as np
import pytest

from rlvitals import TrainingMonitor
from rlvitals.adapters.episodes import Ending, EpisodeLog, EpisodeTally, FailureLog, episode_fields


def test_returns_and_lengths_add_up() -> None:
    """Two environments with rewards 1 and 2 a step, of which the second ends after two steps, and both after three."""
    tally = EpisodeTally(2, clock=iter(range(100)).__next__)
    for _ in range(2):
        tally.add([1.0, 2.0])
    second = tally.ending(1)[:2]
    tally.add([1.0, 2.0])

    assert [second, tally.ending(0)[:2], tally.ending(1)[:2]] == [(4.0, 2), (3.0, 3), (2.0, 1)]
    assert tally.total == 9.0


def test_duration_is_from_start_to_end() -> None:
    """An episode that began at 10 s and ended at 14 s took four; the next one begins where it ended."""
    moments = iter([10.0, 14.0, 14.0, 20.0, 20.0])
    tally = EpisodeTally(1, clock=moments.__next__)

    assert [tally.ending(0)[2], tally.ending(0)[2]] == [4.0, 6.0]


def test_a_restart_forgets() -> None:
    """What an environment had before it was reset belongs to no episode."""
    tally = EpisodeTally(1)
    tally.add([5.0])
    tally.restart(0)
    tally.add([1.0])

    assert tally.ending(0)[:2] == (1.0, 1)


def test_an_endless_episode_stays_small() -> None:
    """Steps that are waiting to be added up are bounded, and none is lost."""
    tally = EpisodeTally(1)
    for _ in range(10_000):
        tally.add([0.5])

    assert len(tally._pending) < 2_000
    assert tally.ending(0)[:2] == (5_000.0, 10_000)


def test_aliases_are_understood() -> None:
    """`is_success` and `logo_type` are success and category; a name of our own goes before."""
    assert episode_fields({"is_success": True, "logo_type": "text"}) == {"success": True, "category": "text"}
    assert episode_fields({"category": "mine", "logo_type": "text"})["category"] == "mine"


def test_a_wrapper_statistics_count() -> None:
    """`info["episode"]` gives return and length as plain numbers, and what else a wrapper was asked to keep."""
    info = {"episode": {"r": np.float32(1.5), "l": np.int64(3), "t": 0.1, "score": 7}}

    assert episode_fields(info) == {"reward": 1.5, "length": 3, "extra": {"score": 7}}


def test_named_keys_are_kept_by_shape() -> None:
    """What is flat becomes `extra`, what is nested becomes `info`, and what is not there becomes nothing."""
    info = {"score": np.array([3]), "path": [1, 2], "grid": np.zeros((2, 2)), "other": 1, "gone": None}

    fields = episode_fields(info, ("score", "path", "grid", "missing", "gone"))
    assert (set(fields["extra"]), set(fields["info"])) == ({"score"}, {"path", "grid"})


def test_reasons_of_their_own() -> None:
    """An environment that says why it ended is believed."""
    assert episode_fields({"termination_reason": "fell over"}) == {"termination_reason": "fell over"}


def test_a_name_of_an_argument_is_a_key_like_any_other(monitor: TrainingMonitor) -> None:
    """A user's key may be called `reward` or `time` without harm to the reward and the time."""
    log = EpisodeLog(monitor, ("reward", "time"), FailureLog(monitor))
    log.record(Ending(None, 1.0, 2, 0.1, truncated=False, info={"reward": 5, "time": 6}), env_step=2)

    (episode,) = monitor.run.records("episodes")
    assert (episode.reward, episode.extra) == (1.0, {"reward": 5, "time": 6})


@pytest.mark.parametrize("info", [{"episode": {"r": "?"}}, {"quality_final": object()}, {"reward_parts": 3}])
def test_odd_infos_cost_only_themselves(monitor: TrainingMonitor, info: dict[str, Any]) -> None:
    """Whatever stands in `info`, the episode is recorded, and the trouble said."""
    failures = FailureLog(monitor)
    EpisodeLog(monitor, (), failures).record(Ending(None, 1.0, 2, 0.1, truncated=True, info=info), env_step=2)

    (episode,) = monitor.run.records("episodes")
    assert (episode.reward, episode.length, episode.termination_reason) == (1.0, 2, "truncated")
    assert failures.counts == {"an episode's info could not be recorded": 1}

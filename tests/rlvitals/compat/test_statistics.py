"""What a training comes to, in the keys of the public interface."""

import math
from typing import Any

import pytest

from rlvitals.compat.statistics import success_rate, window_statistics
from rlvitals.records import Episode, PolicyUpdate


def episode(reward: float = 0.0, **said: Any) -> Episode:
    return Episode(**{"time": 1.0, "episode": 0, "reward": reward, "length": 10, **said})


def update(**said: Any) -> PolicyUpdate:
    return PolicyUpdate(**{"time": 1.0, "step": 1, **said})


def statistics(*records: Episode | PolicyUpdate, **said: Any) -> dict[str, Any]:
    episodes = [record for record in records if isinstance(record, Episode)]
    updates = [record for record in records if isinstance(record, PolicyUpdate)]
    about: dict[str, Any] = {
        "session_id": "run",
        "total_episodes": len(episodes),
        "training_seconds": 60.0,
        "episodes_per_minute": None,
        **said,
    }
    return window_statistics(episodes, updates, **about)


def test_the_session_is_told() -> None:
    """Who it is, how much of it there is, and how fast it goes: 300 episodes in 90 seconds are 200 a minute."""

    assert statistics(episode(), episode(), total_episodes=300, training_seconds=90.0)["session_info"] == {
        "session_id": "run",
        "total_episodes": 300,
        "window_episodes": 2,
        "training_time_minutes": 1.5,
        "episodes_per_minute": 200.0,
    }


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_no_time_has_no_speed(seconds: float) -> None:
    """In the first moment, or where the clock was set back, nothing is divided by it."""

    assert statistics(episode(), training_seconds=seconds)["session_info"]["episodes_per_minute"] == 0.0


def test_the_speed_is_that_of_the_records() -> None:
    """Where they tell one: a training may wait long after its last episode."""
    info = statistics(episode(), total_episodes=300, training_seconds=90.0, episodes_per_minute=250.0)["session_info"]

    assert (info["training_time_minutes"], info["episodes_per_minute"]) == (1.5, 250.0)


def test_before_the_first_episode_there_is_a_message() -> None:
    """Nothing raises, and what the updates say is said already."""

    told = statistics(update(entropy=1.5))
    assert told["message"] == "no episode finished yet"
    assert told["session_info"]["window_episodes"] == 0
    assert told["entropy_stats"] == {"mean": 1.5, "std": 0.0, "latest": 1.5}
    assert "reward_stats" not in told


def test_episodes_worked_by_hand() -> None:
    """Rewards 1, 2, 6: mean 3, squares about it 4 + 1 + 9, median 2; lengths 10, 20, 30; one success of two told."""

    told = statistics(
        episode(1.0, length=10, success=True, quality_improvement=0.25),
        episode(2.0, length=20, success=False, quality_improvement=0.75),
        episode(6.0, length=30),
    )
    assert told["reward_stats"] == {
        "mean": 3.0,
        "std": pytest.approx(math.sqrt(14 / 3)),
        "min": 1.0,
        "max": 6.0,
        "median": 2.0,
        "not_finite": 0,
    }
    assert told["quality_stats"] == {
        "mean": 0.5,
        "std": 0.25,
        "min": 0.25,
        "max": 0.75,
        "median": 0.5,
        "not_finite": 0,
    }
    assert told["episode_stats"] == {"mean_length": 20.0, "success_rate": 0.5, "total_successful": 1}


def test_without_quality_its_statistics_are_nan() -> None:
    """A training that measures no quality has the key all the same; NaN says that nothing was measured."""

    found = statistics(episode())["quality_stats"]

    assert found.pop("not_finite") == 0
    assert all(math.isnan(value) for value in found.values())


def test_a_reward_that_is_not_finite_hides_no_other() -> None:
    """Statistics of rewards are those of the finite ones."""

    assert statistics(episode(math.nan), episode(2.0), episode(math.inf))["reward_stats"]["mean"] == 2.0


def test_types_of_logo_are_told_apart() -> None:
    """Each category has its count, quality and success; episodes without one are in none."""

    told = statistics(
        episode(category="text", quality_improvement=0.5, success=True),
        episode(category="gradient", success=False),
        episode(category="text", quality_improvement=0.25, success=False),
        episode(success=True),
    )["logo_type_performance"]
    assert told["text"] == {"count": 2, "mean_quality": 0.375, "success_rate": 0.5}
    assert list(told) == ["text", "gradient"]
    assert math.isnan(told["gradient"]["mean_quality"])


def test_each_metric_seen_is_described() -> None:
    """Mean, spread and the latest value of each metric of the updates; one that was never said is not there."""

    told = statistics(episode(), update(entropy=1.0, kl_divergence=0.25), update(entropy=3.0), update(loss=0.5))
    assert told["entropy_stats"] == {"mean": 2.0, "std": 1.0, "latest": 3.0}
    assert told["kl_divergence_stats"] == {"mean": 0.25, "std": 0.0, "latest": 0.25}
    assert "policy_loss_stats" not in told
    assert "time_stats" not in told


def test_the_latest_value_may_be_nan() -> None:
    """The mean is that of the finite ones, but what came last is told as it came."""

    told = statistics(episode(), update(policy_loss=1.0), update(policy_loss=math.nan))["policy_loss_stats"]
    assert repr(told) == "{'mean': 1.0, 'std': 0.0, 'latest': nan}"


def test_metrics_may_come_with_episodes() -> None:
    """Where no update says a metric, what came with the episodes is described."""

    told = statistics(episode(algorithm={"entropy": 1.0, "own": 2.0}), episode(algorithm={"entropy": 2.0}))
    assert told["entropy_stats"] == {"mean": 1.5, "std": 0.5, "latest": 2.0}
    assert told["own_stats"]["latest"] == 2.0


def test_an_update_knows_better_than_an_episode() -> None:
    """A metric that both say is that of the updates: episodes repeat the last one."""

    told = statistics(episode(algorithm={"entropy": 9.0}), update(entropy=1.0))
    assert told["entropy_stats"]["mean"] == 1.0


@pytest.mark.parametrize("name", ["reward", "quality", "episode"])
def test_a_fixed_key_is_nobody_elses(name: str) -> None:
    """A metric of the user's own that is called as a fixed key is does not take its place."""

    told = statistics(episode(2.0, algorithm={name: 99.0}))
    assert "latest" not in told[f"{name}_stats"]
    assert told["reward_stats"]["mean"] == 2.0


def test_success_is_counted_among_those_that_tell() -> None:
    """An episode that says nothing of success is neither one nor none."""

    assert success_rate([episode(success=True), episode(), episode(success=False), episode(success=True)]) == 2 / 3
    assert success_rate([episode()]) == 0.0
    assert success_rate([]) == 0.0

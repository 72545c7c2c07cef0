"""Summary statistics of a training, with the keys of the public interface."""

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


def test_the_session_is_described() -> None:
    """300 episodes in 90 seconds are reported as 200 episodes per minute."""

    assert statistics(episode(), episode(), total_episodes=300, training_seconds=90.0)["session_info"] == {
        "session_id": "run",
        "total_episodes": 300,
        "window_episodes": 2,
        "training_time_minutes": 1.5,
        "episodes_per_minute": 200.0,
    }


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_without_duration_the_speed_is_zero(seconds: float) -> None:
    """A duration of zero, or a negative one after a clock change, causes no division."""

    assert statistics(episode(), training_seconds=seconds)["session_info"]["episodes_per_minute"] == 0.0


def test_the_speed_of_the_records_is_used() -> None:
    """The speed of the records is preferred, because a training can wait long after its last episode."""
    info = statistics(episode(), total_episodes=300, training_seconds=90.0, episodes_per_minute=250.0)["session_info"]

    assert (info["training_time_minutes"], info["episodes_per_minute"]) == (1.5, 250.0)


def test_before_the_first_episode_there_is_a_message() -> None:
    """There is no error, and statistics of the updates are available."""

    told = statistics(update(entropy=1.5))
    assert told["message"] == "no episode finished yet"
    assert told["session_info"]["window_episodes"] == 0
    assert told["entropy_stats"] == {"mean": 1.5, "std": 0.0, "latest": 1.5}
    assert "reward_stats" not in told


def test_episode_statistics_match_manual_results() -> None:
    """Rewards 1, 2, 6: mean 3, squares about it 4 + 1 + 9, median 2; lengths 10, 20, 30; one success in two."""

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
    """Without quality, the key is present with NaN values."""

    found = statistics(episode())["quality_stats"]

    assert found.pop("not_finite") == 0
    assert all(math.isnan(value) for value in found.values())


def test_non_finite_rewards_are_left_out_of_the_mean() -> None:
    """Statistics of rewards cover the finite ones."""

    assert statistics(episode(math.nan), episode(2.0), episode(math.inf))["reward_stats"]["mean"] == 2.0


def test_statistics_are_grouped_by_category() -> None:
    """Each category has a count, quality and success rate. Episodes without a category are left out."""

    told = statistics(
        episode(category="text", quality_improvement=0.5, success=True),
        episode(category="gradient", success=False),
        episode(category="text", quality_improvement=0.25, success=False),
        episode(success=True),
    )["logo_type_performance"]
    assert told["text"] == {"count": 2, "mean_quality": 0.375, "success_rate": 0.5}
    assert list(told) == ["text", "gradient"]
    assert math.isnan(told["gradient"]["mean_quality"])


def test_each_reported_metric_is_described() -> None:
    """Each metric of the updates has mean, std and latest value. A missing metric has no entry."""

    told = statistics(episode(), update(entropy=1.0, kl_divergence=0.25), update(entropy=3.0), update(loss=0.5))
    assert told["entropy_stats"] == {"mean": 2.0, "std": 1.0, "latest": 3.0}
    assert told["kl_divergence_stats"] == {"mean": 0.25, "std": 0.0, "latest": 0.25}
    assert "policy_loss_stats" not in told
    assert "time_stats" not in told


def test_the_latest_value_can_be_nan() -> None:
    """The mean covers the finite values, but the latest value is the last one reported."""

    told = statistics(episode(), update(policy_loss=1.0), update(policy_loss=math.nan))["policy_loss_stats"]
    assert repr(told) == "{'mean': 1.0, 'std': 0.0, 'latest': nan}"


def test_metrics_of_episodes_are_used() -> None:
    """A metric that no update reports is taken from the episodes."""

    told = statistics(episode(algorithm={"entropy": 1.0, "own": 2.0}), episode(algorithm={"entropy": 2.0}))
    assert told["entropy_stats"] == {"mean": 1.5, "std": 0.5, "latest": 2.0}
    assert told["own_stats"]["latest"] == 2.0


def test_metrics_of_updates_are_preferred() -> None:
    """If both report a metric, the updates are used, because episodes repeat the last value."""

    told = statistics(episode(algorithm={"entropy": 9.0}), update(entropy=1.0))
    assert told["entropy_stats"]["mean"] == 1.0


@pytest.mark.parametrize("name", ["reward", "quality", "episode"])
def test_a_custom_metric_does_not_replace_a_fixed_key(name: str) -> None:
    """A custom metric with the name of a fixed key does not replace it."""

    told = statistics(episode(2.0, algorithm={name: 99.0}))
    assert "latest" not in told[f"{name}_stats"]
    assert told["reward_stats"]["mean"] == 2.0


def test_the_success_rate_covers_reporting_episodes() -> None:
    """Episodes that do not report success are left out of the success rate."""

    assert success_rate([episode(success=True), episode(), episode(success=False), episode(success=True)]) == 2 / 3
    assert success_rate([episode()]) == 0.0
    assert success_rate([]) == 0.0

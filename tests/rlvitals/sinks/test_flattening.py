"""Conversion of records to flat names and numbers."""

import math
from typing import Any

import pytest

from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.sinks.flattening import Flattener, SettingsTracker, clocks_of, flat_settings, is_failure, step_of


def flat(record: Record) -> dict[str, float]:
    return Flattener().flatten(record).numbers


def test_updates_have_the_names_of_stable_baselines3() -> None:
    """Metrics with a tag in SB3 use that tag. The entropy loss is the negative entropy."""

    update = PolicyUpdate(
        time=1.0,
        step=2048,
        update=7,
        policy_loss=-0.25,
        value_loss=0.5,
        entropy=1.5,
        kl_divergence=0.01,
        clip_fraction=0.125,
        explained_variance=0.75,
        learning_rate=3e-4,
        clip_range=0.2,
        loss=0.5,
        action_std=1.0,
        gradient_norm=0.5,
        extra={"n_updates": 10},
    )
    assert flat(update) == {
        "train/policy_gradient_loss": -0.25,
        "train/value_loss": 0.5,
        "train/entropy_loss": -1.5,
        "train/approx_kl": 0.01,
        "train/clip_fraction": 0.125,
        "train/explained_variance": 0.75,
        "train/learning_rate": 3e-4,
        "train/clip_range": 0.2,
        "train/loss": 0.5,
        "train/std": 1.0,
        "train/gradient_norm": 0.5,
        "train/n_updates": 10.0,
        "time/iterations": 7.0,
    }


def test_an_update_has_the_means_of_the_last_hundred_episodes() -> None:
    """For 150 episodes with the returns 0 to 149, the mean of the last hundred is 99.5, as in SB3."""

    flattener = Flattener()
    for episode in range(150):
        flattener.flatten(Episode(time=1.0, episode=episode, reward=episode, length=10, success=episode % 4 == 0))
    numbers = flattener.flatten(PolicyUpdate(time=2.0, step=1)).numbers
    assert numbers == {"rollout/ep_rew_mean": 99.5, "rollout/ep_len_mean": 10.0, "rollout/success_rate": 0.25}


def test_a_mean_over_a_nan_is_nan() -> None:
    """A window with both infinities has the mean NaN."""

    flattener = Flattener()
    for reward in (1.0, math.inf, -math.inf):
        flattener.flatten(Episode(time=1.0, episode=0, reward=reward, length=1))
    assert math.isnan(flattener.flatten(PolicyUpdate(time=2.0, step=1)).numbers["rollout/ep_rew_mean"])


def test_without_reported_success_there_is_no_success_rate() -> None:
    """Episodes with missing success do not count as failed."""

    flattener = Flattener()
    flattener.flatten(Episode(time=1.0, episode=0, reward=1.0, length=1))
    assert "rollout/success_rate" not in flattener.flatten(PolicyUpdate(time=2.0, step=1)).numbers


def test_the_dicts_of_an_episode_become_names_below_it() -> None:
    """Entries of flat dicts are numbers with their own name, texts are separate, and booleans are 0 or 1."""

    episode = Episode(
        time=1.0,
        episode=3,
        reward=1.5,
        length=10,
        success=True,
        category="text",
        reward_parts={"quality": 1.0},
        parameters={"mode": "spline", "stacked": False},
        algorithm={"entropy": 0.5},
        extra={"tries": 2},
        info={"deep": {"down": 1}},
    )
    group, step, numbers, texts = Flattener().flatten(episode)
    assert (group, step) == ("episode", 3)
    assert numbers == {
        "episode/reward": 1.5,
        "episode/length": 10.0,
        "episode/success": 1.0,
        "episode/reward_parts/quality": 1.0,
        "episode/parameters/stacked": 0.0,
        "episode/algorithm/entropy": 0.5,
        "episode/tries": 2.0,
    }
    assert texts == {"episode/category": "text", "episode/parameters/mode": "spline"}


def test_an_extra_entry_with_the_name_of_a_field_keeps_both_values() -> None:
    """A custom `reward` is stored next to the reward of the episode."""

    numbers = flat(Episode(time=1.0, episode=0, reward=1.5, length=1, extra={"reward": 7}))
    assert (numbers["episode/reward"], numbers["episode/extra/reward"]) == (1.5, 7.0)


def test_a_baseline_does_not_mix_with_the_agent() -> None:
    """The evaluation of the agent has the names of SB3, and that of a baseline includes the baseline's name."""

    of_agent = Evaluation(time=1.0, episode=9, reward=2.0, length=5.0, categories={"text": {"quality": 0.5}})
    of_baseline = Evaluation(time=1.0, episode=9, policy="defaults", reward=1.0)
    assert flat(of_agent) == {"eval/mean_reward": 2.0, "eval/mean_ep_length": 5.0, "eval/categories/text/quality": 0.5}
    assert flat(of_baseline) == {"eval/defaults/mean_reward": 1.0}


def test_names_of_system_samples_scalars_and_events() -> None:
    """Throughput is `time/fps` as in SB3, scalars are under their category, and events have no numbers."""

    assert flat(SystemSample(time=1.0, memory=5.0, env_steps_per_second=100.0)) == {
        "system/memory": 5.0,
        "time/fps": 100.0,
    }
    assert flat(Scalars(time=1.0, step=1, category="mine", values={"a": 1, "b": "x"})) == {"mine/a": 1.0}
    event = Flattener().flatten(Event(time=1.0, kind="note", message="hello"))
    assert (event.numbers, event.texts) == ({}, {"event/kind": "note", "event/message": "hello"})


def test_non_finite_values_are_kept() -> None:
    """NaN and infinities are numbers, and missing values are omitted."""

    numbers = flat(PolicyUpdate(time=1.0, step=1, policy_loss=math.nan, value_loss=math.inf, entropy=math.inf))
    assert numbers.keys() == {"train/policy_gradient_loss", "train/value_loss", "train/entropy_loss"}
    assert math.isnan(numbers["train/policy_gradient_loss"])
    assert (numbers["train/value_loss"], numbers["train/entropy_loss"]) == (math.inf, -math.inf)


@pytest.mark.parametrize(
    ("record", "step"),
    [
        (Episode(time=1.0, episode=3, reward=0.0, length=1, env_step=400), 400),
        (Episode(time=1.0, episode=3, reward=0.0, length=1), 3),
        (PolicyUpdate(time=1.0, step=5, env_step=0), 0),
        (PolicyUpdate(time=1.0, step=5), 5),
        (SystemSample(time=1.0), 0),
    ],
)
def test_the_step_is_the_reported_environment_step(record: Record, step: int) -> None:
    """Otherwise it is the step or episode number. An environment step of 0 counts as reported."""

    assert step_of(record) == step


def test_all_reported_counters_are_returned() -> None:
    """The time and missing counters are omitted."""

    episode = Episode(time=1.0, episode=3, reward=0.0, length=1, env_step=400, env_index=0)
    assert clocks_of(episode) == {"episode": 3, "env_step": 400, "env_index": 0}


def test_settings_are_flat_under_dotted_names() -> None:
    """A list is one setting, and an empty dict too."""

    assert dict(flat_settings({"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": {}})) == {
        "a.b.c": 1,
        "a.d": [1, {"e": 2}],
        "f": {},
    }


@pytest.mark.parametrize("value", [1, "text", math.nan, [1, math.nan], {"a": [1]}, None])
def test_unchanged_settings_are_not_reported_again(value: Any) -> None:
    """A setting, including NaN, is returned once, and again when it changes."""

    settings = SettingsTracker()
    assert settings.changes({"a": value, "b": 1}) == {"a": value, "b": 1}
    assert settings.changes({"a": value, "b": 2}) == {"b": 2}


@pytest.mark.parametrize(
    ("event", "failed"),
    [
        (Event(time=1.0, kind="state", message="failed: KeyError", severity="critical"), True),
        (Event(time=1.0, kind="state", message="completed", severity="info"), False),
        (Event(time=1.0, kind="finding", message="entropy collapsed", severity="critical"), False),
    ],
)
def test_a_failed_training_is_detected_from_its_event(event: Event, *, failed: bool) -> None:
    """A critical finding does not count as a failed training."""

    assert is_failure(event) is failed

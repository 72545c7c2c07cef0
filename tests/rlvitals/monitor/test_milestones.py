"""Milestones of a training run, each reported once."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rlvitals.monitor.milestones import Milestones
from rlvitals.records import Episode, Event, PolicyUpdate

Rewards = Sequence[float] | Any


def said(milestones: Milestones, rewards: Rewards, *, first: int = 0, **fields: Any) -> list[Event]:
    """Return the milestones of episodes with these rewards. A list as a field has one value per episode."""
    found: list[Event] = []
    for index, reward in enumerate(rewards):
        own = {name: value[index] if isinstance(value, list) else value for name, value in fields.items()}
        place = first + index
        found += milestones.observe(
            Episode(time=float(place), episode=place, env_step=10 * place, reward=float(reward), length=10, **own)
        )
    return found


def told(events: list[Event]) -> list[tuple[str | None, int | None]]:
    return [(event.code, event.episode) for event in events]


def learning(count: int = 6_000, noise: float = 10.0) -> Any:
    """Return rewards that rise from 0 to 100 and converge."""
    time = np.arange(count)
    return 100.0 * (1.0 - np.exp(-time / 600.0)) + noise * np.random.default_rng(0).normal(size=count)


def test_the_first_success_is_reported_once() -> None:
    """The event has its episode and step. Episodes without reported success are ignored."""

    (event,) = said(Milestones(), [0.0] * 4, success=[None, False, True, True])
    assert (event.kind, event.code, event.severity, event.episode, event.env_step, event.time) == (
        "milestone",
        "first-success",
        "info",
        2,
        20,
        2.0,
    )
    assert event.message == "Episode 2 is the first success."


def test_a_new_best_must_exceed_the_previous_best_by_more_than_noise() -> None:
    """The first window is the baseline. A gain of 1 is not enough if episodes have a standard deviation of 10."""

    noise = np.random.default_rng(1).normal(size=100) * 10.0
    noise -= noise.mean()
    rewards = np.concatenate([noise, noise + 1.0, noise + 20.0, noise + 21.0, noise + 50.0])
    events = said(Milestones(), rewards)
    assert told(events) == [("new-best", 299), ("new-best", 499)]
    data = events[1].data or {}
    assert data["mean"] == pytest.approx(50.0)
    assert (data["before"], data["baseline"]) == (pytest.approx(20.0), pytest.approx(0.0))
    assert events[1].message == "New best mean reward over 100 episodes: 50 (previous best: 20)."


@pytest.mark.parametrize("seed", range(2))
def test_noise_alone_reaches_no_milestone(seed: int) -> None:
    """Thousands of independent, autocorrelated, heavy-tailed or sparse rewards at one level have no new best."""

    generator = np.random.default_rng(seed)
    shocks = generator.normal(size=2_000)
    slow = np.convolve(shocks, 0.95 ** np.arange(100), mode="same")
    for rewards in (shocks, slow, generator.standard_t(2.5, size=2_000), generator.random(2_000) < 0.02):
        assert told(said(Milestones(), rewards)) == []


def test_a_steady_rise_is_reported_less_and_less_often() -> None:
    """Each new best exceeds the total gain before by a fifth, so a long rise has few milestones."""

    places = [event.episode or 0 for event in said(Milestones(), np.linspace(0.0, 100.0, 10_000))]
    assert 10 < len(places) < 25
    assert places[-1] - places[-2] > 1_000


def test_milestones_do_not_depend_on_the_unit() -> None:
    """Scaled and shifted rewards reach the same milestones at the same episodes."""

    rewards = learning()
    assert told(said(Milestones(), rewards)) == told(said(Milestones(), 1_000.0 * rewards - 5e5)) != []


def test_a_target_must_be_held_to_be_reached() -> None:
    """The mean must stay at the target for the length of a window, and a fall below it starts the count again."""

    rewards = [0.0] * 20 + [10.0] * 25 + [0.0] * 20 + [10.0] * 60
    events = said(Milestones(target=10.0, window=20), rewards)
    (event,) = [event for event in events if event.code != "new-best"]
    assert (event.code, event.episode) == ("target-reached", 65 + 19 + 20)
    assert event.data == {"target": 10.0, "mean": 10.0, "window": 20, "since_episode": 84}


def test_a_target_can_be_set_later() -> None:
    """Adapters find the target when the training starts."""

    milestones = Milestones(window=20)
    assert said(milestones, [1.0] * 50) == []
    milestones.target = 1.0
    assert told(said(milestones, [1.0] * 30, first=50)) == [("target-reached", 70)]


def test_non_finite_rewards_reach_no_milestone() -> None:
    """They reach neither a target nor a new best, and raise no error."""

    rewards = [0.0] * 20 + [math.inf, -math.inf, math.nan] * 20
    assert said(Milestones(target=1.0, window=20), rewards) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_rewards_do_not_prevent_milestones(bad: float) -> None:
    """If one in ten rewards is non-finite, the milestones are those of the finite rewards."""

    rewards = [reward for index in range(200) for reward in ([10.0 * (index >= 100)] + [bad] * (index % 10 == 0))]
    assert [code for code, _ in told(said(Milestones(target=10.0, window=20), rewards))] == [
        "new-best",
        "target-reached",
    ]


def test_a_category_is_mastered_when_its_success_rate_is_significantly_above_the_level() -> None:
    """Each category is evaluated separately and reported once. Nine successes of ten are not enough."""

    milestones = Milestones()
    categories = ["text", "gradient"] * 200
    events = said(milestones, [0.0] * 400, category=categories, success=[index % 2 == 0 for index in range(400)])
    mastered = [event for event in events if event.code == "category-mastered"]
    assert [(event.data or {})["category"] for event in mastered] == ["text"]
    assert 40 <= (mastered[0].episode or 0) <= 200
    assert (mastered[0].data or {})["low"] > 0.8


def test_a_category_at_the_level_is_not_mastered() -> None:
    """A success rate of 0.8 is not significantly above 0.8."""

    successes = (np.random.default_rng(3).random(2_000) < 0.8).tolist()
    assert "category-mastered" not in [
        e.code for e in said(Milestones(), [0.0] * 2_000, category="a", success=successes)
    ]


def test_a_category_without_reported_success_is_evaluated_by_quality() -> None:
    """This needs `mastery_quality`, and the interval of the mean quality must be above it."""

    qualities = (0.9 + 0.01 * np.random.default_rng(0).normal(size=60)).tolist()
    fields: dict[str, Any] = {"category": "text", "quality_final": qualities}
    assert said(Milestones(), [0.0] * 60, **fields) == []
    assert said(Milestones(mastery_quality=0.95), [0.0] * 60, **fields) == []
    (event,) = said(Milestones(mastery_quality=0.85), [0.0] * 60, **fields)
    assert event.message.startswith("The category text is mastered: quality 0.")


def test_convergence_is_reported_once() -> None:
    """The event has the level, and the episode since which the reward has converged."""

    events = [event for event in said(Milestones(), learning()) if event.code == "converged"]
    assert len(events) == 1
    data = events[0].data or {}
    assert data["low"] < data["level"] < data["high"]
    assert 90.0 < data["level"] < 105.0
    assert 600 < data["since_episode"] < (events[0].episode or 0)


def test_a_rising_reward_does_not_converge() -> None:
    """Three thousand rising rewards do not count as converged."""

    assert "converged" not in [event.code for event in said(Milestones(), np.linspace(0.0, 1.0, 3_000))]


def test_a_resumed_run_does_not_repeat_its_milestones() -> None:
    """Milestones with an event are not reported again, and a new best must exceed the previous one."""

    rewards = learning()
    fields: dict[str, Any] = {"category": "a", "success": True}
    before = said(Milestones(target=90.0), rewards, **fields)
    assert {event.code for event in before} == {
        "first-success",
        "new-best",
        "target-reached",
        "category-mastered",
        "converged",
    }
    again = Milestones(target=90.0)
    again.resume(before, rewards, np.arange(float(rewards.size)))
    assert told(said(again, rewards, **fields)) == []
    assert [code for code, _ in told(said(again, [200.0] * 100, **fields))] == ["new-best"]


def test_a_resumed_run_continues_from_its_rewards() -> None:
    """A converged reward is reported after two checks, and the first window is still the baseline."""

    rewards = learning()
    resumed = Milestones()
    resumed.resume([], rewards[:4_000], np.arange(4_000.0))
    events = said(resumed, rewards[4_000:], first=4_000)
    assert [event.code for event in events] == ["new-best", "converged"]
    assert (events[0].data or {})["baseline"] == pytest.approx(rewards[:100].mean())
    assert (events[1].data or {})["since_episode"] < 3_000


def test_a_rewind_starts_a_new_window() -> None:
    """No mean combines episodes of two branches."""

    milestones = Milestones(target=1.0, window=20)
    said(milestones, [1.0] * 39)
    milestones.observe(Event(time=39.0, kind="rewind", message="rewound to episode 5"))
    assert told(said(milestones, [1.0] * 40, first=6)) == [("target-reached", 6 + 39)]


def test_other_records_are_ignored() -> None:
    """An update reaches no milestone."""

    assert Milestones().observe(PolicyUpdate(time=1.0, step=1, entropy=1.0)) == []


def test_memory_is_bounded() -> None:
    """The numbers of categories and means stay below their limits for many episodes and categories."""

    milestones = Milestones()
    said(milestones, range(2_500), category=[f"category {index}" for index in range(2_500)], success=False)
    assert len(milestones._categories) == 200
    means, places = milestones._history.series()
    assert len(means) == len(places) < 960
    assert (means[0], places[0]) == (1.5, 1.5)  # of the first four


@pytest.mark.parametrize(("options", "name"), [({"window": 9}, "window=9"), ({"mastery": 1.0}, "mastery=1.0")])
def test_invalid_settings_are_rejected(options: dict[str, Any], name: str) -> None:
    """The error has the name and the value."""

    with pytest.raises(ValueError, match=name):
        Milestones(**options)

"""What a training has reached, each said once."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rlvitals.monitor.milestones import Milestones
from rlvitals.records import Episode, Event, PolicyUpdate

Rewards = Sequence[float] | Any


def said(milestones: Milestones, rewards: Rewards, *, first: int = 0, **fields: Any) -> list[Event]:
    """What is said of episodes of these rewards; a field that is a list holds one value an episode."""
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
    """A reward that climbs from 0 to 100 and rests there."""
    time = np.arange(count)
    return 100.0 * (1.0 - np.exp(-time / 600.0)) + noise * np.random.default_rng(0).normal(size=count)


def test_the_first_success_is_said_once() -> None:
    """With its episode and step; what does not know of success says nothing."""

    (event,) = said(Milestones(), [0.0] * 4, success=[None, False, True, True])
    assert (event.kind, event.code, event.severity, event.episode, event.env_step, event.time) == (
        "milestone",
        "first-success",
        "info",
        2,
        20,
        2.0,
    )
    assert event.message == "Episode 2 is the first that succeeded."


def test_a_new_best_is_a_window_that_beats_the_best_by_more_than_noise() -> None:
    """The first window is what the others are compared with; 1 of 100 is no news where single episodes vary by 10."""

    noise = np.random.default_rng(1).normal(size=100) * 10.0
    noise -= noise.mean()
    rewards = np.concatenate([noise, noise + 1.0, noise + 20.0, noise + 21.0, noise + 50.0])
    events = said(Milestones(), rewards)
    assert told(events) == [("new-best", 299), ("new-best", 499)]
    data = events[1].data or {}
    assert data["mean"] == pytest.approx(50.0)
    assert (data["before"], data["baseline"]) == (pytest.approx(20.0), pytest.approx(0.0))
    assert events[1].message == "The mean reward of 100 episodes is 50, the best so far (20 before)."


@pytest.mark.parametrize("seed", range(2))
def test_noise_alone_reaches_nothing(seed: int) -> None:
    """Independent, autocorrelated, heavy-tailed or sparse: of thousands of episodes at one level none is a best."""

    generator = np.random.default_rng(seed)
    shocks = generator.normal(size=2_000)
    slow = np.convolve(shocks, 0.95 ** np.arange(100), mode="same")
    for rewards in (shocks, slow, generator.standard_t(2.5, size=2_000), generator.random(2_000) < 0.02):
        assert told(said(Milestones(), rewards)) == []


def test_a_steady_climb_is_said_ever_more_rarely() -> None:
    """Each best is a fifth more than all that was gained before, so that there are few, however many windows."""

    places = [event.episode or 0 for event in said(Milestones(), np.linspace(0.0, 100.0, 10_000))]
    assert 10 < len(places) < 25
    assert places[-1] - places[-2] > 1_000


def test_milestones_do_not_depend_on_the_unit() -> None:
    """Nor on the zero point: the same are said at the same episodes."""

    rewards = learning()
    assert told(said(Milestones(), rewards)) == told(said(Milestones(), 1_000.0 * rewards - 5e5)) != []


def test_a_target_is_reached_when_it_is_held() -> None:
    """A window at the target is a touch; as many episodes more make it reached, and a fall begins anew."""

    rewards = [0.0] * 20 + [10.0] * 25 + [0.0] * 20 + [10.0] * 60
    events = said(Milestones(target=10.0, window=20), rewards)
    (event,) = [event for event in events if event.code != "new-best"]
    assert (event.code, event.episode) == ("target-reached", 65 + 19 + 20)
    assert event.data == {"target": 10.0, "mean": 10.0, "window": 20, "since_episode": 84}


def test_a_target_may_be_set_later() -> None:
    """Adapters learn of it when the training begins."""

    milestones = Milestones(window=20)
    assert said(milestones, [1.0] * 50) == []
    milestones.target = 1.0
    assert told(said(milestones, [1.0] * 30, first=50)) == [("target-reached", 70)]


def test_rewards_that_are_not_finite_reach_nothing() -> None:
    """Neither a target nor a best, and nothing raises."""

    rewards = [0.0] * 20 + [math.inf, -math.inf, math.nan] * 20
    assert said(Milestones(target=1.0, window=20), rewards) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_rewards_that_are_not_finite_hold_nothing_up(bad: float) -> None:
    """One in every ten: the milestones are those of the finite rewards."""

    rewards = [reward for index in range(200) for reward in ([10.0 * (index >= 100)] + [bad] * (index % 10 == 0))]
    assert [code for code, _ in told(said(Milestones(target=10.0, window=20), rewards))] == [
        "new-best",
        "target-reached",
    ]


def test_a_category_is_mastered_when_its_successes_prove_it() -> None:
    """Not at 9 of 10, which a policy of 80 % does now and then; each category by itself, once."""

    milestones = Milestones()
    categories = ["text", "gradient"] * 200
    events = said(milestones, [0.0] * 400, category=categories, success=[index % 2 == 0 for index in range(400)])
    mastered = [event for event in events if event.code == "category-mastered"]
    assert [(event.data or {})["category"] for event in mastered] == ["text"]
    assert 40 <= (mastered[0].episode or 0) <= 200
    assert (mastered[0].data or {})["low"] > 0.8


def test_a_category_at_the_level_is_not_mastered() -> None:
    """A rate that is 0.8 is not proved to be above it."""

    successes = (np.random.default_rng(3).random(2_000) < 0.8).tolist()
    assert "category-mastered" not in [
        e.code for e in said(Milestones(), [0.0] * 2_000, category="a", success=successes)
    ]


def test_a_category_without_successes_is_judged_by_quality() -> None:
    """If a level was given; the interval of the mean must lie above it."""

    qualities = (0.9 + 0.01 * np.random.default_rng(0).normal(size=60)).tolist()
    fields: dict[str, Any] = {"category": "text", "quality_final": qualities}
    assert said(Milestones(), [0.0] * 60, **fields) == []
    assert said(Milestones(mastery_quality=0.95), [0.0] * 60, **fields) == []
    (event,) = said(Milestones(mastery_quality=0.85), [0.0] * 60, **fields)
    assert event.message.startswith("The category text is mastered: quality 0.")


def test_it_converges_once() -> None:
    """When the reward has come to rest, with its level and since when."""

    events = [event for event in said(Milestones(), learning()) if event.code == "converged"]
    assert len(events) == 1
    data = events[0].data or {}
    assert data["low"] < data["level"] < data["high"]
    assert 90.0 < data["level"] < 105.0
    assert 600 < data["since_episode"] < (events[0].episode or 0)


def test_a_climb_does_not_converge() -> None:
    """However long it is."""

    assert "converged" not in [event.code for event in said(Milestones(), np.linspace(0.0, 1.0, 3_000))]


def test_a_resumed_run_does_not_repeat_itself() -> None:
    """What its events hold is known, and a best must beat the best before."""

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


def test_a_resumed_run_goes_on_from_its_rewards() -> None:
    """What has already converged converges at the next two checks; the first window is still the baseline."""

    rewards = learning()
    resumed = Milestones()
    resumed.resume([], rewards[:4_000], np.arange(4_000.0))
    events = said(resumed, rewards[4_000:], first=4_000)
    assert [event.code for event in events] == ["new-best", "converged"]
    assert (events[0].data or {})["baseline"] == pytest.approx(rewards[:100].mean())
    assert (events[1].data or {})["since_episode"] < 3_000


def test_a_return_to_a_checkpoint_begins_a_window() -> None:
    """No mean is of two branches."""

    milestones = Milestones(target=1.0, window=20)
    said(milestones, [1.0] * 39)
    milestones.observe(Event(time=39.0, kind="rewind", message="went back to episode 5"))
    assert told(said(milestones, [1.0] * 40, first=6)) == [("target-reached", 6 + 39)]


def test_other_records_are_passed_over() -> None:
    """Of all kinds."""

    assert Milestones().observe(PolicyUpdate(time=1.0, step=1, entropy=1.0)) == []


def test_memory_is_bounded() -> None:
    """However many episodes and categories there are."""

    milestones = Milestones()
    said(milestones, range(2_500), category=[f"category {index}" for index in range(2_500)], success=False)
    assert len(milestones._categories) == 200
    means, places = milestones._history.series()
    assert len(means) == len(places) < 960
    assert (means[0], places[0]) == (1.5, 1.5)  # of the first four


@pytest.mark.parametrize(("options", "name"), [({"window": 9}, "window=9"), ({"mastery": 1.0}, "mastery=1.0")])
def test_settings_that_mean_nothing_are_refused(options: dict[str, Any], name: str) -> None:
    """With their name and value."""

    with pytest.raises(ValueError, match=name):
        Milestones(**options)

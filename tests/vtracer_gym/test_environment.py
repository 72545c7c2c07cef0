from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import vtracer_gym
from vtracer_gym import Logo, PreparedLogo, RewardWeights, Settings, VectorizeEnv, VtracerGymError
from vtracer_gym.actions import DIMENSIONS, action_of
from vtracer_gym.observations import OBSERVATION_NAMES

LOGOS = vtracer_gym.sample_logos(4, np.random.default_rng(0), 64)
AS_THE_FIRST = action_of(Settings())
RUINOUS = {"filter_speckle": 6.0, "smoothing": 1.0, "tolerance": 0.8, "grid": 1.5}


class Unchecked(Settings):
    """Settings without validation, to make VTracer panic."""

    def __post_init__(self) -> None:
        pass


class Panicking(VectorizeEnv):
    """An environment in which every attempt makes VTracer panic."""

    def settings(self, action: NDArray[np.float32]) -> Settings:
        return Unchecked(**super().settings(action).as_dict() | {"color_precision": 0})  # type: ignore[arg-type]


def with_setting(**values: float) -> NDArray[np.float32]:
    """Return the action of the pipeline's default setting with other values."""
    return action_of(replace(Settings(), **values))  # type: ignore[arg-type]


def play(environment: VectorizeEnv, seed: int) -> list[tuple[float, str]]:
    environment.reset(seed=seed)
    seen = []
    for _ in range(8):
        action = environment.np_random.uniform(-1, 1, DIMENSIONS).astype(np.float32)
        _, reward, over, _, info = environment.step(action)
        seen.append((reward, info["logo"]))
        if over:
            environment.reset()
    return seen


def last_info(environment: VectorizeEnv, *actions: NDArray[np.float32]) -> dict[str, Any]:
    environment.reset(seed=0)
    for action in actions:
        info = environment.step(action)[4]
    return info


def test_gymnasium_checker() -> None:
    """The environment passes Gymnasium's checker, including seeding."""
    check_env(VectorizeEnv(LOGOS), skip_render_check=True)


def test_sb3_checker() -> None:
    """The environment passes Stable-Baselines3's checker."""
    check_env_for_sb3(VectorizeEnv(LOGOS))


def test_registered() -> None:
    """The environment can be created by its id."""
    environment = gymnasium.make("vtracer_gym/Vectorize-v0", logos=LOGOS, attempts=2)

    assert isinstance(environment.unwrapped, VectorizeEnv)


def test_seed() -> None:
    """The same seed gives the same logos and rewards, and another seed different ones."""
    one, same, other = (play(VectorizeEnv(LOGOS, attempts=2), seed) for seed in (5, 5, 6))

    assert one == same
    assert one != other


def test_first_drawing_earns_nothing() -> None:
    """The action that represents the pipeline's default setting earns 0, because the reward is relative to it."""
    environment = VectorizeEnv(LOGOS)
    environment.reset(seed=0)

    assert environment.step(AS_THE_FIRST)[1] == 0.0


def test_reward_is_relative_to_the_first_drawing() -> None:
    """The reward of a step is that of its attempt, beyond the first drawing."""
    weights = RewardWeights()
    environment = VectorizeEnv(LOGOS[:1], weights=weights)
    environment.reset(seed=0)
    action = with_setting(grid=3.0)
    reward = environment.step(action)[1]
    prepared = PreparedLogo(LOGOS[0])
    mine = prepared.attempt(environment.settings(action))

    gains = [weights.gain(attempt, prepared.default).total for attempt in (mine, prepared.first)]

    assert reward == pytest.approx(gains[0] - gains[1])


def test_ends_after_its_attempts() -> None:
    """An episode terminates after its number of attempts, and is never truncated."""
    environment = VectorizeEnv(LOGOS, attempts=3)
    environment.reset(seed=0)

    assert [environment.step(AS_THE_FIRST)[2:4] for _ in range(3)] == [(False, False), (False, False), (True, False)]


def test_every_logo_is_used_once_before_any_is_repeated() -> None:
    """The first and the second four resets each use all four logos."""
    environment = VectorizeEnv(LOGOS)
    names = [environment.reset(seed=0 if index == 0 else None)[1]["logo"] for index in range(8)]

    assert sorted(names[:4]) == sorted(names[4:]) == sorted(logo.name for logo in LOGOS)


def test_in_order() -> None:
    """With `in_order=True`, logos are used in the given order."""
    environment = VectorizeEnv(LOGOS, in_order=True)

    assert [environment.reset()[1]["logo"] for _ in range(4)] == [logo.name for logo in LOGOS]


def test_info_at_the_end_describes_the_best_attempt() -> None:
    """The last info has the setting of the best attempt and its quality difference to VTracer's defaults."""
    better, worse = with_setting(tolerance=0.6), with_setting(**RUINOUS)
    info = last_info(VectorizeEnv(LOGOS[:1], attempts=3), worse, better, worse)

    assert info["parameters"]["tolerance"] == 0.6
    assert info["quality_improvement"] == info["quality_final"] - info["quality_initial"]
    assert info["byte_ratio"] == info["svg_bytes"] / info["default_svg_bytes"] < 1.0
    assert set(info["reward_parts"]) == {"size", "quality", "detail", "edges", "colors", "paper", "floor"}


def test_info_at_the_end_lists_every_attempt() -> None:
    """Each attempt has its parameters, its reward and its measures, in order; the best one is the episode's result."""
    environment = VectorizeEnv(LOGOS[:1], attempts=2)
    environment.reset(seed=0)
    actions = [with_setting(grid=1.5), with_setting(grid=5.0)]
    rewards = [environment.step(action)[1] for action in actions]
    info = last_info(environment, *actions)

    assert [tried["reward"] for tried in info["attempts"]] == rewards
    assert [tried["parameters"]["grid"] for tried in info["attempts"]] == pytest.approx([1.5, 5.0])
    measures = {"quality", "detail", "edge_distance", "color_error", "paper_error"}
    assert set(info["attempts"][0]) == {"parameters", "reward", "svg_bytes", "byte_ratio"} | measures
    best = max(info["attempts"], key=lambda tried: tried["reward"])
    assert {name: info[name] for name in ("parameters", "quality", "svg_bytes")} == {
        name: best[name] for name in ("parameters", "quality", "svg_bytes")
    }


def test_attempts_are_listed_at_the_end_only() -> None:
    """Before the end of an episode, the info describes the last attempt alone."""
    info = last_info(VectorizeEnv(LOGOS[:1], attempts=2), AS_THE_FIRST)

    assert "attempts" not in info
    assert info["svg_bytes"] > 0


def test_info_names_the_logo() -> None:
    """The info contains name, type and difficulty of the logo."""
    info = last_info(VectorizeEnv(LOGOS[:1]), AS_THE_FIRST)

    assert (info["logo"], info["category"]) == ("simple/sample-0000", "simple")
    assert info["difficulty"] in {"easy", "medium", "hard"}


def test_success_is_an_attempt_better_than_the_first_drawing() -> None:
    """The best attempt of an episode decides, and equality is not a success."""
    ruined = with_setting(**RUINOUS)
    environment = VectorizeEnv(LOGOS[:1], attempts=1)
    info = last_info(environment, ruined)

    assert environment.step(ruined)[1] < 0.0
    assert not info["is_success"]


def test_observation_contains_the_last_attempt() -> None:
    """After an attempt, the observation contains its action and the remaining share of attempts."""
    environment = VectorizeEnv(LOGOS, attempts=4)
    environment.reset(seed=0)
    action = np.linspace(-0.5, 0.5, DIMENSIONS).astype(np.float32)
    seen = dict(zip(OBSERVATION_NAMES, environment.step(action)[0].tolist(), strict=True))
    expected = action_of(environment.settings(action))

    assert [seen[f"last_action_{index}"] for index in range(DIMENSIONS)] == pytest.approx(expected.tolist(), abs=1e-6)
    assert seen["attempts_left"] == 0.75


def test_observation_begins_with_the_first_drawing() -> None:
    """Before the first attempt, best and last attempt are the first drawing, with reward 0."""
    observation, _ = VectorizeEnv(LOGOS[:1]).reset(seed=0)
    seen = dict(zip(OBSERVATION_NAMES, observation.tolist(), strict=True))

    for name in ("best", "last"):
        assert [seen[f"{name}_action_{index}"] for index in range(DIMENSIONS)] == pytest.approx(AS_THE_FIRST.tolist())
        assert seen[f"{name}_reward"] == 0.0


def test_panic_is_a_bad_reward_and_the_episode_continues() -> None:
    """After a panic of VTracer, the info contains the failure and the next episode can start."""
    environment = Panicking(LOGOS, attempts=2)
    info = last_info(environment, AS_THE_FIRST, AS_THE_FIRST)

    assert "panicked" in info["failure"]
    assert info["failed_attempts"] == 2
    assert not info["is_success"]
    assert environment.observation_space.contains(environment.reset()[0])


class Unreadable(VectorizeEnv):
    """An environment with missing pictures of its first logos."""

    def lose(self, count: int) -> VectorizeEnv:
        for prepared in self._prepared[:count]:
            prepared.__dict__["_own_picture"] = b""
        return self


def test_untraceable_logo_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """A logo on which even the defaults fail is logged once, and the remaining logos are used."""
    environment = Unreadable(LOGOS, in_order=True).lose(1)
    with caplog.at_level(logging.WARNING):
        names = [environment.reset()[1]["logo"] for _ in range(6)]

    assert LOGOS[0].name not in names
    assert [record.getMessage().count("skipping this logo") for record in caplog.records] == [1]


def test_no_traceable_logo_is_an_error() -> None:
    """If no logo can be traced, `reset` raises an error instead of searching forever."""
    with pytest.raises(VtracerGymError, match="every logo"):
        Unreadable(LOGOS).lose(len(LOGOS)).reset()


@pytest.mark.parametrize("level", [0, 255])
def test_blank_logo_can_be_used(level: int) -> None:
    """A logo of one colour gives valid observations and finite rewards."""
    environment = VectorizeEnv([Logo("blank", "simple", np.full((11, 200, 3), level, np.uint8))], attempts=1)
    observation, _ = environment.reset(seed=0)

    assert environment.observation_space.contains(observation)
    assert np.isfinite(environment.step(AS_THE_FIRST)[1])


@pytest.mark.parametrize(("logos", "attempts"), [((), 4), (LOGOS, 0)])
def test_refuses_no_logos_and_no_attempts(logos: tuple[Logo, ...], attempts: int) -> None:
    """An environment needs at least one logo and one attempt."""
    with pytest.raises(ValueError, match=r"at least (one|1)"):
        VectorizeEnv(logos, attempts)


def test_step_before_reset() -> None:
    """A step before the first reset is refused."""
    with pytest.raises(VtracerGymError, match="reset"):
        VectorizeEnv(LOGOS).step(AS_THE_FIRST)

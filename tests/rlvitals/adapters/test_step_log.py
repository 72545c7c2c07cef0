"""The wrapper returns the environment's answer from `step` unchanged, and records or reports it once."""

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper
from rlvitals.records import Episode


class Gives(gymnasium.Env[Any, Any]):
    """Returns given values from `step`. By default, the episode ends after five steps."""

    observation_space = spaces.Box(-1, 1, (2,))
    action_space = spaces.Discrete(2)

    def __init__(self, reward: Any = 1.0, info: Any = None, *, flag: Callable[[bool], Any] = bool) -> None:
        self.given, self.info, self.flag, self.count = reward, info, flag, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.count = 0
        return np.zeros(2), {}

    def step(self, _action: Any) -> Any:
        self.count += 1
        return np.zeros(2), self.given, self.flag(self.count >= 5), False, self.info


class GivesMany(VectorEnv[Any, Any, Any]):
    """Vector environment of two that returns given values. Every fifth step ends both episodes."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - declared like this in Gymnasium
    num_envs = 2

    def __init__(self, rewards: Any, infos: Any, flags: Callable[[bool], Any]) -> None:
        self.given, self.infos, self.flags, self.count = rewards, infos, flags, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        return np.zeros((2, 2)), {}

    def step(self, _actions: Any) -> Any:
        self.count += 1
        return np.zeros((2, 2)), self.given, self.flags(self.count % 5 == 0), self.flags(self.count < 0), self.infos


class Stubborn:
    """Raises on every conversion."""

    def __float__(self) -> float:
        raise RuntimeError("no number")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth value")

    def __getitem__(self, _: object) -> None:
        raise RuntimeError("no items")


def episodes(monitor: TrainingMonitor) -> list[Episode]:
    return list(monitor.run.records("episodes"))


def said(monitor: TrainingMonitor) -> list[str]:
    return [event.message for event in monitor.run.records("events") if event.kind == "adapter"]


def drive(env: Any, steps: int = 10) -> None:
    env.reset()
    for _ in range(steps):
        if any(map(bool, np.ravel(np.asarray(env.step(0)[2], dtype=object)))):
            env.reset()


@pytest.mark.parametrize(
    ("reward", "expected", "parts"),
    [
        (np.array([1.0]), 5.0, None),
        (np.array(1.0), 5.0, None),
        (torch.tensor(1.0), 5.0, None),
        (torch.tensor([1.0], requires_grad=True), 5.0, None),
        (np.array([1.0, -0.5]), 2.5, {"reward_0": 5.0, "reward_1": -2.5}),
        (torch.tensor([1.0, -0.5]), 2.5, {"reward_0": 5.0, "reward_1": -2.5}),
        ({"a": 1.0, "b": 2.0}, 15.0, {"a": 5.0, "b": 10.0}),
    ],
)
def test_rewards(monitor: TrainingMonitor, reward: Any, expected: float, parts: dict[str, float] | None) -> None:
    """One element is a number, and several components are summed and recorded separately."""
    drive(VitalsWrapper(Gives(reward), monitor))

    assert [(e.reward, e.length, e.reward_parts) for e in episodes(monitor)] == [(expected, 5, parts)] * 2


def test_statistics_of_several_objectives(monitor: TrainingMonitor) -> None:
    """A vector return in the statistics of a recorder is accepted."""
    drive(
        VitalsWrapper(Gives(np.ones(2), {"episode": {"r": np.array([5.0, 5.0]), "l": 5}, "is_success": True}), monitor)
    )

    assert [(e.reward, e.length, e.success) for e in episodes(monitor)] == [(10.0, 5, True)] * 2
    assert len(said(monitor)) == 1


def test_a_sum_of_components_is_reported_once(monitor: TrainingMonitor) -> None:
    """An event and the configuration explain the return of two objectives."""
    drive(VitalsWrapper(Gives(np.array([1.0, -0.5])), monitor))

    (message,) = said(monitor)
    assert message.startswith("Rewards have 2 components (reward_0, reward_1)")
    assert monitor.session.configuration["episode_reward"] == "sum of 2 components"


@pytest.mark.parametrize("reward", [None, "1.0", np.ma.masked, [], object(), Stubborn()])
def test_rewards_that_are_not_numbers(monitor: TrainingMonitor, reward: Any) -> None:
    """The episodes are recorded without a return, and the reason is reported once."""
    drive(VitalsWrapper(Gives(reward), monitor))

    assert [(math.isnan(e.reward), e.length, e.extra) for e in episodes(monitor)] == [
        (True, 5, {"unreadable_rewards": 5})
    ] * 2
    assert [message[:56] for message in said(monitor)] == ["The environment returns no numeric reward. Episodes are "]


@pytest.mark.parametrize(
    "info", [None, [], [1, 2], "text", 3, torch.ones(2), Stubborn(), {1: 2, None: 3, ("a",): 4}, {"is_success": []}]
)
def test_infos(monitor: TrainingMonitor, info: Any) -> None:
    """The episode is recorded with any `info`, and an unreadable one is reported at most once."""
    drive(VitalsWrapper(Gives(info=info), monitor))

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(5.0, 5)] * 2
    assert len(said(monitor)) <= 1


@pytest.mark.parametrize(
    "flag",
    [int, np.bool_, torch.tensor, lambda is_over: np.array([is_over]), lambda is_over: {"a": is_over, "b": is_over}],
    ids=["int", "numpy", "torch", "array", "agents"],
)
def test_flags(monitor: TrainingMonitor, flag: Callable[[bool], Any]) -> None:
    """The end of an episode is recognised in a flag of any type."""
    env = VitalsWrapper(Gives(flag=flag), monitor)
    env.reset()
    for _ in range(5):
        env.step(0)

    assert [(e.length, e.termination_reason) for e in episodes(monitor)] == [(5, "terminated")]


def test_agents_can_terminate_or_be_truncated(monitor: TrainingMonitor) -> None:
    """The episode is over when every agent has terminated or was truncated."""

    class Team(Gives):
        def step(self, _action: Any) -> Any:
            self.count += 1
            return 0, {"a": 1.0}, {"a": self.count >= 2, "b": False}, {"a": False, "b": self.count >= 5}, {}

    env = VitalsWrapper(Team(), monitor)
    env.reset()
    for _ in range(5):
        env.step(0)

    assert [e.length for e in episodes(monitor)] == [5]


@pytest.mark.parametrize("answer", [None, (), (0, 1.0, True, {}), 7])
def test_malformed_answers_are_returned_unchanged(monitor: TrainingMonitor, answer: Any) -> None:
    """The answer of an outdated or missing interface is returned unchanged and reported once."""

    class Older(Gives):
        def step(self, _action: Any) -> Any:
            return answer

    env = VitalsWrapper(Older(), monitor)
    env.reset()

    assert [env.step(0) for _ in range(3)] == [answer] * 3
    assert len(said(monitor)) == 1


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        (np.array([1.0, 2.0]), [5.0, 10.0]),
        (torch.tensor([1.0, 2.0]), [5.0, 10.0]),
        ([1, np.float32(2.0)], [5.0, 10.0]),
        (np.array([[1.0, 0.5], [2.0, 0.5]]), [7.5, 12.5]),
        ({"a": np.array([1.0, 2.0]), "b": np.array([0.0, 1.0])}, [5.0, 15.0]),
    ],
)
@pytest.mark.parametrize(
    "flags",
    [
        lambda is_over: np.array([is_over] * 2),
        lambda is_over: torch.tensor([is_over] * 2),
        lambda is_over: [int(is_over)] * 2,
    ],
    ids=["numpy", "torch", "list"],
)
@pytest.mark.parametrize("infos", [{}, None, [{}, {}], torch.ones(2), {"final_info": None, 3: 4}], ids=str)
def test_vectors(
    monitor: TrainingMonitor, rewards: Any, expected: list[float], flags: Callable[[bool], Any], infos: Any
) -> None:
    """Vector environments of any library with any `infos` are recorded."""
    env = VitalsVectorWrapper(GivesMany(rewards, infos, flags), monitor)
    env.reset()
    for _ in range(5):
        env.step(None)

    assert [(e.env_index, e.reward, e.length) for e in episodes(monitor)] == [(0, expected[0], 5), (1, expected[1], 5)]


def test_a_wrong_number_of_rewards_is_reported_once(monitor: TrainingMonitor) -> None:
    """Three rewards for two environments are reported once, and training continues."""
    env = VitalsVectorWrapper(GivesMany(np.ones(3), {}, lambda is_over: np.array([is_over] * 2)), monitor)
    env.reset()
    for _ in range(5):
        env.step(None)
    env.close()

    assert "3 values for 2 environments" in said(monitor)[0]
    assert said(monitor)[1:] == ["a step could not be recorded: 5 times"]


def test_a_closed_monitor_does_not_stop_the_environment(monitor: TrainingMonitor) -> None:
    """A training can continue after its run is closed."""
    env = VitalsWrapper(Gives(), monitor)
    env.reset()
    monitor.close()
    for _ in range(5):
        env.step(0)

    assert episodes(monitor) == []


@pytest.mark.parametrize("mask", [np.array([True, False]), torch.tensor([True, False]), [1, 0]], ids=["n", "t", "l"])
def test_masks_of_resets(monitor: TrainingMonitor, mask: Any) -> None:
    """Environments selected by a mask of any type restart their episode."""
    env = VitalsVectorWrapper(GivesMany(np.ones(2), {}, lambda is_over: np.array([is_over] * 2)), monitor)
    env.reset()
    for _ in range(3):
        env.step(None)
    env.reset(options={"reset_mask": mask})
    for _ in range(2):
        env.step(None)

    assert [(e.env_index, e.length) for e in episodes(monitor)] == [(0, 2), (1, 5)]

"""Returns are the environment's own with any wrappers in any order and autoreset mode.

The walk earns 2 in each of 4 steps, so its return is 8.
"""

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import Autoreset, ClipReward, NormalizeReward, RecordEpisodeStatistics, TransformReward
from gymnasium.wrappers import vector as vectors
from stable_baselines3.common.monitor import Monitor

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper
from rlvitals.adapters.raw_rewards import RewardTap
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.records import Episode
from rlvitals.runs import Run


class Tenth(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A custom wrapper that is not known to change rewards."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, float(reward) * 0.1, terminated, truncated, info


class Twice(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Repeats each action and returns the sum of both rewards."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        first = super().step(action)[1]
        observation, reward, *rest = super().step(action)
        return observation, float(first) + float(reward), *rest


class Chosen(gymnasium.RewardWrapper[Any, Any]):
    """Combines two objectives into one number."""

    def reward(self, reward: Any) -> float:
        return float(reward[0] - reward[1])


SINGLE: dict[str, Callable[[Any], Any]] = {
    "normalize": NormalizeReward,
    "clip": lambda env: ClipReward(env, 0, 0.5),
    "transform": lambda env: TransformReward(env, lambda reward: 3 * float(reward) + 1),
    "own": Tenth,
    "statistics": RecordEpisodeStatistics,
    "monitor": Monitor,
}
VECTOR: dict[str, Callable[[Any], Any]] = {
    "normalize": vectors.NormalizeReward,
    "clip": lambda env: vectors.ClipReward(env, 0, 0.5),
    "transform": lambda env: vectors.TransformReward(env, lambda rewards: 3 * rewards),
    "statistics": vectors.RecordEpisodeStatistics,
}
MODES = list(AutoresetMode)


def wrapped(env: Any, names: tuple[str, ...], kinds: dict[str, Callable[[Any], Any]]) -> Any:
    """Apply the last wrapper name first."""
    for name in reversed(names):
        env = kinds[name](env)
    return env


def episodes(monitor: TrainingMonitor) -> list[Episode]:
    return list(monitor.run.records("episodes"))


def said(monitor: TrainingMonitor) -> list[str]:
    return [event.message for event in monitor.run.records("events") if event.kind == "adapter"]


def drive(env: Any, steps: int = 9) -> None:
    env.reset(seed=1)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(0)
        if terminated or truncated:
            env.reset()


def drive_all(env: Any, mode: AutoresetMode, steps: int = 13) -> None:
    env.reset(seed=1)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            env.reset(options={"reset_mask": ended})


ORDERS = [
    names
    for count in (1, 2)
    for names in itertools.permutations(SINGLE, count)
    if names != ("statistics", "monitor")  # Gymnasium refuses it
]
INSIDE = [(), ("normalize",), ("statistics", "normalize"), ("normalize", "statistics")]
OUTSIDE = [(), ("normalize",), ("clip",), ("transform", "normalize"), ("statistics", "normalize")]
PLACES = [(one, other) for one in INSIDE for other in OUTSIDE if not {"statistics"} <= {*one} & {*other}]


@pytest.mark.parametrize("names", ORDERS, ids="-".join)
def test_one_environment(walk: Any, monitor: TrainingMonitor, names: tuple[str, ...]) -> None:
    """One or two wrappers in any order: a recorder above a custom wrapper determines the return."""
    drive(VitalsWrapper(wrapped(walk(reward=2.0), names, SINGLE), monitor))

    believed = names in {("statistics", "own"), ("monitor", "own")}
    expected = pytest.approx(0.8) if believed else 8.0
    assert [(e.reward, e.length) for e in episodes(monitor)] == [(expected, 4)] * 2
    assert not believed or {e.extra["environment_return"] for e in episodes(monitor) if e.extra} == {8.0}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("inside", "outside"), PLACES)
def test_many_environments(
    walk: Any, monitor: TrainingMonitor, mode: AutoresetMode, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    """Wrappers can be inside the vector environment, outside of it, or both."""
    vector = SyncVectorEnv([lambda: wrapped(walk(reward=2.0), inside, SINGLE)] * 2, autoreset_mode=mode)
    drive_all(VitalsVectorWrapper(wrapped(vector, outside, VECTOR), monitor), mode)

    count = 4 if mode is AutoresetMode.NEXT_STEP else 6
    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * count


@pytest.mark.parametrize("outside", [(), ("normalize",), ("statistics", "normalize")], ids="-".join)
def test_statistics_outside_in_the_other_order(walk: Any, monitor: TrainingMonitor, outside: tuple[str, ...]) -> None:
    """Statistics below or above a normaliser do not change the recorded return."""
    vector = SyncVectorEnv([lambda: walk(reward=2.0)] * 2)
    drive_all(VitalsVectorWrapper(wrapped(vector, outside[::-1], VECTOR), monitor), AutoresetMode.NEXT_STEP)

    assert {e.reward for e in episodes(monitor)} == {8.0}


def test_the_training_return_is_recorded_too(walk: Any, monitor: TrainingMonitor) -> None:
    """Four rewards of 2 are clipped to 0.5, which one event and the configuration report."""
    drive(VitalsWrapper(ClipReward(walk(reward=2.0), 0, 0.5), monitor))

    assert [e.extra for e in episodes(monitor)] == [{"training_return": 2.0}] * 2
    assert [message.partition(".")[0] for message in said(monitor)] == ["ClipReward changes rewards"]
    assert monitor.session.configuration["episode_reward"] == "the environment's own, below ClipReward"


def test_rewards_as_they_are_seen(walk: Any, monitor: TrainingMonitor) -> None:
    """`raw_rewards=False` is for a wrapper that defines the task."""
    drive(VitalsWrapper(ClipReward(walk(reward=2.0), 0, 0.5), monitor, raw_rewards=False))

    assert [(e.reward, e.extra) for e in episodes(monitor)] == [(2.0, None)] * 2


def test_unchanged_rewards_are_not_reported(walk: Any, monitor: TrainingMonitor) -> None:
    """A custom wrapper that does not change rewards causes no event."""

    class Watches(gymnasium.Wrapper[Any, Any, Any, Any]):
        def step(self, action: Any) -> Any:
            return super().step(action)

    drive(VitalsWrapper(Watches(walk(reward=2.0)), monitor))
    assert ([(e.reward, e.extra) for e in episodes(monitor)], said(monitor)) == ([(8.0, None)] * 2, [])


def test_rewards_of_repeated_actions_are_summed(walk: Any, monitor: TrainingMonitor) -> None:
    """Two rewards of 2 in each of the agent's two steps give the environment's own return of 8."""
    drive(VitalsWrapper(NormalizeReward(Twice(walk(reward=2.0))), monitor), steps=4)

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 2)] * 2


def test_a_single_environment_that_resets_itself(walk: Any, monitor: TrainingMonitor) -> None:
    """The step after an end only resets, and statistics that span this reset are not used."""
    env = VitalsWrapper(RecordEpisodeStatistics(Autoreset(walk(reward=2.0))), monitor)
    env.reset()
    for _ in range(9):
        env.step(0)

    assert [(e.reward, e.length, e.env_step) for e in episodes(monitor)] == [(8.0, 4, 4), (8.0, 4, 9)]


@pytest.mark.parametrize("mode", MODES)
def test_in_other_processes_statistics_below_count(walk: Any, monitor: TrainingMonitor, mode: AutoresetMode) -> None:
    """If rewards cannot be captured, returns recorded below the normaliser are used."""
    vector = AsyncVectorEnv([lambda: wrapped(walk(reward=2.0), ("normalize", "statistics"), SINGLE)] * 2,
                            autoreset_mode=mode, context="forkserver")  # fmt: skip
    env = VitalsVectorWrapper(vectors.NormalizeReward(vector), monitor)
    drive_all(env, mode, steps=5)
    env.close()

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * 2


def test_in_other_processes_normalised_rewards_are_reported(walk: Any, monitor: TrainingMonitor) -> None:
    """If only changed rewards are visible, one event reports it, and their sum is not the return."""
    vector = AsyncVectorEnv([lambda: NormalizeReward(walk(reward=2.0))] * 2, context="forkserver")
    env = VitalsVectorWrapper(vector, monitor)
    drive_all(env, AutoresetMode.NEXT_STEP, steps=9)
    env.close()

    (message,) = said(monitor)
    assert message.startswith("Only rewards changed by NormalizeReward are visible")
    assert monitor.session.configuration["episode_reward"].startswith("missing")
    assert [math.isnan(one.reward) and "training_return" in (one.extra or {}) for one in episodes(monitor)]


def test_missing_returns_trigger_no_finding(walk: Any, monitor: TrainingMonitor) -> None:
    """Returns that are missing because of the wrappers are not a fault of the training."""
    vector = AsyncVectorEnv([lambda: NormalizeReward(walk(reward=2.0))] * 2, context="forkserver")
    env = VitalsVectorWrapper(vector, monitor)
    drive_all(env, AutoresetMode.NEXT_STEP, steps=9)
    monitor.log_training_step(1, 0.1, 0.1, 0.5)
    env.close()
    monitor.close()

    assert not diagnose(evidence_of(Run(monitor.path))).findings


def test_a_wrapper_can_combine_several_objectives(walk: Any, monitor: TrainingMonitor) -> None:
    """The return is the wrapper's combined reward, and the components are recorded."""
    drive(VitalsWrapper(Chosen(walk(reward=np.array([3.0, 1.0]))), monitor), steps=4)

    (episode,) = episodes(monitor)
    assert (episode.reward, episode.reward_parts) == (8.0, {"reward_0": 12.0, "reward_1": 4.0})


def test_closing_restores_the_environment(walk: Any, monitor: TrainingMonitor) -> None:
    """After `close`, the environment has its original methods."""
    base = walk(reward=2.0)
    env = VitalsWrapper(NormalizeReward(base), monitor)
    replaced = {"step", "reset"} & vars(base).keys()
    env.close()

    assert (replaced, {"step", "reset"} & vars(base).keys()) == ({"step", "reset"}, set())


def test_a_reset_ends_the_capture(walk: Any) -> None:
    """Steps that a wrapper takes within a reset belong to no episode."""
    env = walk(reward=2.0)
    tap = RewardTap(env)
    env.reset()
    env.step(0)
    env.reset()
    env.step(0)

    assert tap.rewards == [2.0]


def test_a_tapped_environment_keeps_its_signatures() -> None:
    """Gymnasium's check of `reset` finds `seed` and `options`."""
    env = gymnasium.make("CartPole-v1").unwrapped
    before = inspect.signature(env.reset)
    tap = RewardTap(env)

    assert inspect.signature(env.reset) == before
    tap.remove()
    assert "reset" not in vars(env)

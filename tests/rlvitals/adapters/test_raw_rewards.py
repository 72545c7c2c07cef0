"""Returns are the environment's own, whatever wrappers are used, in whatever order, in every autoreset mode.

The walk earns 2 in each of 4 steps: its return is 8.
"""

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
    """A user's own wrapper, of which nobody knows that it changes rewards."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, float(reward) * 0.1, terminated, truncated, info


class Twice(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Repeats each action, and gives the sum of both rewards."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        first = super().step(action)[1]
        observation, reward, *rest = super().step(action)
        return observation, float(first) + float(reward), *rest


class Chosen(gymnasium.RewardWrapper[Any, Any]):
    """Makes one number of two objectives."""

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
    """Wrap by the last name first."""
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
    """One wrapper or two, in both orders; a wrapper of the user's below a recorder of returns is believed."""
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
    """Inside of the vector environment, outside of it, and both."""
    vector = SyncVectorEnv([lambda: wrapped(walk(reward=2.0), inside, SINGLE)] * 2, autoreset_mode=mode)
    drive_all(VitalsVectorWrapper(wrapped(vector, outside, VECTOR), monitor), mode)

    count = 4 if mode is AutoresetMode.NEXT_STEP else 6
    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * count


@pytest.mark.parametrize("outside", [(), ("normalize",), ("statistics", "normalize")], ids="-".join)
def test_statistics_outside_in_the_other_order(walk: Any, monitor: TrainingMonitor, outside: tuple[str, ...]) -> None:
    """Below a normaliser or above one, they do not decide what is recorded."""
    vector = SyncVectorEnv([lambda: walk(reward=2.0)] * 2)
    drive_all(VitalsVectorWrapper(wrapped(vector, outside[::-1], VECTOR), monitor), AutoresetMode.NEXT_STEP)

    assert {e.reward for e in episodes(monitor)} == {8.0}


def test_what_the_agent_is_trained_on_is_kept(walk: Any, monitor: TrainingMonitor) -> None:
    """Four rewards of 2, of which 0.5 each is left: said once, in the run's events and its configuration."""
    drive(VitalsWrapper(ClipReward(walk(reward=2.0), 0, 0.5), monitor))

    assert [e.extra for e in episodes(monitor)] == [{"training_return": 2.0}] * 2
    assert [message.partition(":")[0] for message in said(monitor)] == ["ClipReward changes rewards"]
    assert monitor.session.configuration["episode_reward"] == "the environment's own, below ClipReward"


def test_rewards_as_they_are_seen(walk: Any, monitor: TrainingMonitor) -> None:
    """`raw_rewards=False` is for a wrapper that defines the task."""
    drive(VitalsWrapper(ClipReward(walk(reward=2.0), 0, 0.5), monitor, raw_rewards=False))

    assert [(e.reward, e.extra) for e in episodes(monitor)] == [(2.0, None)] * 2


def test_nothing_is_said_where_nothing_is_changed(walk: Any, monitor: TrainingMonitor) -> None:
    """A wrapper of the user's own that leaves rewards alone is no news."""

    class Watches(gymnasium.Wrapper[Any, Any, Any, Any]):
        def step(self, action: Any) -> Any:
            return super().step(action)

    drive(VitalsWrapper(Watches(walk(reward=2.0)), monitor))
    assert ([(e.reward, e.extra) for e in episodes(monitor)], said(monitor)) == ([(8.0, None)] * 2, [])


def test_repeated_actions_add_up(walk: Any, monitor: TrainingMonitor) -> None:
    """Two rewards of 2 for each of the agent's two steps are the environment's own return of 8."""
    drive(VitalsWrapper(NormalizeReward(Twice(walk(reward=2.0))), monitor), steps=4)

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 2)] * 2


def test_a_single_environment_that_resets_itself(walk: Any, monitor: TrainingMonitor) -> None:
    """The step after an end only resets, and belongs to no episode; what counts on through it is not believed."""
    env = VitalsWrapper(RecordEpisodeStatistics(Autoreset(walk(reward=2.0))), monitor)
    env.reset()
    for _ in range(9):
        env.step(0)

    assert [(e.reward, e.length, e.env_step) for e in episodes(monitor)] == [(8.0, 4, 4), (8.0, 4, 9)]


@pytest.mark.parametrize("mode", MODES)
def test_in_other_processes_statistics_below_count(walk: Any, monitor: TrainingMonitor, mode: AutoresetMode) -> None:
    """Where nothing can be heard, returns that were recorded below the normaliser are the ones."""
    vector = AsyncVectorEnv([lambda: wrapped(walk(reward=2.0), ("normalize", "statistics"), SINGLE)] * 2,
                            autoreset_mode=mode, context="forkserver")  # fmt: skip
    env = VitalsVectorWrapper(vectors.NormalizeReward(vector), monitor)
    drive_all(env, mode, steps=5)
    env.close()

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * 2


def test_in_other_processes_normalised_rewards_are_said(walk: Any, monitor: TrainingMonitor) -> None:
    """Where only changed rewards can be seen, the run says so, once, and their sum is no return."""
    vector = AsyncVectorEnv([lambda: NormalizeReward(walk(reward=2.0))] * 2, context="forkserver")
    env = VitalsVectorWrapper(vector, monitor)
    drive_all(env, AutoresetMode.NEXT_STEP, steps=9)
    env.close()

    (message,) = said(monitor)
    assert message.startswith("Only rewards that NormalizeReward changed can be seen")
    assert monitor.session.configuration["episode_reward"].startswith("missing")
    assert [math.isnan(one.reward) and "training_return" in (one.extra or {}) for one in episodes(monitor)]


def test_returns_that_cannot_be_seen_are_no_alarm(walk: Any, monitor: TrainingMonitor) -> None:
    """They are missing because of how the environment is wrapped: no number in the training is broken."""
    vector = AsyncVectorEnv([lambda: NormalizeReward(walk(reward=2.0))] * 2, context="forkserver")
    env = VitalsVectorWrapper(vector, monitor)
    drive_all(env, AutoresetMode.NEXT_STEP, steps=9)
    monitor.log_training_step(1, 0.1, 0.1, 0.5)
    env.close()
    monitor.close()

    assert not diagnose(evidence_of(Run(monitor.path))).findings


def test_several_objectives_of_which_a_wrapper_makes_one(walk: Any, monitor: TrainingMonitor) -> None:
    """The return is what the wrapper makes, and the components are kept."""
    drive(VitalsWrapper(Chosen(walk(reward=np.array([3.0, 1.0]))), monitor), steps=4)

    (episode,) = episodes(monitor)
    assert (episode.reward, episode.reward_parts) == (8.0, {"reward_0": 12.0, "reward_1": 4.0})


def test_closing_gives_the_environment_back(walk: Any, monitor: TrainingMonitor) -> None:
    """After `close` the environment has its own methods."""
    base = walk(reward=2.0)
    env = VitalsWrapper(NormalizeReward(base), monitor)
    replaced = {"step", "reset"} & vars(base).keys()
    env.close()

    assert (replaced, {"step", "reset"} & vars(base).keys()) == ({"step", "reset"}, set())


def test_a_reset_ends_what_is_heard(walk: Any) -> None:
    """Steps that a wrapper takes within a reset belong to no episode."""
    env = walk(reward=2.0)
    tap = RewardTap(env)
    env.reset()
    env.step(0)
    env.reset()
    env.step(0)

    assert tap.rewards == [2.0]

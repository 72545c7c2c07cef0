"""Returns of Stable-Baselines3 are the environments' own with any wrappers in any order.

The walk earns 2 in each of 4 steps, so its return is 8.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import ClipReward, NormalizeReward, RecordEpisodeStatistics
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecEnv,
    VecEnvWrapper,
    VecMonitor,
    VecNormalize,
)

from rlvitals import TrainingMonitor
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.adapters.vec_rewards import raw_rewards_of
from rlvitals.records import Episode

MakePpo = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore:The environment is already wrapped with a .Monitor.:UserWarning")


class Tenfold(VecEnvWrapper):
    """A custom wrapper that is not known to change rewards."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, rewards * 10, dones, infos


class Tenth(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A custom wrapper around one environment that is not known to change rewards."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, float(reward) * 0.1, terminated, truncated, info


INSIDE: dict[str, Callable[[Any], Any]] = {
    "N": NormalizeReward,
    "C": lambda env: ClipReward(env, 0, 0.5),
    "R": RecordEpisodeStatistics,
    "M": Monitor,
    "own": Tenth,
}
OUTSIDE: dict[str, Callable[[VecEnv], VecEnv]] = {"N": VecNormalize, "M": VecMonitor, "own": Tenfold}


def made(walk: Any, inside: str, outside: str, kind: type[Any] = DummyVecEnv) -> Any:
    """Make two walks, wrapped by the last name first."""

    def one() -> Any:
        env = walk(reward=2.0)
        for name in inside.split()[::-1]:
            env = INSIDE[name](env)
        return env

    env = kind([one] * 2)
    for name in outside.split()[::-1]:
        env = OUTSIDE[name](env)
    return env


def episodes(monitor: TrainingMonitor) -> list[Episode]:
    return list(monitor.run.records("episodes"))


def returns(monitor: TrainingMonitor) -> set[tuple[float, int]]:
    return {(round(e.reward, 6), e.length) for e in episodes(monitor)}


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (inside, outside)
        for inside in ("", "M N", "N M", "R C", "own M")
        for outside in ("", "N", "M N", "N M", "own N")
    ],
)
def test_one_process(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor, inside: str, outside: str) -> None:
    """Normalisers and recorders can be inside and outside of the vector environment, in both orders."""
    env = made(walk, inside, outside)
    make_ppo(env, n_steps=4, n_epochs=1, batch_size=8).learn(16, callback=VitalsCallback(monitor=monitor))

    if inside == "own M" and outside == "N M":
        assert returns(monitor) == {(0.8, 4)}  # the return of a recorder above a custom wrapper
    else:
        assert returns(monitor) == {(8.0, 4)}


@pytest.mark.parametrize("outside", ["", "N"])
def test_a_recorder_above_a_custom_wrapper_determines_the_return(
    walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor, outside: str
) -> None:
    """Stable-Baselines3 wraps its environments in a Monitor, and the return equals the one it logs."""
    make_ppo(made(walk, "M own", outside), n_epochs=1).learn(32, callback=VitalsCallback(monitor=monitor))

    assert {(round(e.reward, 6), str(e.extra)) for e in episodes(monitor)} == {(0.8, "{'environment_return': 8.0}")}


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [("", "N", 8.0), ("M", "M N", 8.0), ("N M", "N", 8.0), ("N", "", None), ("M C", "N", None)],
)
def test_several_processes(
    walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor, inside: str, outside: str, expected: float | None
) -> None:
    """Rewards in a subprocess come from its recorder; otherwise the run reports that returns are not raw."""
    env = made(walk, inside, outside, SubprocVecEnv)
    make_ppo(env, n_steps=4, n_epochs=1, batch_size=8).learn(8, callback=VitalsCallback(monitor=monitor))
    env.close()

    fact = monitor.session.configuration.get("episode_reward", "")
    assert fact.startswith("missing") if expected is None else returns(monitor) == {(expected, 4)}


def test_rewards_as_the_algorithm_sees_them(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """`raw_rewards=False` is for a wrapper that defines the task, here with 0.5 in each of 4 steps."""
    vitals = VitalsCallback(monitor=monitor, raw_rewards=False)
    make_ppo(made(walk, "M C", ""), n_steps=4, n_epochs=1, batch_size=8).learn(8, callback=vitals)

    assert {(e.reward, e.extra) for e in episodes(monitor)} == {(2.0, None)}


def test_an_environment_is_restored(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """After a training, no method is replaced."""
    env = made(walk, "N", "N")
    make_ppo(env).learn(32, callback=VitalsCallback(monitor=monitor))

    owners = [env.venv, *(sub.unwrapped for sub in env.venv.envs)]
    assert [{"step", "reset", "step_wait"} & vars(owner).keys() for owner in owners] == [set()] * 3


def test_steps_of_an_evaluation_are_not_counted(walk: Any, make_ppo: MakePpo) -> None:
    """After an evaluation in the training environments, only the rewards of the last step are kept."""
    env = made(walk, "N", "")
    layers, raw = raw_rewards_of(env)
    assert raw is not None
    evaluate_policy(make_ppo(env), env, n_eval_episodes=4, warn=False)

    assert (layers.changers, raw.rows()) == (("NormalizeReward",), [2.0, 2.0])


def test_mean_rewards_of_rollouts_are_raw(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The mean step reward uses the environment's own rewards, like the returns."""
    make_ppo(made(walk, "N", "")).learn(32, callback=VitalsCallback(monitor=monitor))

    assert [u.reward_mean for u in monitor.run.records("updates")] == [2.0]


def test_the_second_training_continues_the_episodes(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Twice six steps give three episodes of four steps, and the source of the return is reported once."""
    model, vitals = make_ppo(made(walk, "N", ""), n_steps=6, n_epochs=1, batch_size=12), VitalsCallback(monitor=monitor)
    model.learn(12, callback=vitals)
    model.learn(12, callback=vitals, reset_num_timesteps=False)

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * 6
    assert len([event for event in monitor.run.records("events") if event.kind == "adapter"]) == 1
    assert np.isfinite([u.reward_mean or np.nan for u in monitor.run.records("updates")]).all()

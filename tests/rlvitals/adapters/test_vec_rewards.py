"""Returns of Stable-Baselines3 are the environments' own, whatever wrappers are used, in whatever order.

The walk earns 2 in each of 4 steps: its return is 8.
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
    """A user's own wrapper, of which nobody knows that it changes rewards."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, rewards * 10, dones, infos


class Tenth(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Likewise, around one environment."""

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
    """Two walks, wrapped by the last letter first."""

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
    """Normalisers and recorders of returns inside and outside of the vector environment, in both orders."""
    env = made(walk, inside, outside)
    make_ppo(env, n_steps=4, n_epochs=1, batch_size=8).learn(16, callback=VitalsCallback(monitor=monitor))

    if inside == "own M" and outside == "N M":
        assert returns(monitor) == {(0.8, 4)}  # what a recorder above a wrapper of the user's own says
    else:
        assert returns(monitor) == {(8.0, 4)}


@pytest.mark.parametrize("outside", ["", "N"])
def test_a_recorder_above_a_wrapper_of_the_users_own_is_believed(
    walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor, outside: str
) -> None:
    """Stable-Baselines3 puts its Monitor around what it gets: the return is the one that it logs, too."""
    make_ppo(made(walk, "M own", outside), n_epochs=1).learn(32, callback=VitalsCallback(monitor=monitor))

    assert {(round(e.reward, 6), str(e.extra)) for e in episodes(monitor)} == {(0.8, "{'environment_return': 8.0}")}


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [("", "N", 8.0), ("M", "M N", 8.0), ("N M", "N", 8.0), ("N", "", None), ("M C", "N", None)],
)
def test_several_processes(
    walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor, inside: str, outside: str, expected: float | None
) -> None:
    """What a process keeps to itself is told by its own recorder; else the run says that returns are not raw."""
    env = made(walk, inside, outside, SubprocVecEnv)
    make_ppo(env, n_steps=4, n_epochs=1, batch_size=8).learn(8, callback=VitalsCallback(monitor=monitor))
    env.close()

    fact = monitor.session.configuration.get("episode_reward", "")
    assert fact.startswith("missing") if expected is None else returns(monitor) == {(expected, 4)}


def test_rewards_as_the_algorithm_sees_them(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """`raw_rewards=False` is for a wrapper that defines the task: here it gives 0.5 in each of 4 steps."""
    vitals = VitalsCallback(monitor=monitor, raw_rewards=False)
    make_ppo(made(walk, "M C", ""), n_steps=4, n_epochs=1, batch_size=8).learn(8, callback=vitals)

    assert {(e.reward, e.extra) for e in episodes(monitor)} == {(2.0, None)}


def test_an_environment_gets_its_methods_back(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """After a training nothing is replaced."""
    env = made(walk, "N", "N")
    make_ppo(env).learn(32, callback=VitalsCallback(monitor=monitor))

    owners = [env.venv, *(sub.unwrapped for sub in env.venv.envs)]
    assert [{"step", "reset", "step_wait"} & vars(owner).keys() for owner in owners] == [set()] * 3


def test_steps_of_somebody_else_are_not_counted(walk: Any, make_ppo: MakePpo) -> None:
    """An evaluation in the training's own environments leaves the last step only."""
    env = made(walk, "N", "")
    layers, raw = raw_rewards_of(env)
    assert raw is not None
    evaluate_policy(make_ppo(env), env, n_eval_episodes=4, warn=False)

    assert (layers.changers, raw.rows()) == (("NormalizeReward",), [2.0, 2.0])


def test_mean_rewards_of_rollouts_are_raw(walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The mean reward of a step is the environment's own, as returns are."""
    make_ppo(made(walk, "N", "")).learn(32, callback=VitalsCallback(monitor=monitor))

    assert [u.reward_mean for u in monitor.run.records("updates")] == [2.0]


def test_the_second_training_goes_on_where_the_first_ended(
    walk: Any, make_ppo: MakePpo, monitor: TrainingMonitor
) -> None:
    """Six steps and six steps are three episodes of four, and what a return is made of is reported once."""
    model, vitals = make_ppo(made(walk, "N", ""), n_steps=6, n_epochs=1, batch_size=12), VitalsCallback(monitor=monitor)
    model.learn(12, callback=vitals)
    model.learn(12, callback=vitals, reset_num_timesteps=False)

    assert [(e.reward, e.length) for e in episodes(monitor)] == [(8.0, 4)] * 6
    assert len([event for event in monitor.run.records("events") if event.kind == "adapter"]) == 1
    assert np.isfinite([u.reward_mean or np.nan for u in monitor.run.records("updates")]).all()

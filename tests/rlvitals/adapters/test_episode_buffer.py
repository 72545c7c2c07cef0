"""Algorithms such as ARS that do not pass their steps to callbacks."""

from collections.abc import Callable
from typing import Any

import pytest
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.ppo import MlpPolicy

from rlvitals import TrainingMonitor
from rlvitals.adapters.sb3 import VitalsCallback


class Candidates(BaseAlgorithm):
    """Evaluates two candidates per rollout, and calls its callback like sb3-contrib's ARS.

    Args:
        env: Environment to train in.
        elsewhere: Whether candidates are evaluated in other processes. If so, all steps are counted afterwards.
        silent: Whether the algorithm does not report its episodes.
    """

    def __init__(self, env: Any, *, elsewhere: bool = False, silent: bool = False) -> None:
        super().__init__(MlpPolicy, env, learning_rate=0.01, device="cpu", support_multi_env=True)
        self.elsewhere, self.silent = elsewhere, silent
        self._setup_model()

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.policy = self.policy_class(self.observation_space, self.action_space, self.lr_schedule)

    def learn(self, total_timesteps: int, callback: Any = None, *_: Any, **_more: Any) -> Any:
        total, callback = self._setup_learn(total_timesteps, callback)
        callback.on_training_start(locals(), globals())
        while self.num_timesteps < total:
            self._evaluate_two(callback)
            self.logger.record("train/step_size", 0.5)
            self._n_updates += 1
        callback.on_training_end()
        return self

    def _evaluate_two(self, callback: Any) -> None:
        assert self.env is not None
        self.ep_info_buffer = []  # type: ignore[assignment] # like ARS
        callback.on_rollout_start()
        steps = 0
        for _ in range(2):
            rewards, lengths = evaluate_policy(
                self.policy,
                self.env,
                n_eval_episodes=1,
                return_episode_rewards=True,
                callback=None if self.elsewhere else lambda *_: self._count(callback),
                warn=False,
            )
            assert isinstance(rewards, list)
            assert isinstance(lengths, list)
            steps += sum(lengths)
            if not self.silent:
                self._update_info_buffer([{"episode": {"r": r, "l": n}} for r, n in zip(rewards, lengths, strict=True)])
        if self.elsewhere:
            for _ in range(steps):
                self._count(callback)
        callback.on_rollout_end()

    def _count(self, callback: Any) -> None:
        self.num_timesteps += 1
        callback.on_step()


MakeEnv = Callable[[], DummyVecEnv]


@pytest.fixture
def make_env(walk: Any) -> MakeEnv:
    return lambda: DummyVecEnv([lambda: Monitor(walk(reward=2.0))])


def said(monitor: TrainingMonitor) -> list[str]:
    return [event.message for event in monitor.run.records("events") if event.kind == "adapter"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_episodes_are_read_from_the_buffer(make_env: MakeEnv, monitor: TrainingMonitor, elsewhere: bool) -> None:
    """Two episodes of four steps per rollout have their own end steps, without a termination reason."""
    Candidates(make_env(), elsewhere=elsewhere).learn(16, callback=VitalsCallback(monitor=monitor))

    found = [(e.reward, e.length, e.env_step, e.termination_reason) for e in monitor.run.records("episodes")]
    assert found == [(8.0, 4, step, None) for step in (4, 8, 12, 16)]


def test_the_source_of_the_episodes_is_reported_once(make_env: MakeEnv, monitor: TrainingMonitor) -> None:
    """The message names the algorithm and explains where its episodes come from."""
    Candidates(make_env()).learn(16, callback=VitalsCallback(monitor=monitor))

    (message,) = said(monitor)
    assert message.startswith("Candidates does not pass its steps to callbacks. Its episodes are read")


def test_an_algorithm_without_episodes_is_reported(make_env: MakeEnv, monitor: TrainingMonitor) -> None:
    """If an algorithm reports no episodes either, an event says so and names the fix."""
    Candidates(make_env(), silent=True).learn(16, callback=VitalsCallback(monitor=monitor))

    assert list(monitor.run.records("episodes")) == []
    assert said(monitor)[-1].startswith("No episode of Candidates was recorded")
    assert "VitalsWrapper" in said(monitor)[-1]

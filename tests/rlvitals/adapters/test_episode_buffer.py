"""Algorithms that do not hand their steps to callbacks, as ARS does not."""

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
    """Evaluates two candidates a rollout, and calls its callback as sb3-contrib's ARS calls it.

    Args:
        env: The environment.
        elsewhere: Whether candidates are evaluated in other processes: the steps of all are counted afterwards.
        silent: Whether it keeps its episodes to itself.
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
        self.ep_info_buffer = []  # type: ignore[assignment] # as ARS has it
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
    """Two episodes of four steps a rollout, at their own steps; how they ended is not known, and not said."""
    Candidates(make_env(), elsewhere=elsewhere).learn(16, callback=VitalsCallback(monitor=monitor))

    found = [(e.reward, e.length, e.env_step, e.termination_reason) for e in monitor.run.records("episodes")]
    assert found == [(8.0, 4, step, None) for step in (4, 8, 12, 16)]


def test_how_they_are_recorded_is_said_once(make_env: MakeEnv, monitor: TrainingMonitor) -> None:
    """In words, with the name of the algorithm, and not as a KeyError."""
    Candidates(make_env()).learn(16, callback=VitalsCallback(monitor=monitor))

    (message,) = said(monitor)
    assert message.startswith("Candidates does not hand its steps to callbacks: its episodes are read")


def test_nothing_to_read_is_said(make_env: MakeEnv, monitor: TrainingMonitor) -> None:
    """An algorithm that reports no episode either has no recorded run, and the run says so, with the way out."""
    Candidates(make_env(), silent=True).learn(16, callback=VitalsCallback(monitor=monitor))

    assert list(monitor.run.records("episodes")) == []
    assert said(monitor)[-1].startswith("No episode of Candidates could be recorded")
    assert "VitalsWrapper" in said(monitor)[-1]

"""A small deterministic environment, and models to train in it."""

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rlvitals import RecorderSettings, TrainingMonitor

torch.set_num_threads(1)  # the networks are tiny, and the tests run in parallel

Info = Callable[[int], dict[str, Any]]

if not hasattr(gymnasium.vector, "AutoresetMode"):  # before 1.1: only `test_every_gymnasium.py`
    collect_ignore = ["test_gymnasium.py", "test_raw_rewards.py", "test_step_log.py"]


class Walk(gymnasium.Env[Any, Any]):
    """Environment whose episodes take `length` steps of `reward`, whatever the action.

    `info` maps a step to its info.
    """

    def __init__(
        self,
        length: int = 4,
        reward: float = 1.0,
        *,
        truncates: bool = False,
        continuous: bool = False,
        info: Info = lambda _: {},
    ) -> None:
        self.observation_space = spaces.Box(-1.0, 1.0, (3,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32) if continuous else spaces.Discrete(2)
        self.length, self.reward, self.truncates, self.info = length, reward, truncates, info
        self.step_number = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.step_number = 0
        return self._observation(), {"reset": True}

    def step(self, _action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        over = self.step_number >= self.length
        ends = (False, over) if self.truncates else (over, False)
        return self._observation(), self.reward, *ends, self.info(self.step_number)

    def _observation(self) -> Any:
        return self.np_random.uniform(-1.0, 1.0, 3).astype(np.float32)


@pytest.fixture
def walk() -> type[Walk]:
    return Walk


@pytest.fixture
def settings() -> RecorderSettings:
    return RecorderSettings(system_interval_s=None)


@pytest.fixture
def monitor(tmp_path: Any, settings: RecorderSettings) -> Iterator[TrainingMonitor]:
    with TrainingMonitor(tmp_path, session_name="run", settings=settings) as made:
        yield made


@pytest.fixture
def make_ppo() -> Callable[..., Any]:
    """Make a small PPO in `n_envs` unmonitored walks, or in a given vector environment."""

    def make(
        env: Any = None, *, kind: type[PPO] = PPO, n_envs: int = 2, walk: dict[str, Any] | None = None, **more: Any
    ) -> PPO:
        env = DummyVecEnv([lambda: Walk(**(walk or {}))] * n_envs) if env is None else env
        small: dict[str, Any] = {"n_steps": 16, "batch_size": 16, "n_epochs": 2, "seed": 1}
        small["policy_kwargs"] = {"net_arch": [8]}
        return kind("MlpPolicy", env, device="cpu", **(small | more))

    return make

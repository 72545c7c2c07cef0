"""The adapters of this repository, tested with the contract that authors of other adapters inherit."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gymnasium
import numpy as np
import optuna
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper
from rlvitals.adapters.optuna import VitalsStudyCallback
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.testing.adapters import AdapterContract, Trained

Halfway = Callable[[], None]
STEPS = 64


class _AtStep(BaseCallback):
    def __init__(self, step: int, call: Halfway) -> None:
        super().__init__()
        self.step, self.call = step, call

    def _on_step(self) -> bool:
        if self.num_timesteps == self.step:
            self.call()
        return True


class TestVitalsCallback(AdapterContract):
    """PPO of Stable-Baselines3, in two environments with a time limit of 5 steps."""

    update_fields = frozenset({"policy_loss", "value_loss", "entropy", "kl_divergence", "gradient_norm"})

    def make_adapter(self, monitor: TrainingMonitor | None = None, **options: Any) -> VitalsCallback:
        return VitalsCallback(monitor=monitor, **options)

    def train(self, adapter: Any, halfway: Halfway) -> Trained:
        env = DummyVecEnv([lambda: Monitor(gymnasium.make("CartPole-v1", max_episode_steps=5))] * 2)
        small = {"n_steps": 16, "batch_size": 16, "n_epochs": 2, "policy_kwargs": {"net_arch": [8]}}
        model = PPO("MlpPolicy", env, device="cpu", seed=1, **small)  # type: ignore[arg-type] # of several types
        callbacks: list[BaseCallback] = [_AtStep(STEPS // 2 + 2, halfway)]
        model.learn(STEPS, callback=callbacks if adapter is None else [adapter, *callbacks])
        returns = [one["r"] for one in model.ep_info_buffer or ()]
        weights = [parameter.tolist() for parameter in model.policy.parameters()]
        return Trained(returns, updates=STEPS // 32, result=weights)


class TestVitalsWrapper(AdapterContract):
    """A loop with one environment."""

    opens_runs: ClassVar[bool] = False
    notices_interruptions: ClassVar[bool] = False

    def make_adapter(self, monitor: TrainingMonitor | None = None, **_: Any) -> VitalsWrapper:
        assert monitor is not None
        return VitalsWrapper(self.environment(), monitor)

    def environment(self) -> Any:
        return gymnasium.make("CartPole-v1")

    def train(self, adapter: Any, halfway: Halfway) -> Trained:
        env, actions, returns, total = adapter or self.environment(), np.random.default_rng(1), [], 0.0
        seen = [env.reset(seed=1)[0].tolist()]
        for step in range(STEPS):
            observation, reward, terminated, truncated, _ = env.step(int(actions.integers(2)))
            seen.append(observation.tolist())
            total += reward
            if terminated or truncated:
                returns.append(total)
                total = 0.0
                env.reset()
            if step == STEPS // 2:
                halfway()
        return Trained(returns, result=seen)


class TestVitalsVectorWrapper(TestVitalsWrapper):
    """A loop with two environments, each of which resets in the step after the end of an episode."""

    def make_adapter(self, monitor: TrainingMonitor | None = None, **_: Any) -> Any:
        assert monitor is not None
        return VitalsVectorWrapper(self.environment(), monitor)

    def environment(self) -> Any:
        return gymnasium.make_vec("CartPole-v1", 2, vectorization_mode="sync")

    def train(self, adapter: Any, halfway: Halfway) -> Trained:
        envs, actions, returns = adapter or self.environment(), np.random.default_rng(1), []
        seen, totals = [envs.reset(seed=1)[0].tolist()], np.zeros(2)
        for step in range(STEPS):
            observations, rewards, terminated, truncated, _ = envs.step(actions.integers(2, size=2))
            seen.append(observations.tolist())
            totals += rewards  # a step that only resets has a reward of 0
            over = terminated | truncated
            returns += totals[over].tolist()
            totals[over] = 0.0
            if step == STEPS // 2:
                halfway()
        return Trained(returns, result=seen)


class TestVitalsStudyCallback(AdapterContract):
    """A study of ten trials, whose values are the returns."""

    notices_interruptions: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def quiet(self) -> Iterator[None]:
        """Optuna logs each trial on standard error."""
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        yield
        optuna.logging.set_verbosity(before)

    def make_adapter(self, monitor: TrainingMonitor | None = None, **options: Any) -> VitalsStudyCallback:
        return VitalsStudyCallback(monitor=monitor, **options)

    def train(self, adapter: Any, halfway: Halfway) -> Trained:
        def objective(trial: optuna.Trial) -> float:
            if trial.number == 5:
                halfway()
            return trial.suggest_float("x", 0.0, 1.0)

        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
        study.optimize(objective, n_trials=10, callbacks=[] if adapter is None else [adapter])
        return Trained([trial.value or 0.0 for trial in study.trials], result=[trial.params for trial in study.trials])

"""The Stable-Baselines3 callback, compared with the values that the algorithm itself computed."""

import gc
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, CheckpointCallback, EvalCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.errors import ClosedError, RlvitalsError
from rlvitals.records import Episode, PolicyUpdate

MakePpo = Callable[..., Any]
ORIGINAL_CLIP = torch.nn.utils.clip_grad_norm_


class CapturingPPO(PPO):
    """Keeps the values that each `train()` computed, and the norm of each gradient from a slow sum."""

    def _setup_model(self) -> None:
        super()._setup_model()
        self.captured: list[dict[str, float]] = []
        self.norms: list[list[float]] = []

    def train(self) -> None:
        self.norms.append([])
        hook = self.policy.optimizer.register_step_pre_hook(lambda *_: self.norms[-1].append(self._norm()))
        super().train()
        hook.remove()
        self.captured.append({"env_step": self.num_timesteps, **self.logger.name_to_value})

    def _norm(self) -> float:
        gradients = [p.grad for p in self.policy.parameters() if p.grad is not None]
        return math.sqrt(sum(float(value) ** 2 for gradient in gradients for value in gradient.flatten()))


class Breaks(BaseCallback):
    """Raises an error at a step."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self.at, self.error = at, error

    def _on_step(self) -> bool:
        if self.num_timesteps >= self.at:
            raise self.error
        return True


def updates(monitor: TrainingMonitor) -> list[PolicyUpdate]:
    return list(monitor.run.records("updates"))


def episodes(monitor: TrainingMonitor) -> list[Episode]:
    return list(monitor.run.records("episodes"))


def messages(monitor: TrainingMonitor, kind: str) -> list[str]:
    return [event.message for event in monitor.run.records("events") if event.kind == kind]


# ---------------------------------------------------------------------- updates


def test_five_rollouts_are_five_updates(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """640 steps in rollouts of 128 are 5 updates, each at the step at which its rollout ended."""
    make_ppo(n_steps=128, n_envs=1).learn(640, callback=VitalsCallback(monitor=monitor))

    assert [(u.update, u.env_step) for u in updates(monitor)] == [(1, 128), (2, 256), (3, 384), (4, 512), (5, 640)]


def test_updates_equal_the_values_of_ppo(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Each update, including the last, equals the values that `train()` computed to the last bit."""
    model = make_ppo(kind=CapturingPPO, walk={"continuous": True}, learning_rate=lambda left: 0.01 * left)
    model.learn(160, callback=VitalsCallback(monitor=monitor), log_interval=2)

    recorded = [
        {
            "env_step": u.env_step,
            "train/policy_gradient_loss": u.policy_loss,
            "train/value_loss": u.value_loss,
            "train/entropy_loss": -(u.entropy or 0.0),
            "train/approx_kl": u.kl_divergence,
            "train/clip_fraction": u.clip_fraction,
            "train/explained_variance": u.explained_variance,
            "train/learning_rate": u.learning_rate,
            "train/clip_range": u.clip_range,
            "train/loss": u.loss,
            "train/std": u.action_std,
            "train/n_updates": (u.extra or {})["n_updates"],
        }
        for u in updates(monitor)
    ]
    assert recorded == [
        {key: value for key, value in train.items() if key.startswith(("env_step", "train/"))}
        for train in model.captured
    ]


def test_sparse_logging_drops_no_update(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """With log_interval=3, SB3's logger keeps at most every third update, but all 12 are recorded."""
    make_ppo(n_steps=8, batch_size=8, n_envs=1).learn(96, callback=VitalsCallback(monitor=monitor), log_interval=3)

    assert [u.env_step for u in updates(monitor)] == [8 * n for n in range(1, 13)]


def test_gradient_norms_are_from_before_clipping(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Mean and maximum over minibatches equal a slow sum of squares without clipping."""
    model = make_ppo(kind=CapturingPPO, max_grad_norm=1e9)
    model.learn(64, callback=VitalsCallback(monitor=monitor))

    expected = [pytest.approx((sum(norms) / len(norms), max(norms)), rel=1e-5) for norms in model.norms]
    assert [(u.gradient_norm, u.gradient_norm_max) for u in updates(monitor)] == expected


def test_clipping_does_not_change_the_norm(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """A limit far below the norm does not change the recorded norm, and is recorded next to it."""
    for limit in (1e9, 1e-3):
        model = make_ppo(n_epochs=1, batch_size=32, max_grad_norm=limit)
        model.learn(32, callback=VitalsCallback(monitor=monitor))

    one, other = updates(monitor)
    assert one.gradient_norm == other.gradient_norm
    assert other.gradient_norm_limit == 1e-3 < (other.gradient_norm or 0.0)


def test_training_is_the_same_with_the_callback(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """With the same seed, training ends with the same weights with and without the callback."""
    watched = make_ppo(seed=3).learn(96, callback=VitalsCallback(monitor=monitor)).policy.parameters()
    alone = make_ppo(seed=3).learn(96).policy.parameters()

    assert all(torch.equal(one, other) for one, other in zip(watched, alone, strict=True))


def test_nothing_stays_patched(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """After a training, torch's function and the rollout buffer's method are the original ones."""
    model = make_ppo()
    model.learn(64, callback=VitalsCallback(monitor=monitor))

    assert torch.nn.utils.clip_grad_norm_ is ORIGINAL_CLIP
    assert "get" not in vars(model.rollout_buffer)


def test_nothing_stays_patched_when_train_raises(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """An exception in the middle of an epoch restores torch's function immediately."""

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    model = make_ppo()
    model.policy.optimizer.register_step_pre_hook(fail)
    with pytest.raises(RuntimeError, match="memory"):
        model.learn(64, callback=VitalsCallback(monitor=monitor))
    assert torch.nn.utils.clip_grad_norm_ is ORIGINAL_CLIP


def test_epochs_count_optimiser_steps(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """A very small target_kl stops the update after one of the two minibatches of three epochs."""
    make_ppo(n_epochs=3, target_kl=1e-12).learn(32, callback=VitalsCallback(monitor=monitor))
    make_ppo(n_epochs=3).learn(32, callback=VitalsCallback(monitor=monitor))

    assert [(u.epochs, u.loss is not None) for u in updates(monitor)] == [(0.5, True), (3.0, True)]


def test_nan_losses_are_nan(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """A NaN reward causes NaN losses, which are recorded before SB3 stops."""
    model = make_ppo(walk={"reward": math.nan}, n_epochs=1, batch_size=32)
    with pytest.raises(ValueError, match="nan"):
        model.learn(64, callback=VitalsCallback(monitor=monitor))

    (update,) = updates(monitor)
    assert math.isnan(update.value_loss or 0.0)
    assert math.isnan(update.gradient_norm or 0.0)


def test_an_update_interrupted_by_nan_is_recorded(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """If SB3 raises in the middle of an update and logs nothing, its NaN gradient is still recorded."""
    model = make_ppo(walk={"reward": math.nan})
    with pytest.raises(ValueError, match="nan"):
        model.learn(64, callback=VitalsCallback(monitor=monitor))

    (update,) = updates(monitor)
    assert math.isnan(update.gradient_norm_max or 0.0)
    assert (update.env_step, update.epochs, update.extra and update.extra["interrupted"]) == (32, 0.5, True)


def test_rollouts_are_described(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Constant rewards of 2 have a mean of 2 and no std, and the observations vary."""
    make_ppo(walk={"reward": 2.0}).learn(32, callback=VitalsCallback(monitor=monitor))

    (update,) = updates(monitor)
    assert (update.reward_mean, update.extra and update.extra["reward_std"]) == (2.0, 0.0)
    assert update.extra is not None
    assert update.extra["observation_std"] == pytest.approx(1 / math.sqrt(3), rel=0.2)
    assert update.extra["advantage_residual"] == pytest.approx(0.0, abs=1e-6)


def test_two_callbacks_record_the_same(make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings) -> None:
    """Two callbacks on one model do not affect each other."""
    both = [VitalsCallback(tmp_path, session_name=name, settings=settings) for name in ("a", "b")]
    model = make_ppo()
    model.learn(64, callback=CallbackList([*both]))

    one, other = ([u.gradient_norm for u in updates(callback.monitor)] for callback in both)
    assert one == other
    assert len(one) == 2
    assert "get" not in vars(model.rollout_buffer)


def test_a_skipped_update_is_not_recorded(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """If `train()` skips a rollout, as in some algorithms, the previous update is not recorded again."""

    class EverySecond(PPO):
        def train(self) -> None:
            if self.num_timesteps % 64 == 0:
                super().train()

    make_ppo(kind=EverySecond).learn(160, callback=VitalsCallback(monitor=monitor), log_interval=None)

    assert [u.env_step for u in updates(monitor)] == [64, 128]


# ---------------------------------------------------------------------- episodes


def test_64_environments_that_end_together(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """64 environments that end at the same step are 64 episodes at that step, numbered without a gap."""
    make_ppo(n_envs=64, n_steps=4, batch_size=64).learn(256, callback=VitalsCallback(monitor=monitor))

    found = episodes(monitor)
    assert [e.env_index for e in found] == list(range(64))
    assert [e.episode for e in found] == list(range(64))
    assert {(e.env_step, e.length, e.reward) for e in found} == {(256, 4, 4.0)}


@pytest.mark.parametrize("truncates", [False, True])
def test_truncation_is_not_termination(make_ppo: MakePpo, monitor: TrainingMonitor, *, truncates: bool) -> None:
    """Truncation by a time limit differs from termination, and success is absent if it is not reported."""
    make_ppo(walk={"truncates": truncates}).learn(32, callback=VitalsCallback(monitor=monitor))

    expected = ("truncated" if truncates else "terminated", None)
    assert {(e.termination_reason, e.success) for e in episodes(monitor)} == {expected}


def test_returns_are_from_before_normalisation(make_ppo: MakePpo, monitor: TrainingMonitor, walk: Any) -> None:
    """With VecNormalize and without a Monitor, returns are sums of the environment's own rewards."""
    env = VecNormalize(DummyVecEnv([lambda: walk(reward=100.0)] * 2))
    make_ppo(env).learn(32, callback=VitalsCallback(monitor=monitor))

    assert {(e.reward, e.length) for e in episodes(monitor)} == {(400.0, 4)}
    assert [u.reward_mean for u in updates(monitor)] == [100.0]


@pytest.mark.parametrize("vector", [False, True])
def test_statistics_of_a_monitor_are_used(
    make_ppo: MakePpo, monitor: TrainingMonitor, walk: Any, *, vector: bool
) -> None:
    """Return, length and additional keys of a Monitor come from `info["episode"]`."""

    def make() -> gymnasium.Env[Any, Any]:
        env: gymnasium.Env[Any, Any] = walk(info=lambda step: {"score": step * 10})
        if vector:
            return env
        return gymnasium.wrappers.TransformReward(Monitor(env, info_keywords=("score",)), lambda reward: -float(reward))

    env: Any = DummyVecEnv([make] * 2)
    env = VecMonitor(env, info_keywords=("score",)) if vector else env
    make_ppo(env).learn(32, callback=VitalsCallback(monitor=monitor))

    assert {(e.reward, e.length, e.extra and e.extra["score"]) for e in episodes(monitor)} == {(4.0, 4, 40)}


def test_a_lost_life_is_not_an_episode(make_ppo: MakePpo, monitor: TrainingMonitor, walk: Any) -> None:
    """If a wrapper reports an end for each life, the episode is the whole game, as in its Monitor."""

    class Lives(gymnasium.Wrapper[Any, Any, Any, Any]):
        def step(self, action: Any) -> Any:
            observation, reward, _, _, info = self.env.step(action)
            return observation, reward, True, False, info

        def reset(self, **kwargs: Any) -> Any:
            over = self.env.get_wrapper_attr("needs_reset")
            return self.env.reset(**kwargs) if over else (self.observation_space.sample(), {})

    env = DummyVecEnv([lambda: Lives(Monitor(walk(info=lambda step: {"lives": 4 - step})))])
    make_ppo(env).learn(16, callback=VitalsCallback(monitor=monitor))

    assert [(e.env_step, e.length) for e in episodes(monitor)] == [(4, 4), (8, 4), (12, 4), (16, 4)]


def test_an_end_that_the_monitor_missed_is_an_episode(make_ppo: MakePpo, monitor: TrainingMonitor, walk: Any) -> None:
    """A time limit outside of the Monitor ends episodes, although `info` has no statistics."""
    env = DummyVecEnv([lambda: gymnasium.wrappers.TimeLimit(Monitor(walk(length=100)), 8)])
    make_ppo(env).learn(16, callback=VitalsCallback(monitor=monitor))

    found = [(e.env_step, e.length, e.reward, e.termination_reason) for e in episodes(monitor)]
    assert found == [(8, 8, 8.0, "truncated"), (16, 8, 8.0, "truncated")]


def test_info_fills_the_episode(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Known keys of `info` fill the fields of the episode, and of the other keys only requested ones are stored."""
    info = {
        "is_success": np.bool_(1),
        "logo_type": "text",
        "parameters": {"speckle": 4},
        "reward_parts": {"size": np.float32(0.5)},
        "quality_initial": 0.5,
        "quality_final": 0.75,
        "bytes": 123,
        "sizes": [1, 2],
        "noise": "unasked",
    }
    model = make_ppo(n_envs=1, walk={"length": 16, "info": lambda _: info})
    model.learn(16, callback=VitalsCallback(monitor=monitor, info_keys=("bytes", "sizes", "missing")))

    (e,) = episodes(monitor)
    assert (e.success, e.category, e.parameters, e.reward_parts) == (True, "text", {"speckle": 4}, {"size": 0.5})
    assert (e.quality_improvement, e.extra, e.info) == (0.25, {"bytes": 123}, {"sizes": [1, 2]})


def test_an_invalid_info_does_not_affect_the_episodes(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Episodes are recorded without an invalid info, with one report at first and a count at the end."""
    model = make_ppo(walk={"info": lambda _: {"quality_final": "splendid"}})
    model.learn(32, callback=VitalsCallback(monitor=monitor))

    assert [(e.reward, e.quality_final) for e in episodes(monitor)] == [(4.0, None)] * 8
    assert [message.partition(":")[::2][0] for message in messages(monitor, "adapter")] == [
        "an episode's info could not be recorded"
    ] * 2
    assert messages(monitor, "adapter")[1].endswith("8 times")


def test_a_closed_monitor_does_not_stop_the_training(make_ppo: MakePpo, tmp_path: Path, settings: Any) -> None:
    """Training continues to its end if the monitor was closed before."""
    monitor = TrainingMonitor(tmp_path, settings=settings)
    monitor.close()
    model = make_ppo()
    model.learn(64, callback=VitalsCallback(monitor=monitor))

    assert model.num_timesteps == 64
    with pytest.raises(ClosedError):
        monitor.log_note("it is closed indeed")


# ---------------------------------------------------------------------- other algorithms


def test_a2c_updates(monitor: TrainingMonitor, walk: Any) -> None:
    """A2C's updates have losses and a gradient norm, but no clip range."""
    env = DummyVecEnv([walk] * 2)
    A2C("MlpPolicy", env, n_steps=8, device="cpu", seed=1).learn(48, callback=VitalsCallback(monitor=monitor))

    found = updates(monitor)
    assert [(u.env_step, u.epochs, u.clip_range) for u in found] == [(16, 1.0, None), (32, 1.0, None), (48, 1.0, None)]
    assert all(u.policy_loss is not None and u.gradient_norm is not None for u in found)


def test_off_policy_episodes(monitor: TrainingMonitor, walk: Any) -> None:
    """Each of DQN's episodes is recorded, and its continuous updates are recorded at intervals and at the end."""
    model = DQN("MlpPolicy", walk(), learning_starts=20, buffer_size=100, device="cpu", policy_kwargs={"net_arch": [8]})
    model.learn(40, callback=VitalsCallback(monitor=monitor))

    assert [e.env_step for e in episodes(monitor)] == [4 * n for n in range(1, 11)]
    assert [(u.env_step, u.loss is not None) for u in updates(monitor)] == [(40, True)]


# ---------------------------------------------------------------------- evaluations


def test_evaluations_of_an_eval_callback_are_recorded(
    make_ppo: MakePpo, monitor: TrainingMonitor, walk: Any, tmp_path: Path
) -> None:
    """The recorded evaluation equals the file that the EvalCallback writes."""
    world = Monitor(walk(length=3, info=lambda step: {"is_success": step == 3, "quality_final": 0.5}))
    evaluate = EvalCallback(world, eval_freq=20, n_eval_episodes=3, log_path=str(tmp_path), verbose=0)
    make_ppo().learn(64, callback=[VitalsCallback(monitor=monitor), evaluate])

    with np.load(tmp_path / "evaluations.npz") as written:
        expected = [
            (step, np.mean(rewards), np.std(rewards), np.mean(lengths), np.mean(successes), len(rewards))
            for step, rewards, lengths, successes in zip(*(written[name] for name in written), strict=True)
        ]
    found = list(monitor.run.records("evaluations"))
    assert [(e.env_step, e.reward, e.reward_std, e.length, e.success_rate, e.episodes) for e in found] == expected
    assert [(e.episode, e.quality) for e in found] == [(10, 0.5)]
    assert "_log_success_callback" not in vars(evaluate)


# ---------------------------------------------------------------------- the run


def test_the_configuration_is_completed(make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings) -> None:
    """The header has hyperparameters, facts and the training budget, and the user's values are kept."""
    callback = VitalsCallback(tmp_path, configuration={"gamma": "mine"}, settings=settings)
    make_ppo(clip_range=lambda left: 0.1 + left / 10).learn(32, callback=callback)

    header = callback.monitor.run.header
    wanted = {"algorithm": "PPO", "n_envs": 2, "n_steps": 16, "clip_range": 0.2, "clip_range_final": 0.1, "seed": 1}
    assert wanted.items() <= header.configuration.items()
    assert (header.configuration["gamma"], header.goals) == ("mine", {"total_timesteps": 32.0})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "CapturingPPO-CartPole-v1"),
        ({"configuration": {"algorithm": "mine"}}, "mine-CartPole-v1"),
        ({"session_name": "x"}, "x"),
    ],
)
def test_a_run_without_a_name_is_named_after_the_model(
    make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings, options: dict[str, Any], named: str
) -> None:
    """The name has the algorithm and the environment, unless the user sets a name."""
    env = DummyVecEnv([lambda: gymnasium.make("CartPole-v1")])
    callback = VitalsCallback(tmp_path, settings=settings, **options)
    make_ppo(env, kind=CapturingPPO).learn(16, callback=callback)

    assert callback.monitor.session_id.startswith(named)
    assert callback.monitor.run.header.configuration["environment_id"] == "CartPole-v1"


def test_a_model_without_a_readable_configuration_is_recorded(
    make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings
) -> None:
    """The run has a generic name, and an event reports the reason."""
    model = make_ppo()
    model.clip_range = lambda left: 1 / left  # fails at the end of the schedule
    callback = VitalsCallback(tmp_path, settings=settings)
    model.learn(40, callback=callback)

    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", callback.monitor.session_id)
    assert any("configuration could not be recorded" in said for said in messages(callback.monitor, "adapter"))


def test_its_own_run_ends_with_the_training(make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings) -> None:
    """A run created by one line is completed when learn() returns."""
    make_ppo().learn(32, callback=VitalsCallback(tmp_path, session_name="one", settings=settings))

    header = open_run(tmp_path / "one").header
    assert (header.status, header.totals) == ("completed", {"episodes": 8, "updates": 1, "env_step": 32})


def test_a_continued_training_continues_its_run(make_ppo: MakePpo, tmp_path: Path, settings: Any) -> None:
    """A second learn() without a reset continues the run, and after a reset it creates another run."""
    callback = VitalsCallback(tmp_path, settings=settings)
    model = make_ppo()
    model.learn(32, callback=callback)
    first = callback.monitor
    model.learn(32, callback=callback, reset_num_timesteps=False)
    assert callback.monitor.session_id == first.session_id
    assert [u.env_step for u in updates(callback.monitor)] == [32, 64]

    model.learn(32, callback=callback)
    assert callback.monitor.session_id != first.session_id


def test_resuming_an_earlier_checkpoint_rewinds(make_ppo: MakePpo, tmp_path: Path, settings: Any) -> None:
    """If a model is older than its run, the later steps are abandoned, and episode numbers continue from the model."""
    model = make_ppo()
    with TrainingMonitor(tmp_path, session_name="run", settings=settings) as before:
        model.learn(32, callback=VitalsCallback(monitor=before))
        model.save(tmp_path / "checkpoint")
        model.learn(32, callback=VitalsCallback(monitor=before), reset_num_timesteps=False)
    resumed = PPO.load(tmp_path / "checkpoint", model.get_env(), device="cpu")
    with TrainingMonitor(tmp_path, session_name="run", resume="must", settings=settings) as monitor:
        resumed.learn(64, callback=VitalsCallback(monitor=monitor), reset_num_timesteps=False)

    assert [u.env_step for u in updates(monitor)] == [32, 64, 96]
    assert [e.episode for e in episodes(monitor)] == list(range(24))
    assert len(list(monitor.run.records("updates", abandoned=True))) == 4


def test_a_second_training_in_one_process_does_not_rewind(make_ppo: MakePpo, tmp_path: Path, settings: Any) -> None:
    """A second training on a resumed run repeats steps, which are kept as in a new run."""
    TrainingMonitor(tmp_path, session_name="run", settings=settings).close()
    model = make_ppo()
    with TrainingMonitor(tmp_path, session_name="run", resume="must", settings=settings) as monitor:
        for _ in range(2):
            model.learn(32, callback=VitalsCallback(monitor=monitor))

    assert [u.env_step for u in updates(monitor)] == [32, 32]


def test_models_can_be_saved_while_recording(make_ppo: MakePpo, monitor: TrainingMonitor, tmp_path: Path) -> None:
    """A checkpoint in the middle of a training can be saved and loaded."""
    save = CheckpointCallback(save_freq=20, save_path=str(tmp_path / "models"))
    model = make_ppo()
    model.learn(64, callback=[VitalsCallback(monitor=monitor), save])

    assert PPO.load(tmp_path / "models" / "rl_model_40_steps", device="cpu").num_timesteps == 40
    assert not any(isinstance(value, BaseCallback) for value in vars(model).values())


def test_a_with_statement_keeps_the_exception(make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings) -> None:
    """An exception that leaves the statement ends the run as failed, and the header names it."""
    with pytest.raises(OSError, match="no space"), VitalsCallback(tmp_path, settings=settings) as vitals:
        make_ppo().learn(64, callback=[vitals, Breaks(40, OSError("no space"))])

    header = vitals.monitor.run.header
    assert (header.status, header.failure and header.failure.type) == ("failed", "OSError")


def test_a_with_statement_spans_several_trainings(
    make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings
) -> None:
    """In a `with` statement, the run is open between two trainings and completed afterwards."""
    with VitalsCallback(tmp_path, settings=settings) as vitals:
        model = make_ppo()
        model.learn(32, callback=vitals)
        vitals.monitor.log_note("half way")
        model.learn(32, callback=vitals, reset_num_timesteps=False)

    assert [u.env_step for u in updates(vitals.monitor)] == [32, 64]
    assert vitals.monitor.status == "completed"


@pytest.mark.parametrize("place", ["rollout", "train"])
def test_an_abandoned_training_fails(make_ppo: MakePpo, tmp_path: Path, settings: Any, place: str) -> None:
    """A run whose exception was caught elsewhere fails when its callback is garbage collected."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    model = make_ppo()
    if place == "train":
        model.policy.optimizer.register_step_pre_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.learn(
            64,
            callback=[
                VitalsCallback(tmp_path, session_name="run", settings=settings),
                Breaks(60, KeyboardInterrupt()),
            ],
        )
    gc.collect()

    assert open_run(tmp_path / "run").header.status == "failed"


def _interrupted(model: Any, callback: VitalsCallback, **options: Any) -> None:
    """Interrupt a training whose objects stay alive, and wait until the watch has noticed."""
    with pytest.raises(KeyboardInterrupt):
        model.learn(64, callback=[callback, Breaks(model.num_timesteps % 64 + 40, KeyboardInterrupt())], **options)
    watch = callback._run._watch
    assert watch is not None
    watch.check()
    watch.check()
    watch.end()  # waits for a check in the watch's thread


def test_an_interrupted_training_fails_while_its_objects_are_alive(
    make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings
) -> None:
    """As in a notebook, the callback then records the next training, in the same run if the training continues."""
    callback = VitalsCallback(tmp_path, session_name="run", settings=settings)
    model = make_ppo()
    _interrupted(model, callback)
    status = callback.monitor.run.header.status
    model.learn(32, callback=callback, reset_num_timesteps=False)

    writers = callback.monitor.run.header.writers
    assert (status, [writer.status for writer in writers]) == ("failed", ["failed", "completed"])


def test_an_interrupted_training_pauses_the_run_of_a_passed_monitor(
    make_ppo: MakePpo, monitor: TrainingMonitor
) -> None:
    """The run of the caller is paused, and continues with the next training."""
    callback = VitalsCallback(monitor=monitor)
    model = make_ppo()
    _interrupted(model, callback)
    paused = monitor.run.header.status
    notes = [event.message for event in monitor.run.records("events") if event.kind == "training"]
    model.learn(32, callback=callback)

    assert (paused, notes, monitor.run.header.status) == ("paused", ["learn() stopped before its end"], "running")


def test_an_interrupted_training_in_a_with_statement_pauses_its_run(
    make_ppo: MakePpo, tmp_path: Path, settings: RecorderSettings
) -> None:
    """The run lasts as long as the `with` statement."""
    with VitalsCallback(tmp_path, settings=settings) as vitals:
        _interrupted(make_ppo(), vitals)
        paused = vitals.monitor.run.header.status

    assert (paused, vitals.monitor.run.header.status) == ("paused", "completed")


def test_a_training_after_an_interrupted_one(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The watch of an update that raised is removed by the next training, and nothing is counted twice."""

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    model = make_ppo()
    hook = model.policy.optimizer.register_step_pre_hook(fail)
    with pytest.raises(RuntimeError, match="memory"):
        model.learn(64, callback=VitalsCallback(monitor=monitor))
    hook.remove()
    model.learn(64, callback=VitalsCallback(monitor=monitor))

    assert [(u.env_step, u.epochs) for u in updates(monitor)] == [(32, 2.0), (64, 2.0)]
    assert "get" not in vars(model.rollout_buffer)


def test_an_uncaught_exception_fails_the_run(tmp_path: Path) -> None:
    """An exception that ends the interpreter is recorded in its run. An earlier, caught one is not attributed to it."""
    script = """
import sys
from stable_baselines3 import PPO
from rlvitals.adapters.sb3 import VitalsCallback

class Broken(PPO):
    def train(self): raise RuntimeError("out of memory")

caught, uncaught = (VitalsCallback(sys.argv[1], session_name=name) for name in ("caught", "uncaught"))
models = [Broken("MlpPolicy", "CartPole-v1", n_steps=16, batch_size=16, device="cpu") for _ in range(2)]
try:
    models[0].learn(16, callback=caught)
except RuntimeError:
    pass
models[1].learn(16, callback=uncaught)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, stderr=subprocess.DEVNULL)

    headers = [open_run(tmp_path / name).header for name in ("caught", "uncaught")]
    assert [(h.status, h.failure and h.failure.message.partition(";")[0]) for h in headers] == [
        ("failed", "learn() stopped before its end"),
        ("failed", "out of memory"),
    ]


def test_a_monitor_and_a_folder_exclude_each_other(monitor: TrainingMonitor) -> None:
    """Passing both raises an error, and there is no monitor before a training begins."""
    with pytest.raises(ValueError, match="got both a monitor and a log_dir"):
        VitalsCallback("logs", monitor=monitor)
    with pytest.raises(RlvitalsError, match="there is no monitor yet"):
        _ = VitalsCallback("logs").monitor

"""PPO (Stable-Baselines3) on VTracer: parallel processes, checkpoints, resume, seeds."""

from __future__ import annotations

import functools
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import tuned_action
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import ModelError, TraceError, VtracerGymError
from vtracer_gym.features import logo_features
from vtracer_gym.models import ModelCard, Standardized, TrainedAgent, TrainingSettings, load_ppo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import gymnasium

    from vtracer_gym.logos import Logo

CHECKPOINTS: Final = "checkpoints"

_LOGGER = logging.getLogger(__name__)


def vector_environment(logos: Sequence[Logo], settings: TrainingSettings) -> VecEnv:
    """Parallel environments, one a process, as VTracer holds Python's lock; a single one stays in this process."""
    maker = functools.partial(VectorizeEnv, tuple(logos), settings.attempts, settings.weights)
    makers: list[Callable[[], gymnasium.Env[Any, Any]]] = [maker] * settings.processes
    if settings.processes == 1:
        return VecMonitor(DummyVecEnv(makers))
    return VecMonitor(SubprocVecEnv(makers, start_method="forkserver"))


def newest_checkpoint(folder: Path | str) -> Path | None:
    """The checkpoint with the most steps in the folder of a training, or None."""
    return max((Path(folder) / CHECKPOINTS).glob("steps-*.zip"), default=None)


class Checkpoints(BaseCallback):
    """Saves the model after an update, whenever so many steps have passed, and when the training ends.

    Not in the middle of a rollout, as Stable-Baselines3's own callback does: what was collected since the last update
    would be lost on resuming. A file is complete or absent: it is renamed when it is written.

    Args:
        folder: for ``steps-00002048.zip`` and so on.
        every: environment steps.
    """

    def __init__(self, folder: Path | str, every: int) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._every = every

    def _on_training_start(self) -> None:
        self._saved = self.num_timesteps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps - self._saved >= self._every:
            self._save()

    def _on_training_end(self) -> None:
        if self.num_timesteps > self._saved:
            self._save()

    def _save(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"steps-{self.num_timesteps:08d}.zip"
        partial = path.with_name(f"partial-{path.name}")
        self.model.save(partial)
        partial.replace(path)
        self._saved = self.num_timesteps


def train(
    logos: Sequence[Logo],
    settings: TrainingSettings,
    folder: Path | str,
    *,
    unseen: Sequence[Logo] = (),
    resume: bool = False,
    callbacks: Sequence[BaseCallback] = (),
) -> TrainedAgent:
    """Trains an agent, and saves it.

    Args:
        logos: to train on.
        settings: of the training.
        folder: for the model, its card and its checkpoints.
        unseen: logos set aside, whose names go into the card.
        resume: go on from the newest checkpoint in the folder, if there is one, up to ``settings.steps``. Otherwise the
            checkpoints of an earlier training in the folder are removed.
        callbacks: of Stable-Baselines3.

    Raises:
        ModelError: the checkpoint cannot be read, or belongs to a training with other settings or logos.
        VtracerGymError: VTracer fails on every logo, even with its defaults.
    """
    folder = Path(folder)
    card = ModelCard(settings, tuple(logo.name for logo in logos), tuple(logo.name for logo in unseen))
    checkpoint = newest_checkpoint(folder) if resume else None
    prepared = _traceable(logos)
    if checkpoint is not None:
        before = ModelCard.read(folder)
        _check_resumable(before, card)
        card = replace(card, start_action=before.start_action)
    else:
        for stale in (folder / CHECKPOINTS).glob("*.zip"):
            stale.unlink()
        if settings.start is not None:
            rng = np.random.default_rng(settings.seed)
            action = tuned_action(prepared, settings.weights, rng, settings.start)
            card = replace(card, start_action=tuple(action.tolist()))
    folder.mkdir(parents=True, exist_ok=True)
    card.write(folder)
    torch.set_num_threads(1)  # the network is small, and the cores are busy with VTracer
    cv2.setNumThreads(1)
    environment = vector_environment([one.logo for one in prepared], settings)
    try:
        if checkpoint is not None:
            model = load_ppo(checkpoint, environment)
        else:
            model = _new_model(environment, settings, card.start_action, _seen_features(prepared))
        saver = Checkpoints(folder / CHECKPOINTS, settings.checkpoint_every)
        remaining = settings.steps - model.num_timesteps
        if remaining > 0:
            model.learn(remaining, CallbackList([saver, *callbacks]), reset_num_timesteps=False)
    finally:
        environment.close()
    agent = TrainedAgent(model, card)
    agent.save(folder)
    return agent


def _check_resumable(before: ModelCard, now: ModelCard) -> None:
    old, new = asdict(before.settings), asdict(now.settings)
    changed = [name for name in new if name not in {"steps", "checkpoint_every"} and old[name] != new[name]]
    if changed:
        raise ModelError(f"this training was begun with other settings ({', '.join(changed)}): resume with the same")
    if before.trained_on != now.trained_on:
        raise ModelError("this training was begun with other logos: resume with the same")


def _traceable(logos: Sequence[Logo]) -> list[PreparedLogo]:
    """The logos that VTracer's defaults can trace; the others are reported and left out."""
    usable = []
    for logo in logos:
        prepared = PreparedLogo(logo)
        try:
            prepared.default  # noqa: B018 - makes it, or shows that it cannot be made
        except TraceError as error:
            _LOGGER.warning("%s; it is left out", error)
        else:
            usable.append(prepared)
        prepared.release()
    if not usable:
        raise VtracerGymError("VTracer fails on every logo, even with its defaults")
    return usable


def _seen_features(prepared: Sequence[PreparedLogo]) -> NDArray[np.float32]:
    """Features of the training logos, shape (logos, features)."""
    return np.stack([logo_features(one.logo.pixels, one.default) for one in prepared])


def _new_model(
    environment: VecEnv, settings: TrainingSettings, start: Sequence[float], features: NDArray[np.float32]
) -> PPO:
    rollout = settings.rollout_steps * settings.processes
    model = PPO(
        "MlpPolicy",
        environment,
        n_steps=settings.rollout_steps,
        batch_size=min(settings.batch_size, rollout),
        n_epochs=settings.epochs,
        learning_rate=_Falling(settings.learning_rate),
        gamma=settings.discount,
        seed=settings.seed,
        device="cpu",
        policy_kwargs={
            "log_std_init": settings.log_std,
            "net_arch": list(settings.network),
            "features_extractor_class": Standardized,
        },
    )
    extractor = model.policy.features_extractor
    assert isinstance(extractor, Standardized)
    extractor.fit(features)
    output = model.policy.action_net
    assert isinstance(output, torch.nn.Linear)
    with torch.no_grad():
        output.bias.copy_(torch.tensor(start))
    return model


class _Falling:
    """A learning rate that falls linearly to a tenth; a class, as it is pickled with the model."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, remaining: float) -> float:
        return self.start * (0.1 + 0.9 * remaining)

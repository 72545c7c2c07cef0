"""PPO training (Stable-Baselines3) with parallel processes, checkpoints, resume and seeds."""

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
from vtracer_gym.baselines import Recorded, TuningSettings, tuned_action
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import ModelError, TraceError, VtracerGymError
from vtracer_gym.farm import trying
from vtracer_gym.features import logo_features
from vtracer_gym.models import ModelCard, Standardized, Traces, TrainedAgent, TrainingSettings, load_ppo
from vtracer_gym.warm_start import explored, warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import gymnasium

    from vtracer_gym.logos import Logo

CHECKPOINTS: Final = "checkpoints"

_LOGGER = logging.getLogger(__name__)


def vector_environment(logos: Sequence[Logo], settings: TrainingSettings) -> VecEnv:
    """Return parallel environments, one per process because VTracer holds the GIL; a single one runs here."""
    maker = functools.partial(VectorizeEnv, tuple(logos), settings.attempts, settings.weights)
    makers: list[Callable[[], gymnasium.Env[Any, Any]]] = [maker] * settings.processes
    if settings.processes == 1:
        return VecMonitor(DummyVecEnv(makers))
    return VecMonitor(SubprocVecEnv(makers, start_method="forkserver"))


def newest_checkpoint(folder: Path | str) -> Path | None:
    """Return the checkpoint with the most steps in a training folder, or None."""
    return max((Path(folder) / CHECKPOINTS).glob("steps-*.zip"), default=None)


class Checkpoints(BaseCallback):
    """Callback that saves the model after an update at regular intervals, and when the training ends.

    The callback of Stable-Baselines3 saves in the middle of a rollout, so that resuming would lose the steps since the
    last update. Each file is written under a temporary name and then renamed, so that checkpoints are always complete.

    Args:
        folder: Folder of the training, which gets files such as ``checkpoints/steps-00002048.zip`` and ``traces.npz``.
        every: Number of environment steps between checkpoints.
        recorder: Recorder of the attempts, which are saved with each checkpoint.
    """

    def __init__(self, folder: Path | str, every: int, recorder: TraceRecorder) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._every = every
        self._recorder = recorder

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
        path = self._folder / CHECKPOINTS / f"steps-{self.num_timesteps:08d}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"partial-{path.name}")
        self.model.save(partial)
        self._recorder.traces().write(self._folder)
        partial.replace(path)
        self._saved = self.num_timesteps


class TraceRecorder(BaseCallback):
    """Callback that keeps every attempt of the training.

    Args:
        logos: Training logos, in the order of their indices.
        before: Attempts before the training, and those of an interrupted training.
    """

    def __init__(self, logos: Sequence[Logo], before: Traces) -> None:
        super().__init__()
        self._index = {(logo.name, max(logo.width, logo.height)): index for index, logo in enumerate(logos)}
        self._before = before
        self._rows: list[tuple[int, NDArray[np.float64], float]] = []

    def _on_step(self) -> bool:
        for info, action, reward in zip(
            self.locals["infos"], self.locals["clipped_actions"], self.locals["rewards"], strict=True
        ):
            logo = self._index[info["logo"], info["logo_size"]]
            self._rows.append((logo, np.asarray(action, np.float64), float(reward)))
        return True

    def traces(self) -> Traces:
        """Return all attempts so far."""
        if not self._rows:
            return self._before
        logo, actions, rewards = zip(*self._rows, strict=True)
        return self._before.with_more(Recorded(np.array(logo), np.stack(actions), np.array(rewards)))


def train(
    logos: Sequence[Logo],
    settings: TrainingSettings,
    folder: Path | str,
    *,
    unseen: Sequence[Logo] = (),
    resume: bool = False,
    compare: bool = True,
    callbacks: Sequence[BaseCallback] = (),
) -> TrainedAgent:
    """Train an agent and save it.

    Args:
        logos: Logos to train on. The same logo may occur in several sizes.
        settings: Settings of the training.
        folder: Folder for the model, its card and its checkpoints.
        unseen: Logos set aside for evaluation. Their names are stored in the card.
        resume: Whether to continue from the newest checkpoint in the folder, if there is one, up to ``settings.steps``.
            Otherwise, checkpoints of a previous training in the folder are deleted.
        compare: Whether to search for the best fixed setting with as many traces as the training, after it.
        callbacks: Callbacks of Stable-Baselines3.

    Returns:
        The trained agent.

    Raises:
        ModelError: The checkpoint cannot be read, or belongs to a training with other settings or logos.
        VtracerGymError: VTracer fails on every logo, even with its defaults.
    """
    folder = Path(folder)
    card = ModelCard(settings, _names(logos), _names(unseen))
    checkpoint = newest_checkpoint(folder) if resume else None
    prepared, features = _traceable(logos)
    traces = Traces.empty(features)
    if checkpoint is not None:
        before = ModelCard.read(folder)
        _check_resumable(before, card)
        card = replace(card, start_action=before.start_action, equal_action=before.equal_action)
        traces = Traces.read(folder) or traces
    else:
        for stale in (folder / CHECKPOINTS).glob("*.zip"):
            stale.unlink()
        if settings.start is not None:
            action, tried = _tuned(prepared, settings, settings.start)
            traces = traces.with_more(tried)
            card = replace(card, start_action=tuple(action.tolist()))
        if settings.explored:
            traces = traces.with_more(_explored(prepared, settings, np.array(card.start_action)))
    folder.mkdir(parents=True, exist_ok=True)
    card.write(folder)
    torch.set_num_threads(1)  # the network is small, and VTracer uses the cores
    cv2.setNumThreads(1)
    environment = vector_environment([one.logo for one in prepared], settings)
    try:
        if checkpoint is not None:
            model = load_ppo(checkpoint, environment)
        else:
            model = _new_model(environment, settings, card.start_action, features)
            if settings.explored:
                warm_start(model.policy, features, traces.recorded, np.array(card.start_action), settings.seed)
        recorder = TraceRecorder([one.logo for one in prepared], traces)
        saver = Checkpoints(folder, settings.checkpoint_every, recorder)
        remaining = settings.steps - model.num_timesteps
        if remaining > 0:
            model.learn(remaining, CallbackList([recorder, saver, *callbacks]), reset_num_timesteps=False)
    finally:
        environment.close()
    traces = recorder.traces()
    if compare and settings.start is not None and (remaining > 0 or card.equal_action is None):
        card = replace(card, equal_action=_equal_action(prepared, settings, len(traces.recorded.rewards)))
    agent = TrainedAgent(model, card, traces)
    agent.save(folder)
    return agent


def _names(logos: Sequence[Logo]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(logo.name for logo in logos))


def _tuned(
    prepared: Sequence[PreparedLogo], settings: TrainingSettings, effort: TuningSettings
) -> tuple[NDArray[np.float64], Recorded]:
    with trying(prepared, settings.weights, settings.processes) as attempt:
        return tuned_action(len(prepared), attempt, np.random.default_rng(settings.seed), effort)


def _explored(prepared: Sequence[PreparedLogo], settings: TrainingSettings, around: NDArray[np.floating]) -> Recorded:
    with trying(prepared, settings.weights, settings.processes) as attempt:
        return explored(len(prepared), attempt, around, settings.explored, np.random.default_rng(settings.seed))


def _equal_action(prepared: Sequence[PreparedLogo], settings: TrainingSettings, traces: int) -> tuple[float, ...]:
    """Return the best fixed action for as many traces as the whole training: more logos per generation, then longer."""
    start = settings.start
    assert start is not None
    effort = replace(start, logos=min(2 * start.logos, len(prepared))).within(traces)
    action, _ = _tuned(prepared, settings, effort)
    return tuple(action.tolist())


def _check_resumable(before: ModelCard, now: ModelCard) -> None:
    old, new = asdict(before.settings), asdict(now.settings)
    changed = [name for name in new if name not in {"steps", "checkpoint_every"} and old[name] != new[name]]
    if changed:
        raise ModelError(
            f"the training was started with different settings ({', '.join(changed)}). Resume with the same settings"
        )
    if before.trained_on != now.trained_on:
        raise ModelError("the training was started with different logos. Resume with the same logos")


def _traceable(logos: Sequence[Logo]) -> tuple[list[PreparedLogo], NDArray[np.float32]]:
    """Return the logos that VTracer can trace with its defaults, and their features, shape (logos, features).

    Other logos are logged and skipped.
    """
    usable, features = [], []
    for logo in logos:
        prepared = PreparedLogo(logo)
        try:
            prepared.default  # noqa: B018 - computes the default attempt, or raises
        except TraceError as error:
            _LOGGER.warning("%s; skipping this logo", error)
        else:
            usable.append(prepared)
            features.append(logo_features(prepared))
        prepared.release()
    if not usable:
        raise VtracerGymError("VTracer fails on every logo, even with its default parameters")
    return usable, np.stack(features)


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
    """Learning rate schedule that decreases linearly to a tenth. It is a class because it is pickled with the model."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, remaining: float) -> float:
        return self.start * (0.1 + 0.9 * remaining)

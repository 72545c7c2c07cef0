"""PPO (Stable-Baselines3) on VTracer: parallel processes, checkpoints, resume, seeds."""

from __future__ import annotations

import functools
import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import TuningSettings, tuned_action
from vtracer_gym.environment import DEFAULT_ATTEMPTS, OBSERVATION_NAMES, VectorizeEnv
from vtracer_gym.errors import ModelError
from vtracer_gym.logos import DEFAULT_SIZE
from vtracer_gym.reward import RewardWeights
from vtracer_gym.tracing import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import gymnasium

    from vtracer_gym.logos import Logo

MODEL_FILE: Final = "model.zip"
CARD_FILE: Final = "training.json"
CHECKPOINTS: Final = "checkpoints"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What decides a training; the same settings and logos make the same agent, on the same machine.

    Args:
        steps: environment steps in all.
        seed: of the network, the exploration and the order of logos.
        size: longest side of the logos, in pixels.
        attempts: steps an episode.
        processes: parallel environments. Their number is part of the result, as it is part of a rollout's size.
        rollout_steps: of each environment between two updates.
        batch_size: of a gradient step.
        epochs: passes over a rollout.
        learning_rate: of Adam, falling linearly to a tenth.
        discount: gamma. An attempt does not change the logo, so that the next reward owes little to this action.
        log_std: logarithm of the policy's initial standard deviation, in a box from -1 to 1.
        start: effort of tuning one setting for all logos, at which the policy starts (see ``baselines.tuned_action``);
            PPO then learns how to deviate from it, logo by logo. None: it starts in the middle of the box.
        network: hidden layers.
        checkpoint_every: environment steps.
        weights: of the reward.
    """

    steps: int = 10_000
    seed: int = 0
    size: int = DEFAULT_SIZE
    attempts: int = DEFAULT_ATTEMPTS
    processes: int = 2
    rollout_steps: int = 128
    batch_size: int = 64
    epochs: int = 10
    learning_rate: float = 1e-3
    discount: float = 0.0
    log_std: float = -1.6
    start: TuningSettings | None = field(default_factory=TuningSettings)
    network: tuple[int, ...] = (64, 64)
    checkpoint_every: int = 2_000
    weights: RewardWeights = field(default_factory=RewardWeights)

    def __post_init__(self) -> None:
        for name in ("steps", "attempts", "processes", "rollout_steps", "batch_size", "epochs", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, and has to be at least 1")
        if self.seed < 0:
            raise ValueError(f"the seed is {self.seed}, and cannot be negative")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model has to say about itself, so that it is never used on what it was not made for.

    Args:
        settings: of its training.
        trained_on: names of the logos it saw.
        unseen: names of the logos set aside for its evaluation.
        start_action: at which the policy started, shape (8,).
        observation: names of what it expects to see.
    """

    settings: TrainingSettings
    trained_on: tuple[str, ...]
    unseen: tuple[str, ...]
    start_action: tuple[float, ...] = (0.0,) * DIMENSIONS
    observation: tuple[str, ...] = OBSERVATION_NAMES

    def write(self, folder: Path) -> None:
        """Writes ``training.json``."""
        text = json.dumps({**asdict(self), "bounds": BOUNDS}, indent=2)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """Reads ``training.json``.

        Raises:
            ModelError: it is missing, cannot be read, or belongs to another environment.
        """
        path = folder / CARD_FILE
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            raw = content["settings"]
            weights = RewardWeights(**raw["weights"])
            start = TuningSettings(**raw["start"]) if raw["start"] is not None else None
            settings = TrainingSettings(
                **{**raw, "network": tuple(raw["network"]), "start": start, "weights": weights},
            )
            card = cls(
                settings,
                tuple(content["trained_on"]),
                tuple(content["unseen"]),
                tuple(content["start_action"]),
                tuple(content["observation"]),
            )
            bounds = {name: tuple(limits) for name, limits in content["bounds"].items()}
        except OSError as error:
            raise ModelError(f"{folder} holds no trained model: {path.name}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} cannot be read: {error!r}") from error
        if card.observation != OBSERVATION_NAMES or bounds != BOUNDS:
            raise ModelError(f"{folder} was trained with another version of the environment: train it again")
        return card


class TrainedAgent:
    """A trained policy, and its card.

    Args:
        model: of Stable-Baselines3.
        card: of its training.
    """

    def __init__(self, model: PPO, card: ModelCard) -> None:
        self.model = model
        self.card = card

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean action of the policy, shape (8,): the same for the same observation."""
        action, _ = self.model.predict(observation, deterministic=True)
        return np.asarray(action, np.float32)

    def save(self, folder: Path) -> None:
        """Writes the model and its card."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / MODEL_FILE)
        self.card.write(folder)

    @classmethod
    def load(cls, folder: Path) -> TrainedAgent:
        """Loads a model. It is unpickled: load only models that you trust.

        Raises:
            ModelError: it is missing, damaged, or made for another environment.
        """
        card = ModelCard.read(folder)
        return cls(_load(folder / MODEL_FILE, None), card)


def _load(path: Path, environment: VecEnv | None) -> PPO:
    try:
        return PPO.load(path, environment, device="cpu")
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error


def vector_environment(logos: Sequence[Logo], settings: TrainingSettings) -> VecEnv:
    """Parallel environments, one a process, as VTracer holds Python's lock; a single one stays in this process."""
    maker = functools.partial(VectorizeEnv, tuple(logos), settings.attempts, settings.weights)
    makers: list[Callable[[], gymnasium.Env[Any, Any]]] = [maker] * settings.processes
    if settings.processes == 1:
        return VecMonitor(DummyVecEnv(makers))
    return VecMonitor(SubprocVecEnv(makers, start_method="forkserver"))


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the most steps in the folder of a training, or None."""
    return max((folder / CHECKPOINTS).glob("steps-*.zip"), default=None)


class Checkpoints(BaseCallback):
    """Saves the model after an update, whenever so many steps have passed, and when the training ends.

    Not in the middle of a rollout, as Stable-Baselines3's own callback does: what was collected since the last update
    would be lost on resuming. A file is complete or absent: it is renamed when it is written.

    Args:
        folder: for ``steps-00002048.zip`` and so on.
        every: environment steps.
    """

    def __init__(self, folder: Path, every: int) -> None:
        super().__init__()
        self._folder = folder
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
    folder: Path,
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
        resume: go on from the newest checkpoint in the folder, if there is one, up to ``settings.steps``.
        callbacks: of Stable-Baselines3.

    Raises:
        ModelError: the checkpoint cannot be read, or belongs to a training with other settings or logos.
    """
    card = ModelCard(settings, tuple(logo.name for logo in logos), tuple(logo.name for logo in unseen))
    checkpoint = newest_checkpoint(folder) if resume else None
    if checkpoint is not None:
        before = ModelCard.read(folder)
        _check_resumable(before, card)
        card = replace(card, start_action=before.start_action)
    elif settings.start is not None:
        rng = np.random.default_rng(settings.seed)
        action = tuned_action([PreparedLogo(logo) for logo in logos], settings.weights, rng, settings.start)
        card = replace(card, start_action=tuple(action.tolist()))
    folder.mkdir(parents=True, exist_ok=True)
    card.write(folder)
    torch.set_num_threads(1)  # the network is small, and the cores are busy with VTracer
    cv2.setNumThreads(1)
    environment = vector_environment(logos, settings)
    try:
        if checkpoint is not None:
            model = _load(checkpoint, environment)
        else:
            model = _new_model(environment, settings, card.start_action)
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


def _new_model(environment: VecEnv, settings: TrainingSettings, start: Sequence[float]) -> PPO:
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
        policy_kwargs={"log_std_init": settings.log_std, "net_arch": list(settings.network)},
    )
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

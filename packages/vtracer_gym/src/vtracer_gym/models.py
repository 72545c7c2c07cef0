"""Trained models: the settings of a training, its card, and the agent that came of it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.baselines import TuningSettings
from vtracer_gym.environment import DEFAULT_ATTEMPTS, OBSERVATION_BOUND, OBSERVATION_NAMES
from vtracer_gym.errors import ModelError
from vtracer_gym.logos import DEFAULT_SIZE
from vtracer_gym.reward import RewardWeights
from vtracer_gym.tracing import BOUNDS

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

MODEL_FILE: Final = "model.zip"
CARD_FILE: Final = "training.json"

SMALLEST_SPREAD: Final = 0.02
"""A feature that differs less than this between the training logos is not blown up."""


class Standardized(BaseFeaturesExtractor):
    """Shifts and scales the logo's features to mean 0 and deviation 1 over the training logos; the rest stays.

    Fixed from the start, unlike running statistics: what an observation means never changes while the agent learns.
    """

    def __init__(self, observation_space: gymnasium.spaces.Box) -> None:
        size = int(observation_space.shape[0])
        super().__init__(observation_space, size)
        self.shift: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("shift", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, features: NDArray[np.float32]) -> None:
        """Takes mean and deviation from features of shape (logos, features)."""
        count = features.shape[1]
        self.shift[:count] = torch.as_tensor(features.mean(axis=0))
        self.scale[:count] = 1.0 / torch.as_tensor(np.maximum(features.std(axis=0), SMALLEST_SPREAD))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Standardizes a batch of observations, shape (batch, observation)."""
        return torch.clamp((observations - self.shift) * self.scale, -OBSERVATION_BOUND, OBSERVATION_BOUND)


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
    rollout_steps: int = 64
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

    def write(self, folder: Path | str) -> None:
        """Writes ``training.json``."""
        text = json.dumps({**asdict(self), "bounds": BOUNDS}, indent=2)
        (Path(folder) / CARD_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path | str) -> ModelCard:
        """Reads ``training.json``.

        Raises:
            ModelError: it is missing, cannot be read, or belongs to another environment.
        """
        path = Path(folder) / CARD_FILE
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

    def save(self, folder: Path | str) -> None:
        """Writes the model and its card."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / MODEL_FILE)
        self.card.write(folder)

    @classmethod
    def load(cls, folder: Path | str) -> TrainedAgent:
        """Loads a model. It is unpickled: load only models that you trust.

        Raises:
            ModelError: it is missing, damaged, or made for another environment.
        """
        card = ModelCard.read(folder)
        return cls(load_ppo(Path(folder) / MODEL_FILE, None), card)


def load_ppo(path: Path | str, environment: VecEnv | None) -> PPO:
    """Loads a model or checkpoint of Stable-Baselines3.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        return PPO.load(path, environment, device="cpu")
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error

"""Trained models: training settings, model cards and agents."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from vtracer_gym.actions import action_of
from vtracer_gym.baselines import Recorded, TuningSettings
from vtracer_gym.environment import DEFAULT_ATTEMPTS
from vtracer_gym.errors import ModelError
from vtracer_gym.logos import DEFAULT_SIZE
from vtracer_gym.observations import MOST_SCALED, OBSERVATION_NAMES
from vtracer_gym.pipeline import SETTING_BOUNDS, Settings
from vtracer_gym.policy import POLICY_FILE, Policy
from vtracer_gym.reward import RewardWeights

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

MODEL_FILE: Final = "model.zip"
CARD_FILE: Final = "training.json"
TRACES_FILE: Final = "traces.npz"

DEFAULT_EXPLORATION: Final = 3_000
"""Number of random attempts around the tuned setting."""

SMALLEST_SPREAD: Final = 0.02
"""Minimum standard deviation for scaling, so that nearly constant features are not amplified."""


class Standardized(BaseFeaturesExtractor):
    """Feature extractor that standardizes the logo features over the training logos and keeps the other observations.

    Unlike running statistics, shift and scale stay fixed, so the meaning of an observation is constant during training.
    """

    def __init__(self, observation_space: gymnasium.spaces.Box) -> None:
        size = int(observation_space.shape[0])
        super().__init__(observation_space, size)
        self.shift: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("shift", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, features: NDArray[np.float32]) -> None:
        """Set shift and scale from features of shape (logos, features)."""
        count = features.shape[1]
        self.shift[:count] = torch.as_tensor(features.mean(axis=0))
        self.scale[:count] = 1.0 / torch.as_tensor(np.maximum(features.std(axis=0), SMALLEST_SPREAD))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Standardize a batch of observations, shape (batch, observation)."""
        return torch.clamp((observations - self.shift) * self.scale, -MOST_SCALED, MOST_SCALED)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training. Equal settings and logos give the same agent on the same machine.

    Args:
        steps: Total number of environment steps.
        seed: Seed for the network, the exploration and the order of logos.
        sizes: Longest sides of the logos in pixels.
        attempts: Number of tries per logo in the evaluation.
        episode_steps: Number of attempts per episode. With 1, every sample is a first try. Longer episodes showed no
            gain, not even for the best of four tries.
        processes: Number of parallel environments. It affects the result because it determines the rollout size.
        rollout_steps: Number of steps per environment and rollout.
        batch_size: Number of samples per gradient step.
        epochs: Number of passes over a rollout.
        learning_rate: Initial learning rate of Adam. It decreases linearly to a tenth.
        discount: Discount factor gamma. The default is 0, because an attempt does not change the logo and so hardly
            affects later rewards.
        log_std: Logarithm of the policy's initial standard deviation, in a box from -1 to 1. That of whole numbers is
            higher (see ``actions.SPREADS``).
        start: Effort of tuning one setting for all logos (see ``baselines.tuned_action``), around which the training
            explores. With None, it is the pipeline's default setting.
        exploration: Number of random attempts around that setting. A surrogate is fitted to them, and the policy to the
            surrogate, before PPO starts (see ``warm_start``). With 0, the policy starts at the setting.
        network: Sizes of the hidden layers.
        checkpoint_every: Number of environment steps between checkpoints.
        weights: Weights of the reward.
    """

    steps: int = 20_000
    seed: int = 0
    sizes: tuple[int, ...] = (DEFAULT_SIZE,)
    attempts: int = DEFAULT_ATTEMPTS
    episode_steps: int = 1
    processes: int = 2
    rollout_steps: int = 256
    batch_size: int = 128
    epochs: int = 6
    learning_rate: float = 7e-4
    discount: float = 0.0
    log_std: float = -1.8
    start: TuningSettings | None = field(default_factory=TuningSettings)
    exploration: int = DEFAULT_EXPLORATION
    network: tuple[int, ...] = (64, 64)
    checkpoint_every: int = 2_000
    weights: RewardWeights = field(default_factory=RewardWeights)

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "attempts",
            "episode_steps",
            "processes",
            "rollout_steps",
            "batch_size",
            "epochs",
            "checkpoint_every",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("seed", "exploration"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not self.sizes or min(self.sizes) < 1:
            raise ValueError(f"sizes must be one or more numbers of at least 1, got {self.sizes}")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of a model, with the data needed to check whether the model fits its use.

    Args:
        settings: Settings of the training.
        trained_on: Names of the training logos.
        unseen: Names of the logos set aside for evaluation.
        start_action: Action of the tuned setting, shape (5,).
        equal_action: Best fixed action that the search for the start finds with as many traces as the whole training,
            shape (5,). None if it was not searched for.
        observation: Names of the observation's elements.
    """

    settings: TrainingSettings
    trained_on: tuple[str, ...]
    unseen: tuple[str, ...]
    start_action: tuple[float, ...] = tuple(action_of(Settings()).tolist())
    equal_action: tuple[float, ...] | None = None
    observation: tuple[str, ...] = OBSERVATION_NAMES

    def write(self, folder: Path | str) -> None:
        """Write ``training.json``."""
        text = json.dumps({**asdict(self), "bounds": SETTING_BOUNDS}, indent=2)
        (Path(folder) / CARD_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path | str) -> ModelCard:
        """Read ``training.json``.

        Raises:
            ModelError: The card is missing, unreadable, or from another version of the environment.
        """
        path = Path(folder) / CARD_FILE
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            bounds = {name: tuple(limits) for name, limits in content["bounds"].items()}
            if tuple(content["observation"]) != OBSERVATION_NAMES or bounds != SETTING_BOUNDS:
                raise ModelError(f"{folder} was trained with another version of the environment. Train it again")
            raw = content["settings"]
            weights = RewardWeights(**raw["weights"])
            start = TuningSettings(**raw["start"]) if raw["start"] is not None else None
            settings = TrainingSettings(
                **{
                    **raw,
                    "sizes": tuple(raw["sizes"]),
                    "network": tuple(raw["network"]),
                    "start": start,
                    "weights": weights,
                },
            )
            card = cls(
                settings,
                tuple(content["trained_on"]),
                tuple(content["unseen"]),
                tuple(content["start_action"]),
                None if content["equal_action"] is None else tuple(content["equal_action"]),
                tuple(content["observation"]),
            )
        except OSError as error:
            raise ModelError(f"{folder} has no trained model: {path.name}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} cannot be read: {error!r}") from error
        return card


class Traces(NamedTuple):
    """Every attempt of a training, from which other methods can learn as much.

    Attributes:
        features: Features of the training logos, shape (logos, features).
        recorded: Attempts on these logos.
    """

    features: NDArray[np.float32]
    recorded: Recorded

    @classmethod
    def empty(cls, features: NDArray[np.float32]) -> Traces:
        """Return no attempts on logos with these features."""
        return cls(features, Recorded.empty())

    def with_more(self, recorded: Recorded) -> Traces:
        """Return these attempts followed by others."""
        return self._replace(recorded=self.recorded.with_more(recorded))

    def write(self, folder: Path | str) -> None:
        """Write ``traces.npz``. The file is complete at any time."""
        path = Path(folder) / TRACES_FILE
        partial = path.with_name(f"partial-{path.name}")
        np.savez_compressed(partial, features=self.features, **self.recorded._asdict())
        partial.replace(path)

    @classmethod
    def read(cls, folder: Path | str) -> Traces | None:
        """Read ``traces.npz``, or return None if there is none.

        Raises:
            ModelError: The file is damaged.
        """
        path = Path(folder) / TRACES_FILE
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["features"], Recorded(file["logo"], file["actions"], file["rewards"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path} cannot be read: {error}") from error


class TrainedAgent:
    """A trained policy with its card.

    Args:
        model: Model of Stable-Baselines3.
        card: Card of the model.
        traces: Every attempt of the training, if known.
    """

    def __init__(self, model: PPO, card: ModelCard, traces: Traces | None = None) -> None:
        self.model = model
        self.card = card
        self.traces = traces

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action of the policy, shape (5,). It is deterministic."""
        action, _ = self.model.predict(observation, deterministic=True)
        return np.asarray(action, np.float32)

    def save(self, folder: Path | str) -> None:
        """Write the model, its card, and its policy for tracing without torch."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / MODEL_FILE)
        self.card.write(folder)
        if self.traces is not None:
            self.traces.write(folder)
        export_policy(self, folder / POLICY_FILE)

    @classmethod
    def load(cls, folder: Path | str) -> TrainedAgent:
        """Load a model. Loading unpickles data that can run code, so load only models that you trust.

        Raises:
            ModelError: The model is missing, damaged, or from another version of the environment.
        """
        card = ModelCard.read(folder)
        return cls(load_ppo(Path(folder) / MODEL_FILE, None), card, Traces.read(folder))


def export_policy(agent: TrainedAgent, path: Path | str) -> None:
    """Write the deterministic policy of a trained agent as a file for ``Policy.read``.

    Args:
        agent: Trained agent.
        path: File to write.

    Raises:
        ModelError: The network has another form than a perceptron with tanh.
    """
    network = agent.model.policy
    if network.activation_fn.__name__ != "Tanh":
        raise ModelError(f"only networks with tanh can be exported, got {network.activation_fn.__name__}")
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    hidden = "mlp_extractor.policy_net"
    names = sorted(
        (name.removesuffix(".weight") for name in state if name.startswith(hidden) and name.endswith(".weight")),
        key=lambda name: int(name.rsplit(".", 1)[-1]),
    )
    layers = tuple((state[f"{name}.weight"], state[f"{name}.bias"]) for name in [*names, "action_net"])
    Policy(
        state["features_extractor.shift"],
        state["features_extractor.scale"],
        MOST_SCALED,
        layers,
        agent.card.settings.sizes,
        agent.card.settings.weights,
    ).write(path)


def load_ppo(path: Path | str, environment: VecEnv | None) -> PPO:
    """Load a model or checkpoint of Stable-Baselines3.

    Raises:
        ModelError: The file is missing or damaged.
    """
    try:
        return PPO.load(path, environment, device="cpu")
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error

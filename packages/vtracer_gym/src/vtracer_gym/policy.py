"""The deterministic policy of a trained agent in NumPy: small, quick to load, and without torch."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.errors import ModelError
from vtracer_gym.observations import OBSERVATION_NAMES
from vtracer_gym.pipeline import SETTING_BOUNDS
from vtracer_gym.reward import RewardWeights

POLICY_FILE: Final = "policy.npz"

POLICY_VERSION: Final = 1
"""Version of the file. It changes with the meaning of the file's contents."""

_TRAIN_AGAIN: Final = "Train a model with this version: vtracer-gym train --logos FOLDER"

_Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """The mean action of a policy network with standardized inputs and tanh between its layers.

    Args:
        shift: Value to subtract from each observation, shape (41,).
        scale: Factor for each shifted observation, shape (41,).
        clip: Magnitude to which scaled observations are clipped.
        layers: Weights, shape (outputs, inputs), and biases, shape (outputs,), from the input to the action.
        sizes: Longest sides in pixels of the logos on which the policy was trained.
        weights: Weights of the reward for which the policy was trained.
    """

    shift: _Numbers
    scale: _Numbers
    clip: float
    layers: tuple[tuple[_Numbers, _Numbers], ...]
    sizes: tuple[int, ...]
    weights: RewardWeights

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action, shape (5,), for an observation, shape (41,)."""
        value = np.clip((observation - self.shift) * self.scale, -self.clip, self.clip)
        *hidden, (weight, bias) = self.layers
        for inner_weight, inner_bias in hidden:
            value = np.tanh(inner_weight @ value + inner_bias)
        return np.asarray(np.clip(weight @ value + bias, -1.0, 1.0), np.float32)

    def write(self, path: Path | str) -> None:
        """Write the policy to a file."""
        card = {
            "version": POLICY_VERSION,
            "observation": OBSERVATION_NAMES,
            "bounds": SETTING_BOUNDS,
            "clip": self.clip,
            "sizes": self.sizes,
            "weights": asdict(self.weights),
        }
        arrays = {"card": np.array(json.dumps(card)), "shift": self.shift, "scale": self.scale}
        for index, (weight, bias) in enumerate(self.layers):
            arrays |= {f"weight_{index}": weight, f"bias_{index}": bias}
        with Path(path).open("wb") as file:  # NumPy would append a suffix to a path
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub takes a name for a flag

    @classmethod
    def read(cls, path: Path | str) -> Policy:
        """Read a policy from a file. Reading never unpickles, so that it runs no code from the file.

        Raises:
            ModelError: The file is missing, damaged, or from another version of the environment.
        """
        try:
            return cls.parse(Path(path).read_bytes(), str(path))
        except OSError as error:
            reason = f"{path} cannot be read: {error.strerror or error}"
            raise ModelError(f"{reason}. Pass the folder of a model that `vtracer-gym train` wrote") from error

    @classmethod
    def parse(cls, data: bytes, place: str) -> Policy:
        """Read a policy from the contents of a file, whose place is named in errors.

        Raises:
            ModelError: The contents are damaged, or from another version of the environment.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            card: dict[str, Any] = json.loads(str(arrays["card"]))
            bounds = {name: tuple(limits) for name, limits in card["bounds"].items()}
            known = (card["version"], tuple(card["observation"]), bounds)
            if known != (POLICY_VERSION, OBSERVATION_NAMES, SETTING_BOUNDS):
                raise ModelError(f"{place} was trained with another version of the environment. {_TRAIN_AGAIN}")
            count = sum(name.startswith("weight_") for name in arrays)
            layers = tuple((arrays[f"weight_{index}"], arrays[f"bias_{index}"]) for index in range(count))
            policy = cls(
                arrays["shift"],
                arrays["scale"],
                float(card["clip"]),
                layers,
                tuple(int(size) for size in card["sizes"]),
                RewardWeights(**card["weights"]),
            )
            policy._check()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, *_DAMAGED) as error:
            raise ModelError(f"{place} is damaged ({error}). {_TRAIN_AGAIN}") from error
        return policy

    def _check(self) -> None:
        """Raise ValueError unless the layers lead from an observation to an action with finite numbers."""
        size = len(OBSERVATION_NAMES)
        if self.shift.shape != (size,) or self.scale.shape != (size,) or not self.sizes or min(self.sizes) < 1:
            raise ValueError("the scaling does not fit the observation")
        for weight, bias in self.layers:
            if weight.shape != (bias.size, size) or bias.ndim != 1:
                raise ValueError("the layers do not fit each other")
            size = bias.size
        arrays = [self.shift, self.scale, *(array for layer in self.layers for array in layer)]
        if not self.layers or size != DIMENSIONS or not all(np.isfinite(array).all() for array in arrays):
            raise ValueError("the output is not an action")


_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RecursionError)
"""What reading a damaged archive raises, apart from ordinary exceptions."""


def model_policy(folder: Path | str) -> Policy:
    """Read the policy of a trained model from its folder.

    Raises:
        ModelError: The folder has no policy, or the policy is damaged or from another version of the environment.
    """
    path = Path(folder) / POLICY_FILE
    if not path.is_file():
        raise ModelError(f"{folder} has no trained model: {POLICY_FILE} is missing. {_TRAIN_AGAIN}")
    return Policy.read(path)


def pretrained_policy() -> Policy | None:
    """Return the policy that is shipped with this package, or None if the package has none.

    Raises:
        ModelError: The policy is damaged or from another version of the environment.
    """
    place = files("vtracer_gym") / "pretrained" / POLICY_FILE
    return Policy.parse(place.read_bytes(), str(place)) if place.is_file() else None

"""A Gymnasium environment for choosing how to vectorize a logo with VTracer, with training and evaluation of PPO agents.

Synopsis::

    import gymnasium
    import vtracer_gym

    environment = gymnasium.make("vtracer_gym/Vectorize-v0", logos=vtracer_gym.load_folder(folder).logos)
    observation, info = environment.reset(seed=0)
    observation, reward, terminated, truncated, info = environment.step(environment.action_space.sample())

From a shell: ``vtracer-gym train --logos FOLDER``, ``vtracer-gym trace LOGO.png -o LOGO.svg --model MODEL``.
"""

from __future__ import annotations

from vtracer_gym.errors import (
    LogoError,
    MissingPackageError,
    ModelError,
    RasterizeError,
    TraceError,
    VtracerGymError,
)
from vtracer_gym.requirements import missing_packages as _missing_packages

if _missing := _missing_packages():  # report all missing packages at once, not just the first failing import
    raise MissingPackageError(_missing)

import gymnasium

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.environment import ENVIRONMENT_ID, VectorizeEnv
from vtracer_gym.logos import Logo, LogoFolder, Rejection, load_folder, load_logo, split_unseen
from vtracer_gym.pipeline import Drawing, Settings, vectorize
from vtracer_gym.reward import RewardParts, RewardWeights
from vtracer_gym.samples import LOGO_TYPES, sample_logos
from vtracer_gym.tracing import DEFAULTS, Parameters

__all__ = [
    "DEFAULTS",
    "ENVIRONMENT_ID",
    "LOGO_TYPES",
    "Attempt",
    "Drawing",
    "Logo",
    "LogoError",
    "LogoFolder",
    "MissingPackageError",
    "ModelError",
    "Parameters",
    "PreparedLogo",
    "RasterizeError",
    "Rejection",
    "RewardParts",
    "RewardWeights",
    "Settings",
    "TraceError",
    "VectorizeEnv",
    "VtracerGymError",
    "load_folder",
    "load_logo",
    "sample_logos",
    "split_unseen",
    "vectorize",
]

gymnasium.register(id=ENVIRONMENT_ID, entry_point="vtracer_gym.environment:VectorizeEnv")

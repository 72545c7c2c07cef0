"""Compact SVGs of logos with VTracer, and the Gymnasium environment in which an agent learns to choose the setting.

Synopsis::

    import gymnasium
    import vtracer_gym

    environment = gymnasium.make("vtracer_gym/Vectorize-v0", logos=vtracer_gym.load_folder(folder).logos)
    observation, info = environment.reset(seed=0)
    observation, reward, terminated, truncated, info = environment.step(environment.action_space.sample())

From a shell: ``vtracer-gym trace LOGO.png``, ``vtracer-gym train --logos FOLDER``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vtracer_gym.errors import (
    LogoError,
    MissingPackageError,
    ModelError,
    RasterizeError,
    TraceError,
    VtracerGymError,
)
from vtracer_gym.registration import ENVIRONMENT_ID
from vtracer_gym.registration import register_environment as _register_environment
from vtracer_gym.requirements import missing_packages as _missing_packages

if _missing := _missing_packages():  # report all missing packages at once, not just the first failing import
    raise MissingPackageError(_missing)

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt, PreparedLogo
    from vtracer_gym.conversion import Conversion, ConversionOptions, convert
    from vtracer_gym.environment import VectorizeEnv
    from vtracer_gym.logos import Logo, LogoFolder, Rejection, load_folder, load_logo, split_unseen
    from vtracer_gym.models import export_policy
    from vtracer_gym.pipeline import Drawing, Settings, vectorize
    from vtracer_gym.policy import Policy, pretrained_policy
    from vtracer_gym.reward import RewardParts, RewardWeights
    from vtracer_gym.samples import LOGO_TYPES, sample_logos
    from vtracer_gym.tracing import DEFAULTS, Parameters

__all__ = [
    "DEFAULTS",
    "ENVIRONMENT_ID",
    "LOGO_TYPES",
    "Attempt",
    "Conversion",
    "ConversionOptions",
    "Drawing",
    "Logo",
    "LogoError",
    "LogoFolder",
    "MissingPackageError",
    "ModelError",
    "Parameters",
    "Policy",
    "PreparedLogo",
    "RasterizeError",
    "Rejection",
    "RewardParts",
    "RewardWeights",
    "Settings",
    "TraceError",
    "VectorizeEnv",
    "VtracerGymError",
    "convert",
    "export_policy",
    "load_folder",
    "load_logo",
    "pretrained_policy",
    "sample_logos",
    "split_unseen",
    "vectorize",
]

_PLACES = {
    "DEFAULTS": "tracing",
    "LOGO_TYPES": "samples",
    "Attempt": "attempts",
    "Conversion": "conversion",
    "ConversionOptions": "conversion",
    "Drawing": "pipeline",
    "Logo": "logos",
    "LogoFolder": "logos",
    "Parameters": "tracing",
    "Policy": "policy",
    "PreparedLogo": "attempts",
    "Rejection": "logos",
    "RewardParts": "reward",
    "RewardWeights": "reward",
    "Settings": "pipeline",
    "VectorizeEnv": "environment",
    "convert": "conversion",
    "export_policy": "models",
    "load_folder": "logos",
    "load_logo": "logos",
    "pretrained_policy": "policy",
    "sample_logos": "samples",
    "split_unseen": "logos",
    "vectorize": "pipeline",
}
"""Module of each public name. Names are imported on first use, so that a command loads only what it needs."""

_register_environment()


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'vtracer_gym' has no attribute {name!r}")
    value = getattr(import_module(f"vtracer_gym.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

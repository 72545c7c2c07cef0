"""Registration of the environment with Gymnasium, without importing Gymnasium for those who do not use it.

Gymnasium takes longer to import than ``vtracer-gym trace`` needs for a logo, and has no entry point for plug-ins.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ENVIRONMENT_ID: Final = "vtracer_gym/Vectorize-v0"

_GYMNASIUM: Final = "gymnasium"


def register_environment() -> None:
    """Register the environment: now if Gymnasium is imported, otherwise as soon as it is."""
    gymnasium = sys.modules.get(_GYMNASIUM)
    if gymnasium is None:
        sys.meta_path.insert(0, _GymnasiumFinder())
    else:
        _register(gymnasium)


def _register(gymnasium: ModuleType) -> None:
    gymnasium.register(id=ENVIRONMENT_ID, entry_point="vtracer_gym.environment:VectorizeEnv")


class _GymnasiumFinder:
    """Finder that leaves finding Gymnasium to the other finders, and registers the environment when it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _GYMNASIUM:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]  # a loader in all but its base
        return spec


class _RegisteringLoader:
    """Loader of Gymnasium that registers the environment afterwards."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _register(module)

"""Vary the pipeline's constants, for the benches that show why they are constants."""

from __future__ import annotations

import copy
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from vtracer_gym import boundaries, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from vtracer_gym.attempts import PreparedLogo

MODULES: Final[Mapping[str, ModuleType]] = {
    "enlargement": pipeline,
    "sharpening": pipeline,
    "layer_difference": pipeline,
    "corner_angle": boundaries,
}
"""The constants, with the modules that have them."""


@contextmanager
def changed(values: Mapping[str, float]) -> Iterator[None]:
    """Give constants other values."""
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(patch.object(MODULES[name], name.upper(), value))
        yield


def untraced(prepared: PreparedLogo) -> PreparedLogo:
    """Return the same logo with its measurer and first drawings, but without a prepared picture and regions."""
    fresh = copy.copy(prepared)
    vars(fresh).pop("_picture", None)
    vars(fresh)["_regions"] = {}
    return fresh

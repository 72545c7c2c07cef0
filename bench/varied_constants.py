"""Variation of what the pipeline has as constants, for the benches that show why they are constants."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from vtracer_gym import boundaries, pipeline
from vtracer_gym.attempts import PreparedLogo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

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


def without_pictures(prepared: PreparedLogo) -> PreparedLogo:
    """Return a logo with the same defaults and first drawing, which is prepared and traced again for each attempt."""
    fresh = PreparedLogo(prepared.logo)
    fresh.default, fresh.first = prepared.default, prepared.first
    return fresh

"""Layers of a logo: the regions into which VTracer divides it with other layer differences, and their colour error.

Whether a layer difference merges two colours depends on single pixels, so that no statistic of the pixels predicts it.
Tracing the regions shows it, without curves, SVG or drawing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vtracer_gym.errors import TraceError
from vtracer_gym.measures import area_colors
from vtracer_gym.pipeline import Settings
from vtracer_gym.recolouring import painted

if TYPE_CHECKING:
    from vtracer_gym.attempts import PreparedLogo

LAYER_DIFFERENCES: Final = (12, 48, 96)
"""Layer differences at which the layers are found, in addition to the default one."""


class Layers(NamedTuple):
    """Layers of a logo with one layer difference.

    Attributes:
        regions: Number of regions.
        color_error: Mean absolute difference of the colours of areas from those of the logo, in 8-bit levels.
    """

    regions: int
    color_error: float


def layers_of(prepared: PreparedLogo, layer_difference: int) -> Layers | None:
    """Return the layers of a logo with the default setting and another layer difference, or None if VTracer fails."""
    setting = replace(Settings(), layer_difference=layer_difference)
    try:
        regions = prepared.regions(setting)
    except TraceError:
        return None
    pixels = prepared.logo.pixels
    picture = painted(regions, pixels, float(setting.enlargement))
    return Layers(len(regions), float(np.abs(area_colors(picture) - area_colors(pixels)).mean()))

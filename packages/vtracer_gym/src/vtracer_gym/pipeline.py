"""The stages from a logo to a compact SVG: prepare, trace, recolour, fit curves, write.

Each stage is a function in a separate module, without state. ``vectorize`` puts them together for one setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, NamedTuple

from vtracer_gym.curve_fitting import fit_curves
from vtracer_gym.preparation import enlarge, sharpen
from vtracer_gym.recolouring import recolour
from vtracer_gym.svg_writer import write_svg
from vtracer_gym.tracing import encode_png, trace_regions
from vtracer_gym.transparency import traceable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.logos import Logo
    from vtracer_gym.shapes import Region, Shape

SETTING_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "filter_speckle": (1.0, 6.0),
    "color_precision": (5, 7),
    "smoothing": (0.0, 1.0),
    "tolerance": (0.15, 0.8),
    "grid": (1.5, 5.0),
}
"""Lowest and highest allowed value of each setting, both inclusive.

Values outside ruin logos, as ``bench/setting_ranges.py`` shows.
"""

WHOLE: Final = frozenset({"color_precision"})
"""Settings that are whole numbers."""

ENLARGEMENT: Final = 2
"""Factor by which the picture is enlarged before tracing.

It is not a setting: a factor of 3 is better for fewer logos (``bench/setting_ranges.py``), and gives VTracer more than
twice as many pixels.
"""

SHARPENING: Final = 1
"""Number of passes that sharpen the edges of the enlarged picture.

It is not a setting: a second pass is better for about half of the logos (``bench/setting_ranges.py``).
"""

LAYER_DIFFERENCE: Final = 24
"""Colour difference between the layers of a gradient, in 8-bit levels (VTracer).

It is not a setting: up to 32 it hardly matters, and from 48 on, VTracer merges colours that differ visibly.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """A setting of the pipeline. Lengths are in pixels of the logo, so that they mean the same at every size.

    Args:
        filter_speckle: Side in pixels; patches with an area below its square are removed (VTracer).
        color_precision: Number of significant bits per RGB channel for clustering neighbouring pixels (VTracer).
        smoothing: Standard deviation of the Gaussian along a boundary in pixels.
        tolerance: Maximum distance of a curve from the smoothed boundary in pixels.
        grid: Coordinate units per pixel in the SVG. Points move by at most half a unit when they are rounded.

    Raises:
        ValueError: A value is outside ``SETTING_BOUNDS`` or non-finite, or is not a whole number although it must be.
    """

    filter_speckle: float = 3.0
    color_precision: int = 6
    smoothing: float = 0.5
    tolerance: float = 0.35
    grid: float = 2.0

    def __post_init__(self) -> None:
        for name, (low, high) in SETTING_BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # also rejects NaN
                raise ValueError(f"{name} is {value}, outside the range {low:g} to {high:g}")
            if name in WHOLE and not math.floor(value) == value:
                raise ValueError(f"{name} must be a whole number, got {value}")

    def as_dict(self) -> dict[str, float]:
        """Return the values by name in the order of the fields."""
        return {name: getattr(self, name) for name in SETTING_NAMES}


SETTING_NAMES: Final = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A vectorized logo.

    Args:
        svg: SVG document.
        shapes: Shapes of the document, from the bottom to the top.
        scale: Coordinate units of the shapes per pixel of the logo.
    """

    svg: str
    shapes: Sequence[Shape]
    scale: float


def prepare(logo: Logo) -> bytes:
    """Return the enlarged and sharpened picture of a logo as PNG. Transparency is kept (see ``traceable``)."""
    sharpened = sharpen(enlarge(logo.own_pixels, ENLARGEMENT), SHARPENING)
    return encode_png(sharpened if logo.rgba is None else traceable(sharpened))


class Clustering(NamedTuple):
    """Parameters that determine the regions of a picture. Settings with the same clustering have the same regions.

    Attributes:
        filter_speckle: Side in pixels of the enlarged picture; patches with an area below its square are removed.
        color_precision: Number of significant bits per RGB channel.
    """

    filter_speckle: int
    color_precision: int

    @classmethod
    def of(cls, settings: Settings) -> Clustering:
        """Return the clustering of a setting."""
        return cls(round(settings.filter_speckle * ENLARGEMENT), settings.color_precision)


def find_regions(png: bytes, logo: Logo, clustering: Clustering) -> list[Region]:
    """Trace a prepared picture into regions, and recolour them.

    Args:
        png: Result of ``prepare``.
        logo: Logo of the picture.
        clustering: Clustering of the pixels.

    Raises:
        TraceError: VTracer failed or panicked.
    """
    regions = trace_regions(png, **clustering._asdict(), layer_difference=LAYER_DIFFERENCE)
    return recolour(regions, logo.own_pixels, ENLARGEMENT)


def draw_regions(regions: Sequence[Region], logo: Logo, settings: Settings) -> Drawing:
    """Fit curves to the boundaries of regions, and write them.

    Args:
        regions: Result of ``find_regions``, which is not modified.
        logo: Logo of the regions.
        settings: Setting of the curves and of the writer.
    """
    scale = float(ENLARGEMENT)
    shapes = fit_curves(
        regions,
        (logo.width * scale, logo.height * scale),
        smoothing=settings.smoothing,
        tolerance=settings.tolerance,
        scale=scale,
    )
    svg = write_svg(shapes, logo.width, logo.height, scale=scale, grid=settings.grid)
    return Drawing(svg, shapes, scale)


def vectorize(logo: Logo, settings: Settings | None = None) -> Drawing:
    """Vectorize a logo with one setting, by default the good fixed setting.

    Raises:
        TraceError: VTracer failed or panicked.
    """
    chosen = settings or Settings()
    return draw_regions(find_regions(prepare(logo), logo, Clustering.of(chosen)), logo, chosen)

"""Linear gradients: regions whose colours change evenly across them get a gradient instead of one flat colour.

VTracer joins neighbouring pixels of similar colours, and so flattens every smooth gradient, with any parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.shapes import Gradient

if TYPE_CHECKING:
    from vtracer_gym.shapes import Color

MIN_PIXELS: Final = 40
"""Minimum number of pixels of a region with a gradient."""

MOST_PIXELS: Final = 1_000
"""Number of pixels to which a gradient is fitted. More of them take longer and hardly change it."""

GOLDEN: Final = 0.5 * (5.0**0.5 - 1.0)

MIN_CHANGE: Final = 12
"""Minimum difference between the first and the last decile of a channel in 8-bit levels. Smaller ones are invisible."""

EXPLAINED: Final = 0.75
"""Minimum share of the variance of the colours that a gradient explains."""

BENDING: Final = 0.8
"""A gradient gets a third colour in the middle if this reduces the squared error below this share."""


def fit_gradient(places: NDArray[np.float64], pixels: NDArray[np.uint8]) -> Gradient | None:
    """Return the gradient that fits the colours of a region best.

    It is None if the gradient is not much better than one colour, or not better than two colours with a hard edge.

    The direction is that in which a plane fitted to the colours changes most.

    Args:
        places: Coordinates of the pixels, shape (pixels, 2).
        pixels: Colours of the pixels, shape (pixels, 3).
    """
    if len(places) < MIN_PIXELS:
        return None
    chosen = np.arange(len(places))
    if len(places) > MOST_PIXELS:  # steps of the golden ratio are uneven to rows and columns
        chosen = (np.arange(MOST_PIXELS) * (GOLDEN * len(places)) % len(places)).astype(np.int64)
    colors = pixels[chosen].astype(np.float64)
    centre, mean = places[chosen].mean(axis=0), colors.mean(axis=0)
    slopes = np.linalg.lstsq(places[chosen] - centre, colors - mean, rcond=None)[0]
    direction = np.linalg.svd(slopes)[0][:, 0]
    along = (places - centre) @ direction
    low, high = along.min(), along.max()
    if high - low < 1.0:
        return None
    share = (along[chosen] - low) / (high - low)
    ends, error = _stops(share, colors, 2)
    bent, bent_error = _stops(share, colors, 3)
    if bent_error < BENDING * error:
        ends, error = bent, bent_error
    one_color = float(((colors - mean) ** 2).sum())
    if error >= (1.0 - EXPLAINED) * one_color or error >= one_color - _explained_by_two(share, colors - mean):
        return None
    start, end = centre + direction * low, centre + direction * high
    return Gradient((float(start[0]), float(start[1])), (float(end[0]), float(end[1])), ends)


def _explained_by_two(share: NDArray[np.float64], colors: NDArray[np.float64]) -> float:
    """Return how much of the sum of squares two colours explain, with an edge at the best place.

    Args:
        share: Places of the pixels along the gradient.
        colors: Colours minus their mean.
    """
    before = colors[np.argsort(share, kind="stable")].cumsum(axis=0)[:-1]
    count = np.arange(1, len(colors))
    return float(((before**2).sum(axis=1) * (1.0 / count + 1.0 / (len(colors) - count))).max())


def _stops(share: NDArray[np.float64], colors: NDArray[np.float64], count: int) -> tuple[tuple[Color, ...], float]:
    """Return the best colours at equally spaced places from 0 to 1, and the sum of squared errors between them.

    They are within the range of the given colours.
    """
    places = np.linspace(0.0, 1.0, count)
    hats = np.maximum(0.0, 1.0 - np.abs(share[:, None] - places) * (count - 1))
    stops = np.rint(np.linalg.lstsq(hats, colors, rcond=None)[0].clip(colors.min(axis=0), colors.max(axis=0)))
    chosen: tuple[Color, ...] = tuple((int(red), int(green), int(blue)) for red, green, blue in stops.tolist())
    return chosen, float(((hats @ stops - colors) ** 2).sum())

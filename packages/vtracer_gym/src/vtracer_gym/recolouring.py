"""Recolouring: each region gets the median colour of its visible pixels, or a gradient.

VTracer averages the colours of all pixels of a region, with those at its soft edge, so that white paper gets a tint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.gradients import MIN_CHANGE, MIN_PIXELS, fit_gradient
from vtracer_gym.preparation import sharpen
from vtracer_gym.shapes import Gradient, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.shapes import Color

_FRACTION_BITS: Final = 4
_MOST_REGIONS: Final = 65_535
"""Highest label of a 16-bit picture. Higher regions keep their colours."""

SNAP: Final = 2
"""Distance in 8-bit levels within which a colour becomes pure black or pure white."""

_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)


def recolour(regions: Sequence[Region], pixels: NDArray[np.uint8], scale: float) -> list[Region]:
    """Replace the fills of regions by the median colour of their pixels, or by a gradient where that fits much better.

    Pixels at the boundary of a region are blends, so they count only if the region has no other visible pixel, and then
    sharpened. Regions that are not visible keep their colour.

    Args:
        regions: Regions from the bottom to the top.
        pixels: Pixels of the logo, shape (height, width, 3 or 4). Colours are straight, not multiplied by alpha.
        scale: Coordinate units of the regions per pixel.
    """
    shown = list(regions[:_MOST_REGIONS])
    labels = _labels(shown, pixels.shape[0], pixels.shape[1], scale)
    inside = labels * (cv2.erode(labels, _NEIGHBOURS) == cv2.dilate(labels, _NEIGHBOURS))
    count = _counted(inside, len(shown))
    medians, change = _medians(inside, pixels, count)
    gradients = _gradients(inside, pixels, scale, (change >= MIN_CHANGE) & (count >= MIN_PIXELS))
    missing = count == 0
    missing[0] = False
    thin = missing[labels]
    if thin.any():
        # Straight colours are not blended with the ground, so those of transparent logos are used as they are.
        sharp = sharpen(pixels, 1) if pixels.shape[2] == len("RGB") else pixels
        count_thin = _counted(labels[thin], len(shown))
        medians[count_thin > 0] = _medians(labels[thin], sharp[thin], count_thin)[0][count_thin > 0]
        count += count_thin
    medians = medians[1:]
    medians[(medians <= SNAP).all(axis=1)] = 0
    medians[(medians >= 255 - SNAP).all(axis=1)] = 255
    colors: list[Color] = [(red, green, blue) for red, green, blue in medians.tolist()]
    recoloured = [
        Region(gradients.get(number, color) if visible else region.fill, region.polygons)
        for number, (region, color, visible) in enumerate(zip(shown, colors, (count[1:] > 0).tolist(), strict=True), 1)
    ]
    return recoloured + list(regions[_MOST_REGIONS:])


def _centres(rows: NDArray[np.intp], columns: NDArray[np.intp], scale: float) -> NDArray[np.float64]:
    """Return the centres of pixels in the coordinates of regions."""
    return np.asarray((np.stack([columns, rows], axis=1) + 0.5) * scale, np.float64)


def _gradients(
    labels: NDArray[np.uint16], pixels: NDArray[np.uint8], scale: float, changes: NDArray[np.bool_]
) -> dict[int, Gradient]:
    """Return the gradients of labels whose colours change, where they fit."""
    found = {}
    for number in np.flatnonzero(changes[1:]) + 1:
        rows, columns = np.nonzero(labels == number)
        gradient = fit_gradient(_centres(rows, columns, scale), pixels[rows, columns, :3])
        if gradient is not None:
            found[int(number)] = gradient
    return found


def _counted(labels: NDArray[np.uint16], regions: int) -> NDArray[np.int64]:
    """Return the number of pixels of each label. Label 0, outside all regions, has none."""
    count = np.bincount(labels.ravel(), minlength=regions + 1)
    count[0] = 0
    return count


def _medians(
    labels: NDArray[np.uint16], colors: NDArray[np.uint8], count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the upper median colour of each label, and how much its colours change, from histograms.

    Args:
        labels: Label of each pixel.
        colors: Colour of each pixel, with the channels on the last axis.
        count: Number of pixels of each label.

    Returns:
        Medians, shape (labels, 3); and the largest difference between the first and the last decile of a channel.
    """
    base = labels.ravel().astype(np.int64) << 8
    medians, changes = [], []
    for channel in range(3):
        levels = np.bincount(base + colors[..., channel].ravel(), minlength=count.size << 8).reshape(count.size, 256)
        below = levels.cumsum(axis=1)
        low, middle, high = ((below > (count * tenths // 10)[:, None]).argmax(axis=1) for tenths in (1, 5, 9))
        medians.append(middle)
        changes.append(high - low)
    return np.stack(medians, axis=1), np.max(changes, axis=0)


def _labels(regions: Sequence[Region], height: int, width: int, scale: float) -> NDArray[np.uint16]:
    """Return the number of the topmost region at each pixel, counted from 1, and 0 outside all regions.

    OpenCV also fills the pixels that a boundary touches, so boundaries are moved inwards by a fraction of a pixel.
    """
    labels = np.zeros((height, width), np.uint16)
    if not regions:
        return labels
    polygons = [polygon for region in regions for polygon in region.polygons]
    corners = np.concatenate(polygons)
    ends = np.cumsum([len(polygon) for polygon in polygons])
    begins = np.append(0, ends[:-1])
    following, previous = np.arange(1, len(corners) + 1), np.arange(-1, len(corners) - 1)
    following[ends - 1], previous[begins] = begins, ends - 1
    along = np.sign(corners[following] - corners)
    inwards = np.stack([-along[:, 1], along[:, 0]], axis=1)
    inwards += inwards[previous]
    unit = (1 << _FRACTION_BITS) / scale
    half = (1 << _FRACTION_BITS) // 2  # OpenCV's coordinates are those of pixel centres
    fixed = iter(np.split(np.rint(corners * unit - half + inwards).astype(np.int32), ends[:-1]))
    for number, region in enumerate(regions, 1):
        parts = [next(fixed) for _ in region.polygons]
        cv2.fillPoly(labels, parts, number, lineType=cv2.LINE_8, shift=_FRACTION_BITS)
    return labels

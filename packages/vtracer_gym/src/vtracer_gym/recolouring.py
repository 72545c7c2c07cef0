"""Recolouring: each shape gets the median colour of its visible pixels.

VTracer averages the colours of all pixels of a region, with those at its soft edge, so that white paper gets a tint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.preparation import sharpen
from vtracer_gym.shapes import Region

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
    """Replace the colours of regions.

    Pixels at the boundary of a region are blends, so they count only if the region has no other visible pixel, and then
    sharpened. Regions that are not visible keep their colour.

    Args:
        regions: Regions from the bottom to the top.
        pixels: Pixels of the logo, shape (height, width, 3 or 4). Colours are straight, not multiplied by alpha.
        scale: Coordinate units of the regions per pixel.
    """
    shown = list(regions[:_MOST_REGIONS])
    labels = _labels(shown, pixels.shape[0], pixels.shape[1], scale)
    inside = (cv2.erode(labels, _NEIGHBOURS) == cv2.dilate(labels, _NEIGHBOURS)).ravel()
    flat = labels.ravel()
    has_inside = np.bincount(flat[inside], minlength=len(shown) + 1) > 0
    counted = inside | ~has_inside[flat]
    label = flat[counted].astype(np.uint32)
    count = np.bincount(label, minlength=len(shown) + 1)
    middle = np.cumsum(count) - count + count // 2
    colors_shown = pixels
    if pixels.shape[2] == len("RGB"):  # straight colours are not blended with the ground
        colors_shown = np.where(inside.reshape(labels.shape)[..., None], pixels, sharpen(pixels, 1))
    channels = []
    for channel in range(3):
        ranked = np.sort((label << 8) | colors_shown[..., channel].ravel()[counted])
        channels.append(ranked[np.minimum(middle, ranked.size - 1)] & 255)
    medians = np.stack(channels, axis=1)[1:]
    medians[(medians <= SNAP).all(axis=1)] = 0
    medians[(medians >= 255 - SNAP).all(axis=1)] = 255
    colors: list[Color] = [(red, green, blue) for red, green, blue in medians.tolist()]
    recoloured = [
        Region(color if visible else region.color, region.polygons)
        for region, color, visible in zip(shown, colors, (count[1:] > 0).tolist(), strict=True)
    ]
    return recoloured + list(regions[_MOST_REGIONS:])


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

"""Preparation of a picture for tracing: enlargement, and sharpening of its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACH: Final = 2
"""Number of pixels beyond the border that bicubic interpolation uses."""

_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)


def enlarge(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Enlarge a picture with bicubic interpolation, so that VTracer finds edges between the original pixels.

    Values stay within the range of the neighbouring pixels, or the overshoot of the interpolation would become a halo
    around each shape. The picture is continued beyond its border by point reflection. Repeated border pixels would give
    a shape that touches the border a flat step of one pixel.

    Args:
        pixels: RGB pixels, shape (height, width, 3), or straight colours and alpha, shape (height, width, 4). Colours
            are weighted by alpha, so that the colours of transparent pixels do not matter.
        factor: Factor of at least 1.
    """
    if factor == 1:
        return pixels
    values = pixels.astype(np.float32)
    if pixels.shape[2] == len("RGBA"):
        values[..., :3] = values[..., :3] * values[..., 3:] / 255.0
    beyond = ((_REACH, _REACH), (_REACH, _REACH), (0, 0))
    padded = np.pad(values, beyond, "reflect", reflect_type="odd").clip(0.0, 255.0)
    size = (padded.shape[1] * factor, padded.shape[0] * factor)
    margin = slice(_REACH * factor, -_REACH * factor)
    lowest, highest = (
        cv2.resize(extreme(padded, _NEIGHBOURS), size, interpolation=cv2.INTER_NEAREST)
        for extreme in (cv2.erode, cv2.dilate)
    )
    large = np.clip(cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC), lowest, highest)[margin, margin]
    if pixels.shape[2] == len("RGBA"):
        large[..., :3] = large[..., :3] * 255.0 / np.maximum(large[..., 3:], 1.0)
    return np.asarray(np.rint(large).clip(0.0, 255.0), np.uint8)


def sharpen(pixels: NDArray[np.uint8], passes: int) -> NDArray[np.uint8]:
    """Sharpen edges by toggle contrast: each value moves to the nearer one of the extremes among its neighbours.

    H. P. Kramer, J. B. Bruckner: "Iterations of a non-linear transformation for enhancement of digital images", Pattern
    Recognition 7, 1975. Anti-aliased edges, which VTracer would trace as thin regions of blended colours, become steps.

    Args:
        pixels: Pixels, shape (height, width, channels).
        passes: Number of passes over neighbourhoods of 3 x 3 pixels.
    """
    for _ in range(passes):
        highest, lowest = cv2.dilate(pixels, _NEIGHBOURS), cv2.erode(pixels, _NEIGHBOURS)
        rises = cv2.subtract(highest, pixels) < cv2.subtract(pixels, lowest)
        pixels = np.where(rises, highest, lowest)
    return pixels

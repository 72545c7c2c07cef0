"""Transparent logos: composition on a background for viewing and measuring, and preparation for VTracer."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.rasterize import BLACK, WHITE

GROUNDS: Final = (WHITE, BLACK)
"""Backgrounds for measuring a transparent logo. A logo that is invisible on one of them is visible on the other."""

_LEVEL: Final = {WHITE: 255.0, BLACK: 0.0}

SHOWN: Final = 32.0
"""Minimum mean difference of a logo from white, in 8-bit levels of brightness, for viewing it on white."""


def laid_on(rgba: NDArray[np.uint8], ground: str) -> NDArray[np.uint8]:
    """Composite a picture on a background.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).
        ground: Background, ``WHITE`` or ``BLACK``.

    Returns:
        RGB pixels, shape (height, width, 3).
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    return np.asarray(np.round(rgba[..., :3] * alpha + _LEVEL[ground] * (1.0 - alpha)), np.uint8)


def ground_of(rgba: NDArray[np.uint8]) -> str:
    """Choose the background for viewing a logo: white, or black if the logo is hardly visible on white."""
    alpha = rgba[..., 3].astype(np.float64)
    brightness = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY)
    return WHITE if float(((255.0 - brightness) * alpha).sum() / alpha.sum()) >= SHOWN else BLACK


def shrunk(rgba: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Shrink a picture with colours weighted by alpha, so that transparent pixels do not bleed into visible ones.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).
        width: Width of the result in pixels.
        height: Height of the result in pixels.
    """
    alpha = rgba[..., 3:].astype(np.float32)
    weighted = np.concatenate([rgba[..., :3] * alpha, alpha], axis=2)
    small = cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA)
    colors = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.asarray(np.round(np.concatenate([colors, small[..., 3:]], axis=2)).clip(0.0, 255.0), np.uint8)


def traceable(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Prepare a transparent picture so that VTracer keeps its transparency.

    VTracer only distinguishes fully transparent pixels from all others. Pixels with at least half of the maximum alpha
    become opaque; the remaining ones become fully transparent. VTracer searches only five rows for transparent pixels,
    including the last one, and treats a picture with few of them as opaque. This function therefore adds a transparent
    row at the bottom, which `tracing.trace` cuts off. Binary tracing ignores alpha and sees white there.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).

    Returns:
        Pixels, shape (height + 1, width, 4), with alpha 0 or 255.
    """
    alpha = rgba[..., 3]
    is_open = alpha < (int(alpha.max()) + 1) // 2
    ready = np.full((rgba.shape[0] + 1, rgba.shape[1], 4), (255, 255, 255, 0), np.uint8)
    ready[:-1][~is_open, :3] = rgba[~is_open, :3]
    ready[:-1][~is_open, 3] = 255
    return ready


def with_ground(svg: str, ground: str) -> str:
    """Add a background behind the shapes of an SVG document, so that it is visible on any page."""
    head, root, shapes = svg.partition("<svg")
    tag, end, rest = shapes.partition(">")
    return f'{head}{root}{tag}{end}<rect width="100%" height="100%" fill="{ground}"/>{rest}'

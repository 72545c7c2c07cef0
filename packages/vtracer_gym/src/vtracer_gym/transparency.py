"""Transparent logos: laid on a ground to be looked at and measured, and made ready for VTracer."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
GROUNDS: Final = (WHITE, BLACK)
"""What a transparent logo is measured on: a logo that vanishes on one of them shows on the other."""

_LEVEL: Final = {WHITE: 255.0, BLACK: 0.0}

SHOWN: Final = 32.0
"""Mean distance of a logo from white, in 8-bit levels of brightness, from which on it is looked at on white."""


def laid_on(rgba: NDArray[np.uint8], ground: str) -> NDArray[np.uint8]:
    """Composite a picture on a ground.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).
        ground: ``WHITE`` or ``BLACK``.

    Returns:
        RGB, shape (height, width, 3).
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    return np.asarray(np.round(rgba[..., :3] * alpha + _LEVEL[ground] * (1.0 - alpha)), np.uint8)


def ground_of(rgba: NDArray[np.uint8]) -> str:
    """Choose the ground on which a logo is looked at: white, or black for a logo that hardly shows on white."""
    alpha = rgba[..., 3].astype(np.float64)
    brightness = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY)
    return WHITE if float(((255.0 - brightness) * alpha).sum() / alpha.sum()) >= SHOWN else BLACK


def shrunk(rgba: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Shrink a picture, each colour weighted by its alpha: what is transparent has no colour to bleed into the rest.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).
        width: Of the result, in pixels.
        height: Of the result, in pixels.
    """
    alpha = rgba[..., 3:].astype(np.float32)
    weighted = np.concatenate([rgba[..., :3] * alpha, alpha], axis=2)
    small = cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA)
    colors = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.asarray(np.round(np.concatenate([colors, small[..., 3:]], axis=2)).clip(0.0, 255.0), np.uint8)


def traceable(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a transparent picture into one of which VTracer keeps what is transparent.

    VTracer knows pixels that are transparent altogether and others: what has at least half of the largest alpha is
    opaque here. It looks for them on five rows alone, the last one among them, and takes a picture with few of them
    for opaque; so a transparent row is added below, which `tracing.trace` cuts off. Binary tracing sees no alpha, and
    white there.

    Args:
        rgba: Straight colours and alpha, shape (height, width, 4).

    Returns:
        Shape (height + 1, width, 4); alpha is 0 or 255.
    """
    alpha = rgba[..., 3]
    is_open = alpha < (int(alpha.max()) + 1) // 2
    ready = np.full((rgba.shape[0] + 1, rgba.shape[1], 4), (255, 255, 255, 0), np.uint8)
    ready[:-1][~is_open, :3] = rgba[~is_open, :3]
    ready[:-1][~is_open, 3] = 255
    return ready


def with_ground(svg: str, ground: str) -> str:
    """Put a ground behind the shapes of a document, so that it can be looked at on any page."""
    head, root, shapes = svg.partition("<svg")
    tag, end, rest = shapes.partition(">")
    return f'{head}{root}{tag}{end}<rect width="100%" height="100%" fill="{ground}"/>{rest}'

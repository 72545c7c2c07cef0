"""Features of a logo and of three drawings of it, on a scale of about 1: what the agent sees at its first try."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt, PreparedLogo

FEATURE_NAMES: Final = (
    "log_area",
    "log_colors_coarse",
    "color_entropy",
    "share_flat",
    "share_soft_slope",
    "share_edge",
    "log_regions",
    "stroke_width",
    "first_log_bytes",
    "first_log_shapes",
    "first_log_error",
    "first_log_detail_error",
    "first_log_color_error",
    "first_edge_distance",
    "low_precision_size",
    "low_precision_error",
    "low_precision_detail_error",
    "high_precision_size",
    "high_precision_error",
    "high_precision_detail_error",
)
"""Names of the features in order: of the logo, of its first drawing with the default setting, and of what changes with
the lowest and the highest colour precision (see ``relative_to_first``).

They are few, because a policy with many features fits the logos on which it is trained, and not others.
"""

FLAT: Final = 2.0
"""Gradient magnitude, in 8-bit levels per pixel, below which a pixel is in a flat area."""

EDGE: Final = 24.0
"""Gradient magnitude above which a pixel is on an edge. Colour gradients are between ``FLAT`` and this value."""

EASY: Final = 0.07
HARD: Final = 0.13

ERROR_FLOOR: Final = 0.002
"""Added to 1 - SSIM before taking the logarithm. Smaller errors are invisible."""

COLOR_FLOOR: Final = 0.5
"""Added to a colour error, in 8-bit levels, before taking the logarithm."""

REFERENCE_AREA: Final = 128.0 * 128.0


def log_error(quality: float) -> float:
    """Return the logarithm of the error 1 - SSIM."""
    return math.log(1.0 - quality + ERROR_FLOOR)


def relative_to_first(attempt: Attempt, first: Attempt) -> list[float]:
    """Return by how much an attempt improves on the first drawing, or zeros if one of the two failed.

    The values are logarithms of the ratios of bytes, of errors, and of errors at twice the size.
    """
    if attempt.failure is not None or first.failure is not None:
        return [0.0, 0.0, 0.0]
    return [
        math.log(first.size_bytes / attempt.size_bytes),
        log_error(first.quality) - log_error(attempt.quality),
        log_error(first.measures.detail) - log_error(attempt.measures.detail),
    ]


def difficulty(pixels: NDArray[np.uint8]) -> str:
    """Return the difficulty of tracing a logo: ``easy``, ``medium`` or ``hard``.

    The difficulty depends on the share of edge pixels. The limits split 120 real logos at 256 pixels into thirds.
    """
    share = float((_slope(pixels) > EDGE).mean())
    return "easy" if share < EASY else "medium" if share < HARD else "hard"


def _slope(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the gradient magnitude (Scharr operator) in 8-bit levels per pixel, as the maximum over the channels."""
    horizontal = cv2.Scharr(pixels, cv2.CV_32F, 1, 0, scale=1 / 32)
    vertical = cv2.Scharr(pixels, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(cv2.magnitude(horizontal, vertical).max(axis=2), np.float32)


def _color_shares(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.float64]:
    """Return the shares of the colours in an image, quantised to ``bits`` per channel, the largest first."""
    shifted = (pixels >> (8 - bits)).astype(np.int32)
    codes = (shifted[..., 0] << (2 * bits)) | (shifted[..., 1] << bits) | shifted[..., 2]
    counts = np.bincount(codes.ravel())
    return np.sort(counts[counts > 0])[::-1] / codes.size


def logo_features(prepared: PreparedLogo) -> NDArray[np.float32]:
    """Describe a logo and three drawings of it. The result is kept in ``prepared``.

    Args:
        prepared: Logo to describe. The features of a drawing are 0 if it or the first drawing failed.

    Returns:
        Finite features, shape (20,), mostly within [-2, 2], in the order of ``FEATURE_NAMES``. Bytes are divided by the
        side length (the square root of the area), because outlines scale with it.
    """
    if prepared.features is None:
        prepared.features = _described(prepared)
    return prepared.features


def _described(prepared: PreparedLogo) -> NDArray[np.float32]:
    pixels = prepared.logo.pixels
    area = float(pixels.shape[0] * pixels.shape[1])
    slope = _slope(pixels)
    coarse, fine = _color_shares(pixels, 3), _color_shares(pixels, 5)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    _, inked = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    regions = cv2.connectedComponents(inked)[0] + cv2.connectedComponents(255 - inked)[0]
    depth = cv2.distanceTransform(_foreground(np.asarray(inked, np.uint8)), cv2.DIST_L2, 3)
    inside = depth[depth > 0]
    return np.array(
        [
            math.log(area / REFERENCE_AREA),
            math.log(coarse.size) / 2.0 - 1.0,
            -(fine * np.log(fine)).sum() / 2.0 - 1.0,
            2.0 * (slope < FLAT).mean() - 1.0,
            4.0 * ((slope >= FLAT) & (slope <= EDGE)).mean() - 1.0,
            8.0 * (slope > EDGE).mean() - 1.0,
            math.log(regions) / 2.0 - 1.0,
            math.log(inside.mean() if inside.size else 1.0),
            *_first_features(prepared.first, math.sqrt(area)),
            *(value for other in prepared.precision_extremes for value in relative_to_first(other, prepared.first)),
        ],
        np.float32,
    )


def _first_features(first: Attempt, side: float) -> list[float]:
    if first.failure is not None:
        return [0.0] * 6
    return [
        math.log(first.size_bytes / side / 12.0),
        math.log(first.shapes + 1) / 2.0 - 1.0,
        log_error(first.measures.quality) / 2.0 + 1.5,
        log_error(first.measures.detail) / 2.0 + 1.5,
        math.log(first.measures.color_error + COLOR_FLOOR),
        4.0 * first.measures.edge_distance - 1.0,
    ]


def _foreground(inked: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the side of a binary image that covers less than half of its border."""
    border = np.concatenate([inked[0], inked[-1], inked[:, 0], inked[:, -1]])
    return np.asarray(255 - inked if border.mean() > 127.5 else inked, np.uint8)  # noqa: PLR2004 - half of 255

"""Features of a logo and of a first drawing of it, on a scale of about 1, which the agent sees before its first try."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt

PRECISIONS: Final = (4, 5, 6)
"""Colour precisions for which the features tell how they would cluster neighbouring pixels."""

FEATURE_NAMES: Final = (
    "log_area",
    "log_aspect",
    "brightness",
    "contrast",
    "saturation",
    "log_colors_coarse",
    "log_colors_fine",
    "color_entropy",
    "share_first_color",
    "share_four_colors",
    "share_flat",
    "share_soft_slope",
    "share_edge",
    "edge_strength",
    "corner_density",
    "log_regions",
    "stroke_width",
    *(f"false_edges_{bits}_bits" for bits in PRECISIONS),
    "first_log_bytes",
    "first_log_curves",
    "first_log_shapes",
    "first_log_curves_per_shape",
    "first_log_error",
    "first_log_detail_error",
    "first_edge_distance",
)
"""Names of the features in order. Those of the first drawing describe the attempt with the default setting."""

FLAT: Final = 2.0
"""Gradient magnitude, in 8-bit levels per pixel, below which a pixel is in a flat area."""

EDGE: Final = 24.0
"""Gradient magnitude above which a pixel is on an edge. Colour gradients are between ``FLAT`` and this value."""

EASY: Final = 0.07
HARD: Final = 0.13

ERROR_FLOOR: Final = 0.002
"""Added to 1 - SSIM before taking the logarithm. Smaller errors are invisible."""

REFERENCE_AREA: Final = 128.0 * 128.0


def log_error(quality: float) -> float:
    """Return the logarithm of the error 1 - SSIM."""
    return math.log(1.0 - quality + ERROR_FLOOR)


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


def logo_features(pixels: NDArray[np.uint8], first: Attempt) -> NDArray[np.float32]:
    """Describe a logo and a first drawing of it.

    Args:
        pixels: RGB pixels, shape (height, width, 3).
        first: Attempt with the pipeline's default setting on these pixels. The features of a failed attempt are 0.

    Returns:
        Finite features, shape (27,), mostly within [-2, 2], in the order of ``FEATURE_NAMES``. Corners, curves and
        bytes are divided by the side length (the square root of the area), because outlines scale with it.
    """
    height, width = pixels.shape[:2]
    area = float(height * width)
    side = math.sqrt(area)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    spread = pixels.max(axis=2).astype(np.float32) - pixels.min(axis=2)
    slope = _slope(pixels)
    coarse, fine = _color_shares(pixels, 3), _color_shares(pixels, 5)
    corners = cv2.cornerMinEigenVal(grey, blockSize=3)
    _, inked = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    regions = cv2.connectedComponents(inked)[0] + cv2.connectedComponents(255 - inked)[0]
    depth = cv2.distanceTransform(_foreground(np.asarray(inked, np.uint8)), cv2.DIST_L2, 3)
    inside = depth[depth > 0]
    return np.array(
        [
            math.log(area / REFERENCE_AREA),
            math.log(width / height),
            grey.mean() / 127.5 - 1.0,
            grey.std() / 64.0 - 1.0,
            spread.mean() / 64.0 - 1.0,
            math.log(coarse.size) / 2.0 - 1.0,
            math.log(fine.size) / 3.0 - 1.0,
            -(fine * np.log(fine)).sum() / 2.0 - 1.0,
            2.0 * fine[0] - 1.0,
            2.0 * fine[:4].sum() - 1.0,
            2.0 * (slope < FLAT).mean() - 1.0,
            4.0 * ((slope >= FLAT) & (slope <= EDGE)).mean() - 1.0,
            8.0 * (slope > EDGE).mean() - 1.0,
            slope.mean() / 8.0 - 1.0,
            math.log((corners > 0.002).mean() * side + 0.1),  # noqa: PLR2004 - share of pixels at sharp corners
            math.log(regions) / 2.0 - 1.0,
            math.log(inside.mean() if inside.size else 1.0),
            *_clustering(pixels),
            *_first_features(first, side),
        ],
        np.float32,
    )


STEP: Final = 16
"""Difference of neighbouring pixels, in 8-bit levels, from which there is an edge."""

SAME: Final = 6
"""Difference of neighbouring pixels up to which they should become the same region."""


def _clustering(pixels: NDArray[np.uint8]) -> list[float]:
    """Return, for each precision, how many false edges VTracer would see.

    VTracer compares colours without their lowest bits, so that a flat area on the border of two levels falls apart.
    That depends on the logo's colours more than on anything else.
    """
    pairs = [(pixels[:, 1:], pixels[:, :-1]), (pixels[1:], pixels[:-1])]
    differences = [cv2.absdiff(one, other).max(axis=2) for one, other in pairs]
    steps = sum(int((difference >= STEP).sum()) for difference in differences)
    false = []
    for bits in PRECISIONS:
        split = sum(
            int((((one ^ other) >> (8 - bits)).any(axis=2) & (difference <= SAME)).sum())
            for (one, other), difference in zip(pairs, differences, strict=True)
        )
        false.append(math.log((split + 1) / (steps + 1)) / 3.0 + 1.0)
    return false


def _first_features(first: Attempt, side: float) -> list[float]:
    if first.failure is not None:
        return [0.0] * 7
    return [
        math.log(first.size_bytes / side / 12.0),
        math.log((first.curves + 1) / side),
        math.log(first.shapes + 1) / 2.0 - 1.0,
        math.log((first.curves + 1) / (first.shapes + 1)) / 2.0 - 1.0,
        log_error(first.measures.quality) / 2.0 + 1.5,
        log_error(first.measures.detail) / 2.0 + 1.5,
        4.0 * first.measures.edge_distance - 1.0,
    ]


def _foreground(inked: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the side of a binary image that covers less than half of its border."""
    border = np.concatenate([inked[0], inked[-1], inked[:, 0], inked[:, -1]])
    return np.asarray(255 - inked if border.mean() > 127.5 else inked, np.uint8)  # noqa: PLR2004 - half of 255

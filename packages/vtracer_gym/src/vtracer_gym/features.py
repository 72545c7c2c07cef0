"""What an agent sees of a logo before its first try: numbers of order one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt

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
    "default_log_bytes",
    "default_log_curves",
    "default_log_paths",
    "default_log_curves_per_path",
    "default_log_error",
)
"""In the order of the vector; the last five describe VTracer's default trace."""

FLAT: Final = 2.0
"""Gradient magnitude, in 8-bit levels a pixel, below which a pixel lies in a flat area."""

EDGE: Final = 24.0
"""Gradient magnitude above which a pixel lies on an edge; between the two lie the slopes of colour gradients."""

EASY: Final = 0.07
HARD: Final = 0.13

ERROR_FLOOR: Final = 0.002
"""Added to 1 - SSIM before its logarithm is taken: errors below it cannot be seen."""

REFERENCE_AREA: Final = 128.0 * 128.0


def log_error(quality: float) -> float:
    """Logarithm of the error 1 - SSIM."""
    return math.log(1.0 - quality + ERROR_FLOOR)


def difficulty(pixels: NDArray[np.uint8]) -> str:
    """How much there is to trace: ``easy``, ``medium`` or ``hard``.

    By the share of pixels that lie on an edge; a third each of 120 real logos at 256 pixels.
    """
    share = float((_slope(pixels) > EDGE).mean())
    return "easy" if share < EASY else "medium" if share < HARD else "hard"


def _slope(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gradient magnitude by Scharr's operator, in 8-bit levels a pixel, the largest over the channels."""
    horizontal = cv2.Scharr(pixels, cv2.CV_32F, 1, 0, scale=1 / 32)
    vertical = cv2.Scharr(pixels, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(cv2.magnitude(horizontal, vertical).max(axis=2), np.float32)


def _color_shares(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.float64]:
    """Shares of the colours that occur, at so many bits a channel, the largest first."""
    shifted = (pixels >> (8 - bits)).astype(np.int32)
    codes = (shifted[..., 0] << (2 * bits)) | (shifted[..., 1] << bits) | shifted[..., 2]
    counts = np.bincount(codes.ravel())
    return np.sort(counts[counts > 0])[::-1] / codes.size


def logo_features(pixels: NDArray[np.uint8], default: Attempt) -> NDArray[np.float32]:
    """Describes a logo and VTracer's default trace of it.

    Args:
        pixels: RGB, shape (height, width, 3).
        default: the attempt with VTracer's defaults on these pixels.

    Returns:
        Shape (22,), finite, mostly within [-2, 2], in the order of ``FEATURE_NAMES``. Counts of regions, curves and
        bytes are taken a unit of length (the root of the area): what lies along outlines grows with that.
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
            math.log((corners > 0.002).mean() * side + 0.1),  # noqa: PLR2004 - share of pixels that turn sharply
            math.log(regions) / 2.0 - 1.0,
            math.log(inside.mean() if inside.size else 1.0),
            math.log(default.size_bytes / side / 50.0),
            math.log((default.curves + 1) / side),
            math.log(default.paths + 1) / 2.0 - 1.0,
            math.log((default.curves + 1) / (default.paths + 1)) / 2.0 - 1.0,
            log_error(default.quality) / 2.0 + 1.5,
        ],
        np.float32,
    )


def _foreground(inked: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The side of a two-valued image that does not make up most of its border."""
    border = np.concatenate([inked[0], inked[-1], inked[:, 0], inked[:, -1]])
    return np.asarray(255 - inked if border.mean() > 127.5 else inked, np.uint8)  # noqa: PLR2004 - half of 255

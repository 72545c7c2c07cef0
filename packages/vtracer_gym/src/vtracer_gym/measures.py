"""Measures of what a designer sees in a drawing: similarity at several sizes, edges, and the colour of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.rasterize import WHITE, draw, on_ground
from vtracer_gym.shapes import points_along
from vtracer_gym.similarity import Similarity
from vtracer_gym.transparency import GROUNDS, laid_on, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.logos import Logo
    from vtracer_gym.shapes import Shape

FARTHEST: Final = 1.0
"""Highest distance of a point from an edge that counts, in pixels of the logo."""

PER_CURVE: Final = 4
"""Number of points at which the distance of a curve from the logo's edges is measured."""

BORDER: Final = 0.5
"""Distance in pixels of the logo from the border within which points do not count: the border is not an edge."""

STEP_LOW: Final = 24.0
STEP_HIGH: Final = 48.0
"""Thresholds of the edge detector, in 8-bit levels per pixel of the largest picture."""

AREA: Final = 4
"""Side of the areas whose colours are compared, in pixels of the logo."""

PAPER_SHARE: Final = 0.5
"""Minimum share of the border that the paper covers."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Measured differences between a drawing and a logo.

    Args:
        quality: SSIM at the size of the logo. For a transparent logo, the lower one of those on white and on black.
        detail: SSIM at twice the size, compared with the logo's source; equal to ``quality`` without a larger source.
        edge_distance: Mean distance of the outlines from the logo's edges in pixels of the logo, each at most 1. It is
            high for facets and stairs. 0 without outlines.
        color_error: Mean absolute difference of the colours of areas in 8-bit levels. It is high for gradients that
            became flat, which SSIM hardly sees.
        paper_error: Mean absolute difference of the border from the colour of the paper in 8-bit levels; 0 without
            paper.
    """

    quality: float
    detail: float
    edge_distance: float
    color_error: float
    paper_error: float


class Measurer:
    """Measures drawings of one logo. Data that do not depend on the drawing are computed once.

    The statistics for SSIM take 4 MB for a logo of 128 x 128 pixels, and 16 MB with those at four times the size.
    Not thread-safe.

    Args:
        logo: Logo that the drawings show.
    """

    def __init__(self, logo: Logo) -> None:
        self._logo = logo
        self._grounds = (WHITE,) if logo.rgba is None else GROUNDS
        self._targets: dict[int, dict[str, NDArray[np.uint8]]] = {}
        self._similarities: dict[int, dict[str, Similarity]] = {}
        self._paper = _paper(logo)
        self._areas = area_colors(_premultiplied(logo))
        self._edges: NDArray[np.float32] | None = None

    def release(self) -> None:
        """Free the statistics for SSIM. The next measurement computes them again."""
        self._similarities = {}

    @property
    def sizes(self) -> tuple[int, ...]:
        """Multiples of the logo's size at which the logo is known: 1, and those up to the size of its source."""
        source = self._logo.source
        if source is None:
            return (1,)
        ratio = max(source.shape[:2]) / self._logo.longest_side
        return tuple(multiple for multiple in (1, 2, 4) if multiple <= ratio + 0.01)

    def similarity(self, svg: str, multiple: int) -> float:
        """Return the SSIM at a multiple of the logo's size: the lowest over all backgrounds.

        Raises:
            RasterizeError: The document cannot be drawn.
        """
        return self._similarity(self._drawn(svg, multiple), multiple)

    def measure(self, svg: str, shapes: Sequence[Shape], scale: float) -> Measures:
        """Measure a drawing.

        Args:
            svg: SVG document.
            shapes: Shapes of the document.
            scale: Coordinate units of the shapes per pixel of the logo.

        Raises:
            RasterizeError: The document cannot be drawn.
        """
        drawn = self._drawn(svg, 1)
        quality = self._similarity(drawn, 1)
        detail = self.similarity(svg, 2) if 2 in self.sizes else quality  # noqa: PLR2004 - twice the size
        return Measures(
            quality,
            detail,
            edge_distance=self._edge_distance(shapes, scale),
            color_error=float(np.abs(area_colors(drawn) - self._areas).mean()),
            paper_error=self._paper_error(drawn),
        )

    def _drawn(self, svg: str, multiple: int) -> NDArray[np.uint8]:
        return draw(svg, self._logo.width * multiple, self._logo.height * multiple)

    def _similarity(self, drawn: NDArray[np.uint8], multiple: int) -> float:
        if multiple not in self._targets:
            self._targets[multiple] = {ground: _target(self._logo, multiple, ground) for ground in self._grounds}
        if multiple not in self._similarities:
            self._similarities[multiple] = {
                ground: Similarity(target) for ground, target in self._targets[multiple].items()
            }
        return min(
            similarity.to(on_ground(drawn, ground)) for ground, similarity in self._similarities[multiple].items()
        )

    def _edge_distance(self, shapes: Sequence[Shape], scale: float) -> float:
        outlines = [outline for shape in shapes for outline in shape.outlines]
        if not outlines:
            return 0.0
        if self._edges is None:
            self._edges = _distance_to_edges(self._logo)
        points = points_along(outlines, PER_CURVE) / scale
        size = np.array([self._logo.width, self._logo.height])
        inside = ((points > BORDER) & (points < size - BORDER)).all(axis=1)
        multiple = np.array(self._edges.shape[::-1]) / size  # the sides of a source are rounded apart
        column, row = (points[inside] * multiple).astype(np.int64).T
        return float(self._edges[row, column].mean()) if row.size else 0.0

    def _paper_error(self, drawn: NDArray[np.uint8]) -> float:
        if self._paper is None:
            return 0.0
        color, is_paper = self._paper
        return float(np.abs(_border(drawn)[is_paper].astype(np.int16) - color).mean())


def _target(logo: Logo, multiple: int, ground: str) -> NDArray[np.uint8]:
    """Return the logo at a multiple of its size on a background."""
    pixels = logo.own_pixels
    if multiple > 1:
        assert logo.source is not None
        width, height = logo.width * multiple, logo.height * multiple
        if pixels.shape[2] == len("RGBA"):
            pixels = shrunk(logo.source, width, height)
        else:
            pixels = np.asarray(cv2.resize(logo.source, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return laid_on(pixels, ground) if pixels.shape[2] == len("RGBA") else pixels


def _distance_to_edges(logo: Logo) -> NDArray[np.float32]:
    """Return the distance to the nearest edge of the largest picture of a logo, in pixels of the logo, at most 1."""
    picture = logo.pixels if logo.source is None else logo.source
    if picture.shape[2] == len("RGBA"):
        picture = laid_on(picture, logo.ground)
    across, down = (cv2.Scharr(picture, cv2.CV_32F, *order, scale=1 / 16) for order in ((1, 0), (0, 1)))
    strongest = cv2.magnitude(across, down).argmax(axis=2)[..., None]
    slopes = [np.take_along_axis(slope, strongest, 2)[..., 0].astype(np.int16) for slope in (across, down)]
    edges = cv2.Canny(slopes[0], slopes[1], STEP_LOW, STEP_HIGH, L2gradient=True)
    distance = cv2.distanceTransform(255 - edges, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.minimum(distance * (logo.width / picture.shape[1]), FARTHEST), np.float32)


def _premultiplied(logo: Logo) -> NDArray[np.uint8]:
    """Return the colours of a logo multiplied by alpha, and alpha, shape (height, width, 4)."""
    if logo.rgba is None:
        return np.asarray(cv2.cvtColor(logo.pixels, cv2.COLOR_RGB2RGBA), np.uint8)
    alpha = logo.rgba[..., 3:]
    return np.concatenate([np.rint(logo.rgba[..., :3] * (alpha / 255.0)).astype(np.uint8), alpha], axis=2)


def area_colors(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean colours of areas of ``AREA`` pixels on each side."""
    size = (max(1, round(picture.shape[1] / AREA)), max(1, round(picture.shape[0] / AREA)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _border(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels at the border of a picture, shape (pixels, channels)."""
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def _paper(logo: Logo) -> tuple[NDArray[np.int16], NDArray[np.bool_]] | None:
    """Return the colour of the paper with alpha, multiplied by alpha, and where the border shows it.

    Returns:
        None if no colour covers at least half of the border.
    """
    picture = logo.own_pixels
    border = _border(picture)
    if border.shape[1] == len("RGB"):
        border = np.concatenate([border, np.full((len(border), 1), 255, np.uint8)], axis=1)
    border[border[:, 3] == 0] = 0
    colors, where, counts = np.unique(border, axis=0, return_inverse=True, return_counts=True)
    most = int(counts.argmax())
    if counts[most] < PAPER_SHARE * len(border) or 0 < colors[most, 3] < 255:  # noqa: PLR2004 - half transparent
        return None
    return colors[most].astype(np.int16), where.ravel() == most

"""Attempts: vectorize a logo with one setting and measure the result."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtracer_gym.errors import RasterizeError, TraceError
from vtracer_gym.logos import Logo
from vtracer_gym.measures import Measurer, Measures
from vtracer_gym.pipeline import SETTING_BOUNDS, Clustering, Drawing, Settings, draw_regions, find_regions, prepare
from vtracer_gym.shapes import parse_shapes
from vtracer_gym.svg_writer import write_svg
from vtracer_gym.tracing import DEFAULTS, ColorMode, Parameters, encode_png, trace
from vtracer_gym.transparency import traceable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vtracer_gym.shapes import Region

FAILED = Measures(0.0, 0.0, edge_distance=1.0, color_error=255.0, paper_error=255.0)
"""Measures of an attempt without an SVG."""

COMPACT_GRID = 10.0
"""Coordinate units per pixel with which VTracer's own curves are written compactly: one decimal."""

CLUSTERINGS_KEPT = 16
"""Number of clusterings whose regions are kept for each logo, some tens of kilobytes each."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt.

    Args:
        setting: Setting of the pipeline, or parameters of VTracer alone.
        svg: SVG document, empty if the attempt failed.
        measures: Measured differences from the logo.
        size_bytes: Size of the SVG in bytes.
        shapes: Number of filled shapes.
        curves: Number of curves and lines.
        failure: Reason why there is no SVG, or None.
    """

    setting: Settings | Parameters
    svg: str
    measures: Measures
    size_bytes: int
    shapes: int
    curves: int
    failure: str | None = None

    @classmethod
    def failed(cls, setting: Settings | Parameters, reason: str) -> Attempt:
        """Return a failed attempt."""
        return cls(setting, "", FAILED, 0, 0, 0, reason)

    @property
    def quality(self) -> float:
        """SSIM at the size of the logo."""
        return self.measures.quality


class PreparedLogo:
    """A logo prepared for repeated attempts.

    Data that stay the same between attempts are cached: the prepared picture, its regions in the clusterings that were
    used last, the attempt with VTracer's defaults, the first drawing, and those with the lowest and the highest colour
    precision. The statistics for SSIM take megabytes. They are computed on first use and freed by ``release``.

    Args:
        logo: Logo to vectorize. It is not modified.

    Attributes:
        features: Result of ``features.logo_features`` once it was called.
    """

    def __init__(self, logo: Logo) -> None:
        self.logo = logo
        self.features: NDArray[np.float32] | None = None
        self._regions: dict[Clustering, Sequence[Region]] = {}
        self._measurer: Measurer | None = None

    @property
    def measurer(self) -> Measurer:
        """Measurer of the logo."""
        if self._measurer is None:
            self._measurer = Measurer(self.logo)
        return self._measurer

    def release(self) -> None:
        """Free the statistics for SSIM. The next attempt computes them again."""
        if self._measurer is not None:
            self._measurer.release()

    def attempt(self, settings: Settings) -> Attempt:
        """Vectorize the logo and measure the result.

        If a stage fails or panics, return a failed attempt instead of raising.
        """
        return self._measured(settings, lambda: draw_regions(self._regions_for(settings), self.logo, settings))

    def plain_attempt(
        self, parameters: Parameters, color_mode: ColorMode = "color", *, compact: bool = False
    ) -> Attempt:
        """Trace the logo with VTracer alone, and measure the result.

        Args:
            parameters: Parameters of VTracer.
            color_mode: Colour mode of VTracer.
            compact: Whether to rewrite VTracer's SVG compactly, with one decimal.
        """

        def drawn() -> Drawing:
            cut_rows = 0 if self.logo.rgba is None else 1
            svg = trace(self._own_picture, parameters, color_mode, cut_rows=cut_rows).svg
            shapes = parse_shapes(svg)
            if compact:
                svg = write_svg(shapes, self.logo.width, self.logo.height, scale=1.0, grid=COMPACT_GRID)
            return Drawing(svg, shapes, 1.0)

        return self._measured(parameters, drawn)

    @functools.cached_property
    def default(self) -> Attempt:
        """Attempt with VTracer alone and its defaults.

        Raises:
            TraceError: VTracer fails on the logo even with its defaults.
        """
        attempt = self.plain_attempt(DEFAULTS)
        if attempt.failure is not None:
            raise TraceError(f"{self.logo.name}: VTracer fails with its default parameters ({attempt.failure})")
        return attempt

    @functools.cached_property
    def first(self) -> Attempt:
        """Attempt with the pipeline's default setting, which earns 0."""
        return self.attempt(Settings())

    @functools.cached_property
    def precision_extremes(self) -> tuple[Attempt, ...]:
        """Attempts with the default setting, but the lowest and the highest colour precision.

        The pixels of a logo hardly show which colours VTracer will merge, and a wrong merge ruins some logos.
        """
        precisions = SETTING_BOUNDS["color_precision"]
        return tuple(self.attempt(Settings(color_precision=int(precision))) for precision in precisions)

    def _regions_for(self, settings: Settings) -> Sequence[Region]:
        clustering = Clustering.of(settings)
        regions = self._regions.pop(clustering, None)
        if regions is None:
            regions = find_regions(self._picture, self.logo, clustering)
            if len(self._regions) == CLUSTERINGS_KEPT:
                del self._regions[next(iter(self._regions))]
        self._regions[clustering] = regions  # at the end: the first one is the one that was not used for longest
        return regions

    @functools.cached_property
    def _picture(self) -> bytes:
        return prepare(self.logo)

    @functools.cached_property
    def _own_picture(self) -> bytes:
        return encode_png(self.logo.pixels if self.logo.rgba is None else traceable(self.logo.rgba))

    def _measured(self, setting: Settings | Parameters, make: Callable[[], Drawing]) -> Attempt:
        try:
            drawing = make()
            measures = self.measurer.measure(drawing.svg, drawing.shapes, drawing.scale)
        except (TraceError, RasterizeError) as error:
            return Attempt.failed(setting, str(error))
        return Attempt(
            setting,
            drawing.svg,
            measures,
            size_bytes=len(drawing.svg),
            shapes=len(drawing.shapes),
            curves=sum(len(outline) // 3 for shape in drawing.shapes for outline in shape.outlines),
        )

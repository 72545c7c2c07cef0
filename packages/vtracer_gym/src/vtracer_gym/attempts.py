"""Attempts: trace a logo with one set of parameters, draw the SVG and compare it with the logo."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from vtracer_gym.errors import RasterizeError, TraceError
from vtracer_gym.logos import Logo
from vtracer_gym.rasterize import rasterize
from vtracer_gym.similarity import Similarity
from vtracer_gym.tracing import DEFAULTS, ColorMode, Parameters, encode_png, trace
from vtracer_gym.transparency import GROUNDS, WHITE, laid_on, traceable

CURVE_WORK: Final = 100
"""VTracer's time per curve relative to its time per pixel.

Fitted to 3,120 traces of 40 logos: with this value, the logarithm of pixels + CURVE_WORK x curves explains the most
variance of the logarithm of VTracer's wall time. ``bench/environment.py --fit`` repeats the fit.
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one trace.

    Args:
        parameters: Parameters of the trace.
        svg: SVG document, empty if the attempt failed.
        quality: SSIM between the logo and the drawn SVG, 0 if the attempt failed. For a transparent logo, the lower
            SSIM of those on white and on black.
        size_bytes: Size of the SVG in bytes.
        paths: Number of filled shapes.
        curves: Number of Bezier segments.
        work: Predicted tracing time in pixels (see ``CURVE_WORK``). Unlike wall time, it is reproducible.
        trace_seconds: Wall time of VTracer in seconds, for information.
        failure: Reason why there is no SVG, or None.
    """

    parameters: Parameters
    svg: str
    quality: float
    size_bytes: int
    paths: int
    curves: int
    work: float
    trace_seconds: float
    failure: str | None = None

    @classmethod
    def failed(cls, parameters: Parameters, reason: str) -> Attempt:
        """Return a failed attempt."""
        return cls(parameters, "", 0.0, 0, 0, 0, 0.0, 0.0, reason)


class PreparedLogo:
    """A logo prepared for repeated tracing.

    Data that stay the same between attempts are cached: the encoded pixels and the attempt with VTracer's defaults. The
    statistics for SSIM take 15 MB at 256 x 256 pixels. They are computed on first use and freed by ``release``.

    Args:
        logo: Logo to trace. It is not modified.
    """

    def __init__(self, logo: Logo) -> None:
        self.logo = logo
        self._png = encode_png(logo.pixels if logo.rgba is None else traceable(logo.rgba))
        self._cut_rows = 0 if logo.rgba is None else 1
        self._similarities: dict[str, Similarity] = {}

    def release(self) -> None:
        """Free the statistics for SSIM. The next attempt computes them again."""
        self._similarities = {}

    def attempt(self, parameters: Parameters, color_mode: ColorMode = "color") -> Attempt:
        """Trace the logo, draw the SVG and compare it with the logo.

        If tracing or drawing fails or panics, return a failed attempt instead of raising.
        """
        try:
            traced = trace(self._png, parameters, color_mode, cut_rows=self._cut_rows)
            quality = self._quality(traced.svg)
        except (TraceError, RasterizeError) as error:
            return Attempt.failed(parameters, str(error))
        curves = traced.curves
        return Attempt(
            parameters,
            traced.svg,
            quality=quality,
            size_bytes=traced.size_bytes,
            paths=traced.paths,
            curves=curves,
            work=float(self.logo.width * self.logo.height + CURVE_WORK * curves),
            trace_seconds=traced.seconds,
        )

    def _quality(self, svg: str) -> float:
        """Return the lowest SSIM of a document over all backgrounds, because a loss on any background counts.

        Raises:
            RasterizeError: The document cannot be drawn.
        """
        logo = self.logo
        if not self._similarities:
            grounds = {WHITE: logo.pixels} if logo.rgba is None else {one: laid_on(logo.rgba, one) for one in GROUNDS}
            self._similarities = {ground: Similarity(pixels) for ground, pixels in grounds.items()}
        return min(
            similarity.to(rasterize(svg, logo.width, logo.height, ground))
            for ground, similarity in self._similarities.items()
        )

    @functools.cached_property
    def default(self) -> Attempt:
        """Attempt with VTracer's defaults.

        Raises:
            TraceError: VTracer fails on the logo even with its defaults.
        """
        attempt = self.attempt(DEFAULTS)
        if attempt.failure is not None:
            raise TraceError(f"{self.logo.name}: VTracer fails with its default parameters ({attempt.failure})")
        return attempt

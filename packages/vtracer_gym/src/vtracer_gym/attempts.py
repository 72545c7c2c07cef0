"""Attempts: one logo, traced with one combination of parameters, drawn again and compared."""

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
"""VTracer's time for one curve, in units of its time for one pixel.

Fitted to 3,120 traces of 40 logos (the value at which the logarithm of pixels + CURVE_WORK x curves explains most of
the variance of the logarithm of VTracer's wall time); ``bench/environment.py`` fits it again.
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one trace.

    Args:
        parameters: that were tried.
        svg: the document; empty where the attempt failed.
        quality: SSIM between the logo and the drawn SVG, of a transparent logo the lower one of those on white and on
            black; 0 where the attempt failed.
        size_bytes: of the SVG.
        paths: filled shapes in it.
        curves: Bezier segments in it.
        work: predicted tracing time, in pixels (see ``CURVE_WORK``): the same in every run, as wall time is not.
        trace_seconds: wall time of VTracer, for the record.
        failure: why there is no SVG, or None.
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
        """An attempt of which nothing came."""
        return cls(parameters, "", 0.0, 0, 0, 0, 0.0, 0.0, reason)


class PreparedLogo:
    """A logo made ready to be traced many times.

    What does not change between attempts is kept: the encoded pixels, and the attempt with VTracer's defaults. The
    statistics of SSIM take 15 MB at 256 x 256 pixels, and are made when first asked for; ``release`` frees them.

    Args:
        logo: not changed.
    """

    def __init__(self, logo: Logo) -> None:
        self.logo = logo
        self._png = encode_png(logo.pixels if logo.rgba is None else traceable(logo.rgba))
        self._cut_rows = 0 if logo.rgba is None else 1
        self._similarities: dict[str, Similarity] = {}

    def release(self) -> None:
        """Frees the statistics of SSIM; the next attempt makes them again."""
        self._similarities = {}

    def attempt(self, parameters: Parameters, color_mode: ColorMode = "color") -> Attempt:
        """Traces the logo, draws the SVG and compares; a panic or refusal is a failed attempt, and raises nothing."""
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
        """SSIM of a document on every ground, the lowest: what is lost on one of them is lost.

        Raises:
            RasterizeError: the document cannot be drawn.
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
        """The attempt with VTracer's defaults.

        Raises:
            TraceError: even the defaults fail on this logo.
        """
        attempt = self.attempt(DEFAULTS)
        if attempt.failure is not None:
            raise TraceError(f"{self.logo.name}: VTracer fails on it with its defaults ({attempt.failure})")
        return attempt

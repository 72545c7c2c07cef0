"""Tracing with VTracer in memory, from PNG bytes and parameters to SVG text or to regions."""

from __future__ import annotations

import math
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

import cv2
import vtracer

from vtracer_gym.errors import TraceError
from vtracer_gym.shapes import parse_regions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from vtracer_gym.shapes import Region

ColorMode = Literal["color", "binary"]

BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "filter_speckle": (0, 16),
    "color_precision": (1, 8),
    "layer_difference": (1, 128),
    "corner_threshold": (0, 180),
    "length_threshold": (3.5, 10.0),
    "max_iterations": (1, 20),
    "splice_threshold": (0, 180),
    "path_precision": (0, 8),
}
"""Lowest and highest allowed value of each parameter, both inclusive.

These are VTracer's limits if it has any. VTracer panics at ``color_precision`` 0 and ``max_iterations`` 0. More than 20
iterations only take more time.
"""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A set of VTracer's eight parameters. The default values are VTracer's documented defaults.

    Args:
        filter_speckle: Side in pixels; patches with an area below its square are removed.
        color_precision: Number of significant bits per RGB channel for clustering neighbouring pixels.
        layer_difference: Colour difference between the layers of a gradient, in 8-bit levels.
        corner_threshold: Minimum angle of a corner in degrees.
        length_threshold: Length in pixels; curves are subdivided until their segments are shorter.
        max_iterations: Maximum number of subdivisions.
        splice_threshold: Angle in degrees; a curve that turns by more is split into two splines.
        path_precision: Number of decimals of coordinates in the SVG.

    Raises:
        ValueError: A value is outside ``BOUNDS`` or non-finite, or is not a whole number although it must be.
    """

    filter_speckle: int = 4
    color_precision: int = 6
    layer_difference: int = 16
    corner_threshold: int = 60
    length_threshold: float = 4.0
    max_iterations: int = 10
    splice_threshold: int = 45
    path_precision: int = 8

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # also rejects NaN
                raise ValueError(f"{name} is {value}, outside VTracer's range {low:g} to {high:g}")
            if name != "length_threshold" and not math.floor(value) == value:
                raise ValueError(f"{name} must be a whole number, got {value}")

    def as_dict(self) -> dict[str, float]:
        """Return the values by name in the order of the fields."""
        return {name: getattr(self, name) for name in PARAMETER_NAMES}


_HEIGHT: Final = re.compile(r'(<svg\b[^>]*\bheight=)"(\d+)"')

PARAMETER_NAMES: Final = tuple(field.name for field in fields(Parameters))

DEFAULTS: Final = Parameters()
"""VTracer's documented defaults.

Its Python binding documents eight decimals, but writes up to seventeen if ``path_precision`` is omitted, which makes
the SVG about a third longer. The defaults here use eight, so that rounding alone is not counted as an improvement.
"""


@dataclass(frozen=True, slots=True)
class Trace:
    """The SVG document for an image.

    Args:
        svg: SVG document.
        seconds: Wall time of the call in seconds.
    """

    svg: str
    seconds: float

    @property
    def size_bytes(self) -> int:
        """Size of the document in bytes (VTracer writes ASCII)."""
        return len(self.svg)

    @property
    def curves(self) -> int:
        """Number of cubic Bezier segments in the document."""
        return self.svg.count("C")

    @property
    def paths(self) -> int:
        """Number of filled shapes in the document."""
        return self.svg.count("<path")


@contextmanager
def contained_panics() -> Iterator[None]:
    """Convert any error of a Rust extension inside the block to a TraceError.

    A Rust panic reaches Python as ``pyo3_runtime.PanicException``, which derives from BaseException so that it is not
    caught by accident. Here, a panic is one failed attempt among thousands and must not end the training.

    Raises:
        TraceError: The block raised an exception or panicked.
    """
    try:
        yield
    except Exception as error:
        raise TraceError(f"VTracer failed: {error}") from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # for example KeyboardInterrupt or SystemExit
            raise
        raise TraceError(f"VTracer panicked: {error}") from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels for VTracer: RGB, shape (height, width, 3), or RGBA, shape (height, width, 4).

    VTracer's binding copies the bytes one by one, which takes longer than decompressing them: raw pixels take up to
    twice as long to trace. The highest compression can take longer than tracing, which it does not speed up.
    """
    medium = [cv2.IMWRITE_PNG_COMPRESSION, 6]
    order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == len("RGBA") else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), medium)
    assert done
    return data.tobytes()


def trace(
    png: bytes, parameters: Parameters = DEFAULTS, color_mode: ColorMode = "color", *, cut_rows: int = 0
) -> Trace:
    """Trace an encoded image in memory, with VTracer's own curves.

    Args:
        png: Image in PNG format.
        parameters: Parameters of VTracer.
        color_mode: ``color``, or ``binary`` to trace the dark part in black, like VTracer's preset ``bw``.
        cut_rows: Number of rows to cut off at the bottom of the document (see ``transparency.traceable``).

    Raises:
        TraceError: The image cannot be read, or VTracer panicked.
    """
    started = time.perf_counter()
    with contained_panics():
        svg = vtracer.convert_raw_image_to_svg(png, img_format="png", colormode=color_mode, **parameters.as_dict())
    seconds = time.perf_counter() - started
    if cut_rows:
        svg = _HEIGHT.sub(lambda found: f'{found[1]}"{int(found[2]) - cut_rows}"', svg, count=1)
    return Trace(svg, seconds)


def trace_regions(png: bytes, *, filter_speckle: int, color_precision: int, layer_difference: int) -> list[Region]:
    """Trace an encoded image into regions of one colour, with pixel boundaries.

    Args:
        png: Image in PNG format.
        filter_speckle: Side in pixels; patches with an area below its square are removed.
        color_precision: Number of significant bits per RGB channel for clustering neighbouring pixels.
        layer_difference: Colour difference between the layers of a gradient, in 8-bit levels.

    Raises:
        TraceError: The image cannot be read, or VTracer panicked.
    """
    with contained_panics():
        svg = vtracer.convert_raw_image_to_svg(
            png,
            img_format="png",
            mode="none",
            filter_speckle=filter_speckle,
            color_precision=color_precision,
            layer_difference=layer_difference,
            path_precision=0,
        )
    return parse_regions(svg)

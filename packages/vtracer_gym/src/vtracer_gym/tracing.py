"""VTracer in memory: PNG bytes and parameters in, SVG text out."""

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

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
"""Lowest and highest allowed value of each parameter, both included.

VTracer's own limits where it has any. ``color_precision`` 0 and ``max_iterations`` 0 make it panic; more than 20
iterations only cost time.
"""


@dataclass(frozen=True, slots=True)
class Parameters:
    """One combination of VTracer's eight parameters; the values here are its documented defaults.

    Args:
        filter_speckle: side in pixels; patches with a smaller area than its square are dropped.
        color_precision: significant bits of an RGB channel, when neighbouring pixels are clustered.
        layer_difference: colour difference between the layers of a gradient, in 8-bit levels.
        corner_threshold: degrees; a bend sharper than this stays a corner.
        length_threshold: pixels; curves are subdivided until their segments are shorter.
        max_iterations: of that subdivision.
        splice_threshold: degrees; a curve that has turned further is cut into two splines.
        path_precision: decimals of a coordinate in the SVG.

    Raises:
        ValueError: a value outside ``BOUNDS``, not finite, or not whole where it has to be.
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
            if not low <= value <= high:  # also refuses NaN
                raise ValueError(f"{name} is {value}, outside VTracer's range {low:g} to {high:g}")
            if name != "length_threshold" and not math.floor(value) == value:
                raise ValueError(f"{name} is {value}, and has to be a whole number")

    def as_dict(self) -> dict[str, float]:
        """Name to value, in the order of the fields."""
        return {name: getattr(self, name) for name in PARAMETER_NAMES}


_HEIGHT: Final = re.compile(r'(<svg\b[^>]*\bheight=)"(\d+)"')

PARAMETER_NAMES: Final = tuple(field.name for field in fields(Parameters))

DEFAULTS: Final = Parameters()
"""VTracer's documented defaults.

Its Python binding documents eight decimals, yet writes up to seventeen when ``path_precision`` is left out, which makes
the SVG about a third longer. Eight are given here, so that nobody is beaten for rounding a float.
"""


@dataclass(frozen=True, slots=True)
class Trace:
    """What VTracer made of an image.

    Args:
        svg: the document.
        seconds: wall time of the call.
    """

    svg: str
    seconds: float

    @property
    def size_bytes(self) -> int:
        """Length of the document in bytes (VTracer writes ASCII)."""
        return len(self.svg)

    @property
    def curves(self) -> int:
        """Cubic Bezier segments in the document."""
        return self.svg.count("C")

    @property
    def paths(self) -> int:
        """Filled shapes in the document."""
        return self.svg.count("<path")


@contextmanager
def contained_panics() -> Iterator[None]:
    """Turns whatever a Rust extension raises inside the block into a TraceError.

    A Rust panic reaches Python as ``pyo3_runtime.PanicException``, which derives from BaseException so that nobody
    swallows it by accident. Here it is one failed attempt among thousands, and no reason to end a training.

    Raises:
        TraceError: the block raised an exception or panicked.
    """
    try:
        yield
    except Exception as error:
        raise TraceError(f"VTracer failed: {error}") from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # Ctrl-C, SystemExit: not ours
            raise
        raise TraceError(f"VTracer panicked: {error}") from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encodes pixels for VTracer: RGB, shape (height, width, 3), or RGBA, shape (height, width, 4).

    As small as it gets, once for many traces: VTracer's binding takes the bytes over one by one, which costs more than
    to decompress them. Against the usual compression that makes a trace a tenth faster, against raw pixels a third.
    """
    best = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == len("RGBA") else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), best)
    assert done
    return data.tobytes()


def trace(
    png: bytes, parameters: Parameters = DEFAULTS, color_mode: ColorMode = "color", *, cut_rows: int = 0
) -> Trace:
    """Traces an encoded image, in memory.

    Args:
        png: the image, as PNG.
        parameters: checked when they were made.
        color_mode: ``binary`` traces the dark part in black, as VTracer's preset ``bw`` does.
        cut_rows: lowest rows of pixels that the document does not show (see ``transparency.traceable``).

    Raises:
        TraceError: the image cannot be read, or VTracer panicked.
    """
    started = time.perf_counter()
    with contained_panics():
        svg = vtracer.convert_raw_image_to_svg(
            png,
            img_format="png",
            colormode=color_mode,
            filter_speckle=int(parameters.filter_speckle),
            color_precision=int(parameters.color_precision),
            layer_difference=int(parameters.layer_difference),
            corner_threshold=int(parameters.corner_threshold),
            length_threshold=float(parameters.length_threshold),
            max_iterations=int(parameters.max_iterations),
            splice_threshold=int(parameters.splice_threshold),
            path_precision=int(parameters.path_precision),
        )
    seconds = time.perf_counter() - started
    if cut_rows:
        svg = _HEIGHT.sub(lambda found: f'{found[1]}"{int(found[2]) - cut_rows}"', svg, count=1)
    return Trace(svg, seconds)

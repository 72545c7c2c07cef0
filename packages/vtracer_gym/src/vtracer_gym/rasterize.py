"""Drawing of SVG documents as pixels with resvg, in memory."""

from __future__ import annotations

import cv2
import numpy as np
import resvg_py
from numpy.typing import NDArray

from vtracer_gym.errors import RasterizeError
from vtracer_gym.transparency import WHITE


def rasterize(svg: str, width: int, height: int, background: str = WHITE) -> NDArray[np.uint8]:
    """Draw an SVG document.

    Args:
        svg: SVG document. Text is not drawn because no fonts are loaded; traces contain no text.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        background: CSS colour behind transparent parts of the document.

    Returns:
        RGB pixels, shape (height, width, 3).

    Raises:
        RasterizeError: The document cannot be read or drawn, or the result has a different shape.
    """
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=width, height=height, background=background, skip_system_fonts=True
        )
    except Exception as error:
        raise RasterizeError(f"resvg cannot draw this SVG: {error}") from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise RasterizeError(f"resvg panicked: {error}") from error
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    if decoded is None or decoded.shape != (height, width, 3):
        shape = "nothing" if decoded is None else f"{decoded.shape[1]} x {decoded.shape[0]} pixels"
        raise RasterizeError(f"resvg drew {shape} instead of {width} x {height} pixels")
    return np.asarray(decoded, np.uint8)

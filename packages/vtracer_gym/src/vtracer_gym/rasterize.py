"""Drawing of SVG documents as pixels with ThorVG, in memory.

``bench/renderers.py`` compares it with resvg and Chromium: the pictures are the same to the eye, in a fraction of the
time, because no PNG file is encoded and decoded in between.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import thorvg_python as thorvg
from numpy.typing import NDArray

from vtracer_gym.errors import RasterizeError

if TYPE_CHECKING:
    from collections.abc import Callable

WHITE: Final = "#ffffff"
BLACK: Final = "#000000"

OPAQUE: Final = 255
"""Alpha value of an opaque pixel."""


@functools.cache
def _engine() -> thorvg.Engine:
    return thorvg.Engine()


def draw(svg: str, width: int, height: int) -> NDArray[np.uint8]:
    """Draw an SVG document on a transparent background.

    Args:
        svg: SVG document.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels. The document is stretched to the size.

    Returns:
        Colours multiplied by alpha, and alpha, shape (height, width, 4).

    Raises:
        RasterizeError: The document cannot be read or drawn.
    """
    engine = _engine()
    canvas = thorvg.SwCanvas(engine)
    try:
        picture = thorvg.Picture(engine)
        calls: tuple[Callable[[], object], ...] = (
            lambda: canvas.set_target(width, height),
            lambda: picture.load_data(svg.encode(), "svg", None, copy=True),
            lambda: picture.set_size(width, height),
            lambda: canvas.add(picture),
            canvas.update,
            lambda: canvas.draw(clear=True),
            canvas.sync,
        )
        for call in calls:
            result = call()
            if result is not thorvg.Result.SUCCESS:
                reason = str(getattr(result, "name", result)).lower().replace("_", " ")
                raise RasterizeError(f"ThorVG cannot draw this SVG: {reason}")
        buffer = canvas.buffer_arr
        assert buffer is not None
        return np.ctypeslib.as_array(buffer).view(np.uint8).reshape(height, width, 4).copy()
    finally:
        canvas.destroy()


def on_ground(drawn: NDArray[np.uint8], ground: str) -> NDArray[np.uint8]:
    """Composite a drawn picture on a background.

    Args:
        drawn: Result of ``draw``.
        ground: Background, such as ``#ffffff``.

    Returns:
        RGB pixels, shape (height, width, 3).
    """
    colors = cv2.cvtColor(drawn, cv2.COLOR_RGBA2RGB)
    if ground != BLACK and drawn[..., 3].min() < OPAQUE:
        clear = cv2.bitwise_not(cv2.extractChannel(drawn, 3))
        levels = bytes.fromhex(ground[1:])
        colors = cv2.add(colors, cv2.merge([cv2.convertScaleAbs(clear, alpha=level / 255) for level in levels]))
    return np.asarray(colors, np.uint8)


def rasterize(svg: str, width: int, height: int, background: str = WHITE) -> NDArray[np.uint8]:
    """Draw an SVG document on a background, such as ``#ffffff``.

    Returns:
        RGB pixels, shape (height, width, 3).

    Raises:
        RasterizeError: The document cannot be read or drawn.
    """
    return on_ground(draw(svg, width, height), background)

"""Programs that draw an SVG document as pixels, for the benchmarks of the stages of ``vtracer_gym``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np
import resvg_py
from playwright.sync_api import Error, sync_playwright

from browser import FLAGS, chromium
from vtracer_gym.rasterize import rasterize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Drawer = Callable[[str, int, int], NDArray[np.uint8]]


def _decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def resvg(svg: str, width: int, height: int) -> NDArray[np.uint8]:
    """Draw with resvg on white, shape (height, width, 3)."""
    return _decoded(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height, background="#ffffff")))


@contextmanager
def drawers() -> Iterator[dict[str, Drawer]]:
    """Provide the drawers by name: ThorVG, resvg, and Chromium if it is installed."""
    found: dict[str, Drawer] = {"ThorVG": rasterize, "resvg": resvg}
    with sync_playwright() as playwright:
        try:
            page = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS)).new_page()
        except Error:
            print("Chromium is not installed: skipped.")
            yield found
            return

        def draw(svg: str, width: int, height: int) -> NDArray[np.uint8]:
            page.set_viewport_size({"width": width, "height": height})
            scaled = svg.replace("<svg ", f'<svg style="display:block;width:{width}px;height:{height}px" ', 1)
            page.set_content(f"<body style='margin:0'>{scaled[scaled.index('<svg') :]}</body>")
            return _decoded(page.screenshot())

        yield found | {"Chromium": draw}

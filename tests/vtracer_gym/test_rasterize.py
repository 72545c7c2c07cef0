from __future__ import annotations

import cv2
import numpy as np
import pytest
import resvg_py

from vtracer_gym.errors import RasterizeError
from vtracer_gym.pipeline import vectorize
from vtracer_gym.rasterize import draw, on_ground, rasterize
from vtracer_gym.samples import sample_logos

HALF_RED = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><path d="M0 0h2v2h-2z" fill="#ff0000"/></svg>'


def test_draws_in_rgb_on_white() -> None:
    """Shapes have their colour, and the background is white."""
    picture = rasterize(HALF_RED, 4, 2)

    assert picture.shape == (2, 4, 3)
    assert picture[0].tolist() == [[255, 0, 0], [255, 0, 0], [255, 255, 255], [255, 255, 255]]


@pytest.mark.parametrize(
    ("ground", "level"), [("#0000ff", [0, 0, 255]), ("#000000", [0, 0, 0]), ("#fff0aa", [255, 240, 170])]
)
def test_background(ground: str, level: list[int]) -> None:
    """The given background is visible where the document is transparent."""
    assert rasterize(HALF_RED, 4, 2, ground)[0, 3].tolist() == level


def test_draws_premultiplied_colors_with_alpha() -> None:
    """Half-transparent white is grey with half of the alpha, and white again on a white background."""
    drawn = draw(HALF_RED.replace('"#ff0000"', '"#fff" fill-opacity="0.5"'), 4, 2)

    assert np.abs(drawn[0, 0].astype(int) - 128).max() <= 1
    assert on_ground(drawn, "#ffffff")[0, 0].min() >= 254


def test_scales() -> None:
    """A document with a view box is drawn at the requested size."""
    svg = HALF_RED.replace("<svg ", '<svg viewBox="0 0 4 2" ')
    picture = rasterize(svg, 40, 20)

    assert picture.shape == (20, 40, 3)
    assert np.array_equal(picture[:, :20], np.broadcast_to(np.array([255, 0, 0], np.uint8), (20, 20, 3)))


def test_drawings_are_independent() -> None:
    """A drawing does not show through in the next one, although the engine is reused."""
    first = rasterize(HALF_RED, 4, 2)
    rasterize(HALF_RED.replace("M0 0", "M2 0"), 4, 2)

    assert np.array_equal(rasterize(HALF_RED, 4, 2), first)


@pytest.mark.parametrize("svg", ["", "not svg", "<svg", "<html></html>"])
def test_bad_documents_are_refused(svg: str) -> None:
    """Invalid documents are refused with a message."""
    with pytest.raises(RasterizeError, match="ThorVG cannot draw"):
        rasterize(svg, 10, 10)


def test_agrees_with_resvg() -> None:
    """ThorVG and resvg draw the samples alike: less than half a level apart on average, all of it at edges."""
    differences = []
    for logo in sample_logos(8, np.random.default_rng(0)):
        svg = vectorize(logo).svg
        other = cv2.imdecode(np.frombuffer(resvg_py.svg_to_bytes(svg_string=svg), np.uint8), cv2.IMREAD_COLOR_RGB)
        differences.append(np.abs(rasterize(svg, logo.width, logo.height).astype(int) - other).mean())

    assert np.mean(differences) < 0.5

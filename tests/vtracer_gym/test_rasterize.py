from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.errors import RasterizeError
from vtracer_gym.rasterize import rasterize

HALF_RED = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><path d="M0 0h2v2h-2z" fill="#ff0000"/></svg>'


def test_draws_in_rgb_on_white() -> None:
    """Shapes have their colour, and the background is white."""
    picture = rasterize(HALF_RED, 4, 2)

    assert picture.shape == (2, 4, 3)
    assert picture[0].tolist() == [[255, 0, 0], [255, 0, 0], [255, 255, 255], [255, 255, 255]]


def test_background() -> None:
    """The given background is visible where the document is transparent."""
    assert rasterize(HALF_RED, 4, 2, "#0000ff")[0, 3].tolist() == [0, 0, 255]


def test_scales() -> None:
    """A document with a view box is drawn at the requested size."""
    svg = HALF_RED.replace("<svg ", '<svg viewBox="0 0 4 2" ')
    picture = rasterize(svg, 40, 20)

    assert picture.shape == (20, 40, 3)
    assert np.array_equal(picture[:, :20], np.broadcast_to(np.array([255, 0, 0], np.uint8), (20, 20, 3)))


@pytest.mark.parametrize("svg", ["", "not svg", "<svg", "<html></html>"])
def test_bad_documents_are_refused(svg: str) -> None:
    """Invalid documents are refused with a message."""
    with pytest.raises(RasterizeError, match="resvg"):
        rasterize(svg, 10, 10)

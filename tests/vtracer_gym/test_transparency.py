from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.gallery import Exhibit, gallery
from vtracer_gym.logos import Logo, decode_logo
from vtracer_gym.pipeline import vectorize
from vtracer_gym.rasterize import BLACK, WHITE, rasterize
from vtracer_gym.similarity import ssim
from vtracer_gym.tracing import Parameters
from vtracer_gym.transparency import ground_of, laid_on, shrunk, traceable, with_ground

Drawer = Callable[[Logo, str], NDArray[np.uint8]]

RED = [255, 0, 0]
INKS = {"white": [255, 255, 255], "black": [0, 0, 0], "blue": [20, 40, 200]}


def ring(ink: str, *, ground: tuple[int, int, int, int] = (9, 9, 9, 0)) -> Image.Image:
    """Draw a ring of 96 pixels, anti-aliased by shrinking. The colour of transparent pixels has no effect."""
    picture = Image.new("RGBA", (480, 480), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 40, 440, 440), fill=tuple(INKS[ink]))
    draw.ellipse((160, 160, 320, 320), fill=ground)
    return picture.resize((96, 96), Image.Resampling.BOX)


def decoded(picture: Image.Image, size: int = 96) -> Logo:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return decode_logo(stream.getvalue(), "logo.png", "simple", size)


def drawn(logo: Logo, ground: str) -> NDArray[np.uint8]:
    """Draw the trace of VTracer alone."""
    return rasterize(PreparedLogo(logo).default.svg, logo.width, logo.height, ground)


def vectorized(logo: Logo, ground: str) -> NDArray[np.uint8]:
    """Draw the result of the pipeline."""
    return rasterize(vectorize(logo).svg, logo.width, logo.height, ground)


@pytest.mark.parametrize("draw", [drawn, vectorized])
@pytest.mark.parametrize("ink", INKS)
def test_transparent_parts_stay_transparent(ink: str, draw: Drawer) -> None:
    """On a red background, the corners and the hole are red, and the ring has its colour."""
    picture = draw(decoded(ring(ink)), "#ff0000")

    assert [picture[0, 0].tolist(), picture[95, 95].tolist(), picture[48, 48].tolist()] == [RED] * 3
    assert np.abs(picture[48, 16].astype(int) - INKS[ink]).max() <= 1


@pytest.mark.parametrize("draw", [drawn, vectorized])
@pytest.mark.parametrize("ink", ["white", "black"])
def test_a_small_hole_stays_open(ink: str, draw: Drawer) -> None:
    """VTracer treats a picture with few transparent pixels as opaque, but a hole of 1 % stays transparent here."""
    picture = Image.new("RGBA", (96, 96), (*INKS[ink], 255))
    picture.paste((0, 0, 0, 0), (30, 30, 40, 40))
    picture = Image.fromarray(draw(decoded(picture), "#ff0000"))

    assert [list(picture.getpixel(at)) for at in ((35, 35), (5, 5))] == [RED, INKS[ink]]  # type: ignore[arg-type]


def test_a_shape_at_the_bottom_border_is_complete() -> None:
    """The transparent row below the picture, which is cut off, leaves the last row of a shape opaque."""
    picture = Image.new("RGBA", (96, 96), (0, 0, 0, 0))
    picture.paste((20, 40, 200, 255), (20, 40, 96, 96))
    result = vectorized(decoded(picture), "#ff0000")

    assert (result[41:, 21:] == INKS["blue"]).all()


@pytest.mark.parametrize("ink", INKS)
def test_quality_is_the_lower_one_of_two_backgrounds(ink: str) -> None:
    """A logo that is invisible on one background is measured on the other."""
    logo = decoded(ring(ink))
    attempt = PreparedLogo(logo).default
    assert logo.rgba is not None

    on = [ssim(rasterize(attempt.svg, 96, 96, ground), laid_on(logo.rgba, ground)) for ground in (WHITE, BLACK)]
    assert attempt.quality == min(on)
    assert 0.9 < attempt.quality < 1.0


def test_an_opaque_logo_is_measured_directly() -> None:
    """An opaque logo has no alpha channel and needs only one background."""
    logo = decoded(ring("blue", ground=(255, 255, 255, 255)))
    attempt = PreparedLogo(logo).default

    assert logo.rgba is None
    assert attempt.quality == ssim(rasterize(attempt.svg, 96, 96), logo.pixels)


def test_the_document_has_the_size_of_the_logo() -> None:
    """The extra row that makes VTracer detect transparency is excluded."""
    assert 'width="96" height="96"' in PreparedLogo(decoded(ring("black"))).default.svg


def test_binary_tracing_keeps_transparent_parts() -> None:
    """Binary tracing ignores alpha, but transparent pixels are not traced even if their colour is black."""
    logo = decoded(ring("black", ground=(0, 0, 0, 0)))
    svg = PreparedLogo(logo).plain_attempt(Parameters(), "binary").svg

    assert rasterize(svg, 96, 96, "#ff0000")[[0, 48], [0, 48]].tolist() == [RED, RED]


def test_edges_have_no_fringe() -> None:
    """The colour of transparent pixels does not bleed into a shrunk logo."""
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:, :2] = (200, 100, 50, 255)
    rgba[:, 2:] = (0, 255, 0, 0)
    small = shrunk(np.ascontiguousarray(rgba[:, 1:3]), 1, 4)

    assert small[:, 0].tolist() == [[200, 100, 50, 128]] * 4


def test_half_of_the_largest_alpha_is_opaque() -> None:
    """A watermark with an alpha of 40 % is traced as an opaque shape."""
    rgba = np.full((2, 3, 4), (10, 20, 30, 100), np.uint8)
    rgba[0, :, 3] = (0, 49, 50)
    ready = traceable(rgba)

    assert ready[..., 3].tolist() == [[0, 0, 255], [255, 255, 255], [0, 0, 0]]
    assert ready[0, 0].tolist() == [255, 255, 255, 0]


@pytest.mark.parametrize(("ink", "ground"), [("white", BLACK), ("black", WHITE), ("blue", WHITE)])
def test_background_for_viewing(ink: str, ground: str) -> None:
    """The background is white, except for logos that are almost white."""
    logo = decoded(ring(ink))
    assert logo.rgba is not None

    assert (logo.ground, ground_of(logo.rgba)) == (ground, ground)
    assert logo.pixels[0, 0].tolist() == ([255] * 3 if ground == WHITE else [0] * 3)


def test_a_background_makes_a_logo_visible_on_any_page() -> None:
    """A white logo with its background is visible on a white page."""
    svg = with_ground(PreparedLogo(decoded(ring("white"))).default.svg, BLACK)

    picture = rasterize(svg, 96, 96, "#ffffff")
    assert [picture[0, 0].tolist(), picture[48, 16].tolist()] == [[0, 0, 0], [255, 255, 255]]


def test_the_gallery_uses_the_background_of_the_logo() -> None:
    """The trace of a white logo is not drawn white on white."""
    logo = decoded(ring("white"))
    attempt = PreparedLogo(logo).default
    sheet = np.asarray(gallery([Exhibit(logo, attempt, attempt)], "title", "subtitle"))

    black = (sheet == 0).all(axis=2)
    assert 3 * 0.9 < black.sum() / black[:, : sheet.shape[1] // 3].sum() < 3 * 1.1


def test_a_logo_that_vanishes_when_shrunk_is_refused() -> None:
    """A large picture with one faint pixel has no visible pixel after shrinking."""
    picture = Image.new("RGBA", (2_000, 2_000), (0, 0, 0, 0))
    picture.putpixel((5, 5), (0, 0, 0, 30))

    reason = r"logo.png: the image is almost fully transparent: no visible pixel is left at 96 pixels"
    with pytest.raises(Exception, match=reason):
        decoded(picture)

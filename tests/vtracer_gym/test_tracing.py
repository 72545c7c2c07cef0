from __future__ import annotations

import numpy as np
import pytest
import vtracer

from vtracer_gym.errors import TraceError
from vtracer_gym.tracing import (
    BOUNDS,
    DEFAULTS,
    PARAMETER_NAMES,
    Parameters,
    contained_panics,
    encode_png,
    trace,
    trace_regions,
)


class Unchecked(Parameters):
    """Parameters without validation, to make VTracer panic."""

    def __post_init__(self) -> None:
        pass


def disc() -> bytes:
    down, across = np.mgrid[:40, :50]
    inside = (down - 20) ** 2 + (across - 25) ** 2 < 15**2
    pixels = np.full((40, 50, 3), 255, np.uint8)
    pixels[inside] = (100, 30, 60)
    return encode_png(pixels)


def test_traces_in_memory() -> None:
    """Encoded pixels are traced to an SVG of the same size."""
    traced = trace(disc())

    assert 'width="50" height="40"' in traced.svg
    assert traced.size_bytes == len(traced.svg.encode())


def test_counts_shapes_and_curves() -> None:
    """A disc on a background has two paths, and each path has at least one curve."""
    traced = trace(disc())

    assert traced.paths == 2
    assert traced.curves >= traced.paths


def test_same_parameters_same_svg() -> None:
    """VTracer is deterministic, so rewards are reproducible."""
    assert trace(disc()).svg == trace(disc()).svg


def test_defaults_are_the_documented_values() -> None:
    """The defaults equal VTracer's behaviour without arguments, except for the decimals."""
    left_out = vtracer.convert_raw_image_to_svg(disc(), img_format="png", path_precision=8)

    assert trace(disc(), DEFAULTS).svg == left_out


def test_fewer_decimals_make_it_smaller() -> None:
    """The precision of coordinates is passed to VTracer."""
    assert trace(disc(), Parameters(path_precision=0)).size_bytes < trace(disc()).size_bytes


def test_binary_mode_is_black() -> None:
    """In binary mode, only the dark part is traced, in black."""
    traced = trace(disc(), color_mode="binary")

    assert 'fill="#000000"' in traced.svg
    assert traced.paths == 1


@pytest.mark.parametrize("name", PARAMETER_NAMES)
def test_bounds_are_checked(name: str) -> None:
    """A value outside the bounds is refused with its name."""
    low, high = BOUNDS[name]

    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(ValueError, match=name):
            Parameters(**{name: value})  # type: ignore[arg-type]


def test_whole_numbers_are_whole() -> None:
    """A fractional number of iterations is refused instead of truncated."""
    with pytest.raises(ValueError, match="whole"):
        Parameters(max_iterations=2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["color_precision", "max_iterations"])
def test_panic_becomes_an_error(name: str) -> None:
    """A real panic of VTracer, which does not derive from Exception, is raised as a TraceError."""
    values = DEFAULTS.as_dict() | {name: 0}

    with pytest.raises(TraceError, match="panicked"):
        trace(disc(), Unchecked(**values))  # type: ignore[arg-type]


def test_unreadable_image_is_an_error() -> None:
    """Bytes that are not an image are refused."""
    with pytest.raises(TraceError, match="decode"):
        trace(b"not a picture")


def test_interrupts_pass() -> None:
    """A KeyboardInterrupt is not converted to a TraceError."""
    with pytest.raises(KeyboardInterrupt), contained_panics():
        raise KeyboardInterrupt


def test_as_dict_has_every_parameter() -> None:
    """The dictionary has the eight parameters in order."""
    assert tuple(DEFAULTS.as_dict()) == PARAMETER_NAMES


def test_regions_have_pixel_boundaries() -> None:
    """A disc on paper is two regions, with whole coordinates and sides along the axes."""
    paper, inside = trace_regions(disc(), filter_speckle=4, color_precision=6, layer_difference=16)

    assert [region.fill for region in (paper, inside)] == [(255, 255, 255), (100, 30, 60)]
    for polygon in paper.polygons + inside.polygons:
        sides = np.roll(polygon, -1, axis=0) - polygon
        assert np.array_equal(polygon, np.rint(polygon))
        assert ((sides == 0).sum(axis=1) == 1).all()


def test_outer_boundaries_run_clockwise() -> None:
    """The area of the outer boundary of a disc is positive on the screen."""
    *_, inside = trace_regions(disc(), filter_speckle=4, color_precision=6, layer_difference=16)
    x, y = inside.polygons[0].T

    assert 0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() == pytest.approx(np.pi * 15**2, rel=0.02)


def test_speckles_are_filtered() -> None:
    """Patches below the square of the side are removed."""
    pixels = np.full((40, 40, 3), 255, np.uint8)
    pixels[10:13, 10:13] = 0
    counts = [
        len(trace_regions(encode_png(pixels), filter_speckle=side, color_precision=6, layer_difference=16))
        for side in (2, 4)
    ]

    assert counts == [2, 1]


def test_unreadable_pictures_have_no_regions() -> None:
    """Bytes that are not an image are refused."""
    with pytest.raises(TraceError, match="decode"):
        trace_regions(b"not a picture", filter_speckle=4, color_precision=6, layer_difference=16)

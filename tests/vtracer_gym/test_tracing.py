from __future__ import annotations

import numpy as np
import pytest
import vtracer

from vtracer_gym.errors import TraceError
from vtracer_gym.tracing import BOUNDS, DEFAULTS, PARAMETER_NAMES, Parameters, contained_panics, encode_png, trace


class Unchecked(Parameters):
    """Parameters that go to VTracer unchecked, to make it panic."""

    def __post_init__(self) -> None:
        pass


def disc() -> bytes:
    down, across = np.mgrid[:40, :50]
    inside = (down - 20) ** 2 + (across - 25) ** 2 < 15**2
    pixels = np.full((40, 50, 3), 255, np.uint8)
    pixels[inside] = (100, 30, 60)
    return encode_png(pixels)


def test_traces_in_memory() -> None:
    """Encoded pixels go in, an SVG of the same size comes out."""
    traced = trace(disc())

    assert 'width="50" height="40"' in traced.svg
    assert traced.size_bytes == len(traced.svg.encode())


def test_counts_shapes_and_curves() -> None:
    """A disc on a ground is two paths, and a path has at least one curve."""
    traced = trace(disc())

    assert traced.paths == 2
    assert traced.curves >= traced.paths


def test_same_parameters_same_svg() -> None:
    """VTracer is deterministic: rewards can be reproduced."""
    assert trace(disc()).svg == trace(disc()).svg


def test_defaults_are_the_documented_ones() -> None:
    """The defaults here are what VTracer does when nothing is given, but for the decimals."""
    left_out = vtracer.convert_raw_image_to_svg(disc(), img_format="png", path_precision=8)

    assert trace(disc(), DEFAULTS).svg == left_out


def test_fewer_decimals_make_it_smaller() -> None:
    """The precision of coordinates reaches VTracer."""
    assert trace(disc(), Parameters(path_precision=0)).size_bytes < trace(disc()).size_bytes


def test_binary_mode_is_black() -> None:
    """In binary mode the dark part is traced, in black alone."""
    traced = trace(disc(), color_mode="binary")

    assert 'fill="#000000"' in traced.svg
    assert traced.paths == 1


@pytest.mark.parametrize("name", PARAMETER_NAMES)
def test_bounds_are_checked(name: str) -> None:
    """A value beyond either bound is refused, with its name and range."""
    low, high = BOUNDS[name]

    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(ValueError, match=name):
            Parameters(**{name: value})  # type: ignore[arg-type]


def test_whole_numbers_are_whole() -> None:
    """A fraction of an iteration is refused rather than cut off."""
    with pytest.raises(ValueError, match="whole"):
        Parameters(max_iterations=2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["color_precision", "max_iterations"])
def test_panic_becomes_an_error(name: str) -> None:
    """A real panic of VTracer, which is no Exception, is raised as a TraceError."""
    values = DEFAULTS.as_dict() | {name: 0}

    with pytest.raises(TraceError, match="panicked"):
        trace(disc(), Unchecked(**values))  # type: ignore[arg-type]


def test_unreadable_image_is_an_error() -> None:
    """Bytes that are no image are refused."""
    with pytest.raises(TraceError, match="decode"):
        trace(b"not a picture")


def test_interrupts_pass() -> None:
    """Ctrl-C is no failed attempt."""
    with pytest.raises(KeyboardInterrupt), contained_panics():
        raise KeyboardInterrupt


def test_as_dict_has_every_parameter() -> None:
    """The dictionary names the eight parameters in their order."""
    assert tuple(DEFAULTS.as_dict()) == PARAMETER_NAMES

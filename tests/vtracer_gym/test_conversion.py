from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vtracer_gym.actions import DIMENSIONS, action_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.conversion import (
    MOST_LOST,
    ConversionOptions,
    chosen_attempt,
    convert,
    picture_size,
    with_size,
    working_size,
)
from vtracer_gym.errors import LogoError
from vtracer_gym.logos import decode_logo
from vtracer_gym.observations import MOST_SCALED, OBSERVATION_NAMES
from vtracer_gym.pipeline import Settings
from vtracer_gym.policy import Policy
from vtracer_gym.rasterize import draw
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos


def png(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def disc(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Draw a red disc on white, or on a transparent background in mode RGBA."""
    picture = Image.new(mode, (width, height), "white" if mode == "RGB" else (0, 0, 0, 0))
    side = min(width, height)
    ImageDraw.Draw(picture).ellipse((side // 8, side // 8, side - side // 8, side - side // 8), fill="red")
    return picture


def constant(setting: Settings, *sizes: int) -> Policy:
    """Return a policy that always chooses the same setting."""
    count = len(OBSERVATION_NAMES)
    layer = (np.zeros((DIMENSIONS, count), np.float32), action_of(setting))
    nothing, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    return Policy(nothing, one, MOST_SCALED, (layer,), sizes or (64,), RewardWeights())


def prepared() -> PreparedLogo:
    return PreparedLogo(sample_logos(1, np.random.default_rng(0), 64)[0])


@pytest.mark.parametrize(
    ("size", "working"),
    [((64, 64), 64), ((300, 200), 256), ((512, 512), 256), ((800, 100), 400), ((1024, 1024), 512), ((1024, 40), 820)],
)
def test_working_size(size: tuple[int, int], working: int) -> None:
    """Images are drawn at half their size, within limits, and without losing the shorter side."""
    assert working_size(*size) == working


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(64, 64), (301, 197), (1300, 700)])
def test_the_svg_has_the_size_of_the_image(size: tuple[int, int], mode: str) -> None:
    """Whatever the working size, the SVG has the image's width and height, and looks like it."""
    conversion = convert(png(disc(*size, mode)), "disc.png", ConversionOptions(size=48))
    root = ET.fromstring(conversion.svg)  # noqa: S314 - our own document

    assert (root.get("width"), root.get("height")) == (str(size[0]), str(size[1]))
    assert conversion.quality > 0.9
    drawn = draw(conversion.svg, *size)
    assert drawn[min(size) // 2, min(size) // 2].tolist() == [255, 0, 0, 255]
    assert drawn[0, 0].tolist() == ([0] * 4 if mode == "RGBA" else [255] * 4)


def test_a_turned_photo() -> None:
    """The size is the one that viewers show after turning the image."""
    exif = Image.Exif()
    exif[0x0112] = 6

    assert picture_size(png(disc(60, 40), exif=exif)) == (40, 60)
    assert picture_size(png(disc(60, 40))) == (60, 40)


def test_resizing_keeps_the_shapes() -> None:
    """A document with another size gets a viewBox if it has none, and is stretched if the sides are rounded."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><path d="M0 0h20v10z"/></svg>'

    assert with_size(svg, 20, 10) == svg
    assert 'width="40" height="20" viewBox="0 0 20 10">' in with_size(svg, 40, 20)
    assert 'viewBox="0 0 20 10" preserveAspectRatio="none">' in with_size(svg, 41, 20)
    assert re.findall("viewBox", with_size(with_size(svg, 40, 20), 80, 40)) == ["viewBox"]


def test_a_policy_chooses_the_setting() -> None:
    """The drawing has the setting that the policy chooses."""
    wanted = Settings(grid=3.0)
    conversion = convert(png(disc(64, 64)), "disc.png", ConversionOptions(constant(wanted)))

    assert conversion.setting.grid == pytest.approx(3.0)


def test_a_policy_sees_the_size_of_its_training() -> None:
    """The policy chooses at the size of its training, and its setting is used at the working size."""
    data, wanted = png(disc(200, 200)), Settings(tolerance=0.3)
    small, own = (convert(data, "disc.png", ConversionOptions(constant(wanted, size))) for size in (64, 200))

    assert small.svg == own.svg


def test_a_ruined_drawing_is_not_used() -> None:
    """If the policy's drawing is much worse than the one with the fixed setting, the fixed setting is used."""
    ruining = Settings(filter_speckle=6.0, color_precision=5, smoothing=1.0, tolerance=0.8, grid=1.5)
    logo = PreparedLogo(sample_logos(2, np.random.default_rng(0), 64)[1])

    assert logo.attempt(ruining).quality < logo.first.quality - MOST_LOST
    assert chosen_attempt(logo, constant(ruining), 1) is logo.first


def test_several_tries_earn_at_least_the_fixed_setting() -> None:
    """The best of several tries is used, or the first drawing if none of them earns more."""
    logo = prepared()
    for setting in (Settings(grid=1.5, tolerance=0.8), Settings(grid=5.0, tolerance=0.15)):
        policy = constant(setting)
        assert policy.weights.reward(chosen_attempt(logo, policy, 2), logo).total >= 0.0


def test_any_try_is_better_than_a_failed_first_drawing() -> None:
    """If the first drawing failed, the best of several tries is used, whatever it earns."""
    logo = prepared()
    logo.first = Attempt.failed(Settings(), "panicked")
    ruined = constant(Settings(grid=1.5, tolerance=0.8, smoothing=1.0))

    assert chosen_attempt(logo, ruined, 2).failure is None


def test_the_comparison_traces_the_same_image() -> None:
    """The comparison is VTracer's trace of the whole image, and is made only when asked for."""
    data = png(disc(96, 96))
    compared = convert(data, "disc.png", ConversionOptions(compare=True))

    assert compared.default is not None
    assert compared.default.svg == PreparedLogo(decode_logo(data, "disc.png", "", 96)).default.svg
    assert convert(data, "disc.png", ConversionOptions()).default is None


def test_a_corrupt_image_is_named() -> None:
    """The error contains the name of the image."""
    with pytest.raises(LogoError, match=r"disc\.png: the image cannot be read"):
        convert(b"broken", "disc.png", ConversionOptions())

"""Conversion of an image of any size to an SVG: choose a setting, draw at a working size, measure at the image's size.

A drawing at half the image's size has a fraction of the bytes and still keeps the quality, because the pipeline places
edges between pixels. ``bench/working_size.py`` compares working sizes with VTracer's defaults on the full image: below
half the size, small letters are lost; above it, bytes and time grow faster than the quality.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from vtracer_gym.actions import settings_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.features import logo_features
from vtracer_gym.logos import decode_logo, shrunk_logo
from vtracer_gym.observations import described, observed
from vtracer_gym.pipeline import Settings, vectorize

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt
    from vtracer_gym.logos import Logo
    from vtracer_gym.policy import Policy

MEASURED_SIZE: Final = 1024
"""Longest side in pixels at which the quality of a drawing is measured. Larger images are shrunk to it."""

WORKING_SIZES: Final = (256, 512)
"""Lowest and highest working size of larger images: longest side in pixels."""

SHORTEST_SIDE: Final = 32
"""Shorter side in pixels that a working size keeps, for example of a word mark that is very wide."""

MOST_LOST: Final = 0.01
"""SSIM below the first drawing from which a drawing counts as ruined."""

_ORIENTATION: Final = 0x0112
"""Exif tag of the orientation. From 5 on, width and height are exchanged."""

_ROOT_SIZE: Final = re.compile(r'width="(\d+)" height="(\d+)"( viewBox="[^"]*")?')


@dataclass(frozen=True, slots=True)
class ConversionOptions:
    """Options of a conversion.

    Args:
        policy: Policy that chooses the setting, or None to use ``setting``.
        setting: Setting of the pipeline, if there is no policy.
        tries: Number of settings that the policy tries. The one with the highest reward is used.
        size: Working size: longest side in pixels. None chooses it from the size of the image.
        compare: Whether to trace the image with VTracer's defaults as well.
    """

    policy: Policy | None = None
    setting: Settings = field(default_factory=Settings)
    tries: int = 1
    size: int | None = None
    compare: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted image.

    Args:
        svg: SVG document with the size of the image.
        quality: SSIM at the size of the image, at most ``MEASURED_SIZE``.
        setting: Setting of the drawing.
        logo: Image at the size at which the quality is measured.
        default: Attempt with VTracer's defaults on ``logo``, or None without a comparison.
    """

    svg: str
    quality: float
    setting: Settings
    logo: Logo
    default: Attempt | None = None

    @property
    def size_bytes(self) -> int:
        """Size of the SVG in bytes."""
        return len(self.svg)


def working_size(width: int, height: int) -> int:
    """Return the longest side in pixels at which an image is drawn: half of it, but within ``WORKING_SIZES``."""
    longest = max(width, height)
    low, high = WORKING_SIZES
    return _keeping_shortest(width, height, min(longest, max(low, min(high, math.ceil(longest / 2)))))


def _keeping_shortest(width: int, height: int, size: int) -> int:
    """Return a size, raised until the shorter side has ``SHORTEST_SIDE`` pixels."""
    longest, shortest = max(width, height), min(width, height)
    return min(longest, max(size, math.ceil(SHORTEST_SIDE * longest / shortest)))


def convert(data: bytes, name: str, options: ConversionOptions) -> Conversion:
    """Convert an image to an SVG.

    Args:
        data: Contents of the image file.
        name: Name of the image for error messages.
        options: Options of the conversion.

    Raises:
        LogoError: The image is corrupt, fully transparent, too large or too small.
        TraceError: VTracer fails on the image.
        RasterizeError: The SVG cannot be drawn.
    """
    logo = replace(decode_logo(data, name, "", MEASURED_SIZE), source=None)
    working = shrunk_logo(logo, options.size or working_size(logo.width, logo.height))
    setting, svg = options.setting, ""
    if options.policy is not None:
        prepared = PreparedLogo(_shrunk_for(options.policy, logo))
        attempt = chosen_attempt(prepared, options.policy, options.tries)
        assert isinstance(attempt.setting, Settings)
        setting = attempt.setting
        if (prepared.logo.width, prepared.logo.height) == (working.width, working.height):
            svg = attempt.svg
    svg = with_size(svg or vectorize(working, setting).svg, *picture_size(data))
    measured = PreparedLogo(logo)
    quality = measured.measurer.similarity(svg, 1)
    return Conversion(svg, quality, setting, logo, measured.default if options.compare else None)


def _shrunk_for(policy: Policy, logo: Logo) -> Logo:
    """Return a logo at the largest size on which a policy was trained."""
    return shrunk_logo(logo, _keeping_shortest(logo.width, logo.height, max(policy.sizes)))


def chosen_attempt(prepared: PreparedLogo, policy: Policy, tries: int) -> Attempt:
    """Return the attempt with the setting that a policy chooses for a logo.

    It is the first drawing, with the pipeline's default setting, where the policy fails. With one try, this means a
    quality that is lower by more than ``MOST_LOST``: no trace with VTracer's defaults is needed for the reward. With
    several tries, the policy sees the results of its earlier tries, and the attempt with the highest reward wins.

    Raises:
        TraceError: VTracer fails on the logo.
    """
    tried = _tried(prepared, policy, tries)
    best, first = tried[0], prepared.first
    if tries > 1:
        rewards = [policy.weights.reward(attempt, prepared).total for attempt in tried]
        is_better = max(rewards) > 0.0 or first.failure is not None  # the first drawing earns 0
        best = tried[int(np.argmax(rewards))] if is_better else first
    elif best.quality < first.quality - MOST_LOST:
        best = first
    if best.failure is not None:
        raise TraceError(f"{prepared.logo.name}: {best.failure}")
    return best


def _tried(prepared: PreparedLogo, policy: Policy, tries: int) -> list[Attempt]:
    """Return the attempts of an episode."""
    features = logo_features(prepared)
    best = last = described(prepared.first, 0.0, prepared.first)
    highest = -math.inf
    tried: list[Attempt] = []
    while len(tried) < tries:
        if tried:
            reward = policy.weights.reward(tried[-1], prepared).total
            last = described(tried[-1], reward, prepared.first)
            if reward > highest:
                highest, best = reward, last
        action = policy.act(observed(features, best, last, 1.0 - len(tried) / tries))
        tried.append(prepared.attempt(settings_of(action)))
    return tried


def picture_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of an image in pixels, as viewers show it."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        turned = int(image.getexif().get(_ORIENTATION, 1)) > 4  # noqa: PLR2004 - quarter turns
    return (height, width) if turned else (width, height)


def with_size(svg: str, width: int, height: int) -> str:
    """Return a document of ``write_svg`` with another width and height. The shapes are scaled."""
    root = _ROOT_SIZE.search(svg)
    if root is None or (own := (int(root[1]), int(root[2]))) == (width, height):
        return svg
    box = root[3] or f' viewBox="0 0 {own[0]} {own[1]}"'
    stretch = "" if own[0] * height == own[1] * width else ' preserveAspectRatio="none"'
    return f'{svg[: root.start()]}width="{width}" height="{height}"{box}{stretch}{svg[root.end() :]}'

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

from PIL import Image

from vtracer_gym.actions import settings_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.features import logo_features
from vtracer_gym.logos import decode_logo, shrunk_logo
from vtracer_gym.observations import described, observed
from vtracer_gym.pipeline import Settings, vectorize
from vtracer_gym.tracing import DEFAULTS

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt
    from vtracer_gym.logos import Logo
    from vtracer_gym.pipeline import Drawing
    from vtracer_gym.policy import Policy

MEASURED_SIZE: Final = 1024
"""Longest side in pixels at which the quality of a drawing is measured. Larger images are shrunk to it."""

WORKING_SIZES: Final = (256, 512)
"""Lowest and highest working size of larger images: longest side in pixels."""

SHORTEST_SIDE: Final = 32
"""Shorter side in pixels that a working size keeps, for example of a word mark that is very wide."""

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
    measured = PreparedLogo(logo)
    width, height = logo.width, logo.height
    working = shrunk_logo(logo, options.size or working_size(width, height))
    setting = options.setting if options.policy is None else choose_setting(logo, options.policy, options.tries)
    drawing, setting = _drawn(working, setting)
    svg = with_size(drawing.svg, *picture_size(data))
    quality = measured.measurer.similarity(svg, 1)
    return Conversion(svg, quality, setting, logo, measured.default if options.compare else None)


def choose_setting(logo: Logo, policy: Policy, tries: int) -> Settings:
    """Return the setting that a policy chooses for a logo, at a size on which the policy was trained.

    With several tries, the policy sees the results of its earlier tries, and the setting with the highest reward wins.

    Raises:
        TraceError: There are several tries, and VTracer fails with its defaults, to which the reward refers.
    """
    size = _keeping_shortest(logo.width, logo.height, max(policy.sizes))
    prepared = PreparedLogo(shrunk_logo(logo, size))
    features = logo_features(prepared.logo.pixels, prepared.first)
    best_seen = last_seen = described(prepared.first, 0.0, prepared.first)
    setting = settings_of(policy.act(observed(features, best_seen, last_seen, 1.0)))
    if tries == 1:
        return setting
    chosen, best = setting, -math.inf
    for made in range(1, tries + 1):
        attempt = prepared.attempt(setting)
        reward = prepared.earned(attempt, policy.weights).total
        last_seen = described(attempt, reward, prepared.first)
        if reward > best:
            chosen, best, best_seen = setting, reward, last_seen
        setting = settings_of(policy.act(observed(features, best_seen, last_seen, 1.0 - made / tries)))
    return chosen if best > 0.0 else Settings()  # the first drawing earns 0


def _drawn(logo: Logo, setting: Settings) -> tuple[Drawing, Settings]:
    """Draw a logo with a setting, or with the pipeline's default if VTracer fails with this setting."""
    try:
        return vectorize(logo, setting), setting
    except TraceError:
        if setting == Settings():
            raise
        return vectorize(logo), Settings()


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

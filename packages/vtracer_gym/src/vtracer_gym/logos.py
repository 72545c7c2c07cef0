"""Logos: pixels with a name and a type, decoded from image files."""

from __future__ import annotations

import io
import warnings
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vtracer_gym.errors import LogoError
from vtracer_gym.rasterize import OPAQUE, WHITE
from vtracer_gym.similarity import WINDOW
from vtracer_gym.transparency import ground_of, laid_on, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp"})

MAX_SOURCE_PIXELS: Final = 100_000_000
"""Maximum image size. Larger images are rejected before decoding: 400 MB of pixels is an error or an attack."""

DEFAULT_SIZE: Final = 128
"""Longest side of a logo in pixels."""

LARGEST: Final = 4
"""Highest ratio of the size of a logo's source to its own size."""


@dataclass(frozen=True, slots=True, eq=False)
class Logo:
    """One logo.

    Args:
        name: Unique name within a collection, such as ``text/acme.png``.
        category: Type of the logo, such as ``simple``, ``text``, ``gradient``, ``complex``, or a custom type.
        pixels: RGB pixels, shape (height, width, 3), with no side shorter than the SSIM window. A transparent logo is
            composited on its ``ground``.
        rgba: Straight colours and alpha of a transparent logo, shape (height, width, 4); None for an opaque logo.
        source: The same logo in up to ``LARGEST`` times the size, in the channels of the logo, for measuring drawings
            at larger sizes; None if the image is not larger.
    """

    name: str
    category: str
    pixels: NDArray[np.uint8]
    rgba: NDArray[np.uint8] | None = None
    source: NDArray[np.uint8] | None = None

    @property
    def ground(self) -> str:
        """CSS colour of the background for viewing: white, or black if a transparent logo is more visible on black."""
        return WHITE if self.rgba is None else ground_of(self.rgba)

    @property
    def own_pixels(self) -> NDArray[np.uint8]:
        """Straight colours and alpha of a transparent logo, RGB pixels of an opaque one."""
        return self.pixels if self.rgba is None else self.rgba

    @property
    def longest_side(self) -> int:
        """Length of the longest side in pixels."""
        return max(self.width, self.height)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Rejection:
    """An image that cannot be used, with the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class LogoFolder:
    """The usable logos and the rejected images of a folder."""

    logos: tuple[Logo, ...]
    rejections: tuple[Rejection, ...]


def _check_area(image: Image.Image) -> None:
    if image.width * image.height > MAX_SOURCE_PIXELS:
        raise LogoError(f"the image is too large: {image.width} x {image.height} pixels")


def _channels(image: Image.Image) -> NDArray[np.uint8]:
    """Return RGB pixels of an opaque image, or RGBA pixels of a transparent image."""
    rgba = np.asarray(image.convert("RGBA"))
    if not rgba[..., 3].any():
        raise LogoError("the image is fully transparent")
    return np.ascontiguousarray(rgba[..., :3] if rgba[..., 3].min() == OPAQUE else rgba)


def _fitted(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Shrink pixels until the longest side is at most ``size``. Smaller images are not enlarged."""
    height, width = pixels.shape[:2]
    scale = size / max(height, width)
    if scale < 1.0:
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        if pixels.shape[2] == len("RGBA"):
            pixels = shrunk(pixels, *target)
            if not pixels[..., 3].any():
                raise LogoError(f"the image is almost fully transparent: no visible pixel is left at {size} pixels")
        else:
            pixels = np.asarray(cv2.resize(pixels, target, interpolation=cv2.INTER_AREA), np.uint8)
    if min(pixels.shape[:2]) < WINDOW:
        seen = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise LogoError(f"the image is too small: {seen}; measuring its quality needs at least {WINDOW} x {WINDOW}")
    return pixels


def decode_logo(data: bytes, name: str, category: str, size: int = DEFAULT_SIZE) -> Logo:
    """Decode an image of any mode (transparent, greyscale, palette, CMYK, 16 bit) into a logo.

    Args:
        data: Contents of the image file.
        name: Name of the logo.
        category: Type of the logo.
        size: Maximum length of the longest side in pixels.

    Raises:
        LogoError: The image is corrupt, truncated, fully transparent, too large or too small.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about unusual files, but raises for real problems
            opened = Image.open(io.BytesIO(data))
            _check_area(opened)
            opened.load()
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):  # 16 bit or more: Pillow would clip the values instead of scaling
                image = Image.fromarray(_eight_bit(np.asarray(image, np.float64)))
            pixels = _channels(image)
    except LogoError as error:
        raise LogoError(f"{name}: {error}") from None
    except UnidentifiedImageError as error:  # its message contains only the address of the buffer
        raise LogoError(f"{name}: the image cannot be read (unknown format)") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LogoError(f"{name}: the image cannot be read ({error})") from error
    try:
        fitted = _fitted(pixels, size)
    except LogoError as error:
        raise LogoError(f"{name}: {error}") from None
    return logo_of(fitted, name, category, pixels)


def logo_of(fitted: NDArray[np.uint8], name: str, category: str, source: NDArray[np.uint8] | None = None) -> Logo:
    """Return a logo of pixels with three or four channels, with its source if it is larger."""
    larger = None
    if source is not None and max(source.shape) > max(fitted.shape):
        larger = _fitted(source, LARGEST * max(fitted.shape[:2]))
    if fitted.shape[2] == len("RGB"):
        return Logo(name, category, fitted, source=larger)
    return Logo(name, category, laid_on(fitted, ground_of(fitted)), fitted, larger)


def shrunk_logo(logo: Logo, size: int) -> Logo:
    """Return a logo at a smaller size, with its present pixels as its source. A smaller logo is returned unchanged.

    Args:
        logo: Logo to shrink.
        size: Maximum length of the longest side in pixels.

    Raises:
        LogoError: The logo is too small or invisible at this size.
    """
    if logo.longest_side <= size:
        return logo
    try:
        return logo_of(_fitted(logo.own_pixels, size), logo.name, logo.category, logo.own_pixels)
    except LogoError as error:
        raise LogoError(f"{logo.name}: {error}") from None


def _eight_bit(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    top = 65535.0 if values.max() > 1.0 else 1.0
    return np.clip(np.round(values * (255.0 / top)), 0, 255).astype(np.uint8)


def read_image(path: Path | str) -> bytes:
    """Return the contents of an image file.

    Raises:
        LogoError: The file cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LogoError(f"{path}: {error.strerror or error}") from error


def load_logo(path: Path | str, category: str | None = None, size: int = DEFAULT_SIZE) -> Logo:
    """Load an image. By default, its type is the name of its folder.

    Raises:
        LogoError: The file cannot be read, or is not a usable image.
    """
    path = Path(path)
    return decode_logo(read_image(path), path.name, category or path.parent.name, size)


def image_files(folder: Path | str) -> list[Path]:
    """Return the PNG, JPEG and WebP files below a folder in the order of their paths.

    Raises:
        LogoError: The folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LogoError(f"{folder} is not a folder")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def load_folder(folder: Path | str, size: int = DEFAULT_SIZE) -> LogoFolder:
    """Load all PNG, JPEG and WebP images below a folder in the order of their paths.

    The first subfolder is the type of a logo. Images directly in the folder have the type ``other``. Unusable images
    are skipped and returned as rejections with the reason.

    Raises:
        LogoError: The folder does not exist, or contains no usable image.
    """
    folder = Path(folder)
    logos: list[Logo] = []
    rejections: list[Rejection] = []
    for path in image_files(folder):
        place = path.relative_to(folder)
        category = place.parts[0] if len(place.parts) > 1 else "other"
        try:
            logo = load_logo(path, category, size)
        except LogoError as error:
            rejections.append(Rejection(path, str(error)))
        else:
            logos.append(replace(logo, name=place.as_posix()))
    if not logos:
        found = f": {rejections[0].reason}" if rejections else ""
        raise LogoError(f"{folder} contains no usable PNG, JPEG or WebP image{found}")
    return LogoFolder(tuple(logos), tuple(rejections))


def split_unseen(
    logos: Sequence[Logo], fraction: float, rng: np.random.Generator
) -> tuple[tuple[Logo, ...], tuple[Logo, ...]]:
    """Split off a share of each type as unseen logos, which are not used for training.

    Args:
        logos: Logos to split, with at least two names. Those with the same name, in several sizes, stay together.
        fraction: Share of unseen logos between 0 and 1, rounded for each type. At least one logo is unseen.
        rng: Random generator for the selection.

    Returns:
        The training logos and the unseen logos, both in the given order.

    Raises:
        ValueError: The fraction is not between 0 and 1, or no logo would be left for training.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"the unseen fraction must be between 0 and 1, got {fraction}")
    categories = {logo.name: logo.category for logo in logos}
    names = list(categories)
    by_category: dict[str, list[int]] = defaultdict(list)
    for index, category in enumerate(categories.values()):
        by_category[category].append(index)
    unseen: set[int] = set()
    for category in sorted(by_category):
        members = by_category[category]
        unseen.update(rng.permutation(members)[: round(fraction * len(members))].tolist())
    if not unseen:
        unseen.add(int(rng.integers(len(names))))
    if len(unseen) >= len(names):
        raise ValueError(f"none of the {len(names)} logos would be left for training")
    aside = {names[index] for index in unseen}
    return (
        tuple(logo for logo in logos if logo.name not in aside),
        tuple(logo for logo in logos if logo.name in aside),
    )

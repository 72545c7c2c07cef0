"""Logos: pixels with a name and a type, decoded from the user's images."""

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
from vtracer_gym.similarity import WINDOW
from vtracer_gym.transparency import WHITE, ground_of, laid_on, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp"})

MAX_SOURCE_PIXELS: Final = 100_000_000
"""A larger image is refused before it is decoded: 400 MB of pixels is a mistake or an attack, not a logo."""

OPAQUE: Final = 255
"""Alpha of an opaque pixel."""

DEFAULT_SIZE: Final = 128
"""Longest side of a logo in the environment, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Logo:
    """One logo.

    Args:
        name: unique within a collection, such as ``text/acme.png``.
        category: its type, such as ``simple``, ``text``, ``gradient``, ``complex``, or the user's own.
        pixels: RGB, shape (height, width, 3), no side shorter than one SSIM window; a transparent logo as it looks on
            its ``ground``.
        rgba: straight colours and alpha of a transparent logo, shape (height, width, 4); None for an opaque one.
    """

    name: str
    category: str
    pixels: NDArray[np.uint8]
    rgba: NDArray[np.uint8] | None = None

    @property
    def ground(self) -> str:
        """CSS colour behind a transparent logo, where it is looked at: white, or black where it shows better."""
        return WHITE if self.rgba is None else ground_of(self.rgba)

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Rejection:
    """An image that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class LogoFolder:
    """What a folder of images held."""

    logos: tuple[Logo, ...]
    rejections: tuple[Rejection, ...]


def _check_area(image: Image.Image) -> None:
    if image.width * image.height > MAX_SOURCE_PIXELS:
        raise LogoError(f"it is too large: {image.width} x {image.height} pixels")


def _channels(image: Image.Image) -> NDArray[np.uint8]:
    """RGB of an image that is opaque, RGBA of one that is not."""
    rgba = np.asarray(image.convert("RGBA"))
    if not rgba[..., 3].any():
        raise LogoError("it is fully transparent: there is nothing to trace")
    return np.ascontiguousarray(rgba[..., :3] if rgba[..., 3].min() == OPAQUE else rgba)


def _fitted(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Shrinks pixels until the longest side is at most ``size``; never enlarges."""
    height, width = pixels.shape[:2]
    scale = size / max(height, width)
    if scale < 1.0:
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        if pixels.shape[2] == len("RGBA"):
            pixels = shrunk(pixels, *target)
            if not pixels[..., 3].any():
                raise LogoError(f"nothing is left of it at {size} pixels: it is transparent nearly everywhere")
        else:
            pixels = np.asarray(cv2.resize(pixels, target, interpolation=cv2.INTER_AREA), np.uint8)
    if min(pixels.shape[:2]) < WINDOW:
        seen = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise LogoError(f"it is too small: {seen}, and quality is measured in windows of {WINDOW} x {WINDOW}")
    return pixels


def decode_logo(data: bytes, name: str, category: str, size: int = DEFAULT_SIZE) -> Logo:
    """Decodes an image of any mode (transparent, greyscale, palette, CMYK, 16 bit) into a logo.

    Args:
        data: the file's bytes.
        name: of the logo.
        category: its type.
        size: the longest side it may keep, in pixels.

    Raises:
        LogoError: the image is corrupt, truncated, fully transparent, too large or too small.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks about odd files; what matters raises
            opened = Image.open(io.BytesIO(data))
            _check_area(opened)
            opened.load()
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):  # 16 bit or more: Pillow would cut the values off, not scale them
                image = Image.fromarray(_eight_bit(np.asarray(image, np.float64)))
            pixels = _channels(image)
    except LogoError as error:
        raise LogoError(f"{name}: {error}") from None
    except UnidentifiedImageError as error:  # its message names the bytes in memory, which nobody knows
        raise LogoError(f"{name}: it cannot be read as an image (its format is not known)") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LogoError(f"{name}: it cannot be read as an image ({error})") from error
    try:
        fitted = _fitted(pixels, size)
    except LogoError as error:
        raise LogoError(f"{name}: {error}") from None
    if fitted.shape[2] == len("RGB"):
        return Logo(name, category, fitted)
    return Logo(name, category, laid_on(fitted, ground_of(fitted)), fitted)


def _eight_bit(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    top = 65535.0 if values.max() > 1.0 else 1.0
    return np.clip(np.round(values * (255.0 / top)), 0, 255).astype(np.uint8)


def load_logo(path: Path | str, category: str | None = None, size: int = DEFAULT_SIZE) -> Logo:
    """Loads one image; its type is the name of its folder where none is given.

    Raises:
        LogoError: the file cannot be read, or holds no usable image.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LogoError(f"{path}: {error.strerror or error}") from error
    return decode_logo(data, path.name, category or path.parent.name, size)


def load_folder(folder: Path | str, size: int = DEFAULT_SIZE) -> LogoFolder:
    """Loads every PNG, JPEG and WebP below a folder, in the order of their paths.

    The first sub-folder is a logo's type; images that lie directly in the folder are of type ``other``. An image that
    cannot be used is named with its reason, and left out.

    Raises:
        LogoError: the folder does not exist, or holds no usable image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LogoError(f"{folder} is not a folder")
    logos: list[Logo] = []
    rejections: list[Rejection] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
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
        raise LogoError(f"{folder} holds no usable PNG, JPEG or WebP image{found}")
    return LogoFolder(tuple(logos), tuple(rejections))


def split_unseen(
    logos: Sequence[Logo], fraction: float, rng: np.random.Generator
) -> tuple[tuple[Logo, ...], tuple[Logo, ...]]:
    """Sets a share of each type aside, which training must not see.

    Args:
        logos: at least two.
        fraction: between 0 and 1; the share set aside, rounded type by type, at least one logo in all.
        rng: decides which.

    Returns:
        The logos to train on and the unseen ones, both in their given order.

    Raises:
        ValueError: the fraction is not between 0 and 1, or nothing would be left to train on.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"the unseen fraction is {fraction}, and has to lie between 0 and 1")
    by_category: dict[str, list[int]] = defaultdict(list)
    for index, logo in enumerate(logos):
        by_category[logo.category].append(index)
    unseen: set[int] = set()
    for category in sorted(by_category):
        members = by_category[category]
        unseen.update(rng.permutation(members)[: round(fraction * len(members))].tolist())
    if not unseen:
        unseen.add(int(rng.integers(len(logos))))
    if len(unseen) >= len(logos):
        raise ValueError(f"of {len(logos)} logos, none would be left to train on")
    return (
        tuple(logo for index, logo in enumerate(logos) if index not in unseen),
        tuple(logo for index, logo in enumerate(logos) if index in unseen),
    )

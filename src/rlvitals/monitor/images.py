"""Encoding of images, and writing them to the artifacts folder of a run."""

import contextlib
import re
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import RecordError
from rlvitals.files.regular_files import aside_of, make_folder
from rlvitals.runs.artifacts import PNG, media_type
from rlvitals.runs.durability import force_folder, write_whole
from rlvitals.runs.journal_files import move

FOLDER = "images"
MOST_BYTES = 16 << 20
"""Size limit of one image, in bytes."""
_MOST_PIXELS = 64_000_000
_MOST_NAME = 60
_LEVELS = 255

_SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
}
_CHANNELS = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG colour type by number of channels: grey, grey with alpha, RGB, RGBA."""

Image = bytes | bytearray | str | Path | NDArray[Any]


class EncodedImage(NamedTuple):
    """Content and type of an image file.

    Attributes:
        content: Bytes of the file.
        suffix: File name suffix, without the dot.
    """

    content: bytes
    suffix: str


class ImageWriter:
    """Writer of images to the artifacts folder of a run.

    Args:
        artifacts: Artifacts folder. It is created with the first image.
    """

    def __init__(self, artifacts: Path) -> None:
        self._artifacts = artifacts

    def write(self, name: str, image: EncodedImage) -> str:
        """Write an image under a temporary name, rename it to the next free number, and sync both to the disk.

        Args:
            name: Name of the image. Its letters and digits become part of the file name.
            image: Encoded image.

        Returns:
            Path of the file, relative to the artifacts folder.

        Raises:
            OSError: The file cannot be written.
        """
        folder = self._artifacts / FOLDER
        make_folder(self._artifacts)
        make_folder(folder)
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_MOST_NAME] or "picture"
        number = sum(not entry.name.startswith(".") for entry in folder.iterdir())
        aside = aside_of(folder / f"{plain}.{image.suffix}")
        try:
            write_whole(aside, image.content)
            while True:
                number += 1
                path = folder / f"{number:06d}-{plain}.{image.suffix}"
                with contextlib.suppress(FileExistsError):
                    move(aside, path)
                    break
        finally:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
        force_folder(folder)
        return f"{FOLDER}/{path.name}"


def encode_image(name: str, image: Image) -> EncodedImage:
    """Convert an image to the bytes of a file.

    Args:
        name: Name of the image, for error messages.
        image: Bytes of an image file, SVG text, the path of a file, or an array (see `png`).

    Raises:
        RecordError: The value is not an image, or is larger than 16 MiB.
    """
    if isinstance(image, str) and image.lstrip().startswith("<"):
        content = image.encode(errors="replace")
    elif isinstance(image, str | Path):
        content = _read(name, Path(image))
    elif isinstance(image, bytes | bytearray):
        content = bytes(image)
    else:
        content = png(_pixels(name, image), name)
    if len(content) > MOST_BYTES:
        raise RecordError(f"image {name!r:.80} has {len(content)} bytes; the limit is {MOST_BYTES >> 20} MiB")
    return EncodedImage(content, _suffix(name, content))


def png(pixels: NDArray[Any], name: str = "") -> bytes:
    """Encode an array as a PNG (W3C Recommendation, third edition).

    Args:
        pixels: Array of shape `(height, width)` or `(height, width, channels)` with 1 to 4 channels (grey, grey and
            alpha, RGB, RGBA). Values are integers from 0 to 255, booleans, or floats from 0 to 1. NaN becomes black.
        name: Name of the image, for error messages.

    Raises:
        RecordError: The array has another shape or type, or too many pixels.
    """
    flat = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels  # noqa: PLR2004 - grey
    if flat.ndim != 3 or flat.shape[2] not in _CHANNELS or not flat.size or flat.size > _MOST_PIXELS:  # noqa: PLR2004
        raise RecordError(
            f"image {name!r:.80} has shape {pixels.shape}; must be (height, width) or (height, width, 1 to 4)"
        )
    if flat.dtype.kind not in "fbui":
        raise RecordError(f"image {name!r:.80} is an array of {flat.dtype}; must be bytes, or floats from 0 to 1")
    if flat.dtype.kind == "f":
        flat = np.nan_to_num(flat, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0) * _LEVELS + 0.5
    elif flat.dtype.kind == "b":
        flat = flat * _LEVELS
    levels = flat.clip(0, _LEVELS).astype(np.uint8)
    height, width, channels = levels.shape
    # Each line starts with its filter type, 0 for none.
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    lines[:, 1:] = levels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _CHANNELS[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return PNG + b"".join(_chunk(kind, content) for kind, content in parts)


def _pixels(name: str, image: Any) -> NDArray[Any]:
    try:
        return np.asarray(image)
    except Exception as error:  # noqa: BLE001 - conversion of a foreign object can raise anything
        why = f"{type(image).__name__} cannot be read as an array ({type(error).__name__}: {error})"
        raise RecordError(f"image {name!r:.80}: {why}; pass a NumPy array, bytes or a path") from None


def _read(name: str, path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"image {name!r:.80}: {path} is larger than the limit of {MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise RecordError(f"image {name!r:.80}: cannot read {path}: {error}") from None


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _suffix(name: str, content: bytes) -> str:
    media = media_type(content)
    if media is None:
        raise RecordError(
            f"image {name!r:.80} is not a PNG, JPEG, GIF, WebP or SVG file: it starts with {content[:12]!r}"
        )
    return _SUFFIXES[media]

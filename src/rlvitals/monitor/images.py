"""Images of a run: encoding them, and writing them into its folder of artifacts."""

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
"""Size limit of one image."""
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
"""The colour type of a PNG by channels: grey, grey with alpha, RGB, RGBA."""

Image = bytes | bytearray | str | Path | NDArray[Any]


class EncodedImage(NamedTuple):
    """An image as a file holds it.

    Attributes:
        content: Bytes of the file.
        suffix: Suffix of the file name, without the dot.
    """

    content: bytes
    suffix: str


class ImageWriter:
    """Writes images into a run's folder of artifacts.

    Args:
        artifacts: The folder; it is made when the first image is written.
    """

    def __init__(self, artifacts: Path) -> None:
        self._artifacts = artifacts

    def write(self, name: str, image: EncodedImage) -> str:
        """Write an image under a temporary name, rename it to a free number, and force both to the disk.

        Args:
            name: What the image shows; its letters and digits become part of the file name.
            image: The image.

        Returns:
            Path of the file below the artifacts.

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
    """Turn an image into the bytes of a file.

    Args:
        name: What the image shows, for errors.
        image: Bytes, SVG's text, a file's path, or an array (see `png`).

    Raises:
        RecordError: Not an image, or larger than 16 MiB.
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
        raise RecordError(f"image {name!r:.80}: {len(content)} bytes, {MOST_BYTES >> 20} MiB is the most")
    return EncodedImage(content, _suffix(name, content))


def png(pixels: NDArray[Any], name: str = "") -> bytes:
    """An array as a PNG (W3C Recommendation, third edition).

    Args:
        pixels: Shape `(height, width)` or `(height, width, channels)` with 1 to 4 channels (grey, grey and alpha, RGB,
            RGBA): whole numbers 0 to 255, flags, or floats 0 to 1, of which NaN is black.
        name: What it is called in an error.

    Raises:
        RecordError: It has another shape or type, or too many pixels.
    """
    flat = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels  # noqa: PLR2004 - grey
    if flat.ndim != 3 or flat.shape[2] not in _CHANNELS or not flat.size or flat.size > _MOST_PIXELS:  # noqa: PLR2004
        raise RecordError(
            f"image {name!r:.80}: an array of shape {pixels.shape}, not (height, width) or (height, width, 1 to 4)"
        )
    if flat.dtype.kind not in "fbui":
        raise RecordError(f"image {name!r:.80}: an array of {flat.dtype}: bytes, or floats from 0 to 1, are wanted")
    if flat.dtype.kind == "f":
        flat = np.nan_to_num(flat, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0) * _LEVELS + 0.5
    elif flat.dtype.kind == "b":
        flat = flat * _LEVELS
    levels = flat.clip(0, _LEVELS).astype(np.uint8)
    height, width, channels = levels.shape
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = levels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _CHANNELS[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return PNG + b"".join(_chunk(kind, content) for kind, content in parts)


def _pixels(name: str, image: Any) -> NDArray[Any]:
    try:
        return np.asarray(image)
    except Exception as error:  # noqa: BLE001 - a foreign object may raise anything when it is asked for its values
        why = f"{type(image).__name__} cannot be read as an array ({type(error).__name__}: {error})"
        raise RecordError(f"image {name!r:.80}: {why}; pass a NumPy array, bytes or a path") from None


def _read(name: str, path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"image {name!r:.80}: {path} has more than {MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise RecordError(f"image {name!r:.80}: {path} cannot be read: {error}") from None


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _suffix(name: str, content: bytes) -> str:
    media = media_type(content)
    if media is None:
        raise RecordError(
            f"image {name!r:.80} is none of PNG, JPEG, GIF, WebP and SVG: it begins with {content[:12]!r}"
        )
    return _SUFFIXES[media]

"""Pictures of a run: files in its folder of artifacts, each told of by an event."""

import contextlib
import logging
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import RecordError
from rlvitals.records import Event
from rlvitals.records.coercion import coerce
from rlvitals.records.schema import Column, Field
from rlvitals.regular import aside_of, make_folder
from rlvitals.runs.durability import force_folder, write_whole
from rlvitals.runs.openings import move
from rlvitals.runs.pictures import IMAGE, PNG, media_type

if TYPE_CHECKING:
    from rlvitals.recording.recorder import Recorder

FOLDER = "images"
MOST_BYTES = 16 << 20
"""Of one picture."""
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

_NAME = Field("name", Column.TEXT, required=True)
_TEXT = Field("group or caption", Column.TEXT, required=False)
_METRICS = Field("metrics", Column.TREE, required=False)

_log = logging.getLogger("rlvitals")

Picture = bytes | bytearray | str | Path | NDArray[Any]


class PictureLog:
    """The call by which a training logs a picture; a part of the monitor."""

    _recorder: "Recorder"

    def log_image(
        self,
        name: str,
        image: Picture,
        *,
        group: str | None = None,
        caption: str | None = None,
        metrics: Mapping[str, float] | None = None,
        step: int | None = None,
        episode: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Event:
        """Record a picture.

        It is copied into the run's folder (`artifacts/images/`), and told of by an event of the kind `image`. That it
        cannot be written, as the disk is full, is said in the event, and raises nothing.

        Args:
            name: What it shows, such as `original`: pictures of one name and group are one series over the training.
            image: PNG, JPEG, GIF, WebP or SVG: the bytes, SVG's text, or a file's path; or an array of shape
                `(height, width)` or `(height, width, channels)`, of bytes or of floats in 0 to 1.
            group: What it belongs to, such as the logo that several pictures show.
            caption: A sentence below it.
            metrics: Numbers about it, such as quality and bytes.
            step: The same as `env_step`.
            episode: The episode.
            env_step: The environment step; by default the furthest that was said.
            time: When (UTC, seconds since 1970); now by default.

        Returns:
            The event, as it was kept.

        Raises:
            RecordError: It is no picture, or larger than 16 MiB; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        name = coerce(_NAME, name, "log_image")
        group, caption = (
            None if text is None else coerce(_TEXT, text, f"picture {name!r:.80}") for text in (group, caption)
        )
        content, suffix = picture_bytes(name, image)
        self._recorder.check_open()
        data: dict[str, Any] = {"name": name, "bytes": len(content)}
        data |= {key: value for key, value in (("group", group), ("caption", caption)) if value is not None}
        if metrics is not None:
            data |= {"metrics": coerce(_METRICS, metrics, f"picture {name!r:.80}") or {}}
        severity = "info"
        try:
            data["file"] = _kept(self._recorder.session.layout.artifacts, name, content, suffix)
        except OSError as error:
            severity, data["trouble"] = "warning", error.strerror or str(error)
            _log.warning("the picture %r could not be kept: %s", name, data["trouble"])
        at = step if env_step is None else env_step
        return self._recorder.record(
            Event,
            {
                "time": self._recorder.clock.time() if time is None else time,
                "kind": IMAGE,
                "message": f"{group}: {name}" if group else name,
                "severity": severity,
                "env_step": self._recorder.window.env_step if at is None else at,
                "episode": episode,
                "data": data,
            },
        )


def picture_bytes(name: str, image: Picture) -> tuple[bytes, str]:
    """A picture as the bytes of a file, and the ending of that file's name.

    Raises:
        RecordError: It is no picture, or too large.
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
        raise RecordError(f"picture {name!r:.80}: {len(content)} bytes, {MOST_BYTES >> 20} MiB is the most")
    return content, _suffix(name, content)


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
            f"picture {name!r:.80}: an array of shape {pixels.shape}, not (height, width) or (height, width, 1 to 4)"
        )
    if flat.dtype.kind not in "fbui":
        raise RecordError(f"picture {name!r:.80}: an array of {flat.dtype}: bytes, or floats from 0 to 1, are wanted")
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
        raise RecordError(f"picture {name!r:.80}: {why}; pass a NumPy array, bytes or a path") from None


def _read(name: str, path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"picture {name!r:.80}: {path} has more than {MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise RecordError(f"picture {name!r:.80}: {path} cannot be read: {error}") from None


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _suffix(name: str, content: bytes) -> str:
    media = media_type(content)
    if media is None:
        raise RecordError(
            f"picture {name!r:.80} is none of PNG, JPEG, GIF, WebP and SVG: it begins with {content[:12]!r}"
        )
    return _SUFFIXES[media]


def _kept(artifacts: Path, name: str, content: bytes, suffix: str) -> str:
    """Write a picture aside, rename it to a number that is free, and force both to the disk before its event.

    Returns:
        The picture's name below the artifacts.
    """
    folder = artifacts / FOLDER
    make_folder(artifacts)
    make_folder(folder)
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_MOST_NAME] or "picture"
    number = sum(not entry.name.startswith(".") for entry in folder.iterdir())
    aside = aside_of(folder / f"{plain}.{suffix}")
    try:
        write_whole(aside, content)
        while True:
            number += 1
            path = folder / f"{number:06d}-{plain}.{suffix}"
            with contextlib.suppress(FileExistsError):
                move(aside, path)
                break
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    force_folder(folder)
    return f"{FOLDER}/{path.name}"

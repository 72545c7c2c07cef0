"""Images, videos and histograms as training loops pass them, in the form in which a run keeps them."""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import RecordError
from rlvitals.sinks.lazy_destination import load, require

Pixels = NDArray[Any]

MOST_FRAMES = 200
"""Frames of a video that are kept, evenly spaced, so that it stays below the size limit of an image."""
_QUANTILES = {"p5": 0.05, "median": 0.5, "p95": 0.95}
_VIDEO_DIMENSIONS = 5
_MS = 1_000.0
_LEVELS = 255.0
_RGB = 3


def array_of(value: Any) -> Pixels:
    """Return an array of numbers. A torch tensor can be on any device and need gradients.

    Raises:
        RecordError: The value cannot be read as an array of numbers.
    """
    for method in ("detach", "cpu"):
        value = getattr(value, method, lambda value=value: value)()
    array = np.asarray(value)
    if array.dtype.kind not in "fbui":
        raise RecordError(f"must be an array of numbers, got {type(value).__name__} of {array.dtype}")
    return array


def with_channels_last(image: Any, order: str = "CHW") -> Pixels:
    """Return an image as `(height, width)` or `(height, width, channels)`.

    Args:
        image: Array or tensor.
        order: Meaning of its dimensions, as in TensorBoard: `CHW`, `HWC` or `HW`. With `N`, several images are put
            next to each other.

    Raises:
        RecordError: The array has another number of dimensions.
    """
    pixels, order = array_of(image), order.upper()
    if pixels.ndim != len(order):
        raise RecordError(f"must have the {len(order)} dimensions {order}, got shape {pixels.shape}")
    if "N" in order:
        number = order.index("N")
        rest = order.replace("N", "")
        tiles = [with_channels_last(tile, rest) for tile in np.moveaxis(pixels, number, 0)]
        return np.concatenate(tiles, axis=1)
    return pixels if order == "HW" else np.moveaxis(pixels, order.index("C"), -1)


def gif_of(video: Any, *, frames_per_second: float = 4.0) -> bytes:
    """Encode a video as an animated GIF.

    Args:
        video: Array or tensor of shape `(videos, frames, channels, height, width)` or without the first dimension, with
            integers from 0 to 255 or floats from 0 to 1. Several videos are put next to each other.
        frames_per_second: Speed.

    Raises:
        MissingExtraError: Pillow is not installed.
        RecordError: The array has another shape.
    """
    require("PIL", feature="recording a video", extra="video")
    frames = array_of(video)
    frames = frames if frames.ndim == _VIDEO_DIMENSIONS else frames[np.newaxis]
    if frames.ndim != _VIDEO_DIMENSIONS or not frames.size:
        raise RecordError(f"a video must be (frames, channels, height, width), got shape {np.shape(video)}")
    count = frames.shape[1]
    kept = np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int)
    levels = _levels(np.concatenate(list(np.moveaxis(frames[:, kept], 2, -1)), axis=2))
    levels = levels if levels.shape[-1] >= _RGB else np.repeat(levels[..., :1], _RGB, axis=-1)
    image = load("PIL.Image")
    first, *others = [image.fromarray(np.ascontiguousarray(frame[..., :_RGB])) for frame in levels]
    file = io.BytesIO()
    duration = _MS / max(frames_per_second, 0.1) * count / len(kept)
    first.save(file, "GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return file.getvalue()


def distribution_of(values: Any) -> dict[str, float]:
    """Return the number of values, their mean, standard deviation, extremes and quantiles, without non-finite values.

    Args:
        values: Array or tensor of any shape.

    Raises:
        RecordError: The values are not numbers.
    """
    numbers = array_of(values).astype(np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    said = {"count": float(numbers.size), "not_finite": float(numbers.size - finite.size)}
    if not finite.size:
        return said
    quantiles = np.quantile(finite, list(_QUANTILES.values()))
    return {
        **said,
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "min": float(finite.min()),
        "max": float(finite.max()),
        **dict(zip(_QUANTILES, map(float, quantiles), strict=True)),
    }


def distribution_of_bins(counts: Sequence[float], edges: Sequence[float]) -> dict[str, float]:
    """Return the same for a histogram, whose values are taken to be in the middle of their bins.

    Args:
        counts: Number of values in each bin, shape `(n,)`.
        edges: Edges of the bins, shape `(n + 1,)`.

    Raises:
        RecordError: The numbers of counts and edges do not match.
    """
    weights, bounds = array_of(counts).astype(np.float64), array_of(edges).astype(np.float64)
    if weights.ndim != 1 or bounds.shape != (weights.size + 1,):
        raise RecordError(f"a histogram needs one more edge than counts, got {bounds.shape} and {weights.shape}")
    total = float(weights.sum())
    if not total > 0.0 or not math.isfinite(total):
        return {"count": total}
    middles = (bounds[1:] + bounds[:-1]) / 2.0
    mean = float((weights * middles).sum() / total)
    variance = float((weights * (middles - mean) ** 2).sum() / total)
    places = np.searchsorted(np.cumsum(weights), [share * total for share in _QUANTILES.values()])
    quantiles = middles[np.minimum(places, middles.size - 1)]
    said = {"count": total, "mean": mean, "std": math.sqrt(variance), "min": float(bounds[0]), "max": float(bounds[-1])}
    return said | dict(zip(_QUANTILES, map(float, quantiles), strict=True))


def _levels(pixels: Pixels) -> NDArray[np.uint8]:
    if pixels.dtype.kind == "f":
        pixels = np.nan_to_num(pixels, nan=0.0) * _LEVELS + 0.5
    return pixels.clip(0, _LEVELS).astype(np.uint8)

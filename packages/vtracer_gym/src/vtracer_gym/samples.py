"""Generated sample logos of four types, in any number and reproducible from a seed."""

from __future__ import annotations

import colorsys
import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from vtracer_gym.logos import DEFAULT_SIZE, LARGEST, Logo

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Rgb = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING: Final = 2 * LARGEST
"""Factor by which pictures are drawn larger and then shrunk, because Pillow draws without anti-aliasing.

It is twice the ratio of the source to the logo, so that the source is anti-aliased too.
"""

STROKES: Final = 384
"""Number of stroke widths of letters that fit into a picture."""

_SYLLABLES: Final = ("al", "bra", "co", "da", "el", "fi", "go", "hu", "in", "ka", "lo", "mi", "no", "or", "pix", "ra")
_SYLLABLES_END: Final = ("ra", "sol", "ta", "um", "vex", "wi", "xo", "yen", "za", "io", "ly", "hub", "kit", "lab")


def _color(rng: np.random.Generator, value: tuple[float, float] = (0.35, 0.95)) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.45, 0.95), rng.uniform(*value))
    return round(255 * red), round(255 * green), round(255 * blue)


def _polygon(center: Point, radius: float, corners: int, turn: float, inner: float = 1.0) -> list[Point]:
    """Return a regular polygon, or a star if ``inner`` is below 1."""
    points = corners if inner == 1.0 else 2 * corners
    return [
        (
            center[0] + radius * (1.0 if index % 2 == 0 else inner) * math.cos(turn + 2 * math.pi * index / points),
            center[1] + radius * (1.0 if index % 2 == 0 else inner) * math.sin(turn + 2 * math.pi * index / points),
        )
        for index in range(points)
    ]


def _shape_mask(rng: np.random.Generator, side: int, center: Point, radius: float) -> Image.Image:
    """Return a mask with one of eight filled shapes."""
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    x, y = center
    box = (x - radius, y - radius, x + radius, y + radius)
    turn = rng.uniform(0, 2 * math.pi)
    match int(rng.integers(8)):
        case 0:
            draw.ellipse(box, fill=255)
        case 1:  # a ring
            hole = radius * rng.uniform(0.4, 0.75)
            draw.ellipse(box, fill=255)
            draw.ellipse((x - hole, y - hole, x + hole, y + hole), fill=0)
        case 2:
            draw.rounded_rectangle(box, radius * rng.uniform(0.1, 0.6), fill=255)
        case 3:
            draw.polygon(_polygon(center, radius, int(rng.integers(3, 9)), turn), fill=255)
        case 4:
            draw.polygon(_polygon(center, radius, int(rng.integers(4, 10)), turn, rng.uniform(0.4, 0.7)), fill=255)
        case 5:  # a crescent
            draw.ellipse(box, fill=255)
            shift = radius * rng.uniform(0.3, 0.6)
            dx, dy = shift * math.cos(turn), shift * math.sin(turn)
            draw.ellipse((box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy), fill=0)
        case 6:
            draw.pieslice(box, math.degrees(turn), math.degrees(turn) + rng.uniform(180, 320), fill=255)
        case _:  # a lens: the intersection of two circles
            other = Image.new("L", (side, side))
            shift = radius * 0.6
            draw.ellipse((box[0] - shift, box[1], box[2] - shift, box[3]), fill=255)
            ImageDraw.Draw(other).ellipse((box[0] + shift, box[1], box[2] + shift, box[3]), fill=255)
            mask = ImageChops.multiply(mask, other)
    return mask


def _gradient(rng: np.random.Generator, side: int) -> Image.Image:
    """Return a linear or radial gradient between two or three colours over the whole picture."""
    across, down = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    if rng.uniform() < 0.6:  # noqa: PLR2004 - most gradients in logos are linear
        turn = rng.uniform(0, 2 * math.pi)
        place = 0.5 + 0.5 * (across * math.cos(turn) + down * math.sin(turn))
    else:
        place = np.hypot(across - rng.uniform(-0.5, 0.5), down - rng.uniform(-0.5, 0.5))
    stops = np.array([_color(rng) for _ in range(int(rng.integers(2, 4)))], np.float64)
    knots = np.linspace(0, 1, len(stops))
    channels = [np.interp(place, knots, stops[:, channel]) for channel in range(3)]
    return Image.fromarray(np.round(np.stack(channels, axis=-1)).astype(np.uint8))


def _simple(rng: np.random.Generator, side: int) -> Image.Image:
    picture = Image.new("RGB", (side, side), "white")
    for index in range(int(rng.integers(1, 4))):
        radius = side * (rng.uniform(0.3, 0.45) if index == 0 else rng.uniform(0.1, 0.25))
        wander = side * (0.04 if index == 0 else 0.18)
        center = (side / 2 + rng.uniform(-wander, wander), side / 2 + rng.uniform(-wander, wander))
        picture.paste(_color(rng), (0, 0), _shape_mask(rng, side, center, radius))
    return picture


def _word(rng: np.random.Generator) -> str:
    word = "".join(str(rng.choice(_SYLLABLES)) for _ in range(int(rng.integers(1, 3)))) + str(
        rng.choice(_SYLLABLES_END)
    )
    return (word.title(), word.upper(), word)[int(rng.integers(3))]


def _text(rng: np.random.Generator, side: int) -> Image.Image:
    """Draw a word mark, which is wider than high, with a symbol before it or a bar below it in some cases."""
    font = ImageFont.load_default(side // 6)
    word = _word(rng)
    left, top, right, bottom = (
        font.getbbox(word, stroke_width=stroke)
        if (stroke := int(rng.integers(0, 8)) * side // STROKES)
        else font.getbbox(word)
    )
    margin = side // 16
    sign = int(bottom - top) if rng.uniform() < 0.5 else 0  # noqa: PLR2004 - half of the word marks have a symbol
    width, height = int(right - left) + sign + 3 * margin, int(bottom - top) + 2 * margin
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    color = _color(rng, (0.1, 0.8))
    draw.text((margin + sign + margin // 2 - left, margin - top), word, font=font, fill=color, stroke_width=stroke)
    if sign:
        mask = _shape_mask(rng, sign, (sign / 2, sign / 2), sign / 2)
        picture.paste(_color(rng), (margin, margin), mask)
    elif rng.uniform() < 0.5:  # noqa: PLR2004 - half of the remaining ones have a bar
        draw.rectangle((margin, height - margin * 0.6, width - margin, height - margin * 0.3), fill=_color(rng))
    scale = side / width
    return picture.resize((side, max(1, round(height * scale))), Image.Resampling.LANCZOS)


def _with_gradient(rng: np.random.Generator, side: int) -> Image.Image:
    picture = Image.new("RGB", (side, side), "white")
    center = (side / 2, side / 2)
    picture.paste(_gradient(rng, side), (0, 0), _shape_mask(rng, side, center, side * rng.uniform(0.36, 0.46)))
    for _ in range(int(rng.integers(0, 3))):
        near = (side / 2 + side * rng.uniform(-0.15, 0.15), side / 2 + side * rng.uniform(-0.15, 0.15))
        mask = _shape_mask(rng, side, near, side * rng.uniform(0.12, 0.22))
        picture.paste(_gradient(rng, side) if rng.uniform() < 0.5 else "white", (0, 0), mask)  # noqa: PLR2004
    return picture


def _complex(rng: np.random.Generator, side: int) -> Image.Image:
    """Draw an emblem with a background shape, a wreath of small shapes, layers, fine lines and letters."""
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    middle = side / 2
    picture.paste(_color(rng), (0, 0), _shape_mask(rng, side, (middle, middle), side * 0.46))
    petals, radius = int(rng.integers(6, 16)), side * rng.uniform(0.26, 0.38)
    palette = [_color(rng) for _ in range(4)]
    for index in range(petals):
        turn = 2 * math.pi * index / petals
        place = (middle + radius * math.cos(turn), middle + radius * math.sin(turn))
        corners = _polygon(place, side * 0.06, int(rng.integers(3, 7)), turn, rng.uniform(0.5, 1.0))
        draw.polygon(corners, fill=palette[index % 4], outline=palette[(index + 1) % 4])
    picture.paste(
        _gradient(rng, side), (0, 0), _shape_mask(rng, side, (middle, middle), side * rng.uniform(0.18, 0.26))
    )
    for index in range(int(rng.integers(3, 9))):
        reach = side * (0.2 + 0.03 * index)
        start = rng.uniform(0, 360)
        box = (middle - reach, middle - reach, middle + reach, middle + reach)
        draw.arc(box, start, start + rng.uniform(40, 200), fill=palette[index % 4], width=max(2, side // 90))
    letters = _word(rng)[:3]
    font = ImageFont.load_default(side // 8)
    draw.text(
        (middle, middle),
        letters,
        font=font,
        fill="white",
        anchor="mm",
        stroke_width=side // 192,
        stroke_fill=palette[0],
    )
    return picture


_PAINTERS: Final[dict[str, Callable[[np.random.Generator, int], Image.Image]]] = {
    "simple": _simple,
    "text": _text,
    "gradient": _with_gradient,
    "complex": _complex,
}

LOGO_TYPES: Final = tuple(_PAINTERS)


def _shrunk(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    scale = size / max(picture.size)
    target = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(target, Image.Resampling.BOX), np.uint8)


def sample_logos(count: int, rng: np.random.Generator, size: int = DEFAULT_SIZE) -> tuple[Logo, ...]:
    """Draw sample logos of the four types in turn. Letters use the font that is included in Pillow.

    Args:
        count: Number of logos.
        rng: Random generator. Each logo gets a separate child generator, so a higher count keeps the first logos.
        size: Longest side in pixels, at least 64.

    Raises:
        ValueError: The count is negative, or the size is below 64.
    """
    if count < 0:
        raise ValueError(f"count must not be negative, got {count}")
    if size < 64:  # noqa: PLR2004 - smaller word marks would be lower than the SSIM window
        raise ValueError(f"size must be at least 64 pixels, got {size}")
    logos = []
    for index, child in enumerate(rng.spawn(count)):
        category = LOGO_TYPES[index % len(LOGO_TYPES)]
        picture = _PAINTERS[category](child, SUPERSAMPLING * size)
        pixels, source = _shrunk(picture, size), _shrunk(picture, LARGEST * size)
        logos.append(Logo(f"{category}/sample-{index:04d}", category, pixels, source=source))
    return tuple(logos)

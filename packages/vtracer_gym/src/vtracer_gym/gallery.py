"""Comparison picture with the original, the default trace and the agent's trace side by side."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from vtracer_gym.byte_sizes import format_bytes
from vtracer_gym.rasterize import rasterize
from vtracer_gym.transparency import laid_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.ImageFont import FreeTypeFont

    from vtracer_gym.attempts import Attempt
    from vtracer_gym.logos import Logo

CELL: Final = 300
MARGIN: Final = 36
GAP: Final = 22
PADDING: Final = 18
CAPTION: Final = 54
HEADER: Final = 132
LINE_LENGTH: Final = 105
"""Characters of the subtitle that fit into a line."""

PAPER: Final = "#f4f5f7"
CARD: Final = "#ffffff"
LINE: Final = "#dde1e6"
INK: Final = "#1c2430"
SOFT: Final = "#66717f"
BETTER: Final = "#13795b"
WORSE: Final = "#b4232a"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One row of the picture."""

    logo: Logo
    default: Attempt
    agent: Attempt


def _font(size: int) -> FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitted(width: int, height: int) -> tuple[int, int]:
    scale = (CELL - 2 * PADDING) / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _original(logo: Logo) -> Image.Image:
    """Return the largest picture of a logo at the size of the cell."""
    picture = logo.pixels if logo.source is None else logo.source
    if picture.shape[2] == len("RGBA"):
        picture = laid_on(picture, logo.ground)
    return Image.fromarray(picture).resize(_fitted(logo.width, logo.height), Image.Resampling.LANCZOS)


def _drawn(attempt: Attempt, logo: Logo) -> Image.Image:
    """Return the SVG drawn at the size of the cell from its curves, without enlarging pixels."""
    width, height = _fitted(logo.width, logo.height)
    if attempt.failure is not None:
        return Image.new("RGB", (width, height), PAPER)
    return Image.fromarray(rasterize(attempt.svg, width, height, logo.ground))


def _place(sheet: Image.Image, picture: Image.Image, left: int, top: int, caption: str, color: str, note: str) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle((left, top, left + CELL, top + CELL + CAPTION), 14, fill=CARD, outline=LINE, width=2)
    sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
    draw.line((left + PADDING, top + CELL, left + CELL - PADDING, top + CELL), fill=LINE, width=1)
    draw.text((left + PADDING, top + CELL + CAPTION // 2), caption, font=_font(17), fill=INK, anchor="lm")
    draw.text((left + CELL - PADDING, top + CELL + CAPTION // 2), note, font=_font(17), fill=color, anchor="rm")


def gallery(exhibits: Sequence[Exhibit], title: str, subtitle: str) -> Image.Image:
    """Compose the picture.

    Args:
        exhibits: Rows of the picture, at least one.
        title: Title at the top.
        subtitle: Text in a smaller font below the title.

    Returns:
        RGB picture, 3 cells wide, with a height that depends on the number of rows.

    Raises:
        ValueError: There are no exhibits.
        RasterizeError: An SVG cannot be drawn.
    """
    if not exhibits:
        raise ValueError("a gallery needs at least one exhibit")
    width = 2 * MARGIN + 3 * CELL + 2 * GAP
    row = CELL + CAPTION + GAP
    sheet = Image.new("RGB", (width, HEADER + 40 + len(exhibits) * row + MARGIN - GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 34), title, font=_font(30), fill=INK)
    draw.multiline_text((MARGIN, 72), textwrap.fill(subtitle, LINE_LENGTH), font=_font(17), fill=SOFT)
    for column, heading in enumerate(("Original", "VTracer's defaults", "The agent's first try")):
        draw.text((MARGIN + column * (CELL + GAP), HEADER + 26), heading, font=_font(19), fill=SOFT, anchor="ls")
    for index, exhibit in enumerate(exhibits):
        top = HEADER + 40 + index * row
        logo, default, agent = exhibit.logo, exhibit.default, exhibit.agent
        _place(sheet, _original(logo), MARGIN, top, logo.category, SOFT, f"{logo.width} x {logo.height} px")
        left = MARGIN + CELL + GAP
        _place(
            sheet,
            _drawn(default, logo),
            left,
            top,
            f"SSIM {default.quality:.3f}",
            SOFT,
            format_bytes(default.size_bytes),
        )
        change = agent.size_bytes / default.size_bytes - 1.0
        good = change <= 0.0 and agent.quality >= default.quality
        _place(
            sheet,
            _drawn(agent, logo),
            left + CELL + GAP,
            top,
            f"SSIM {agent.quality:.3f}",
            BETTER if good else WORSE,
            "failed" if agent.failure is not None else f"{format_bytes(agent.size_bytes)}  ({change:+.0%})",
        )
    return sheet

"""Page that shows converted logos next to their originals and VTracer's results, without scripts and network."""

from __future__ import annotations

import html
import math
import statistics
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from vtracer_gym.byte_sizes import format_bytes
from vtracer_gym.pipeline import Settings
from vtracer_gym.rasterize import BLACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vtracer_gym.conversion import Conversion

PAGE: Final = "index.html"

ASSETS: Final = "gallery"
"""Folder of the page's own pictures, next to the page."""

WORST_SHOWN: Final = 3
"""Number of links to the logos with the lowest SSIM difference."""

NOTICEABLE: Final = 0.001
"""Difference in SSIM from which a logo counts as worse than VTracer's result."""


@dataclass(frozen=True, slots=True)
class ComparedLogo:
    """A converted logo in figures, with the places of its pictures relative to the page.

    Args:
        name: Relative path of the SVG.
        original: Relative path of the original picture; empty without a page.
        default: Relative path of VTracer's SVG; empty without a page.
        width: Width of the measured picture in pixels.
        height: Height of the measured picture in pixels.
        is_dark: Whether the logo is viewed on black.
        size_bytes: Size of the SVG in bytes.
        quality: SSIM.
        default_bytes: Size of VTracer's SVG in bytes, or None without a comparison.
        default_quality: SSIM of VTracer's SVG, or None without a comparison.
        setting: Setting of the drawing.
    """

    name: str
    original: str
    default: str
    width: int
    height: int
    is_dark: bool
    size_bytes: int
    quality: float
    default_bytes: int | None
    default_quality: float | None
    setting: Settings

    @classmethod
    def of(cls, conversion: Conversion, name: str, original: str, default: str) -> ComparedLogo:
        """Take the figures of a conversion."""
        logo, compared = conversion.logo, conversion.default
        return cls(
            name,
            original,
            default,
            logo.width,
            logo.height,
            logo.ground == BLACK,
            conversion.size_bytes,
            conversion.quality,
            None if compared is None else compared.size_bytes,
            None if compared is None else compared.quality,
            conversion.setting,
        )

    @property
    def ratio(self) -> float | None:
        """Ratio of the bytes to those of VTracer's SVG."""
        return None if self.default_bytes is None else self.size_bytes / self.default_bytes

    @property
    def gain(self) -> float | None:
        """SSIM minus the SSIM of VTracer's SVG."""
        return None if self.default_quality is None else self.quality - self.default_quality


class _Comparison(NamedTuple):
    """Figures over all compared logos.

    Attributes:
        ratio: Geometric mean of the byte ratios.
        gain: Mean difference in SSIM.
        worse: Number of logos with a noticeably lower SSIM.
    """

    ratio: float
    gain: float
    worse: int


class _Picture(NamedTuple):
    """A picture of a logo: its title, its place relative to the page, and a note in HTML."""

    title: str
    place: str
    note: str


def _comparison(logos: Sequence[ComparedLogo]) -> _Comparison | None:
    ratios = [math.log(logo.ratio) for logo in logos if logo.ratio is not None]
    gains = [logo.gain for logo in logos if logo.gain is not None]
    if not ratios:
        return None
    return _Comparison(
        math.exp(statistics.fmean(ratios)), statistics.fmean(gains), sum(gain < -NOTICEABLE for gain in gains)
    )


def _counted(logos: Sequence[ComparedLogo]) -> str:
    return "1 logo" if len(logos) == 1 else f"{len(logos)} logos"


def summary_sentence(logos: Sequence[ComparedLogo]) -> str:
    """Return the result over all logos as one sentence."""
    quality = statistics.fmean(logo.quality for logo in logos)
    total = format_bytes(sum(logo.size_bytes for logo in logos))
    text = f"{_counted(logos)}: {total}, mean SSIM {quality:.4f}"
    compared = _comparison(logos)
    if compared is None:
        return f"{text}."
    return (
        f"{text}. Compared with VTracer's defaults: {compared.ratio:.3f} of the bytes (geometric mean), "
        f"SSIM {compared.gain:+.4f}, worse on {compared.worse} of {_counted(logos)}."
    )


def save_logo(
    conversion: Conversion, out: Path, name: str, picture: bytes | None, suffix: str = ".png"
) -> ComparedLogo:
    """Write the SVG of a converted logo, and the pictures with which a page compares it.

    Args:
        conversion: Converted logo.
        out: Folder of the page.
        name: Relative path of the SVG.
        picture: Contents of the original image file; None writes the SVG only.
        suffix: Suffix of the original image file.
    """
    original = default = ""
    files_by_name = {name: conversion.svg.encode()}
    if picture is not None and conversion.default is not None:
        stem = f"{ASSETS}/{name.removesuffix('.svg')}"
        original, default = f"{stem}{suffix}", f"{stem}.defaults.svg"
        files_by_name |= {original: picture, default: conversion.default.svg.encode()}
    for place, content in files_by_name.items():
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes(content)
    return ComparedLogo.of(conversion, name, original, default)


def save_page(logos: Sequence[ComparedLogo], out: Path, failures: Sequence[str] = ()) -> Path:
    """Write the page of saved logos, and return its path."""
    page = out / PAGE
    page.write_text(gallery_page(logos, failures), encoding="utf-8")
    return page


def gallery_page(logos: Sequence[ComparedLogo], failures: Sequence[str] = ()) -> str:
    """Return the page as an HTML document.

    Args:
        logos: Converted logos in the order of the page, with pictures and a comparison.
        failures: Reasons why other images could not be converted.
    """
    style = (files("vtracer_gym") / "gallery_page.css").read_text(encoding="utf-8")
    cards = "\n".join(_card(index, logo) for index, logo in enumerate(logos))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_counted(logos)} as SVG</title>\n<style>\n{style}</style>\n<main>\n"
        f"{_header(logos, failures)}\n<ol class=logos>\n{cards}\n</ol>\n{_footer()}\n</main>\n</html>\n"
    )


def _header(logos: Sequence[ComparedLogo], failures: Sequence[str]) -> str:
    compared = _comparison(logos)
    total = sum(logo.size_bytes for logo in logos)
    figures = [("Logos", str(len(logos)), format_bytes(total))]
    if compared is not None:
        quality = statistics.fmean(logo.quality for logo in logos)
        figures += [
            ("Bytes", f"{compared.ratio:.1%}", "of VTracer's defaults, geometric mean"),
            ("SSIM", f"{compared.gain:+.4f}", f"mean {quality:.4f}"),
            ("Worse", str(compared.worse), f"SSIM lower by more than {NOTICEABLE}"),
        ]
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd><dd>{note}</dd></div>" for name, value, note in figures)
    ranked = sorted((gain, index) for index, logo in enumerate(logos) if (gain := logo.gain) is not None)[:WORST_SHOWN]
    links = ", ".join(f'<a href="#logo-{index}">{_title(logos[index])}</a> ({gain:+.4f})' for gain, index in ranked)
    worst = f"<p>Lowest SSIM difference: {links}</p>" if links else ""
    failed = "".join(f"<li>{html.escape(reason)}</li>" for reason in failures)
    problems = f"<details open><summary>{len(failures)} failed</summary><ul>{failed}</ul></details>" if failures else ""
    return (
        f"<header><h1>{_counted(logos)} as SVG</h1><p class=lead>{html.escape(summary_sentence(logos))}</p>"
        f"<dl class=figures>{tiles}</dl>{worst}{problems}</header>"
    )


def _card(index: int, logo: ComparedLogo) -> str:
    ratio, gain = logo.ratio, logo.gain
    better = ratio is not None and gain is not None and ratio <= 1.0 and gain >= -NOTICEABLE
    change = "" if ratio is None else f' <span class="{"better" if better else "worse"}">{ratio - 1.0:+.0%}</span>'
    theirs = (
        "" if logo.default_bytes is None else f"{format_bytes(logo.default_bytes)} · SSIM {logo.default_quality:.4f}"
    )
    pictures = (
        _Picture("Original", logo.original, f"{logo.width} x {logo.height} px"),
        _Picture("VTracer's defaults", logo.default, theirs),
        _Picture("This SVG", logo.name, f"{format_bytes(logo.size_bytes)}{change} · SSIM {logo.quality:.4f}"),
    )
    figures = "".join(
        f"<span class=figure>{_image(logo, picture)}<b>{picture.title}</b><small>{picture.note}</small></span>"
        for picture in pictures
    )
    settings = " ".join(f"<span>{name} <b>{value:g}</b></span>" for name, value in logo.setting.as_dict().items())
    name = _title(logo)
    dark = " dark" if logo.is_dark else ""
    return (
        f'<li id="logo-{index}" class="card{dark}"><h2><a href="#logo-{index}">{name}</a></h2>'
        f'<button class=zoom popovertarget="zoom-{index}" aria-label="Enlarge {name}">{figures}</button>'
        f"<details><summary>Setting</summary><p class=setting>{settings}</p></details>"
        f"{_enlarged(index, logo, pictures)}</li>"
    )


def _enlarged(index: int, logo: ComparedLogo, pictures: Sequence[_Picture]) -> str:
    """Return a window in which the pictures replace each other at the same place, which shows small differences."""
    dark = " dark" if logo.is_dark else ""
    choices = "".join(
        f'<label><input type=radio name="shown-{index}"{" checked" if picture is pictures[-1] else ""}>'
        f"{picture.title} <small>{picture.note}</small></label>"
        for picture in pictures
    )
    images = "".join(_image(logo, picture) for picture in pictures)
    return (
        f'<div popover id="zoom-{index}" class="large{dark}"><h2>{_title(logo)}</h2>'
        f'<button popovertarget="zoom-{index}" popovertargetaction=hide>Close</button>'
        f"<div class=choices>{choices}</div><div class=stack>{images}</div></div>"
    )


def _title(logo: ComparedLogo) -> str:
    return html.escape(logo.name.removesuffix(".svg"))


def _image(logo: ComparedLogo, picture: _Picture) -> str:
    size = f"width={logo.width} height={logo.height}"
    source = html.escape(quote(picture.place))
    alt = f"{_title(logo)}: {picture.title}"
    return f'<span class=paper><img loading=lazy decoding=async {size} src="{source}" alt="{alt}"></span>'


def _footer() -> str:
    return (
        "<footer>SSIM is measured at the size of the image, at most 1024 pixels; 1 is identical. VTracer's defaults "
        "trace the same image. Click on a logo to enlarge it, and switch between its pictures with the arrow keys."
        "</footer>"
    )

"""Variants of a logo: others to look at, alike to trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from vtracer_gym.logos import Logo
from vtracer_gym.similarity import WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST_SCALE: Final = 0.7
"""A variant keeps at least this share of the logo's sides."""


def variant(logo: Logo, number: int, rng: np.random.Generator) -> Logo:
    """Mirrors or turns a logo, exchanges its colour channels, and shrinks it a little.

    VTracer walks along outlines in one direction and merges colours in one order, so that a variant is not traced
    alike: what was lucky for the one pose of a logo is not for the other.

    Args:
        logo: not changed.
        number: goes into the variant's name.
        rng: decides what is done.
    """
    pixels = np.rot90(logo.pixels, int(rng.integers(4)))
    if rng.integers(2):
        pixels = pixels[:, ::-1]
    pixels = np.ascontiguousarray(pixels[..., rng.permutation(3)])
    scale = max(float(rng.uniform(SMALLEST_SCALE, 1.0)), WINDOW / min(pixels.shape[:2]))
    if scale < 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Logo(f"{logo.name}#{number}", logo.category, pixels)


def augmented(logos: Sequence[Logo], copies: int, rng: np.random.Generator) -> tuple[Logo, ...]:
    """The logos and some variants of each.

    Args:
        logos: kept as they are, in front.
        copies: variants of each logo.
        rng: decides what the variants are.
    """
    variants = [variant(logo, number, rng) for number in range(1, copies + 1) for logo in logos]
    return (*logos, *variants)

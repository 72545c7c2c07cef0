"""Loading of the logos for a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vtracer_gym.logos import load_folder
from vtracer_gym.samples import sample_logos

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from vtracer_gym.logos import Logo

SHOWN_REJECTIONS = 10


def gather(console: Console, folder: Path | None, samples: int, sizes: Sequence[int]) -> dict[int, tuple[Logo, ...]]:
    """Return the logos of a folder, or sample logos without a folder, and print what was loaded and what was left out.

    A logo that is not larger than at a previous size is left out.

    Args:
        console: Console to print on.
        folder: Folder of logos; None for sample logos.
        samples: Number of sample logos.
        sizes: Longest sides in pixels.

    Returns:
        Logos by size, with at least one logo per size.

    Raises:
        LogoError: The folder has no usable image.
    """
    found: dict[int, tuple[Logo, ...]] = {}
    known: set[tuple[str, int]] = set()
    for size in sorted(set(sizes)):
        logos = _at_size(console, folder, samples, size)
        larger = tuple(logo for logo in logos if (logo.name, logo.longest_side) not in known)
        known.update((logo.name, logo.longest_side) for logo in larger)
        if len(larger) < len(logos):
            console.print(f"{len(logos) - len(larger)} of them are not larger than before, and are left out")
        if larger:
            found[size] = larger
    return found


def _at_size(console: Console, folder: Path | None, samples: int, size: int) -> tuple[Logo, ...]:
    if folder is None:
        console.print(f"{samples} sample logos at {size} px")
        return sample_logos(samples, np.random.default_rng(0), size)
    found = load_folder(folder, size)
    types = ", ".join(
        f"{sum(logo.category == category for logo in found.logos)} {category}"
        for category in sorted({logo.category for logo in found.logos})
    )
    console.print(f"{len(found.logos)} logos at {size} px from {folder}: {types}", highlight=False)
    for rejection in found.rejections[:SHOWN_REJECTIONS]:
        console.print(f"[yellow]left out:[/] {rejection.reason}", highlight=False)
    if len(found.rejections) > SHOWN_REJECTIONS:
        console.print(f"[yellow]left out:[/] {len(found.rejections) - SHOWN_REJECTIONS} more", highlight=False)
    return found.logos

"""Choice of logos for measurements, shared by several scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtracer_gym
from vtracer_gym.logos import DEFAULT_SIZE

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from vtracer_gym import Logo


def chosen_logos(folder: Path | None, count: int, rng: np.random.Generator, size: int = DEFAULT_SIZE) -> list[Logo]:
    """Return logos at equal steps through a folder, so that all its types are among them, or sample logos.

    Args:
        folder: Folder of logos; None for sample logos.
        count: Highest number of logos.
        rng: Random generator of the sample logos.
        size: Longest side in pixels.
    """
    if folder is None:
        return list(vtracer_gym.sample_logos(count, rng, size))
    found = vtracer_gym.load_folder(folder, size).logos
    return list(found[:: max(1, len(found) // count)][:count])

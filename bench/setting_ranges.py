"""Why the settings of the pipeline have their ranges: what each value of a setting is worth, alone.

    python bench/setting_ranges.py [--logos FOLDER] [--count 40] [--sizes 128 256]

Each logo is drawn with random settings near the default one, and one setting at a time takes each of its values, also
those outside its range and those of the pipeline's constants. Rewards are differences to the median over the
values, so that values are compared on the same logo with the same other settings.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

import vtracer_gym
from chosen_logos import chosen_logos
from varied_constants import MODULES, changed, untraced
from vtracer_gym.actions import action_of, settings_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.intervals import bootstrap_interval
from vtracer_gym.pipeline import SETTING_BOUNDS, Settings
from vtracer_gym.reward import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym import Logo

VALUES: dict[str, Sequence[float]] = {
    "filter_speckle": (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
    "color_precision": (3, 4, 5, 6, 7, 8),
    "smoothing": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    "tolerance": (0.1, 0.15, 0.25, 0.35, 0.5, 0.8, 1.5),
    "grid": (1.0, 1.5, 2.0, 2.5, 3.5, 5.0, 8.0),
    "enlargement": (1, 2, 3),
    "sharpening": (0, 1, 2),
    "layer_difference": (4, 8, 16, 24, 32, 48, 64, 96),
    "corner_angle": (10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 90.0),
}
SPREAD = 0.2
"""Standard deviation of the random settings, in a box from -1 to 1."""

DRAWS = 2
"""Number of random settings per logo."""

RUINED = -1.0
"""A drawing is ruined if its reward is lower by this than the median over the values."""


class Unchecked(Settings):
    """Settings without limits."""

    def __post_init__(self) -> None:
        """Accept any value."""


def rewards(logo: Logo) -> dict[str, NDArray[np.float64]] | None:
    """Return the rewards of all values by setting, shape (draws, values); None if VTracer cannot trace the logo."""
    cv2.setNumThreads(1)
    prepared = PreparedLogo(logo)
    try:
        prepared.default, prepared.first  # noqa: B018 - computed before constants are changed below
    except vtracer_gym.VtracerGymError:
        return None
    rng = np.random.default_rng(logo.longest_side)
    noise = rng.normal(0.0, SPREAD, (DRAWS, len(SETTING_BOUNDS)))
    drawn = [settings_of(np.clip(action_of(Settings()) + row, -1.0, 1.0)).as_dict() for row in noise]
    return {
        name: np.array([[reward(prepared, settings, name, value) for value in values] for settings in drawn])
        for name, values in VALUES.items()
    }


def reward(prepared: PreparedLogo, settings: dict[str, Any], name: str, value: float) -> float:
    """Return the reward of one attempt, with a changed setting or constant."""
    if name not in MODULES:
        return DEFAULT_WEIGHTS.reward(prepared.attempt(Unchecked(**settings | {name: value})), prepared).total
    fresh = untraced(prepared)
    with changed({name: value}):
        return DEFAULT_WEIGHTS.reward(fresh.attempt(Settings(**settings)), fresh).total


def main() -> None:
    """Measure and print one table per setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logos", type=Path, help="folder of logos, by default sample logos")
    parser.add_argument("--count", type=int, default=40, help="number of logos per size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256], help="longest sides in pixels")
    options = parser.parse_args()
    logos = [
        logo
        for size in options.sizes
        for logo in chosen_logos(options.logos, options.count, np.random.default_rng(0), size)
    ]
    with ProcessPoolExecutor() as pool:
        results = [one for one in pool.map(rewards, logos) if one is not None]
    print(f"{len(results)} logos (sizes counted separately), {DRAWS} random settings each; * marks values in the range")
    for name, values in VALUES.items():
        table = np.stack([one[name] for one in results])  # (logos, draws, values)
        gain = table - np.median(table, axis=2, keepdims=True)
        means = table.mean(axis=1)
        is_best = means >= means.max(axis=1, keepdims=True)  # equal values share the place
        best = (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
        low, high = SETTING_BOUNDS.get(name, (np.inf, -np.inf))
        print(f"\n{name:18}{'reward over the median':>32}{'ruined':>10}{'best for':>10}")
        for place, value in enumerate(values):
            mean = bootstrap_interval(gain[..., place].mean(axis=1), np.random.default_rng(0))
            interval = f"{mean.mean:+.2f} ({mean.low:+.2f} to {mean.high:+.2f})"
            ruined = (gain[..., place] < RUINED).mean()
            print(
                f"{'*' if low <= value <= high else ' '} {value:<16g}{interval:>32}{ruined:>10.0%}{best[place]:>10.0%}"
            )


if __name__ == "__main__":
    main()

"""Which parameters of the pipeline matter, by rlvitals' own analysis of the parameters that were tried.

    python bench/action_space.py [--logos FOLDER] [--count 24] [--attempts 60] [--log-dir FOLDER]

Two runs of random attempts are recorded. In the first one, VTracer draws alone, with random values of its eight
parameters, and its SVG is written compactly. In the second one, the pipeline draws with random settings, and what is
not a setting is random too: VTracer's other parameters, and the pipeline's constants. The tables are from
``rlvitals stats RUN --parameters``.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import cv2
import numpy as np
import vtracer

from chosen_logos import chosen_logos
from rlvitals import TrainingMonitor
from varied_constants import changed, untraced
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import random_settings
from vtracer_gym.pipeline import SETTING_BOUNDS
from vtracer_gym.reward import DEFAULT_WEIGHTS
from vtracer_gym.tracing import BOUNDS, Parameters

if TYPE_CHECKING:
    from vtracer_gym import Logo

CURVES = ("corner_threshold", "length_threshold", "max_iterations", "splice_threshold", "path_precision")
"""Parameters of VTracer that concern its curves."""

ALONE, PIPELINE = "VTracer alone", "pipeline"
CONSTANTS = {"enlargement": (2, 3), "sharpening": (1, 2), "layer_difference": (4, 128), "corner_angle": (10, 90)}
"""Ranges in which the constants of the pipeline are varied, in whole numbers."""

RANGES = {
    ALONE: BOUNDS,
    PIPELINE: SETTING_BOUNDS | {name: BOUNDS[name] for name in CURVES} | CONSTANTS,
}

TRIES = 4
"""Attempts per episode."""

CONVERT = vtracer.convert_raw_image_to_svg


def random_parameters(rng: np.random.Generator) -> dict[str, Any]:
    """Return random values of all parameters of VTracer within their limits."""
    drawn = {name: rng.uniform(*limits) for name, limits in BOUNDS.items()}
    return {name: value if name == "length_threshold" else round(value) for name, value in drawn.items()}


def attempts(task: tuple[Logo, str, int, int]) -> list[dict[str, Any]]:
    """Return random attempts on a logo, as an episode reports them."""
    logo, kind, count, seed = task
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    prepared = PreparedLogo(logo)
    prepared.default, prepared.first  # noqa: B018 - computed before VTracer is changed below
    rows = []
    for _ in range(count):
        drawn = random_parameters(rng)
        if kind == ALONE:
            tried = prepared.plain_attempt(Parameters(**drawn), compact=True)
            gain = DEFAULT_WEIGHTS.gain(tried, prepared.default)
            parameters = drawn
        else:
            curves = {name: drawn[name] for name in CURVES if name != "path_precision"}  # coordinates are whole
            constants = {name: int(rng.integers(low, high, endpoint=True)) for name, (low, high) in CONSTANTS.items()}
            fresh = untraced(prepared)
            with patch.object(vtracer, CONVERT.__name__, functools.partial(CONVERT, **curves)), changed(constants):
                tried = fresh.attempt(random_settings(rng))
            gain = DEFAULT_WEIGHTS.reward(tried, prepared)
            parameters = tried.setting.as_dict() | {name: drawn[name] for name in CURVES} | constants
        rows.append(
            {"parameters": parameters, "reward": gain.total, "quality": tried.quality, "svg_bytes": tried.size_bytes}
        )
    return rows


def record(kind: str, logos: list[Logo], count: int, folder: Path) -> Path:
    """Record random attempts on logos, and return the run."""
    tasks = [(logo, kind, count, seed) for seed, logo in enumerate(logos)]
    configuration = {
        "parameter_bounds": {name: list(limits) for name, limits in RANGES[kind].items()},
        "lower_is_better": ["svg_bytes"],
    }
    context = multiprocessing.get_context("forkserver")
    with (
        TrainingMonitor(folder, session_name=kind.replace(" ", "-"), configuration=configuration) as monitor,
        ProcessPoolExecutor(mp_context=context) as pool,
    ):
        everything = list(pool.map(attempts, tasks))
        starts = [(start, place) for start in range(0, count, TRIES) for place in range(len(logos))]
        for episode, (start, place) in enumerate(starts, 1):
            logo, tried = logos[place], everything[place][start : start + TRIES]
            monitor.log_episode(
                episode,
                sum(row["reward"] for row in tried),
                len(tried),
                category=logo.category,
                attempts=tried,
                extra={"logo": logo.name},
            )
    return monitor.path


def main() -> None:
    """Record both runs, and print the analysis of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logos", type=Path, help="folder of logos, by default sample logos")
    parser.add_argument("--count", type=int, default=24, help="number of logos")
    parser.add_argument("--attempts", type=int, default=60, help="random attempts per logo")
    parser.add_argument("--log-dir", type=Path, help="folder that keeps the runs, by default a temporary one")
    options = parser.parse_args()
    logos = chosen_logos(options.logos, options.count, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as scratch:
        for kind in (ALONE, PIPELINE):
            run = record(kind, logos, options.attempts, options.log_dir or Path(scratch))
            print(f"\n{kind}: {len(logos) * options.attempts} random attempts on {len(logos)} logos", flush=True)
            program = Path(sys.executable).with_name("rlvitals")
            command = [str(program), "stats", str(run), "--parameters"]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            table = text.partition("  Share of the variance")[2].partition("\n\n")[0]
            print(f"  Share of the variance{table}", flush=True)


if __name__ == "__main__":
    main()

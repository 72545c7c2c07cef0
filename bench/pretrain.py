"""Train the model that ``vtracer-gym trace`` uses by default, and write it into the package.

    python bench/pretrain.py [--logos FOLDER ...] [--steps 20000] [--out FILE]

It trains on sample logos of several sizes, and on the logos of folders if any are given. Logos that measure the result
must not be among them. The file contains the deterministic policy only (see ``vtracer_gym.policy``).
"""

from __future__ import annotations

import argparse
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import vtracer_gym
from vtracer_gym.baselines import TuningSettings
from vtracer_gym.models import TrainingSettings
from vtracer_gym.policy import POLICY_FILE
from vtracer_gym.training import train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym import Logo

SIZES = (96, 128, 192, 256)
"""Longest sides of the training logos in pixels. ``trace`` shrinks larger images to the largest one for the choice."""


def training_logos(samples: int, folders: Sequence[Path], seed: int) -> list[Logo]:
    """Return sample logos and the logos of folders. The sizes take turns, so that each size sees each type of logo."""
    logos = []
    for index, size in enumerate(SIZES):
        drawn = vtracer_gym.sample_logos(samples, np.random.default_rng((seed, index)), size)
        found = [
            logo for folder in folders for logo in vtracer_gym.load_folder(folder, size).logos[index :: len(SIZES)]
        ]
        logos += [*drawn, *found]
    return logos


def main() -> None:
    """Train, export and report the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logos", type=Path, nargs="*", default=[], help="folders of logos to train on as well")
    parser.add_argument("--samples", type=int, default=24, help="sample logos per size")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps")
    parser.add_argument("--generations", type=int, default=TuningSettings().generations, help="of the initial setting")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="folder that keeps the whole model, for `vtracer-gym evaluate`")
    parser.add_argument("--out", type=Path, default=Path(str(files("vtracer_gym"))) / "pretrained" / POLICY_FILE)
    options = parser.parse_args()
    logos = training_logos(options.samples, options.logos, options.seed)
    start = TuningSettings(options.generations) if options.generations else None
    settings = TrainingSettings(
        steps=options.steps, seed=options.seed, sizes=SIZES, processes=options.processes, start=start
    )
    print(f"{len(logos)} logos at {', '.join(map(str, SIZES))} px, {options.steps} steps")
    with tempfile.TemporaryDirectory() as scratch:
        agent = train(logos, settings, options.model or scratch, compare=False)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        vtracer_gym.export_policy(agent, options.out)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""Picture for docs/images/logos.png: six sample logos, VTracer's defaults, and the first try of the shipped policy.

    python bench/gallery.py docs/images/logos.png [--seed 7]

The logos are the first ones of their types that the seed makes, so that good results are not selected.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from PIL import Image

import vtracer_gym
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.conversion import chosen_attempt
from vtracer_gym.gallery import Exhibit, gallery
from vtracer_gym.samples import LOGO_TYPES

ROWS = 6
WIDTH = 760
"""Width of the saved picture in pixels."""


def main() -> None:
    """Trace the logos, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="file of the picture")
    parser.add_argument("--seed", type=int, default=7, help="seed of the sample logos")
    options = parser.parse_args()
    logos = vtracer_gym.sample_logos(4 * len(LOGO_TYPES), np.random.default_rng(options.seed))
    by_type = [[logo for logo in logos if logo.category == name] for name in LOGO_TYPES]
    chosen = list(itertools.chain.from_iterable(zip(*by_type, strict=True)))[:ROWS]
    policy = vtracer_gym.pretrained_policy()
    assert policy is not None
    exhibits = []
    for logo in chosen:
        prepared = PreparedLogo(logo)
        exhibits.append(Exhibit(logo, prepared.default, chosen_attempt(prepared, policy, 1)))
    sheet = gallery(exhibits, "Sample logos that the shipped policy never saw", "At 128 pixels, with one try per logo")
    size = (WIDTH, round(WIDTH * sheet.height / sheet.width))
    sheet.resize(size, Image.Resampling.LANCZOS).save(options.out, optimize=True)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

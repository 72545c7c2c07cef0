"""Differences and times of three renderers for the drawings of the pipeline.

    python bench/renderers.py [--logos FOLDER] [--count 40] [--size 128]

Each document is drawn by ThorVG, resvg and Chromium (if it is installed), at its size and at four times its size. The
table has the mean absolute difference from each other renderer in 8-bit levels, the 99th percentile, and the median
time. Chromium's time contains a screenshot, so only its pictures are comparable.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from pathlib import Path

import numpy as np

import vtracer_gym
from drawers import drawers

REPEATS = 3


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description="Differences and times of renderers.")
    parser.add_argument("--logos", type=Path, help="folder of logos; by default, generated samples")
    parser.add_argument("--count", type=int, default=40, help="number of logos")
    parser.add_argument("--size", type=int, default=128, help="longest side in pixels")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    if arguments.logos is None:
        logos = vtracer_gym.sample_logos(arguments.count, rng, arguments.size)
    else:
        found = vtracer_gym.load_folder(arguments.logos, arguments.size).logos
        logos = tuple(found[index] for index in rng.permutation(len(found))[: arguments.count])
    documents = [(vtracer_gym.vectorize(logo).svg, logo.width, logo.height) for logo in logos]
    with drawers() as found_drawers:
        for multiple in (1, 4):
            pictures: dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.int16]]]] = {}
            milliseconds: dict[str, list[float]] = {}
            for (svg, width, height), (name, draw) in itertools.product(documents, found_drawers.items()):
                best = float("inf")
                for _ in range(REPEATS):
                    started = time.perf_counter()
                    picture = draw(svg, width * multiple, height * multiple)
                    best = min(best, 1e3 * (time.perf_counter() - started))
                pictures.setdefault(name, []).append(picture.astype(np.int16))
                milliseconds.setdefault(name, []).append(best)
            print(f"\n{len(documents)} drawings at {multiple * arguments.size} px")
            for name, times in milliseconds.items():
                print(f"  {name:10s} {statistics.median(times):7.2f} ms")
            for one, other in itertools.combinations(pictures, 2):
                apart = [np.abs(a - b) for a, b in zip(pictures[one], pictures[other], strict=True)]
                mean = statistics.fmean(float(difference.mean()) for difference in apart)
                high = statistics.fmean(float(np.percentile(difference, 99)) for difference in apart)
                print(f"  {one} - {other}: {mean:.3f} levels on average, {high:.1f} at the 99th percentile")


if __name__ == "__main__":
    main()

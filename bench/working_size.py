"""Compare working sizes of ``vtracer-gym trace`` with VTracer's defaults on the full image.

    python bench/working_size.py [--source 512] [--samples 16]

Each sample logo is drawn at the size of the source. SSIM is measured at this size, and so is the comparison. Times are
CPU times in multiples of VTracer's call with its defaults, so that load on the machine matters little.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

import vtracer_gym
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.conversion import with_size, working_size
from vtracer_gym.gallery_page import NOTICEABLE
from vtracer_gym.logos import shrunk_logo
from vtracer_gym.tracing import encode_png, trace

SIZES = (96, 128, 192, 256, 384, 512)


def main() -> None:
    """Print a line per working size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=int, default=512, help="longest side of the images in pixels")
    parser.add_argument("--samples", type=int, default=16, help="number of sample logos")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sizes = [size for size in SIZES if size <= options.source]
    rows: dict[int, list[tuple[float, float, float]]] = {size: [] for size in sizes}
    for logo in vtracer_gym.sample_logos(options.samples, np.random.default_rng(5), options.source // 4):
        assert logo.source is not None
        image = PreparedLogo(vtracer_gym.Logo(logo.name, logo.category, logo.source))
        default = image.plain_attempt(vtracer_gym.DEFAULTS)
        started = time.process_time()
        trace(encode_png(logo.source), vtracer_gym.DEFAULTS)
        default_time = time.process_time() - started
        for size in sizes:
            started = time.process_time()
            svg = vtracer_gym.vectorize(shrunk_logo(image.logo, size)).svg
            seconds = time.process_time() - started
            quality = image.measurer.similarity(with_size(svg, image.logo.width, image.logo.height), 1)
            rows[size].append((len(svg) / default.size_bytes, quality - default.quality, seconds / default_time))
    print(f"{options.samples} sample logos at {options.source} px; relative to VTracer's defaults on the same image")
    print(f"{'size':>5} {'bytes':>6} {'SSIM':>8} {'worse':>6} {'time':>5}")
    for size in sizes:
        ratio, gain, cost = np.array(rows[size]).T
        mark = "  <- chosen" if size == working_size(options.source, options.source) else ""
        bytes_ratio, worse = np.exp(np.log(ratio).mean()), (gain < -NOTICEABLE).mean()
        print(f"{size:>5} {bytes_ratio:>6.3f} {gain.mean():>+8.4f} {worse:>6.0%} {np.median(cost):>5.2f}{mark}")


if __name__ == "__main__":
    main()

"""Cost of an environment step, compared with VTracer's own call and with the common way.

    python bench/environment.py [--logos FOLDER] [--size 256]

All variants are measured in turns on the same logo with the same parameters, so that load on the machine affects them
equally. Only the ratios are meaningful. The common way (temporary files, cairosvg, scikit-image) is skipped if cairosvg
or scikit-image is missing.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import resvg_py
import vtracer

import vtracer_gym
from vtracer_gym.actions import action_of
from vtracer_gym.baselines import random_parameters
from vtracer_gym.models import TrainingSettings
from vtracer_gym.similarity import ssim
from vtracer_gym.training import vector_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from vtracer_gym import Logo, Parameters

REPEATS = 4

COMMON_WAY = all(importlib.util.find_spec(name) for name in ("cairosvg", "skimage"))
if COMMON_WAY:
    svg2png = importlib.import_module("cairosvg").svg2png
    structural_similarity = importlib.import_module("skimage.metrics").structural_similarity


def seconds(call: Callable[[], object]) -> float:
    """Return the wall time of one call in seconds."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG with the default settings of the encoder, as for a typical logo file."""
    return bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1])


def two_lines(png: bytes, pixels: NDArray[np.uint8], parameters: Parameters) -> float:
    """Run VTracer, resvg and SSIM in memory, without caching between calls."""
    svg = vtracer.convert_raw_image_to_svg(png, img_format="png", **parameters.as_dict())
    drawn = cv2.imdecode(np.frombuffer(resvg_py.svg_to_bytes(svg_string=svg), np.uint8), cv2.IMREAD_COLOR_RGB)
    return ssim(np.asarray(drawn, np.uint8), pixels)


def common_way(folder: Path, png: bytes, pixels: NDArray[np.uint8], parameters: Parameters) -> float:
    """Use temporary files, cairosvg and scikit-image's SSIM with the same window."""
    image, svg = folder / "logo.png", folder / "logo.svg"
    image.write_bytes(png)
    vtracer.convert_image_to_svg_py(str(image), str(svg), **parameters.as_dict())
    drawn = svg2png(url=str(svg), background_color="white")
    decoded = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR_RGB)
    return float(
        structural_similarity(
            decoded, pixels, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def step_costs(
    logos: Sequence[Logo], rounds: int, folder: Path, rng: np.random.Generator, *, defaults: bool
) -> dict[str, list[float]]:
    """Return the milliseconds of each variant, one entry per logo: the median over rounds with different parameters.

    Each variant is measured ``REPEATS`` times with the same parameters, in turns. The best time is used because it is
    least affected by other processes.
    """
    costs: dict[str, list[float]] = {}
    settings: list[Parameters | None] = [vtracer_gym.DEFAULTS] if defaults else [None] * rounds
    for logo in logos:
        environment = vtracer_gym.VectorizeEnv([logo], attempts=REPEATS * rounds + 1)
        environment.reset(seed=0)
        environment.step(action_of(vtracer_gym.DEFAULTS))
        png = encoded(logo.pixels)
        measured: dict[str, list[float]] = {}
        for setting in settings:
            parameters = setting or random_parameters(rng)
            values = parameters.as_dict()
            ways: dict[str, Callable[[], object]] = {
                "VTracer alone": functools.partial(vtracer.convert_raw_image_to_svg, png, img_format="png", **values),
                "environment step": functools.partial(environment.step, action_of(parameters)),
                "without caching": functools.partial(two_lines, png, logo.pixels, parameters),
            }
            if COMMON_WAY:
                ways["common way"] = functools.partial(common_way, folder, png, logo.pixels, parameters)
            best = dict.fromkeys(ways, float("inf"))
            for _ in range(REPEATS):
                for name in map(str, rng.permutation(list(ways))):
                    best[name] = min(best[name], 1e3 * seconds(ways[name]))
            for name, cost_ms in best.items():
                measured.setdefault(name, []).append(cost_ms)
        for name, values_ms in measured.items():
            costs.setdefault(name, []).append(statistics.median(values_ms))
    return costs


def throughput(logos: Sequence[Logo], duration_s: float, turns: int, folder: Path) -> tuple[list[float], list[float]]:
    """Return the steps per second of two processes, including resets, and of the common variant, measured in turns."""
    rng = np.random.default_rng(1)
    vector = vector_environment(logos, TrainingSettings(processes=2))
    vector.seed(0)
    vector.reset()
    ours, common = [], []
    for _ in range(len(logos)):  # warm up: the default trace of each logo is computed once and cached
        vector.step(rng.uniform(-1, 1, (2, 8)).astype(np.float32))
    for _ in range(turns):
        steps, started = 0, time.perf_counter()
        while time.perf_counter() - started < duration_s:
            vector.step(rng.uniform(-1, 1, (2, 8)).astype(np.float32))
            steps += 2
        ours.append(steps / (time.perf_counter() - started))
        if COMMON_WAY:
            steps, started = 0, time.perf_counter()
            while time.perf_counter() - started < duration_s:
                logo = logos[steps % len(logos)]
                common_way(folder, encoded(logo.pixels), logo.pixels, random_parameters(rng))
                steps += 1
            common.append(steps / (time.perf_counter() - started))
    vector.close()
    return ours, common


def fitted_curve_work(logos: Sequence[Logo], tries: int, rng: np.random.Generator) -> tuple[int, float]:
    """Return the weight of curves relative to pixels that best predicts VTracer's time, and the explained variance."""
    seen: list[tuple[int, int, float]] = []
    for logo in logos:
        prepared = vtracer_gym.PreparedLogo(logo)
        attempts = [prepared.attempt(random_parameters(rng)) for _ in range(tries)]
        seen.extend((logo.width * logo.height, attempt.curves, attempt.trace_seconds) for attempt in attempts)
    pixels, curves, times = np.array(seen, np.float64).T
    logs = np.log(times)

    def unexplained(weight: float) -> float:
        return float(np.var(logs - np.log(pixels + weight * curves)) / np.var(logs))

    best = min(range(0, 501, 10), key=unexplained)
    return best, 1.0 - unexplained(best)


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logos", type=Path, help="folder of logos, by default sample logos")
    parser.add_argument("--size", type=int, default=256, help="longest side in pixels")
    parser.add_argument("--count", type=int, default=40, help="number of logos")
    parser.add_argument("--rounds", type=int, default=7, help="parameter sets per logo")
    parser.add_argument("--fit", action="store_true", help="fit the weight of a curve in the predicted tracing time")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    found = (
        vtracer_gym.load_folder(arguments.logos, arguments.size).logos
        if arguments.logos
        else vtracer_gym.sample_logos(arguments.count, rng, arguments.size)
    )
    logos = found[:: max(1, len(found) // arguments.count)][: arguments.count]
    print(f"{len(logos)} logos at {arguments.size} px")
    if not COMMON_WAY:
        print("cairosvg and scikit-image are not both installed; skipping the common way")
    if arguments.fit:
        weight, explained = fitted_curve_work(logos, 20, rng)
        print(f"time ~ pixels + {weight} x curves explains {explained:.0%} of the variance of log time")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for defaults, title in ((True, "VTracer's defaults"), (False, "random parameters")):
            costs = step_costs(logos, arguments.rounds, folder, rng, defaults=defaults)
            alone = costs["VTracer alone"]
            print(f"\n{title:20}{'ms':>8}   ratio to VTracer alone (median over logos)")
            for way, values in sorted(costs.items(), key=lambda item: statistics.median(item[1])):
                ratio = statistics.median(value / base for value, base in zip(values, alone, strict=True))
                print(f"{way:20}{statistics.median(values):8.2f}   {ratio:.2f}")
        ours, common = throughput(logos, 4.0, 3, folder)
        print(f"\ntwo processes     {statistics.median(ours):8.0f} steps/s")
        if common:
            ratio = statistics.median(one / other for one, other in zip(ours, common, strict=True))
            print(f"common way        {statistics.median(common):8.0f} steps/s\nratio             {ratio:8.1f}")


if __name__ == "__main__":
    main()

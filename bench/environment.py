"""Cost of an environment step, compared with VTracer's own call on the same picture, and the share of each stage.

    python bench/environment.py [--logos FOLDER] [--sizes 128 256]

VTracer's own call traces the picture that the pipeline traces (enlarged and sharpened), with the same parameters, in
its usual mode with curves, from a PNG with the encoder's default compression. Both are measured in turns on the same
logo with the same setting, so that load on the machine affects them equally. Only the ratios are meaningful.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import vtracer

import vtracer_gym
from chosen_logos import chosen_logos
from vtracer_gym import measures, pipeline
from vtracer_gym.actions import DIMENSIONS, action_of
from vtracer_gym.baselines import random_settings
from vtracer_gym.models import TrainingSettings
from vtracer_gym.training import vector_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vtracer_gym import Logo, Settings

ALONE = "VTracer alone"
STEP = "environment step"

STAGES: dict[str, tuple[Any, str]] = {
    "trace regions": (pipeline, "trace_regions"),
    "recolour": (pipeline, "recolour"),
    "fit curves": (pipeline, "fit_curves"),
    "write SVG": (pipeline, "write_svg"),
    "draw": (measures, "draw"),
    "measure": (measures.Measurer, "measure"),
}
"""Functions that a step calls, with the places where it finds them. ``measure`` calls ``draw``."""


class StageTimes:
    """Measures the stages inside each step, by replacing their functions with timed ones."""

    def __init__(self) -> None:
        self.spent_ms: dict[str, float] = defaultdict(float)
        for name, (owner, attribute) in STAGES.items():
            setattr(owner, attribute, self._timed(name, getattr(owner, attribute)))

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                self.spent_ms[name] += 1e3 * (time.perf_counter() - started)

        return timed

    def of(self, step: Callable[[], object]) -> dict[str, float]:
        """Return the milliseconds of a step and of its stages."""
        self.spent_ms.clear()
        total = milliseconds(step)
        spent = dict(self.spent_ms)
        spent["measure"] -= spent["draw"]
        return {STEP: total, **spent, "other": total - sum(spent.values())}


def milliseconds(call: Callable[[], object]) -> float:
    """Return the wall time of one call in milliseconds."""
    started = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - started)


def own_call(logo: Logo, settings: Settings) -> Callable[[], str]:
    """Return VTracer's own call on the picture that the pipeline traces."""
    picture = cv2.imdecode(np.frombuffer(pipeline.prepare(logo, settings), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    png = bytes(cv2.imencode(".png", picture)[1])
    return functools.partial(
        vtracer.convert_raw_image_to_svg,
        png,
        img_format="png",
        mode="spline",
        filter_speckle=round(settings.filter_speckle * settings.enlargement),
        color_precision=settings.color_precision,
        layer_difference=pipeline.LAYER_DIFFERENCE,
    )


def step_costs(
    logos: Sequence[Logo], settings: Sequence[Settings], repeats: int, stages: StageTimes
) -> dict[str, list[float]]:
    """Return the milliseconds of VTracer, of a step and of its stages, one entry per logo: the median over settings.

    Both are measured several times in turns. The best time is used because it is least affected by other processes.
    """
    costs: dict[str, list[float]] = defaultdict(list)
    for logo in logos:
        environment = vtracer_gym.VectorizeEnv([logo], attempts=(repeats + 1) * len(settings))
        environment.reset(seed=0)
        measured: dict[str, list[float]] = defaultdict(list)
        for setting in settings:
            alone = own_call(logo, setting)
            step = functools.partial(environment.step, action_of(setting))
            step()  # prepares the picture, which later attempts share
            turns = [{ALONE: milliseconds(alone), **stages.of(step)} for _ in range(repeats)]
            best = min(turns, key=lambda turn: turn[STEP])
            best[ALONE] = min(turn[ALONE] for turn in turns)
            for name, cost_ms in best.items():
                measured[name].append(cost_ms)
        for name, values_ms in measured.items():
            costs[name].append(statistics.median(values_ms))
    return costs


def preparation_costs(logos: Sequence[Logo], repeats: int) -> list[float]:
    """Return the milliseconds of preparing a picture, which happens once per logo, enlargement and sharpening."""
    call = functools.partial(pipeline.prepare, settings=pipeline.Settings())
    return [min(milliseconds(functools.partial(call, logo)) for _ in range(repeats)) for logo in logos]


def print_costs(title: str, costs: dict[str, list[float]]) -> None:
    """Print one line per entry: median milliseconds, and the median over logos of the ratio to VTracer alone."""
    print(f"\n{title:24}{'ms':>8}   ratio to VTracer alone (median over logos)")
    for name, values_ms in costs.items():
        ratio = statistics.median(value / base for value, base in zip(values_ms, costs[ALONE], strict=True))
        print(f"{'' if name in {ALONE, STEP} else '  '}{name:22}{statistics.median(values_ms):8.2f}   {ratio:.2f}")


def throughput(logos: Sequence[Logo], steps: int, processes: int) -> float:
    """Return the environment steps per second of a vector environment with random actions, including resets."""
    vector = vector_environment(logos, TrainingSettings(processes=processes))
    rng = np.random.default_rng(1)
    vector.seed(0)
    vector.reset()

    def advance(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count // processes):
            vector.step(rng.uniform(-1.0, 1.0, (processes, DIMENSIONS)).astype(np.float32))
        return time.perf_counter() - started

    advance(len(logos) * processes)  # warm up: the defaults of each logo are drawn once and cached
    seconds = advance(steps)
    vector.close()
    return steps / seconds


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logos", type=Path, help="folder of logos, by default sample logos")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256], help="longest sides in pixels")
    parser.add_argument("--count", type=int, default=24, help="number of logos")
    parser.add_argument("--settings", type=int, default=5, help="number of random settings per logo")
    parser.add_argument("--repeats", type=int, default=4, help="measurements of each setting")
    parser.add_argument("--steps", type=int, default=400, help="steps for the throughput; 0 skips it")
    parser.add_argument("--processes", type=int, default=2, help="processes for the throughput")
    arguments = parser.parse_args()
    stages = StageTimes()
    for size in arguments.sizes:
        rng = np.random.default_rng(0)
        logos = chosen_logos(arguments.logos, arguments.count, rng, size)
        print(f"\n{len(logos)} logos at {size} px")
        drawn = [random_settings(rng) for _ in range(arguments.settings)]
        for title, settings in (("default setting", [pipeline.Settings()]), ("random settings", drawn)):
            print_costs(title, step_costs(logos, settings, arguments.repeats, stages))
        once_ms = statistics.median(preparation_costs(logos, arguments.repeats))
        print(f"\nonce per logo, enlargement and sharpening: prepare, {once_ms:.2f} ms")
        if arguments.steps:
            rate = throughput(logos, arguments.steps, arguments.processes)
            print(f"{arguments.processes} processes: {rate:.0f} steps/s")


if __name__ == "__main__":
    main()

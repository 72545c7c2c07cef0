"""Cost of an environment step, compared with VTracer's own call on the same picture, and the share of each stage.

    python bench/environment.py [--logos FOLDER] [--sizes 128 256]

Steps are those of a training: one attempt on each logo in turn, with settings around the default one. A logo's regions
are kept, so that VTracer is not called again for a setting that differs in the curves only. VTracer's own call traces
the picture that the pipeline traces (enlarged and sharpened), with the same parameters, in its usual mode with curves,
from a PNG with the encoder's default compression. Both are measured in turns, so that load on the machine affects them
equally. Only the ratios are meaningful.
"""

from __future__ import annotations

import argparse
import functools
import math
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import vtracer
from numpy.typing import NDArray

import vtracer_gym
from chosen_logos import chosen_logos
from vtracer_gym import measures, pipeline
from vtracer_gym.actions import action_of, actions_around, settings_of
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


def picture_of(logo: Logo) -> bytes:
    """Return the picture that the pipeline traces, as PNG with the encoder's default compression."""
    picture = cv2.imdecode(np.frombuffer(pipeline.prepare(logo), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return bytes(cv2.imencode(".png", picture)[1])


def own_call(png: bytes, settings: Settings) -> Callable[[], str]:
    """Return VTracer's own call on a picture."""
    return functools.partial(
        vtracer.convert_raw_image_to_svg,
        png,
        img_format="png",
        mode="spline",
        **pipeline.Clustering.of(settings)._asdict(),
        layer_difference=pipeline.LAYER_DIFFERENCE,
    )


def training_action(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return an action as a training draws it: around the default setting, with the policy's initial spread."""
    (action,) = actions_around(action_of(pipeline.Settings()), math.exp(TrainingSettings().log_std), 1, rng)
    return np.asarray(action, np.float32)


def step_costs(logos: Sequence[Logo], rounds: int, stages: StageTimes) -> dict[str, list[float]]:
    """Return the milliseconds of VTracer, of a step and of its stages, one entry per logo: the mean over the rounds.

    Each round has one episode of one step on each logo, as in a training. Settings are drawn as a training draws them.
    After each step, VTracer traces the same picture with the same parameters.
    """
    rng = np.random.default_rng(1)
    pictures = [picture_of(logo) for logo in logos]
    environment = vtracer_gym.VectorizeEnv(logos, attempts=1, in_order=True)
    costs: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(logos))
    for _ in range(rounds):
        for place, logo in enumerate(logos):
            _, info = environment.reset()
            assert info["logo"] == logo.name
            action = training_action(rng)
            spent = stages.of(functools.partial(environment.step, action))
            spent[ALONE] = milliseconds(own_call(pictures[place], settings_of(action)))
            for name, cost_ms in spent.items():
                costs[name][place] += cost_ms / rounds
    return {name: costs[name] for name in (ALONE, STEP, *STAGES, "other")}


def preparation_costs(logos: Sequence[Logo]) -> list[float]:
    """Return the milliseconds of preparing a picture, which happens once per logo."""
    return [milliseconds(functools.partial(pipeline.prepare, logo)) for logo in logos]


def print_costs(costs: dict[str, list[float]]) -> None:
    """Print one line per entry: median milliseconds, and the median over logos of the ratio to VTracer alone."""
    print(f"\n{'':24}{'ms':>8}   ratio to VTracer alone (median over logos)")
    for name, values_ms in costs.items():
        ratio = statistics.median(value / base for value, base in zip(values_ms, costs[ALONE], strict=True))
        print(f"{'' if name in {ALONE, STEP} else '  '}{name:22}{statistics.median(values_ms):8.2f}   {ratio:.2f}")


def throughput(logos: Sequence[Logo], steps: int, processes: int) -> float:
    """Return the steps per second of a vector environment with the actions of a training, including resets."""
    vector = vector_environment(logos, TrainingSettings(processes=processes))
    rng = np.random.default_rng(1)
    vector.seed(0)
    vector.reset()

    def advance(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count // processes):
            vector.step(np.stack([training_action(rng) for _ in range(processes)]))
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
    parser.add_argument("--rounds", type=int, default=60, help="number of steps on each logo")
    parser.add_argument("--steps", type=int, default=400, help="steps for the throughput; 0 skips it")
    parser.add_argument("--processes", type=int, default=2, help="processes for the throughput")
    arguments = parser.parse_args()
    stages = StageTimes()
    for size in arguments.sizes:
        rng = np.random.default_rng(0)
        logos = chosen_logos(arguments.logos, arguments.count, rng, size)
        print(f"\n{len(logos)} logos at {size} px")
        print_costs(step_costs(logos, arguments.rounds, stages))
        once_ms = statistics.median(preparation_costs(logos))
        print(f"\nonce per logo: prepare, {once_ms:.2f} ms")
        if arguments.steps:
            rate = throughput(logos, arguments.steps, arguments.processes)
            print(f"{arguments.processes} processes: {rate:.0f} steps/s")


if __name__ == "__main__":
    main()

"""Overhead of `rlvitals run`: trainings and start-up of programs, with and without recording.

    python bench/attaching.py [--pairs 10] [--steps 32768] [--json]

Each training runs in a process of its own, which reports the wall time and the processor time of the training alone.
The two trainings of a pair run one after the other, in alternating order, with the same seed. The script prints the
median ratio over the pairs, with a 95 % bootstrap interval, and the same ratios for pairs without recording as a
measure of noise. Start-up is the wall time of whole programs, in pairs as well: the median difference, in seconds.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from rlvitals.autologging.child_process import environment_with

SCRIPT = Path(__file__).parents[1] / "examples" / "attach" / "cleanrl_ppo.py"
RUN = (sys.executable, "-m", "rlvitals", "run", "--")
RESAMPLES = 10_000

T = TypeVar("T")

_TIMED = """
import sys, time
steps = sys.argv.pop()
{prepare}
wall, cpu = time.perf_counter(), time.process_time()
{train}
print(time.perf_counter() - wall, time.process_time() - cpu, file=sys.stderr)
"""
TRAININGS = {
    "PPO of Stable-Baselines3": _TIMED.format(
        prepare="from stable_baselines3 import PPO\n"
        'model = PPO("MlpPolicy", "CartPole-v1", n_steps=1024, seed=1, device="cpu")',
        train="model.learn(int(steps))",
    ),
    "loop with TensorBoard": _TIMED.format(
        prepare=f'import runpy\nmain = runpy.run_path({str(SCRIPT)!r})["main"]\n'
        'sys.argv[1:] = ["--total-timesteps", steps]',
        train="main()",
    ),
}
"""Programs that train, and print the duration of the training."""

PROGRAMS = {
    "empty program": "",
    "import gymnasium": "import gymnasium",
    "import torch.utils.tensorboard": "import torch.utils.tensorboard",
    "import stable_baselines3": "import stable_baselines3",
}
"""Programs that only start."""


def train(program: str, steps: int, environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the wall time and the processor time of a training in a process of its own, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program, str(steps)]
        done = subprocess.run(
            command, cwd=folder, env=dict(environment), check=True, text=True, capture_output=True
        ).stderr
    wall, cpu = done.strip().splitlines()[-1].split()
    return float(wall), float(cpu)


def start(command: list[str], environment: Mapping[str, str]) -> float:
    """Return the wall time of a program, in seconds."""
    began = time.perf_counter()
    subprocess.run(command, env=dict(environment), check=True, capture_output=True)
    return time.perf_counter() - began


def pairs_of(count: int, plain: Callable[[], T], other: Callable[[], T]) -> list[tuple[T, T]]:
    """Call two functions in turn, in alternating order."""
    found = []
    for number in range(count):
        first, second = (plain, other) if number % 2 else (other, plain)
        one, two = first(), second()
        found.append((one, two) if number % 2 else (two, one))
    return found


def interval(values: list[float]) -> dict[str, float]:
    """Return the median of values with a 95 % bootstrap interval."""
    random = np.random.default_rng(0)
    medians = np.median(random.choice(values, (RESAMPLES, len(values))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return {"median": statistics.median(values), "low": float(low), "high": float(high)}


def measure(pairs: int, steps: int, folder: Path) -> dict[str, dict[str, float]]:
    """Measure all trainings and programs."""
    plain = {**os.environ, "OMP_NUM_THREADS": "1"}
    recorded = {**plain, **environment_with({"log_dir": str(folder / "logs")}, folder / "report.jsonl")}
    found: dict[str, dict[str, float]] = {}
    for name, program in TRAININGS.items():
        for what, environment in (
            ("with / without", {**recorded, "OMP_NUM_THREADS": "1"}),
            ("without / without", plain),
        ):
            seen = pairs_of(
                pairs,
                functools.partial(train, program, steps, plain),
                functools.partial(train, program, steps, environment),
            )
            for index, clock in enumerate(("wall", "processor")):
                found[f"{name}, {what}, {clock}"] = interval([two[index] / one[index] for one, two in seen])
    for name, program in PROGRAMS.items():
        command = [sys.executable, "-c", program]
        for what, other in (
            ("its process, s", functools.partial(start, command, recorded)),
            ("rlvitals run, s", functools.partial(start, [*RUN, *command], plain)),
        ):
            seen_s = pairs_of(pairs, functools.partial(start, command, plain), other)
            found[f"{name}: {what}"] = interval([two - one for one, two in seen_s])
    return found


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=32_768)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.pairs, given.steps, Path(folder))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, values in found.items():
        print(f"{name:56} {values['median']:.3f}   [{values['low']:.3f}, {values['high']:.3f}]")


if __name__ == "__main__":
    main()

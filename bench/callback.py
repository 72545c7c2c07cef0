"""Overhead of recording: PPO on CartPole with and without VitalsCallback.

    python bench/callback.py [--pairs 20] [--steps 8192] [--seed 0] [--json]

The script runs pairs of trainings in one process, in alternating order. Both trainings of a pair have the same seed, so
they have the same episodes and updates. It prints the median ratio of wall time and of processor time over the pairs,
with a 95 % bootstrap interval, and the same ratios for pairs without recording as a measure of noise. It also times
each method of the callback directly in processor time, which is more precise than the difference of two trainings and
excludes interruptions by other processes.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from rlvitals.adapters.sb3 import VitalsCallback

HOOKS = ("_on_training_start", "_on_step", "_on_rollout_end", "_on_rollout_start", "_on_training_end")
RESAMPLES = 10_000


class TimedCallback(VitalsCallback):
    """A callback that sums the processor time of each of its methods."""

    def __init__(self, log_dir: str) -> None:
        super().__init__(log_dir)
        self.seconds = dict.fromkeys(HOOKS, 0.0)
        for name in HOOKS:
            vars(self)[name] = self._timed(name, getattr(self, name))

    def _timed(self, name: str, hook: Callable[[], Any]) -> Callable[[], Any]:
        def timed() -> Any:
            began = time.thread_time()
            answer = hook()
            self.seconds[name] += time.thread_time() - began
            return answer

        return timed


class Nothing(BaseCallback):
    """A callback that does nothing, for the trainings without recording."""

    def _on_step(self) -> bool:
        return True


def train(steps: int, seed: int, callback: BaseCallback) -> tuple[float, float]:
    """Train once and return the wall time and the processor time of `learn`, in seconds."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=1024, seed=seed, device="cpu")
    wall, cpu = time.perf_counter(), time.process_time()
    model.learn(steps, callback=callback)
    return time.perf_counter() - wall, time.process_time() - cpu


def pair(steps: int, seed: int, first: int, callbacks: tuple[BaseCallback, BaseCallback]) -> tuple[float, float]:
    """Return the ratios of wall time and processor time of two trainings, the second relative to the first."""
    times: dict[int, tuple[float, float]] = {}
    for which in (first, 1 - first):
        times[which] = train(steps, seed, callbacks[which])
    return times[1][0] / times[0][0], times[1][1] / times[0][1]


def interval(ratios: list[float], random: np.random.Generator) -> dict[str, float]:
    """Return the median of the ratios with a 95 % bootstrap interval."""
    medians = np.median(random.choice(ratios, (RESAMPLES, len(ratios))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return {"median": statistics.median(ratios), "low": float(low), "high": float(high)}


def measure(pairs: int, steps: int, seed: int, folder: str) -> dict[str, dict[str, float]]:
    """Measure both kinds of pairs, and the methods of the callback."""
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    train(2048, seed, VitalsCallback(folder))  # imports, caches
    recorded, noise = [], []
    for number in range(pairs):
        one = (Nothing(), VitalsCallback(folder))
        recorded.append(pair(steps, seed + number, number % 2, one))
        noise.append(pair(steps, seed + number, number % 2, (Nothing(), Nothing())))
    timed = TimedCallback(folder)
    _, cpu = train(steps, seed, timed)
    rollouts = steps / 1024
    return {
        "with callback / without, wall": interval([wall for wall, _ in recorded], random),
        "with callback / without, processor": interval([cpu for _, cpu in recorded], random),
        "without / without, wall": interval([wall for wall, _ in noise], random),
        "without / without, processor": interval([cpu for _, cpu in noise], random),
        "callback methods": {
            "step_us": 1e6 * timed.seconds["_on_step"] / steps,
            "rollout_end_ms": 1e3 * timed.seconds["_on_rollout_end"] / rollouts,
            "update_ms": 1e3 * timed.seconds["_on_rollout_start"] / rollouts,
            "start_ms": 1e3 * timed.seconds["_on_training_start"],
            "end_ms": 1e3 * timed.seconds["_on_training_end"],
            "share_of_training_percent": 100 * sum(timed.seconds[hook] for hook in HOOKS[1:4]) / cpu,
        },
    }


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=8192)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.pairs, given.steps, given.seed, str(Path(folder) / "logs"))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, values in found.items():
        if "median" in values:
            print(f"{name:36} {values['median']:.4f}   [{values['low']:.4f}, {values['high']:.4f}]")
        else:
            print(name)
            for what, value in values.items():
                print(f"  {what:34} {value:.3f}")


if __name__ == "__main__":
    main()

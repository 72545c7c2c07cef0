"""What recording costs a training: PPO on CartPole with VitalsCallback against one without.

    python bench/callback.py [--pairs 20] [--steps 8192] [--seed 0] [--json]

Trainings are made in pairs in one process, which of the two comes first by turns, with the same seed, so with the same
episodes and updates. Told is the median of the pairs' ratios of wall and of processor time, with a 95 % interval by
bootstrap over pairs; and so is the noise: the same for pairs of which neither records. Then what the callback's own
methods take, in processor time by direct timing of each call, which is finer than any difference of two trainings and
does not count the moments in which a busy machine did something else.
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
    """Sums the processor time that each of its methods takes."""

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
    """A callback that does nothing, to which the other is compared: one like it is called in every training."""

    def _on_step(self) -> bool:
        return True


def train(steps: int, seed: int, callback: BaseCallback) -> tuple[float, float]:
    """Train once; the wall and the processor time of `learn`, in seconds."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=1024, seed=seed, device="cpu")
    wall, cpu = time.perf_counter(), time.process_time()
    model.learn(steps, callback=callback)
    return time.perf_counter() - wall, time.process_time() - cpu


def pair(steps: int, seed: int, first: int, callbacks: tuple[BaseCallback, BaseCallback]) -> tuple[float, float]:
    """The ratios of wall and processor time of two trainings, the second's over the first's."""
    times: dict[int, tuple[float, float]] = {}
    for which in (first, 1 - first):
        times[which] = train(steps, seed, callbacks[which])
    return times[1][0] / times[0][0], times[1][1] / times[0][1]


def interval(ratios: list[float], random: np.random.Generator) -> dict[str, float]:
    """The median of some ratios, and its 95 % interval by bootstrap."""
    medians = np.median(random.choice(ratios, (RESAMPLES, len(ratios))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return {"median": statistics.median(ratios), "low": float(low), "high": float(high)}


def measure(pairs: int, steps: int, seed: int, folder: str) -> dict[str, dict[str, float]]:
    """Measure both kinds of pairs, and the callback by itself."""
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
        "neither recorded, wall": interval([wall for wall, _ in noise], random),
        "neither recorded, processor": interval([cpu for _, cpu in noise], random),
        "the callback itself": {
            "step_us": 1e6 * timed.seconds["_on_step"] / steps,
            "rollout_end_ms": 1e3 * timed.seconds["_on_rollout_end"] / rollouts,
            "update_ms": 1e3 * timed.seconds["_on_rollout_start"] / rollouts,
            "start_ms": 1e3 * timed.seconds["_on_training_start"],
            "end_ms": 1e3 * timed.seconds["_on_training_end"],
            "share_of_training_percent": 100 * sum(timed.seconds[hook] for hook in HOOKS[1:4]) / cpu,
        },
    }


def main() -> None:
    """Measure, and print."""
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

"""Overhead of `rlvitals run`: trainings and start-up of programs, with and without recording.

    python bench/attaching.py [--pairs 10] [--steps 131072] [--json]

**Trainings.** Within one training, recording is on and off for alternate iterations (rollout and update). The ratio
compares each recorded iteration with its two neighbours, so that a machine whose speed changes within seconds does not
matter. The threads of rlvitals run all the time; their processor time is given as a share of the wall time.

**Whole trainings.** Each training runs in a process of its own, which reports the wall time of the training with the
start and the end of the run. The two trainings of a pair run one after the other, in alternating order, with the same
seed. Pairs without recording show the noise.

**Start-up** is the wall time of whole programs, in pairs as well: the difference, in seconds.

The script compiles the modules of rlvitals before, as pip does when it installs a package. It prints medians with 95 %
bootstrap intervals.
"""

import argparse
import compileall
import functools
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import rlvitals
from rlvitals.autologging.child_process import environment_with

SCRIPT = Path(__file__).parents[1] / "examples" / "attach" / "cleanrl_ppo.py"
RUN = (sys.executable, "-m", "rlvitals", "run", "--")
LAST_TAG = "charts/SPS"
"""Tag that the loop logs last in each iteration."""
RESAMPLES = 10_000

T = TypeVar("T")

WARM_UP = 4
"""Iterations that are left out, because the run opens in them."""

PROGRAMS = {
    "empty program": "",
    "import gymnasium": "import gymnasium",
    "import torch.utils.tensorboard": "import torch.utils.tensorboard",
    "import stable_baselines3": "import stable_baselines3",
    "PPO, one iteration": "from stable_baselines3 import PPO\n"
    'PPO("MlpPolicy", "CartPole-v1", n_steps=64, device="cpu").learn(64)',
}
"""Programs that only start, and one that trains for a moment."""


class Alternation:
    """Iterations of a training, of which every other one is recorded.

    Args:
        switch: Function that turns recording on or off.

    Attributes:
        iterations: Whether each iteration was recorded, and its duration in seconds.
        threads_s: Processor time of the threads of rlvitals, in seconds.
    """

    def __init__(self, switch: Callable[[bool], object] = lambda _: None) -> None:
        self.switch = switch
        self.iterations: list[tuple[bool, float]] = []
        self.threads_s = 0.0
        self._is_on = True
        self._began = time.perf_counter()

    def ended(self) -> None:
        """End an iteration."""
        self.iterations.append((self._is_on, time.perf_counter() - self._began))
        self._is_on = len(self.iterations) < WARM_UP or not self._is_on
        own = [one for one in threading.enumerate() if one.name.startswith("rlvitals-")]
        clocks = [time.pthread_getcpuclockid(one.ident) for one in own if one.ident is not None]
        self.threads_s = sum(map(time.clock_gettime, clocks))
        self.switch(self._is_on)
        self._began = time.perf_counter()

    def ratios(self) -> list[float]:
        """Return the duration of each recorded iteration, relative to the mean of its two neighbours."""
        kept = self.iterations[WARM_UP:]
        around = zip(kept, kept[1:], kept[2:], strict=False)
        return [2.0 * one / (before + after) for (_, before), (is_on, one), (_, after) in around if is_on]


def train_ppo(steps: int, alternation: Alternation | None) -> None:
    """Train PPO of Stable-Baselines3."""
    from stable_baselines3 import PPO  # noqa: PLC0415 - in the process of the training only
    from stable_baselines3.common.callbacks import BaseCallback  # noqa: PLC0415

    class Boundary(BaseCallback):
        """Callback that follows the one of rlvitals, and ends iterations."""

        def __init__(self, alternation: Alternation) -> None:
            super().__init__()
            self._alternation = alternation

        def _on_training_start(self) -> None:
            recorder = self.locals["callback"].callbacks[0]
            self._alternation.switch = lambda is_on: setattr(recorder, "_is_off", not is_on)

        def _on_rollout_start(self) -> None:
            self._alternation.ended()

        def _on_step(self) -> bool:
            return True

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=512, seed=1, device="cpu")
    model.learn(steps, callback=None if alternation is None else Boundary(alternation))


def train_loop(steps: int, alternation: Alternation | None) -> None:
    """Train PPO in a plain loop that logs to TensorBoard."""
    main = runpy.run_path(str(SCRIPT))["main"]
    if alternation is not None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - in the process of the training only

        from rlvitals.autologging import environment_attachment, writer_attachment  # noqa: PLC0415

        add, recorder = SummaryWriter.add_scalar, writer_attachment.RecordedWriter
        record = recorder.call

        def add_scalar(writer: Any, tag: str, *values: Any) -> None:
            add(writer, tag, *values)
            if tag == LAST_TAG:
                alternation.ended()

        def switch(is_on: bool) -> None:
            environments: Any = environment_attachment._attached  # noqa: SLF001
            environments.is_off = not is_on
            setattr(recorder, record.__name__, record if is_on else lambda *_, **__: None)

        alternation.switch = switch
        setattr(SummaryWriter, add.__name__, add_scalar)
    sys.argv[1:] = ["--total-timesteps", str(steps)]
    main()


TRAININGS = {"PPO of Stable-Baselines3": train_ppo, "loop with TensorBoard": train_loop}


def train(name: str, steps: int, *, alternates: bool) -> None:
    """Train in this process, and print the wall time, the ratios of iterations, and the share of other threads."""
    alternation = Alternation() if alternates else None
    began = time.perf_counter()
    TRAININGS[name](steps, alternation)
    found: dict[str, Any] = {"wall": time.perf_counter() - began}
    if alternation is not None:
        found["ratios"] = alternation.ratios()
        found["threads"] = alternation.threads_s / found["wall"]
    sys.stderr.write(f"\n{json.dumps(found)}\n")


def trained(name: str, steps: int, environment: Mapping[str, str], *, alternates: bool = False) -> dict[str, Any]:
    """Train in a process of its own, and return what `train` prints."""
    command = [sys.executable, str(Path(__file__).absolute()), "--train", name, "--steps", str(steps)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command + ["--alternate"] * alternates,
            cwd=folder,
            env=dict(environment),
            check=True,
            text=True,
            capture_output=True,
        )
    lines = [line for line in done.stderr.splitlines() if line.startswith('{"wall"')]
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def wall_of(name: str, steps: int, environment: Mapping[str, str]) -> float:
    """Return the wall time of a training in a process of its own, in seconds."""
    wall: float = trained(name, steps, environment)["wall"]
    return wall


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


def measure(pairs: int, steps: int, folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure all programs and trainings, and yield the name and the values of each figure."""
    compileall.compile_dir(Path(rlvitals.__file__).parent, quiet=1)
    plain = {**os.environ, "OMP_NUM_THREADS": "1"}
    recorded = {**plain, **environment_with({"log_dir": str(folder / "logs")}, folder / "report.jsonl")}
    for name, program in PROGRAMS.items():
        command = [sys.executable, "-c", program]
        for what, other in (
            ("its process, s", functools.partial(start, command, recorded)),
            ("rlvitals run, s", functools.partial(start, [*RUN, *command], plain)),
        ):
            seen_s = pairs_of(pairs, functools.partial(start, command, plain), other)
            yield f"{name}: {what}", interval([two - one for one, two in seen_s])
    for name in TRAININGS:
        seen = trained(name, steps, recorded, alternates=True)
        yield f"{name}: iterations, with / without", interval(seen["ratios"])
        yield f"{name}: other threads, share of the time", interval([seen["threads"]])
    for name in TRAININGS:
        for what, environment in (("with / without", recorded), ("without / without", plain)):
            walls = pairs_of(
                pairs,
                functools.partial(wall_of, name, steps, plain),
                functools.partial(wall_of, name, steps, environment),
            )
            yield f"{name}: whole, {what}", interval([two / one for one, two in walls])


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=131_072)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--train", choices=TRAININGS, help=argparse.SUPPRESS)
    parser.add_argument("--alternate", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        train(given.train, given.steps, alternates=given.alternate)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, values in measure(given.pairs, given.steps, Path(folder)):
            if given.json:
                print(json.dumps({"name": name, **values}), flush=True)
            else:
                print(f"{name:56} {values['median']:.3f}   [{values['low']:.3f}, {values['high']:.3f}]", flush=True)


if __name__ == "__main__":
    main()

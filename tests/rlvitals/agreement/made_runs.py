"""Sample runs of every kind on which outputs must agree. As a program, FOLDER writes one run and is killed."""

import contextlib
import io
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs.header import Failure
from rlvitals.sinks import TerminalSink

LENGTH = 50
"""Environment steps per episode. An episode takes two seconds."""
_LONG_AGO = 1.7e9

Reward = Callable[[int, random.Random], float]


class MadeRun(NamedTuple):
    """A run in the folder.

    Attributes:
        path: Run folder.
        monitor: Monitor that wrote the run, still open if the run is. `None` if its process has ended.
        line: Output of its terminal line.
    """

    path: Path
    monitor: TrainingMonitor | None
    line: io.StringIO

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name


class RunWriter:
    """Writes sample runs to a folder.

    Args:
        folder: Folder of runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.line = io.StringIO()

    def make(self, name: str) -> MadeRun:
        """Write the run with the given name."""
        self.line = io.StringIO()
        monitor = RECIPES[name](self, name)
        return MadeRun(self.folder / name, monitor, self.line)

    def begin(self, name: str, **options: Any) -> TrainingMonitor:
        """Start a run with a terminal line that prints when the run ends."""
        settings = RecorderSettings(system_interval_s=None)
        line = TerminalSink(self.line, interval_s=1e9, total=options.get("total_timesteps"))
        return TrainingMonitor(self.folder, session_name=name, settings=settings, sinks=[line], **options)


def train(
    monitor: TrainingMonitor,
    episodes: range,
    reward: Reward,
    *,
    began: float = _LONG_AGO,
    success: Callable[[int], bool | None] = lambda _: None,
    quality: Callable[[int], float] | None = None,
    broken_from: float = math.inf,
) -> None:
    """Log episodes of fixed length, and with every twentieth episode an update of a healthy training.

    Args:
        monitor: Monitor that records the episodes.
        episodes: Episode numbers.
        reward: Function that returns the reward of an episode.
        began: Time of episode 0 (UTC, seconds since 1970).
        success: Function that returns the success of an episode, or `None` if it is not reported.
        quality: Function that returns the final quality of an episode. The initial quality is 0.2.
        broken_from: First episode whose update has a NaN policy loss.
    """
    rng = random.Random(2)
    for e in episodes:
        at, step = began + 2.0 * e, LENGTH * (e + 1)
        final = None if quality is None else quality(e)
        gained = None if final is None else final - 0.2
        monitor.log_episode(e, reward(e, rng), LENGTH, gained, final, env_step=step, success=success(e), time=at)
        if e % 20 == 0:
            update(monitor, step, e / (episodes.stop or 1), at, rng, broken=e >= broken_from)


def update(
    monitor: TrainingMonitor, step: int, share: float, at: float, rng: random.Random, *, broken: bool = False
) -> None:
    """Log one update of a healthy training."""
    monitor.log_training_step(
        step, time=at, policy_loss=math.nan if broken else -0.01, value_loss=0.2 + 0.02 * rng.random(),
        entropy=1.3 - 0.5 * share, kl_divergence=0.01 + 0.002 * rng.random(), explained_variance=min(0.95, 2 * share),
        clip_fraction=0.1, learning_rate=3e-4 * (1.0 - share) + 1e-5,
    )  # fmt: skip


def noisy(level: Callable[[int], float], spread: float = 0.1) -> Reward:
    """Return rewards that vary around a level."""
    return lambda e, rng: level(e) + rng.gauss(0.0, spread)


RISE_THEN_DIP = noisy(lambda e: e / 2500 if e < 2500 else 1 - 0.12 * (e - 2500) / 1000)
RISE = noisy(lambda e: min(1.0, e / 200))
_STEADY = noisy(lambda _: 1.0)


def _completed(reward: Reward, episodes: int, **options: Any) -> Callable[[RunWriter, str], TrainingMonitor]:
    def write(writer: RunWriter, name: str) -> TrainingMonitor:
        with writer.begin(name, total_timesteps=LENGTH * episodes, **options) as monitor:
            train(monitor, range(episodes), reward)
        return monitor

    return write


def _without(reward: Reward, bad: float, at: Sequence[int]) -> Reward:
    return lambda e, rng: bad if e in at else reward(e, rng)


def _empty(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name) as monitor:
        pass
    return monitor


def _one_episode(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name) as monitor:
        monitor.log_episode(0, 1.0, LENGTH, env_step=LENGTH, time=_LONG_AGO)
    return monitor


def _crashed(writer: RunWriter, _: str) -> None:
    done = subprocess.run([sys.executable, __file__, str(writer.folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")


def _failed(writer: RunWriter, name: str) -> TrainingMonitor:
    with contextlib.suppress(RuntimeError), writer.begin(name, total_timesteps=LENGTH * 500) as monitor:
        train(monitor, range(300), RISE)
        raise RuntimeError("the environment is gone")
    return monitor


def _resumed(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name, total_timesteps=LENGTH * 500) as monitor:
        train(monitor, range(250), RISE)
    with writer.begin(name, resume="must") as monitor:
        train(monitor, range(250, 500), RISE)
    return monitor


def _rewound(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name, total_timesteps=LENGTH * 500) as monitor:
        train(monitor, range(400), RISE)
        monitor.rewind(env_step=LENGTH * 250, step=LENGTH * 250)
        train(monitor, range(250, 450), noisy(lambda _: 0.5), began=_LONG_AGO + 300.0)
    return monitor


def _updates_only(writer: RunWriter, name: str) -> TrainingMonitor:
    rng = random.Random(2)
    with writer.begin(name, total_timesteps=60_000) as monitor:
        for at in range(60):
            update(monitor, 1_000 * (at + 1), at / 60, _LONG_AGO + 10.0 * at, rng)
    return monitor


def _scalars_only(writer: RunWriter, name: str) -> TrainingMonitor:
    rng = random.Random(2)
    with writer.begin(name, total_timesteps=160_000) as monitor:
        for at in range(80):
            mean = math.nan if at == 77 else min(1.0, at / 40) + rng.gauss(0.0, 0.02)
            step = 2_000 * (at + 1)
            monitor.log_metrics("rollout", {"ep_rew_mean": mean}, step=step, env_step=step, time=_LONG_AGO + 10.0 * at)
    return monitor


def _success_by_some(writer: RunWriter, name: str) -> TrainingMonitor:
    def success(e: int) -> bool | None:
        return None if e % 3 else e % 2 == 0

    with writer.begin(name, total_timesteps=LENGTH * 400) as monitor:
        train(monitor, range(400), RISE, success=success)
    return monitor


def _with_quality(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name, total_timesteps=LENGTH * 400) as monitor:
        train(monitor, range(400), RISE, quality=lambda e: 0.3 + 0.001 * e, success=lambda e: e % 4 > 0)
    return monitor


def _preempted(writer: RunWriter, name: str) -> TrainingMonitor:
    monitor = writer.begin(name, total_timesteps=LENGTH * 500)
    train(monitor, range(300), RISE)
    monitor._recorder.close("preempted", Failure(type="SIGTERM", message="terminated by SIGTERM"))
    return monitor


def _broken_network(writer: RunWriter, name: str) -> TrainingMonitor:
    with writer.begin(name, total_timesteps=LENGTH * 600) as monitor:
        train(monitor, range(600), RISE, broken_from=400)
    return monitor


def _running(writer: RunWriter, name: str) -> TrainingMonitor:
    """Write an open run with current records, because a run without records for ten minutes counts as stalled."""
    monitor = writer.begin(name, total_timesteps=LENGTH * 800)
    train(monitor, range(400), RISE, began=time.time() - 2.0 * 400)
    return monitor


RECIPES: dict[str, Callable[[RunWriter, str], TrainingMonitor | None]] = {
    "rise-then-dip": _completed(RISE_THEN_DIP, 3_500),
    "rise-then-flat": _completed(noisy(lambda e: min(1.0, e / 2000)), 4_000),
    "late-start": _completed(noisy(lambda e: 0.0 if e < 3000 else (e - 3000) / 1500), 4_000),
    "one-nan": _completed(_without(RISE, math.nan, (1_150,)), 1_200),
    "three-episodes": _completed(noisy(lambda _: 0.0, 1.0), 3),
    "empty": _empty,
    "one-episode": _one_episode,
    "crashed": _crashed,
    "failed": _failed,
    "resumed": _resumed,
    "rewound": _rewound,
    "updates-only": _updates_only,
    "scalars-only": _scalars_only,
    "infinite-rewards": _completed(_without(RISE, math.inf, (30, 370, 390)), 400),
    "all-nan": _completed(lambda _, __: math.nan, 150),
    "success-by-some": _success_by_some,
    "with-quality": _with_quality,
    "preempted": _preempted,
    "broken-network": _broken_network,
    "running": _running,
    "target-reached": _completed(RISE, 600, target=0.8),
    "target-lost": _completed(noisy(lambda e: 1.0 if 300 <= e < 700 else 0.0), 1_000, target=0.8),
    "never-moved": _completed(_STEADY, 500),
}
"""Function that writes each run, by name. The crashed run is written by a separate process, which is killed."""


def _write_until_killed(folder: Path) -> None:
    monitor = RunWriter(folder).begin("crashed", total_timesteps=LENGTH * 500)
    train(monitor, range(300), RISE)
    monitor.save_session()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _write_until_killed(Path(sys.argv[1]))

"""Scripts of `examples/attach` that run twice, plainly and under `rlvitals run`, and what they logged themselves."""

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from rlvitals.formats.wandb_log import WandbLog, wandb_record
from rlvitals.records import STREAMS
from rlvitals.runs import Run
from rlvitals.sinks.lazy_destination import load

SCRIPTS = Path(__file__).parents[3] / "examples" / "attach"
OWN_LINE = "rlvitals: "
STUDY = "Optuna study"

_TIME_LIMIT_S = 240
_CLOCKS = ("SPS", "fps", "time_elapsed", "_runtime", "_timestamp")
_VOLATILE = re.compile(r"\|\s+(fps|time_elapsed)\s+\|.*|\[IPKernelApp\].*|0x[0-9a-f]+")

Scalar = tuple[str, int, float]
"""Tag, step and value (in the precision of an event file)."""


class Outcome(NamedTuple):
    """Exit code, output and folder of a script."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def messages(self) -> list[str]:
        """Lines on standard error, without those of rlvitals and the frames of tracebacks."""
        return [line for line in self.err.splitlines() if not line.startswith((OWN_LINE, " "))]

    @property
    def counted(self) -> dict[str, Any]:
        """What the script counted itself: its last line, if that is JSON."""
        last = self.out.strip().rpartition("\n")[2]
        found: dict[str, Any] = json.loads(last) if last.startswith("{") else {}
        return found


class RecordedScript(NamedTuple):
    """A script without and with recording."""

    plain: Outcome
    recorded: Outcome
    runs: list[Run]
    attached: list[list[str]]

    @property
    def trainings(self) -> list[Run]:
        """Runs that are not studies, whose episodes are trials."""
        return [run for run, what in zip(self.runs, self.attached, strict=True) if what != [STUDY]]


@functools.cache
def run_twice(name: str, folder: Path) -> RecordedScript:
    """Run a script plainly and under `rlvitals run`, at the same time, once per name."""
    script = [sys.executable, str(SCRIPTS / f"{name}.py")]
    started = []
    for part, command in (
        ("plain", script),
        ("recorded", [sys.executable, "-m", "rlvitals", "run", "--json", *script]),
    ):
        home = folder / name / part
        home.mkdir(parents=True)
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(home), "WANDB_DIR": str(home)}
        pipe = subprocess.PIPE
        started.append((subprocess.Popen(command, cwd=home, stdout=pipe, stderr=pipe, text=True, env=quiet), home))
    plain, recorded = (_outcome(*one) for one in started)
    *lines, report = recorded.err.splitlines(keepends=True)
    said = sorted(json.loads(report)["runs"], key=lambda run: Run(run["run"]).header.started)
    return RecordedScript(
        _repeatable(plain),
        _repeatable(recorded._replace(err="".join(lines))),
        [Run(run["run"]) for run in said],
        [run["attached"] for run in said],
    )


def _outcome(process: "subprocess.Popen[str]", home: Path) -> Outcome:
    out, err = process.communicate(timeout=_TIME_LIMIT_S)
    return Outcome(process.returncode, out, err, home)


def _repeatable(outcome: Outcome) -> Outcome:
    """Return an outcome whose output has no times, addresses and names of the folder."""
    out, err = (_VOLATILE.sub("", text.replace(str(outcome.folder), "")) for text in (outcome.out, outcome.err))
    return outcome._replace(out=out, err=err)


def logged_with_tensorboard(folder: Path) -> list[Scalar]:
    """Return the scalars in the event files of a folder."""
    event_accumulator = load("tensorboard.backend.event_processing.event_accumulator")
    found: list[Scalar] = []
    for home in sorted({file.parent for file in folder.rglob("*tfevents*")}):
        events = event_accumulator.EventAccumulator(str(home), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        found += [(tag, one.step, one.value) for tag in events.Tags()["scalars"] for one in events.Scalars(tag)]
    return [one for one in found if not one[0].endswith(_CLOCKS)]


def logged_with_wandb(folder: Path) -> list[Scalar]:
    """Return the numbers in the offline runs of a folder."""
    found: list[Any] = []
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for message in map(wandb_record().FromString, WandbLog(file)):
            row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in message.history.item}
            step = row.get("global_step", row.get("_step"))
            found += [(name, step, value) for name, value in row.items() if name not in {"_step", *_CLOCKS}]
    return sorted(found)


def recorded_values(run: Run) -> Iterator[tuple[int, float]]:
    """Yield each number of a run with each step of its record."""
    for stream in STREAMS:
        for record in run.records(stream):
            values = msgspec.to_builtins(record)
            steps = {values.get("step"), values.get("env_step")} - {None}
            yield from ((step, number) for number in _numbers(values) for step in steps)


def single(value: float) -> float:
    """Return a value in the precision of an event file."""
    return float(np.float32(value))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _numbers(one)
    elif isinstance(value, int | float):
        yield single(value)

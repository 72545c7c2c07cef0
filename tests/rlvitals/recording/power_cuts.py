"""Records runs on a simulated disk, cuts the power at many moments, and reports faults in the remaining files.

Usage: `python power_cuts.py FOLDER SEED CUTS FAILING`. FAILING is the effect of a failed `fsync` on pages (`dropped` or
`readable`), or `none` if `fsync` does not fail. Prints one JSON object.
"""

import itertools
import json
import logging
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from simulated_disk import Failing, SimulatedDisk

from rlvitals.errors import RunError
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import RecorderSettings
from rlvitals.runs import open_run, sealing
from rlvitals.runs.verification import CHANGED, DAMAGED, DOUBLED, TWICE, Verification, verify
from rlvitals.testing.manual_clock import ManualClock

HOUR = 3600.0
CALLS = {"episodes": "episode", "updates": "step", "evaluations": "episode", "scalars": "step"}
"""The streams that are written, and the field with the number of a record."""
_FULL_CHECKS = 4
"""Every fourth cut is also read by columns, and resumed."""

_popen = subprocess.Popen


class InThisProcess:
    """Replacement of the sealing process that seals in this process, where the simulated disk sees it."""

    pid = 0

    def __init__(self, command: list[str], **_: Any) -> None:
        self.returncode = sealing.main(command[command.index("rlvitals.runs.sealing") + 1 :])

    def poll(self) -> int:
        """Return the exit code, like a process that has ended."""
        return self.returncode

    def wait(self, _: float | None = None) -> int:
        """Return the exit code, like a process that has ended."""
        return self.returncode


def popen(command: list[str], **options: Any) -> Any:
    """Start a process, except a sealing process, which runs in this process."""
    return (InThisProcess if "rlvitals.runs.sealing" in command else _popen)(command, **options)


class Training:
    """Records runs like a training loop, and notes the acknowledged records.

    Args:
        disk: Simulated disk.
        folder: Folder of runs on the disk.
        plan: Random source for the records and their order.
    """

    def __init__(self, disk: SimulatedDisk, folder: Path, plan: random.Random) -> None:
        self.logged: dict[str, list[int]] = {stream: [] for stream in CALLS}
        self._begun = False
        self._kept = dict.fromkeys(CALLS, 0)
        self._disk = disk
        self._folder = folder
        self._plan = plan
        self._number = itertools.count(1)
        self._clock = ManualClock()

    def run(self, steps: int, *, always: bool, close: bool) -> bool:
        """Record a number of steps in a new or resumed run.

        Returns:
            Whether the run could be opened.
        """
        settings = RecorderSettings(
            system_interval_s=None,
            diagnosis_interval_s=None,
            heartbeat_s=HOUR,
            fsync_interval_s=0 if always else HOUR,
            seal_records=12,
            seal_on_close=4,
        )
        if self._begun:
            self._disk.acknowledge((self._kept, False))
        try:
            monitor = TrainingMonitor(
                self._folder, session_name="run", resume="allow", settings=settings, clock=self._clock
            )
        except RunError:
            return False
        for ticker in monitor._recorder._tickers:  # their work is done here, at repeatable moments
            ticker.stop(HOUR)
        self._begun = True
        self._acknowledge(monitor, everything=False)
        for _ in range(steps):
            self._log(monitor)
            if always:
                self._acknowledge(monitor)
            if self._plan.random() < 0.12:
                self._clock.advance(1.0)
                monitor.save_session()
                self._acknowledge(monitor)
        if close:
            monitor.close()
            self._acknowledge(monitor, closed=True)
        else:
            monitor._recorder.abandon()  # like a kill: nothing more is written
        return True

    def _log(self, monitor: TrainingMonitor) -> None:
        number = next(self._number)
        self._clock.advance(0.25)
        stream = self._plan.choice(["episodes", "episodes", "updates", "evaluations", "scalars"])
        text = "é" * self._plan.choice([0, 3, 40, 400])
        match stream:
            case "episodes":
                monitor.log_episode(number, 1.0, 2, category=text or None, extra={"x": number / 7})
            case "updates":
                monitor.log_training_step(number, 0.5, entropy=float("nan"))
            case "evaluations":
                monitor.log_evaluation(number, 0.25)
            case _:
                monitor.log_metrics("mine", {"value": number, "text": text}, step=number)
        self.logged[stream].append(number)

    def _acknowledge(self, monitor: TrainingMonitor, *, everything: bool = True, closed: bool = False) -> None:
        """Note the records that are on the disk according to the monitor. Skipped if it reports failures."""
        if everything and (monitor.failures() or monitor._recorder._maintenance._failures):
            return
        if everything:
            self._kept = {stream: len(numbers) for stream, numbers in self.logged.items()}
        self._disk.acknowledge((self._kept, closed))


class Judge:
    """Finds faults in a folder after a power cut.

    Args:
        logged: Numbers of the records by stream, in order.
        failing: Whether `fsync` failed at times. A sealed segment can then still have its lines.
    """

    def __init__(self, logged: dict[str, list[int]], *, failing: bool) -> None:
        self._failing = failing
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self._logged = logged

    def judge(self, folder: Path, kept: Any, *, fully: bool) -> None:
        """Open, read and verify the remaining files. If `fully`, also read them by columns and resume the run."""
        counts, closed = kept if kept is not None else ({}, False)
        path = folder / "run"
        try:
            run = open_run(path)
        except RunError as error:
            self.seen["no run"] += 1
            if kept is not None:
                self.wrong.append(f"not opened: {error}")
        else:
            self._read(run, counts)
            if closed and run.header.status != "completed":
                self.wrong.append(f"closed, but {run.header.status}")
            found = verify(run)
            self.seen.update(fault.code for fault in found.faults)
            self.seen["sealed"] += len(list(path.glob("*/*.parquet")))
            faults = [fault for fault in found.faults if fault.code != TWICE or not self._failing]
            if closed and faults:
                self.wrong.append(f"closed, but {[(fault.code, fault.path.name) for fault in faults]}")
            self._refuse(found, closed=closed)
            if fully:
                columns = {stream: len(run.stream(stream, abandoned=True)) for stream in CALLS}
                if not columns.items() <= found.counts.items():
                    self.wrong.append(f"columns have {columns}, records {found.counts}")
        if fully:
            self._go_on(folder, counts)

    def _refuse(self, found: Verification, *, closed: bool) -> None:
        """Note faults other than those that a cut can cause: torn lines, and both files of a segment.

        If a run ended with failures, its lines can differ from their checksums, and `verify` must report that. Two
        messages about the recording at the same time can be equal.
        """
        bad = {DAMAGED, DOUBLED, CHANGED} if closed else {DAMAGED, DOUBLED}
        self.wrong += [f"verify: {f.code}" for f in found.faults if f.code in bad and f.path.parent.name != "events"]

    def _read(self, run: Any, counts: dict[str, int], *, more: int = 0) -> None:
        for stream, where in CALLS.items():
            found = [getattr(record, where) for record in run.records(stream)]
            known = self._logged[stream] + [0] * (more if stream == "episodes" else 0)
            kept = self._logged[stream][: counts.get(stream, 0)]
            if found[: len(kept)] != kept:
                self.wrong.append(f"{stream}: {len(set(kept) - set(found))} of {len(kept)} acknowledged records gone")
            rest = iter(known)
            if not all(number in rest for number in found):
                self.wrong.append(f"{stream}: out of order, twice, or never logged")
            self.seen["lost"] += len(known) - len(found)

    def _go_on(self, folder: Path, counts: dict[str, int]) -> None:
        settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, seal_records=12, seal_on_close=4)
        with TrainingMonitor(folder, session_name="run", resume="allow", settings=settings) as monitor:
            monitor.log_episode(0, 1.0, 2)
        run = open_run(folder / "run")
        self._read(run, counts, more=1)
        self._refuse(verify(run, mending=True), closed=False)


def main(folder: Path, seed: int, cuts: int, failing: str) -> None:
    """Record runs, cut the power, and print the faults."""
    logging.disable(logging.CRITICAL)
    subprocess.Popen = popen  # type: ignore[assignment,misc]
    os.nice = lambda _: 0
    for name in ("fsync", "fdatasync"):
        setattr(os, name, lambda _: None)  # the real disk does not have to be synced
    plan = random.Random(seed)
    place = folder / "disk"
    place.mkdir(parents=True)
    disk = SimulatedDisk(place)
    fails: Failing = "dropped" if failing == "dropped" else "readable" if failing == "readable" else ""
    disk.failing = lambda: fails if plan.random() < 0.1 else ""
    training = Training(disk, place / "logs", plan)
    always = plan.random() < 0.3
    with disk.watching():
        for close in (plan.random() < 0.5, True):
            steps = plan.randrange(20, 60)
            while not training.run(steps, always=always, close=close) and fails:
                pass

    judge = Judge(training.logged, failing=bool(fails))
    for turn in range(cuts):
        at = plan.randrange(len(disk.events) + 1) if turn else len(disk.events)
        target = folder / "after"
        target.mkdir()
        kept = disk.cut(at, random.Random(f"{seed} {turn}"), target / "disk")
        known = len(judge.wrong)
        try:
            judge.judge(target / "disk" / "logs", kept, fully=turn % _FULL_CHECKS == 0)
        except Exception as error:  # noqa: BLE001 - any exception is a fault to report
            judge.wrong.append(f"raised {error!r}")
        judge.wrong[known:] = [f"seed {seed}, event {at} of {len(disk.events)}: {one}" for one in judge.wrong[known:]]
        shutil.rmtree(target)
    sys.stdout.write(json.dumps({"events": len(disk.events), "wrong": judge.wrong, "seen": judge.seen}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])

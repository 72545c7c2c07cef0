"""Forks writers from one warm process, kills each at a random moment, and resumes some of their runs.

Run as a program: FOLDER SEED COUNT. Prints one JSON line per run, with the episodes that its writers acknowledged.
These must be in the folder, once and in order. A writer acknowledges an episode by writing its number to a pipe after
`log_episode` has returned.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import duckdb  # noqa: F401 - loaded before the fork, so that a sealing child does not have to

from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import RecorderSettings
from rlvitals.recording.reproduction import slow_facts
from rlvitals.runs.layout import segments_in
from rlvitals.runs.sealing import seal

CLOSING = -1
NUMBER = 4
HOUR = 3600.0

Acknowledge = Callable[[int], None]


def write(folder: Path, acknowledge: Acknowledge, plan: random.Random) -> None:
    """Start a run, log a random number of episodes, and close it."""
    real = plan.random() < 0.05  # with the processes of the sealer, which outlive the kill
    # Number of segments that the writer seals itself, so that some writers are killed while sealing.
    sealing = plan.choice((0, 0, 0, 2))
    settings = RecorderSettings(
        system_interval_s=None,
        seal_records=plan.choice((20, 50) if sealing else (1, 7, 20)),
        seal_on_close=1 if real else 10**9,
        heartbeat_s=0.05 if real else HOUR,
        fsync_interval_s=plan.choice((0.05, HOUR)) if real else HOUR,
    )
    monitor = TrainingMonitor(folder.parent, session_name=folder.name, settings=settings)
    for number in range(plan.choice((60, 150, 1_000_000))):
        monitor.log_episode(number, number / 7, 2, success=number % 2 == 0, env_step=number, extra={"x": number})
        acknowledge(number)
        if sealing and (full := [s for s in segments_in(folder / "episodes")[:-1] if not s.sealed]):
            sealing -= 1
            seal(full[0].path)
    acknowledge(CLOSING)
    monitor.close()


def resume(folder: Path, acknowledge: Acknowledge, plan: random.Random) -> None:
    """Resume the run, and continue from its counters."""
    settings = RecorderSettings(system_interval_s=None, seal_records=7, heartbeat_s=HOUR, fsync_interval_s=HOUR)
    monitor = TrainingMonitor(folder.parent, session_name=folder.name, resume="must", settings=settings)
    session = monitor.session
    acknowledge(session.total_episodes)
    first = 0 if monitor.last_episode is None else monitor.last_episode + 1
    for number in range(first, first + plan.randrange(1, 15)):
        monitor.log_episode(number, number / 7, 2, env_step=number)
        acknowledge(number)
    acknowledge(CLOSING)


def _fork(work: Callable[[Path, Acknowledge, random.Random], None], folder: Path, seed: int) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        _work(work, folder, write_end, seed)
    os.close(write_end)
    return child, read_end


def _work(
    work: Callable[[Path, Acknowledge, random.Random], None], folder: Path, write_end: int, seed: int
) -> NoReturn:
    try:
        work(folder, lambda number: _say(write_end, number), random.Random(seed))
    except BaseException as error:  # noqa: BLE001 - reported to the parent, and the child must not continue as the parent
        sys.stderr.write(f"{folder.name}: {type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


def _say(pipe: int, number: int) -> None:
    os.write(pipe, number.to_bytes(NUMBER, "big", signed=True))


def _hear(pipe: int) -> int | None:
    heard = os.read(pipe, NUMBER)
    return int.from_bytes(heard, "big", signed=True) if len(heard) == NUMBER else None


def kill(folder: Path, lot: random.Random) -> dict[str, object]:
    """Kill one writer after a random number of acknowledgements, and resume some of the runs."""
    child, pipe = _fork(write, folder, lot.randrange(10**9))
    patience = lot.randrange(1, 260)
    acknowledged: list[int] = []
    while len(acknowledged) < patience and (number := _hear(pipe)) is not None:
        acknowledged.append(number)
        if number == CLOSING:
            for _ in range(lot.choice((0, 100, 3_000, 30_000))):  # a random delay into closing
                pass
            break
    os.kill(child, signal.SIGKILL)
    while (number := _hear(pipe)) is not None:  # acknowledged before the kill
        acknowledged.append(number)
    os.close(pipe)
    os.waitpid(child, 0)

    if lot.random() < 0.66:
        return {"run": folder.name, "first": acknowledged, "total": None, "later": []}
    child, pipe = _fork(resume, folder, lot.randrange(10**9))
    total = _hear(pipe)
    later: list[int] = []
    while (number := _hear(pipe)) is not None and number != CLOSING:
        later.append(number)
    os.kill(child, signal.SIGKILL)
    os.close(pipe)
    os.waitpid(child, 0)
    return {"run": folder.name, "first": acknowledged, "total": total, "later": later}


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    slow_facts()
    lot = random.Random(seed)
    for number in range(count):
        print(json.dumps(kill(folder / f"run{number}", lot)), flush=True)  # noqa: T201 - output of the program


if __name__ == "__main__":
    main()

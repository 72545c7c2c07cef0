"""Run status derived from the header and the heartbeat."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rlvitals.runs.header import read_header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, WriterLock, host_name, process_started
from rlvitals.runs.vitality import vitality
from rlvitals.testing.manual_clock import ManualClock

Beat = Callable[..., None]


@pytest.fixture
def beat(layout: Layout, clock: ManualClock) -> Beat:
    """Function that writes a current heartbeat of this process, with changes."""

    def given(**changes: Any) -> None:
        started = process_started(os.getpid())
        usual = {
            "host": host_name(),
            "pid": os.getpid(),
            "process_started": started,
            "beat": clock.time(),
            "interval": 2.0,
        }
        lock = WriterLock(layout.lock)
        lock.beat(Heartbeat(**{**usual, "last_record": clock.time(), **changes}))
        lock.release()

    return given


@pytest.fixture
def status(layout: Layout, clock: ManualClock) -> Callable[[], str]:
    return lambda: vitality(layout.path, read_header(layout.path), clock=clock).status


def _say(layout: Layout, status: str) -> None:
    header = read_header(layout.path)
    header.status = status
    write_header(layout, header)


def test_a_run_with_a_fresh_heartbeat_is_running(beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """The writer can miss a few heartbeats, because a training can hold the interpreter for a long time."""
    beat()
    assert status() == "running"
    clock.advance(59.0)
    assert status() == "running"


def test_a_live_process_with_a_stale_heartbeat_is_stalled(
    beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """The heartbeat thread hangs, or the machine is suspended."""
    beat()
    clock.advance(61.0)

    assert status() == "stalled"


def test_a_heartbeat_with_a_long_interval_stays_fresh_for_longer(
    beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """The limit grows with the interval of the heartbeat."""
    beat(interval=60.0)
    clock.advance(600.0)
    beat(interval=60.0, beat=clock.time() - 600.0)

    assert status() == "running"


def test_a_run_with_heartbeats_but_without_records_is_stalled(
    beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """The training hangs, but the monitor does not."""
    beat()
    clock.advance(601.0)
    beat(last_record=clock.time() - 601.0)

    assert status() == "stalled"


def test_a_replayed_run_is_running(layout: Layout, beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """The times of replayed records are those of a past training."""
    header = read_header(layout.path)
    header.started = clock.time()
    write_header(layout, header)
    beat(last_record=100.0)

    assert status() == "running"


def test_a_run_of_a_dead_process_has_crashed(beat: Beat, status: Callable[[], str]) -> None:
    """The status is "crashed" even if the heartbeat is fresh."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    beat(pid=ended.pid)

    assert status() == "crashed"


def test_a_run_whose_process_id_was_reused_has_crashed(beat: Beat, status: Callable[[], str]) -> None:
    """The start time distinguishes two processes with the same ID."""
    beat(process_started=1.0)

    assert status() == "crashed"


@pytest.mark.parametrize(("silent", "expected"), [(10.0, "running"), (61.0, "crashed")])
def test_the_status_of_a_run_on_another_machine_depends_on_its_heartbeat(
    beat: Beat, status: Callable[[], str], clock: ManualClock, silent: float, expected: str
) -> None:
    """The processes of another machine cannot be checked."""
    beat(host="elsewhere", pid=1)
    clock.advance(silent)

    assert status() == expected


def test_a_paused_run_with_heartbeats_is_paused(
    layout: Layout, beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """A paused run can record nothing for any time. Without heartbeats it is stalled."""
    _say(layout, "paused")
    clock.advance(10_000.0)
    beat(last_record=1.0)
    assert status() == "paused"
    clock.advance(100.0)
    assert status() == "stalled"


@pytest.mark.parametrize("said", ["completed", "failed"])
def test_the_final_status_of_the_writer_is_used(
    layout: Layout, beat: Beat, status: Callable[[], str], clock: ManualClock, said: str
) -> None:
    """An ended run needs no heartbeat."""
    beat()
    _say(layout, said)
    clock.advance(1e6)

    assert status() == said


def test_a_run_without_a_heartbeat_has_crashed(status: Callable[[], str]) -> None:
    """The writer was killed immediately after the start."""
    assert status() == "crashed"


@pytest.mark.parametrize("content", [b"", b"\x00" * 1024, b"{", b'{"host": 3}', b"[" * 100_000])
def test_a_damaged_heartbeat_is_ignored(layout: Layout, status: Callable[[], str], content: bytes) -> None:
    """Reading any content raises no error."""
    layout.lock.write_bytes(content)

    assert status() == "crashed"


def test_a_wall_clock_that_jumps_back_does_not_affect_the_status(
    beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """A heartbeat from the future is fresh."""
    beat()
    clock.set_wall(clock.time() - 3600.0)

    assert status() == "running"

"""Whether a run is alive."""

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
    """Gives a sign of life of this process, now; or another one."""

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


def test_a_run_whose_heart_beats_is_running(beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """A few beats may be missed: a training may hold the interpreter for long."""
    beat()
    assert status() == "running"
    clock.advance(59.0)
    assert status() == "running"


def test_a_live_process_that_is_silent_is_stalled(beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """Its thread hangs, or the machine sleeps."""
    beat()
    clock.advance(61.0)

    assert status() == "stalled"


def test_a_slow_heart_may_be_silent_for_longer(beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """Who beats every minute is not missed after one."""
    beat(interval=60.0)
    clock.advance(600.0)
    beat(interval=60.0, beat=clock.time() - 600.0)

    assert status() == "running"


def test_a_run_that_beats_and_records_nothing_is_stalled(
    beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """The training hangs, not the monitor."""
    beat()
    clock.advance(601.0)
    beat(last_record=clock.time() - 601.0)

    assert status() == "stalled"


def test_a_run_whose_process_is_gone_has_crashed(beat: Beat, status: Callable[[], str]) -> None:
    """At once: the heartbeat need not grow old first."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    beat(pid=ended.pid)

    assert status() == "crashed"


def test_a_run_whose_number_another_process_has_by_now_has_crashed(beat: Beat, status: Callable[[], str]) -> None:
    """Numbers of processes are used again; when they were started tells them apart."""
    beat(process_started=1.0)

    assert status() == "crashed"


@pytest.mark.parametrize(("silent", "expected"), [(10.0, "running"), (61.0, "crashed")])
def test_a_run_of_another_machine_is_told_by_its_heartbeat(
    beat: Beat, status: Callable[[], str], clock: ManualClock, silent: float, expected: str
) -> None:
    """Its processes cannot be looked at from here."""
    beat(host="elsewhere", pid=1)
    clock.advance(silent)

    assert status() == expected


def test_a_run_that_waits_on_purpose_is_paused(
    layout: Layout, beat: Beat, status: Callable[[], str], clock: ManualClock
) -> None:
    """However long it records nothing, if only its heart beats."""
    _say(layout, "paused")
    clock.advance(10_000.0)
    beat(last_record=1.0)
    assert status() == "paused"
    clock.advance(100.0)
    assert status() == "stalled"


@pytest.mark.parametrize("said", ["completed", "failed"])
def test_what_a_writer_said_last_counts(
    layout: Layout, beat: Beat, status: Callable[[], str], clock: ManualClock, said: str
) -> None:
    """Then its heart need not beat."""
    beat()
    _say(layout, said)
    clock.advance(1e6)

    assert status() == said


def test_a_run_without_any_sign_of_life_has_crashed(status: Callable[[], str]) -> None:
    """It was killed right after it was begun."""
    assert status() == "crashed"


@pytest.mark.parametrize("content", [b"", b"\x00" * 1024, b"{", b'{"host": 3}', b"[" * 100_000])
def test_a_damaged_sign_of_life_is_none(layout: Layout, status: Callable[[], str], content: bytes) -> None:
    """And no traceback."""
    layout.lock.write_bytes(content)

    assert status() == "crashed"


def test_a_wall_clock_that_jumps_back_kills_nobody(beat: Beat, status: Callable[[], str], clock: ManualClock) -> None:
    """A beat from the future is a beat."""
    beat()
    clock.set_wall(clock.time() - 3600.0)

    assert status() == "running"

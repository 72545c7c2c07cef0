"""Tests of the state of a run without reading its records."""

from pathlib import Path
from typing import Any

from rlvitals.runs import Run
from rlvitals.runs.header import Header, Writer, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, WriterLock
from rlvitals.summary.status import state_of
from rlvitals.testing.manual_clock import ManualClock


def made(folder: Path, *writers: Writer, beat: float | None = None, lost: int = 0, **said: Any) -> Run:
    """A run that started at 100, with a given header and a last heartbeat from another machine."""
    layout = Layout(folder)
    layout.make()
    write_header(layout, Header(run_id="run", started=100.0, writers=list(writers), **said))
    if beat is not None:
        lock = WriterLock(layout.lock)
        state = Heartbeat(
            host="elsewhere", pid=1, process_started=0.0, beat=beat, interval=2.0, last_record=beat, lost=lost
        )
        lock.beat(state)
        lock.release()
    return Run(folder)


def session(number: int, started: float, ended: float | None) -> Writer:
    return Writer(writer=number, started=started, ended=ended, host="elsewhere", pid=1)


def test_an_ended_run_lasts_until_its_end(tmp_path: Path) -> None:
    """The duration of a run that ended does not depend on the current time."""
    run = made(tmp_path, session(1, 100.0, 160.0), status="completed", ended=160.0)
    state = state_of(run, run.header, clock=ManualClock(9_999.0))

    assert (state.status, state.duration, state.updated) == ("completed", 60.0, 160.0)


def test_a_run_whose_records_have_no_dates_has_no_age(tmp_path: Path) -> None:
    """Times that count from the start of a training are not 50 years old."""
    for name, ended, age in (("relative", 160.0, None), ("dated", 1.7e9, 5.0)):
        run = made(tmp_path / name, session(1, 100.0, ended), status="completed", ended=ended)

        assert state_of(run, run.header).age(1.7e9 + 5.0) == age


def test_a_live_run_lasts_until_now(tmp_path: Path) -> None:
    """The duration of a live run extends to now, and its update time is that of the last record."""
    run = made(tmp_path, session(1, 100.0, None), beat=150.0)
    state = state_of(run, run.header, clock=ManualClock(155.0))

    assert (state.status, state.duration, state.updated) == ("running", 55.0, 150.0)


def test_a_crashed_run_lasts_until_its_last_heartbeat(tmp_path: Path) -> None:
    """The duration of a crashed run extends to its last heartbeat, not to now."""
    run = made(tmp_path, session(1, 100.0, None), beat=150.0)
    state = state_of(run, run.header, clock=ManualClock(100_000.0))

    assert (state.status, state.duration, state.updated) == ("crashed", 50.0, 150.0)


def test_a_run_without_a_heartbeat_has_no_duration(tmp_path: Path) -> None:
    """A run without a heartbeat has a duration of zero."""
    run = made(tmp_path, session(1, 100.0, None))
    state = state_of(run, run.header, clock=ManualClock(100_000.0))

    assert (state.status, state.duration, state.updated) == ("crashed", 0.0, 100.0)


def test_the_time_between_two_sessions_is_excluded(tmp_path: Path) -> None:
    """A run of 60 s that was resumed after a day for 40 s has a duration of 100 s."""
    sessions = session(1, 100.0, 160.0), session(2, 86_560.0, 86_600.0)
    run = made(tmp_path, *sessions, status="completed", ended=86_600.0)

    assert state_of(run, run.header).duration == 100.0


def test_dropped_records_are_read_from_the_header(tmp_path: Path) -> None:
    """Dropped records are those of the header, without places that dropped none."""
    run = made(
        tmp_path, status="completed", ended=160.0, dropped_records={"records": 3, "forked": 0}, beat=150.0, lost=99
    )

    assert state_of(run, run.header).dropped_records == {"records": 3}


def test_dropped_records_of_an_unclosed_run_are_read_from_its_heartbeat(tmp_path: Path) -> None:
    """The dropped records of a run that was never closed are those of its last heartbeat."""
    run = made(tmp_path, beat=150.0, lost=7)

    assert state_of(run, run.header).dropped_records == {"records": 7}

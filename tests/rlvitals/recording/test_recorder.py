"""The recorder: records on the disk, counts of dropped records, and the end of a run."""

import contextlib
import errno
import faulthandler
import functools
import itertools
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from rlvitals.errors import ClosedError, RunError, RunLockedError
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import RecorderSettings, maintenance
from rlvitals.recording import recorder as recorder_module
from rlvitals.runs import header as headers
from rlvitals.runs.lock import WriterLock, read_heartbeat
from rlvitals.runs.verification import CHANGED, verify
from rlvitals.sinks import MemorySink
from rlvitals.testing.manual_clock import ManualClock

OpenMonitor = Callable[..., TrainingMonitor]
InAProcess = Callable[..., list[dict[str, Any]]]


def _tick(monitor: TrainingMonitor) -> None:
    monitor._recorder._maintenance.tick()


def _episodes(monitor: TrainingMonitor) -> list[int]:
    return [record.episode for record in monitor.run.records("episodes")]


def _messages(monitor: TrainingMonitor) -> list[str]:
    return [event.message for event in monitor.run.records("events") if event.kind == "recording"]


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """End the tests with the stack of every thread on a deadlock, before the timeout of the whole suite."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


# ---------------------------------------------------------------------- threads


def _run_threads(*works: Callable[[], None], meanwhile: Callable[[], None] | None = None) -> list[BaseException]:
    """Start all functions at the same time, wait for their end, and return the exceptions that they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(works) + (meanwhile is not None))

    def guarded(work: Callable[[], None]) -> None:
        start.wait(30)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test checks any exception
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    if meanwhile is not None:
        guarded(meanwhile)
    for thread in threads:
        thread.join(50)
    assert not any(thread.is_alive() for thread in threads)
    return raised


def test_threads_that_log_read_and_save_at_once_lose_no_records(open_monitor: OpenMonitor) -> None:
    """Eight threads log, one reads statistics and one saves. Totals never decrease, and no record is missing."""
    settings = RecorderSettings(system_interval_s=None, seal_records=400, heartbeat_s=3600.0, fsync_interval_s=3600.0)
    monitor = open_monitor(settings=settings, sinks=[MemorySink()])
    per_thread, totals, logging_threads = 150, [0], list(range(8))

    def log(thread: int) -> None:
        for number in range(per_thread):
            monitor.log_episode(number, 1.0, 2, env_index=thread, env_step=number)
            monitor.log_training_step(number, entropy=0.5)
        logging_threads.pop()

    def read() -> None:
        while logging_threads:
            totals.append(monitor.get_training_statistics()["session_info"]["total_episodes"])

    def save() -> None:
        while logging_threads:
            monitor.save_session()

    raised = _run_threads(*(functools.partial(log, thread) for thread in range(8)), read, save)

    assert raised == []
    assert totals == sorted(totals)
    assert totals[-1] <= 8 * per_thread
    found: dict[int | None, list[int]] = {}
    for record in monitor.run.records("episodes"):
        found.setdefault(record.env_index, []).append(record.episode)
    assert found == {thread: list(range(per_thread)) for thread in range(8)}
    assert sum(1 for _ in monitor.run.records("updates")) == 8 * per_thread


def test_concurrent_closes_end_the_run_once(open_monitor: OpenMonitor) -> None:
    """Every thread returns without an error, and the run has one event for its end."""
    monitor = open_monitor()

    assert _run_threads(*[monitor.close] * 8) == []
    assert [event.message for event in monitor.run.records("events")] == ["started", "completed"]
    assert monitor.run.header.status == "completed"


@pytest.mark.parametrize("sinks", [0, 1])
def test_a_close_during_logging_keeps_exactly_the_acknowledged_records(open_monitor: OpenMonitor, sinks: int) -> None:
    """Acknowledged records are stored and no others, and `log_episode` raises after the close."""
    monitor = open_monitor(sinks=[MemorySink()] * sinks)
    kept: list[list[int]] = [[] for _ in range(4)]

    def log(thread: int) -> None:
        with contextlib.suppress(ClosedError):
            for number in itertools.count():
                monitor.log_episode(number, 1.0, 2, env_index=thread)
                kept[thread].append(number)

    def end() -> None:
        monitor.save_session()
        monitor.close()

    assert _run_threads(*(functools.partial(log, thread) for thread in range(4)), meanwhile=end) == []
    found: list[list[int]] = [[] for _ in range(4)]
    for record in monitor.run.records("episodes"):
        found[record.env_index].append(record.episode)
    assert found == kept


def test_a_signal_handler_can_save_and_close_at_any_time(in_a_process: InAProcess) -> None:
    """In 25 runs, a handler saves, closes and exits while logging, saving and maintenance are active."""
    said = in_a_process("""
        faults = []
        def end(*_):
            monitor.save_session()
            monitor.close()
            raise SystemExit

        signal.signal(signal.SIGALRM, end)
        for turn in range(25):
            settings = RecorderSettings(
                system_interval_s=None, fsync_interval_s=0.05, heartbeat_s=0.05, seal_records=10**6 if turn % 5 else 20
            )
            monitor = TrainingMonitor(folder, session_name=f"run{turn}", settings=settings)
            kept = 0
            try:  # before the timer starts, because a busy machine can take longer than the timer until the next line
                signal.setitimer(signal.ITIMER_REAL, 0.002 + turn / 4000)
                for number in range(1_000_000):
                    monitor.log_episode(number, 1.0, 2)
                    kept += 1
                    if number % 50 == 0:
                        monitor.save_session()
            except (SystemExit, ClosedError):
                pass
            found = [record.episode for record in monitor.run.records("episodes")]
            faults += [(turn, kept, len(found))] * (found not in (list(range(kept)), list(range(kept + 1))))
            faults += [(turn, monitor.run.header.status)] * (monitor.run.header.status != "completed")
        say(faults=faults)
    """)

    assert said == [{"faults": []}]


# Raised between the opening of a file and the block that closes it, an exception leaves it to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_close_during_a_save_determines_the_final_header(open_monitor: OpenMonitor) -> None:
    """The header has the final status if a signal handler closes the run before any line of saving."""
    for at in itertools.count():
        monitor = open_monitor(name=f"run{at}")
        left = [at]

        def trace(frame: FrameType, event: str, _: object, left: list[int] = left) -> Any:
            if frame.f_code.co_filename not in {headers.__file__, maintenance.__file__}:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == -1:
                    sys.settrace(None)
                    monitor.close()  # noqa: B023 - called within this iteration
                    raise SystemExit
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            monitor._recorder.save()
        except SystemExit:
            pass
        finally:
            sys.settrace(before)
        if left[0] >= 0:
            break
        assert monitor.run.header.status == "completed"
    assert at > 20


# Raised between the opening of a file and the block that closes it, an exception leaves it to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_close_can_be_called_again(open_monitor: OpenMonitor) -> None:
    """After Ctrl-C before any line of closing, the next call of `close` ends the run."""
    for at in itertools.count(step=3):
        monitor = open_monitor(name=f"run{at}", sinks=[MemorySink()])
        left = [at]

        def trace(frame: FrameType, event: str, _: object, left: list[int] = left) -> Any:
            if frame.f_code.co_filename not in {recorder_module.__file__, maintenance.__file__}:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == -1:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            monitor._recorder.close("failed")
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        monitor.close()
        # The status of the first close counts, if that close got far enough.
        assert monitor.run.header.status in {"completed", "failed"}
        WriterLock(monitor.path / "writer.lock").release()  # it is free
        if left[0] >= 0:
            break
    assert at > 40


@pytest.mark.parametrize("call", ["save", "flush"])
def test_the_maintenance_thread_does_not_wait(open_monitor: OpenMonitor, call: str) -> None:
    """It returns while another thread is at any line of saving or flushing, because a close waits for it."""
    monitor = open_monitor()
    recorder = monitor._recorder
    hanging: list[int] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in {headers.__file__, maintenance.__file__}:
            return None
        if event == "line" and not hanging:
            recorder._maintenance._owed = True  # the header is due as well
            looking = threading.Thread(target=recorder._maintenance.tick, kwargs={"wait": False})
            looking.start()
            looking.join(5.0)
            if looking.is_alive():
                hanging.append(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        getattr(recorder, call)()
    finally:
        sys.settrace(before)

    assert hanging == []


def test_a_flush_can_interrupt_a_flush(open_monitor: OpenMonitor) -> None:
    """A handler that flushes before any line of a flush, including the standard library, does not deadlock."""
    recorder = open_monitor(sinks=[MemorySink()])._recorder
    for at in itertools.count():
        left = [at]

        def trace(_: FrameType, event: str, __: object, left: list[int] = left) -> Any:
            if event == "line":
                left[0] -= 1
                if left[0] == -1:
                    sys.settrace(None)
                    recorder.flush()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            recorder.flush()
        finally:
            sys.settrace(before)
        if left[0] >= 0:
            break
    assert at > 20


def test_a_late_tick_does_not_lock_a_closed_run_again(open_monitor: OpenMonitor) -> None:
    """Another process can have locked the run, so a tick after the close has no effect."""
    monitor = open_monitor()
    monitor.close()
    monitor._recorder._maintenance.tick(wait=False)
    monitor._recorder._maintenance.tick()

    assert [event.message for event in monitor.run.records("events") if event.kind == "recording"] == []
    WriterLock(monitor.path / "writer.lock").release()  # it is free


class Hanging(MemorySink):
    """Sink whose `close` hangs until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def close(self) -> None:
        self.open.wait(50)


class Closing(MemorySink):
    """Sink that signals when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def close(self) -> None:
        self.told.set()


def test_a_sink_that_hangs_on_close_does_not_delay_other_sinks(open_monitor: OpenMonitor) -> None:
    """All sinks start to close at the same time, and share the time budget."""
    hanging, closing = Hanging(), Closing()
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, heartbeat_s=3600.0, close_s=3600.0)
    monitor = open_monitor(settings=settings, sinks=[hanging, closing])
    thread = threading.Thread(target=monitor.close)
    thread.start()
    told = closing.told.wait(30)
    hanging.open.set()
    thread.join(50)

    assert (told, monitor.run.header.status) == (True, "completed")


# ---------------------------------------------------------------------- failures


def test_a_full_disk_is_reported_once_and_its_end_once(in_a_process: InAProcess) -> None:
    """Training continues, records wait in memory, and all are written in order when the disk has space again."""
    said = in_a_process("""
        monitor = TrainingMonitor(folder, session_name="run", settings=quiet, clock=clock)
        tick = monitor._recorder._maintenance.tick
        tick()
        for room in (0, 700, 3000):
            with full_disk(room):
                for number in range(20):
                    monitor.log_episode(room + number, 1.0, 2)
                    monitor.log_training_step(room + number, entropy=0.1)
                    clock.advance(1.0)
                    tick()
                say(failures=sorted(monitor.failures()), lost=monitor.dropped_records().records)
            clock.advance(1.0)
            tick()
            say(failures=sorted(monitor.failures()), waiting=monitor.dropped_records().waiting)
        monitor.close()
        say(episodes=[record.episode for record in monitor.run.records("episodes")],
            messages=[event.message for event in monitor.run.records("events") if event.kind == "recording"],
            status=monitor.run.header.status, losses=monitor.run.header.dropped_records)
    """)

    assert said[0]["failures"][:2] == ["episodes", "events"]
    assert [answer["lost"] for answer in said[:6:2]] == [0, 0, 0]
    assert said[1:6:2] == [{"failures": [], "waiting": 0}] * 3
    assert said[6]["episodes"] == [*range(20), *range(700, 720), *range(3000, 3020)]
    waiting = "(File too large); keeping records in memory and retrying"
    began = [message for message in said[6]["messages"] if waiting in message]
    ended = [message for message in said[6]["messages"] if "works again: no records dropped" in message]
    assert len(began) == len(ended) == 3
    assert len(said[6]["messages"]) == 6
    assert (said[6]["status"], said[6]["losses"]) == ("completed", {})


def test_records_dropped_because_of_a_full_disk_are_counted_and_reported(in_a_process: InAProcess) -> None:
    """Records beyond the bounded backlog are counted in `dropped_records`, in the header and in the message."""
    said = in_a_process("""
        monitor = TrainingMonitor(folder, session_name="run", settings=quiet, clock=clock)
        tick = monitor._recorder._maintenance.tick
        with full_disk():
            for number in range(80):
                monitor.log_episode(number, 1.0, 2)
            say(waiting=monitor.dropped_records().waiting, lost=monitor.dropped_records().records)
        clock.advance(1.0)
        tick()
        monitor.save_session()
        say(losses=monitor.run.header.dropped_records, total=monitor.session.total_episodes)
        monitor.close()
        say(losses=monitor.run.header.dropped_records,
            episodes=[record.episode for record in monitor.run.records("episodes")],
            messages=[event.message for event in monitor.run.records("events") if event.kind == "recording"])
        again = TrainingMonitor(folder, session_name="run", resume="must", settings=quiet, clock=clock)
        with full_disk():
            for number in range(80, 135):
                again.log_episode(number, 1.0, 2)
        again.close()
        say(losses=again.run.header.dropped_records)
    """)

    assert said[0] == {"waiting": 50, "lost": 30}
    assert said[1] == {"losses": {"records": 30}, "total": 80}
    assert said[2]["losses"] == {"records": 30}
    assert said[2]["episodes"] == list(range(30, 80))
    assert "30 records dropped" in said[2]["messages"][-1]
    assert said[3] == {"losses": {"records": 35}}  # of both writers


def test_records_still_waiting_at_the_end_of_the_run_count_as_dropped(in_a_process: InAProcess) -> None:
    """The file of one stream cannot grow until the end. The header can be written, and has the count."""
    (told,) = in_a_process(
        """
        monitor = TrainingMonitor(folder, session_name="run", settings=quiet, clock=clock)
        os.truncate(folder / "run" / "updates" / "000001.jsonl", 1 << 20)
        with full_disk(1 << 20):
            for step in range(3):
                monitor.log_training_step(step)
            monitor.close()
        say(lost=monitor.dropped_records().records, header=monitor.run.header.dropped_records)
        """
    )

    assert told == {"lost": 3, "header": {"records": 3}}


def test_a_removed_run_is_restored(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """Its header, its lock and the records of its open segments are restored, with one message."""
    monitor = open_monitor()
    monitor.log_episode(0, 1.0, 2)
    shutil.rmtree(tmp_path / "run")
    monitor.log_episode(1, 1.0, 2)
    _tick(monitor)
    monitor.log_episode(2, 1.0, 2)

    assert _episodes(monitor) == [0, 1, 2]
    assert monitor.run.vitality(clock=ManualClock()).status == "running"
    _tick(monitor)
    assert len(_messages(monitor)) == 1
    assert "was removed" in _messages(monitor)[0]
    with pytest.raises(RunLockedError):
        open_monitor(resume="must")


def test_a_removed_file_is_restored(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """The segment is written again, with one message."""
    monitor = open_monitor()
    monitor.log_episode(0, 1.0, 2)
    (tmp_path / "run" / "episodes" / "000001.jsonl").unlink()
    _tick(monitor)
    _tick(monitor)

    assert _episodes(monitor) == [0]
    assert len(_messages(monitor)) == 1


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_replaces_a_removed_one_is_left_unchanged(
    open_monitor: OpenMonitor, tmp_path: Path, caplog: pytest.LogCaptureFixture, ended: bool
) -> None:
    """After `rm -rf logs` and a new run of the same name, the old writer does not write to the folder."""
    old = open_monitor()
    old.log_episode(0, 1.0, 2)
    shutil.rmtree(tmp_path / "run")
    new = open_monitor(clock=ManualClock(1_800_000_000.0))
    new.log_episode(100, 1.0, 2)
    if ended:
        new.close()
    header = (tmp_path / "run" / "run.json").read_bytes()
    for number in range(1, 4):
        old.log_episode(number, 1.0, 2)
        old.save_session()
        _tick(old)
    old.close()

    assert (tmp_path / "run" / "run.json").read_bytes() == header
    assert _episodes(new) == [100]
    assert old.dropped_records().records >= 4
    assert sum("another" in record.message for record in caplog.records) == 1


def test_writing_of_the_header_is_retried(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """A folder blocks its path for a while. The failure is reported once, and its end once."""
    monitor = open_monitor()
    _tick(monitor)
    header = tmp_path / "run" / "run.json"
    header.unlink()
    header.mkdir()
    for _ in range(3):
        monitor.save_session()
    header.rmdir()
    _tick(monitor)
    _tick(monitor)

    assert monitor.run.header.status == "running"
    assert [("cannot write the header (" in message, "works again" in message) for message in _messages(monitor)] == [
        (True, False),
        (False, True),
    ]


def test_a_run_with_a_stream_that_cannot_be_opened_is_refused(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """The header is unchanged, no file stays open, and the run can be resumed when the cause is gone."""
    open_monitor().close()
    before = (tmp_path / "run" / "run.json").read_bytes()
    (tmp_path / "run" / "updates" / "000009.jsonl").mkdir()
    open_files = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(RunError, match=r"cannot open .*updates.000009\.jsonl: Is a directory"):
        open_monitor(resume="must")

    assert (tmp_path / "run" / "run.json").read_bytes() == before
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
    (tmp_path / "run" / "updates" / "000009.jsonl").rmdir()
    assert open_monitor(resume="must").resumed


def test_an_incomplete_record_is_moved_and_reported(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """The next writer reports the number of bytes."""
    first = open_monitor()
    first.log_episode(0, 1.0, 2)
    first.close()
    with (tmp_path / "run" / "episodes" / "000001.jsonl").open("ab") as file:
        file.write(b'{"time": 1.0, "epis')
    second = open_monitor(resume="must")
    second.log_episode(1, 1.0, 2)
    _tick(second)

    assert _episodes(second) == [0, 1]
    assert "the last record of episodes is incomplete; moved 19 bytes to a .torn file" in _messages(second)


# ---------------------------------------------------------------------- sealing, heartbeat, dropped records


def test_full_segments_are_sealed_on_close(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """A separate process seals them, and the run has the same records before and after."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0, seal_records=10)
    monitor = open_monitor(settings=settings)
    for number in range(25):
        monitor.log_episode(number, 1.0, 2)
    before = _episodes(monitor)
    monitor.close()

    assert _episodes(monitor) == before == list(range(25))
    names = sorted(path.name for path in (tmp_path / "run" / "episodes").iterdir())
    assert names == ["000001.parquet", "000002.parquet", "000003.jsonl"]
    assert verify(monitor.run).sound


def test_sealing_is_retried_after_a_failure(
    open_monitor: OpenMonitor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder blocks the path of the sealed segment. The failure is logged once with its reason."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0, seal_records=10)
    monitor = open_monitor(settings=settings)
    blocker = tmp_path / "run" / "episodes" / "000001.parquet"
    for number in range(11):
        monitor.log_episode(number, 1.0, 2)
    blocker.mkdir()
    _tick(monitor)
    monitor._recorder._maintenance._sealer.finish(30)
    blocker.rmdir()
    for number in range(11, 22):
        monitor.log_episode(number, 1.0, 2)
    monitor.close()

    names = sorted(path.name for path in (tmp_path / "run" / "episodes").iterdir())
    assert names == ["000001.parquet", "000002.parquet", "000003.jsonl"]
    said = [record.message for record in caplog.records if "cannot seal" in record.message]
    assert len(said) == 1
    assert "000001" in said[0]


def test_the_heartbeat_has_the_progress_of_the_training(open_monitor: OpenMonitor, clock: ManualClock) -> None:
    """It has the process, the time, the environment step, the episodes and the dropped records."""
    monitor = open_monitor()
    monitor.log_episode(3, 1.0, 2, env_step=77)
    clock.advance(5.0)
    _tick(monitor)

    beat = read_heartbeat(monitor.path / "writer.lock")
    assert beat is not None
    assert (beat.pid, beat.beat, beat.env_step, beat.episodes, beat.lost) == (os.getpid(), clock.time(), 77, 1, 0)


def test_after_a_rewind_the_totals_exclude_the_abandoned_branch(open_monitor: OpenMonitor) -> None:
    """If the process is killed right after the rewind, readers find the totals of the checkpoint."""
    monitor = open_monitor()
    for number in range(40):
        monitor.log_episode(number, 1.0, 2, env_step=50 * (number + 1))
    _tick(monitor)
    monitor.rewind(env_step=500)

    beat, overview = read_heartbeat(monitor.path / "writer.lock"), monitor.overview()
    assert beat is not None
    assert (beat.episodes, beat.env_step) == (overview.episodes, overview.env_step) == (10, 500)
    assert monitor.run.header.totals == {"episodes": 10, "updates": 0, "env_step": 500}


def test_a_heartbeat_that_cannot_be_written_is_reported_once(in_a_process: InAProcess) -> None:
    """The failure is not reported again at each tick."""
    said = in_a_process("""
        monitor = TrainingMonitor(folder, session_name="run", settings=quiet, clock=clock)
        tick = monitor._recorder._maintenance.tick
        tick()
        with full_disk():
            for _ in range(5):
                clock.advance(1.0)
                tick()
        clock.advance(1.0)
        tick()
        monitor.close()
        say(messages=[event.message for event in monitor.run.records("events") if event.kind == "recording"])
    """)

    assert len(said[0]["messages"]) <= 2


def test_a_closed_run_is_no_longer_written(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """Another process can have resumed it, so saving has no effect and changes raise."""
    monitor = open_monitor()
    monitor.close()
    (tmp_path / "run" / "run.json").write_text("somebody else's")

    monitor.save_session()
    for change in (
        lambda: monitor.update_configuration({"a": 1}),
        lambda: monitor.rewind(env_step=0),
        monitor.pause,
        monitor.unpause,
        lambda: monitor.log_note("late"),
    ):
        with pytest.raises(ClosedError):
            change()

    assert (tmp_path / "run" / "run.json").read_text() == "somebody else's"
    assert monitor.status == "completed"


def test_a_close_with_failures_still_ends_the_run(
    open_monitor: OpenMonitor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the folder is removed just before, the open segments are restored, the run completed and the lock free."""
    monitor = open_monitor()
    monitor.log_episode(0, 1.0, 2)
    with caplog.at_level(logging.INFO):
        shutil.rmtree(tmp_path / "run" / "episodes")
        monitor.close()

    assert _episodes(monitor) == [0]
    assert monitor.run.header.status == "completed"
    assert open_monitor(resume="must").resumed


# ---------------------------------------------------------------------- failing disks and changed bytes


def _fail_to_force(monkeypatch: pytest.MonkeyPatch, where: str, times: int) -> list[int]:
    """Make `fsync` of files whose path contains `where` fail a number of times. Returns the number left, in a list."""
    left = [times]

    def force(fd: int) -> None:
        if left[0] and where in str(Path(f"/proc/self/fd/{fd}").readlink()):
            left[0] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, force)
    return left


def test_a_full_segment_is_not_sealed_before_it_is_on_the_disk(
    open_monitor: OpenMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealing would remove its lines, although the sealed records could be lost."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0, seal_records=10)
    monitor = open_monitor(settings=settings)
    left = _fail_to_force(monkeypatch, "/episodes/", 1_000)
    for number in range(15):
        monitor.log_episode(number, 1.0, 2)
    _tick(monitor)
    monitor._recorder._maintenance._sealer.finish(30)
    before = [path.name for path in (tmp_path / "run" / "episodes").glob("0*")]
    failures = monitor.failures()
    left[0] = 0
    _tick(monitor)
    monitor.close()

    assert (sorted(before), list(failures)) == (["000001.jsonl", "000002.jsonl"], ["episodes"])
    assert (tmp_path / "run" / "episodes" / "000001.parquet").exists()
    assert (_episodes(monitor), verify(monitor.run).faults) == (list(range(15)), [])


def test_records_dropped_by_the_disk_are_counted_and_reported(
    open_monitor: OpenMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there are more records than the backlog has space for, the oldest are lost, and their number is recorded."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0, backlog_lines=3)
    monitor = open_monitor(settings=settings)
    for number in range(5):
        monitor.log_episode(number, 1.0, 2)
    path = monitor.path / "episodes" / "000001.jsonl"
    _fail_to_force(monkeypatch, "/episodes/", 1)
    path.write_bytes(b"\0" * path.stat().st_size)
    _tick(monitor)
    monitor.close()

    assert monitor.dropped_records().records == monitor.run.header.dropped_records["records"] == 2
    assert "lost 2 records of episodes: " in " ".join(event.message for event in monitor.run.records("events"))


@pytest.mark.parametrize("times", [0, 1])
def test_segments_of_a_killed_writer_are_synced_on_resume(
    open_monitor: OpenMonitor, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """They can be in memory only. A failure is reported until the end, because the dropped records are unknown."""
    killed = open_monitor()
    killed.log_episode(1, 1.0, 2)
    killed._recorder.abandon()
    monitor = open_monitor(resume="must")
    left = _fail_to_force(monkeypatch, "/episodes/000001.jsonl", times)
    monkeypatch.setattr(monitor._recorder._maintenance._sealer, "step", lambda: None)
    _tick(monitor)
    _tick(monitor)

    assert left == [0]
    assert list(monitor._recorder._maintenance._failures) == ["records of previous sessions"] * times


def test_the_final_header_is_written_after_one_failure(
    open_monitor: OpenMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing retries the write of the header once."""
    monitor = open_monitor()
    _tick(monitor)
    _fail_to_force(monkeypatch, "/.run.json", 1)
    monitor.close()

    assert monitor.run.header.status == "completed"


def test_a_changed_digit_in_a_short_run_is_found(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """Its records stay JSON lines, and their checksums are stored next to the header."""
    monitor = open_monitor()
    monitor.log_episode(1, 0.5, 2)
    monitor.close()
    sound = verify(monitor.run).faults
    segment = tmp_path / "run" / "episodes" / "000001.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"0.5", b"0.7"))

    assert sound == []
    assert [fault.code for fault in verify(monitor.run).faults] == [CHANGED]


def test_damaged_lines_are_not_sealed_on_resume(open_monitor: OpenMonitor, tmp_path: Path) -> None:
    """Sealing would give the damaged lines a valid checksum."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0)
    monitor = open_monitor(settings=settings)
    monitor.log_episode(1, 0.5, 2)
    monitor.close()
    segment = tmp_path / "run" / "episodes" / "000001.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"0.5", b"0.7"))
    again = open_monitor(resume="must", settings=settings)
    again.close()

    assert [(fault.code, fault.path) for fault in verify(again.run).faults] == [(CHANGED, segment)]

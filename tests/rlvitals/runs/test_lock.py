"""The writer lock, which allows one writer per run."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.errors import RunLockedError
from rlvitals.runs import lock as lock_module
from rlvitals.runs.header import read_header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, WriterLock, host_name, pid_space, process_started, read_heartbeat
from rlvitals.runs.run import Run
from rlvitals.runs.verification import verify
from rlvitals.testing.manual_clock import ManualClock

_BEAT = Heartbeat(host="h", pid=7, process_started=1.0, beat=2.0, interval=3.0)
_HOLD = """
import sys
from pathlib import Path
from rlvitals.runs.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_can_be_held_only_once(layout: Layout) -> None:
    """This also applies within one process, and the error names the holder."""
    held = WriterLock(layout.lock)
    held.beat(_BEAT)

    with pytest.raises(RunLockedError, match="process 7 on h"):
        WriterLock(layout.lock)
    held.release()
    held.release()
    WriterLock(layout.lock).release()


def test_a_lock_is_released_when_its_holder_dies(layout: Layout) -> None:
    """A killed holder leaves no stale lock."""
    command = [sys.executable, "-c", _HOLD, str(layout.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunLockedError):
            WriterLock(layout.lock)
        holder.kill()

    WriterLock(layout.lock).release()


def test_a_heartbeat_is_read_as_it_was_written(layout: Layout) -> None:
    """A shorter heartbeat replaces a longer one completely."""
    lock = WriterLock(layout.lock)
    lock.beat(Heartbeat(host="h" * 200, pid=7, process_started=1.0, beat=2.0, interval=3.0, env_step=9))
    lock.beat(_BEAT)
    lock.release()

    assert read_heartbeat(layout.lock) == _BEAT


def test_a_lock_whose_file_was_removed_is_lost(layout: Layout) -> None:
    """The lock is also lost if another file has its path."""
    lock = WriterLock(layout.lock)
    assert not lock.is_lost()
    shutil.rmtree(layout.path)
    assert lock.is_lost()
    layout.make()
    layout.lock.touch()
    assert lock.is_lost()
    lock.release()


def test_a_lock_file_with_a_second_hard_link_is_replaced(layout: Layout) -> None:
    """Heartbeats do not overwrite a file outside the run."""
    outside = layout.path.parent / "outside"
    outside.write_bytes(b"mine")
    os.link(outside, layout.lock)
    held = WriterLock(layout.lock)
    held.beat(_BEAT)

    assert outside.read_bytes() == b"mine"
    assert not held.is_lost()
    with pytest.raises(RunLockedError):
        WriterLock(layout.lock)
    held.release()


# ---------------------------------------------------------------------- file systems without locks


@pytest.fixture(params=["ENOSYS", "ENOLCK", "EOPNOTSUPP", "Windows"])
def _no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate the errors of `flock` on Lustre and some NFS, or Windows, which has no `flock`."""
    if request.param == "Windows":
        monkeypatch.setattr(lock_module, "fcntl", None)
        return

    def refused(*_: object) -> None:
        raise OSError(getattr(errno, request.param), request.param)

    monkeypatch.setattr(fcntl, "flock", refused)


without_locks = pytest.mark.usefixtures("_no_locks")


def _beat_of(clock: ManualClock, **changes: object) -> Heartbeat:
    """Return a current heartbeat of this process, with changes."""
    usual = Heartbeat(
        host=host_name(),
        pid=os.getpid(),
        process_started=process_started(os.getpid()) or 0.0,
        beat=clock.time(),
        interval=2.0,
        pid_space=pid_space(),
    )
    return msgspec.structs.replace(usual, **changes)


def _leave(layout: Layout, beat: Heartbeat) -> None:
    layout.lock.write_bytes(msgspec.json.encode(beat).ljust(1023) + b"\n")


def _is_free(layout: Layout, clock: ManualClock) -> bool:
    try:
        WriterLock(layout.lock, clock=clock).release()
    except RunLockedError:
        return False
    return True


def _ended_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@without_locks
def test_without_locks_a_run_can_be_held_only_once(layout: Layout, clock: ManualClock) -> None:
    """The run is locked as soon as it is taken, and free as soon as it is released."""
    held = WriterLock(layout.lock, clock=clock)
    assert not _is_free(layout, clock)
    held.beat(_beat_of(clock))
    clock.advance(10_000.0)  # its process is alive
    assert not _is_free(layout, clock)
    assert not held.is_lost()
    held.release()
    assert _is_free(layout, clock)


@without_locks
def test_without_locks_only_one_of_several_simultaneous_writers_gets_the_run(
    layout: Layout, clock: ManualClock
) -> None:
    """Of eight writers that start at the same time, exactly one holds the lock."""
    start, held = threading.Barrier(8), list[WriterLock]()

    def take() -> None:
        start.wait()
        try:
            held.append(WriterLock(layout.lock, clock=clock))
        except RunLockedError:
            return

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in held:
        each.release()

    assert len(held) == 1


@without_locks
@pytest.mark.parametrize("changes", [{"process_started": 1.0}, {"pid": 0}], ids=["pid reused", "gone"])
def test_without_locks_a_run_of_a_dead_process_is_free_immediately(
    layout: Layout, clock: ManualClock, changes: dict[str, float]
) -> None:
    """On the same machine, the lock is free even if the heartbeat is fresh."""
    _leave(layout, _beat_of(clock, **({"pid": _ended_process()} if "pid" in changes else changes)))

    assert _is_free(layout, clock)


@without_locks
@pytest.mark.parametrize(("interval", "fresh_s"), [(2.0, 60.0), (60.0, 900.0)])
@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"pid_space": "of another container"}], ids=str)
def test_without_locks_a_run_of_another_machine_is_held_while_its_heartbeat_is_fresh(
    layout: Layout, clock: ManualClock, elsewhere: dict[str, str], interval: float, fresh_s: float
) -> None:
    """A heartbeat is fresh for 15 of its intervals, at least for a minute. A container that shares the host name counts
    as another machine."""
    _leave(layout, _beat_of(clock, interval=interval, **elsewhere))
    clock.advance(fresh_s)
    assert not _is_free(layout, clock)
    clock.advance(1.0)
    assert _is_free(layout, clock)


@without_locks
def test_without_locks_a_heartbeat_from_the_future_is_fresh(layout: Layout, clock: ManualClock) -> None:
    """The clock of the other machine can be ahead."""
    _leave(layout, _beat_of(clock, host="elsewhere", beat=clock.time() + 3_600.0))

    assert not _is_free(layout, clock)


@without_locks
@pytest.mark.parametrize(("content", "free"), [(b'{"host": "elsew', False), (b"", True)])
def test_without_locks_a_heartbeat_that_is_being_written_is_fresh(
    layout: Layout, clock: ManualClock, content: bytes, free: bool
) -> None:
    """An incomplete heartbeat in a new file locks the run; an empty file does not."""
    layout.lock.write_bytes(content)
    os.utime(layout.lock, (clock.time(), clock.time()))
    assert _is_free(layout, clock) is free
    clock.advance(61.0)
    assert _is_free(layout, clock)


@without_locks
@pytest.mark.parametrize("status", ["completed", "failed"])
def test_without_locks_a_run_that_has_ended_is_free_immediately(
    layout: Layout, clock: ManualClock, status: str
) -> None:
    """An ended status in the header frees the run even if the last heartbeat is fresh."""
    _leave(layout, _beat_of(clock, host="elsewhere"))
    header = read_header(layout.path)
    header.status = status
    write_header(layout, header)

    assert _is_free(layout, clock)


@without_locks
def test_without_locks_a_stale_claim_is_removed(layout: Layout, clock: ManualClock) -> None:
    """The next writer removes the claim of a process that died before its first heartbeat."""
    claim = layout.lock.with_name(".writer.lock.claim")
    claim.write_bytes(msgspec.json.encode(_beat_of(clock, pid=_ended_process())))

    assert _is_free(layout, clock)
    assert not claim.exists()


@without_locks
def test_without_locks_the_later_of_two_writers_stops(layout: Layout, clock: ManualClock) -> None:
    """The clock of the first writer is behind, so that it seemed dead until its next heartbeat."""
    late = WriterLock(layout.lock, clock=clock)
    late.beat(_beat_of(clock))
    first = _beat_of(clock, host="elsewhere", holder="first", held_since=clock.time() - 3_600.0)
    _leave(layout, first)
    late.beat(_beat_of(clock))

    assert late.is_lost()
    assert read_heartbeat(layout.lock) == first
    late.release()


@without_locks
def test_without_locks_the_first_of_two_writers_continues(layout: Layout, clock: ManualClock) -> None:
    """The first writer overwrites the heartbeat of the later one."""
    first = WriterLock(layout.lock, clock=clock)
    first.beat(_beat_of(clock))
    _leave(layout, _beat_of(clock, host="elsewhere", holder="late", held_since=clock.time() + 1.0))
    first.beat(_beat_of(clock, records=7))

    assert not first.is_lost()
    assert (read_heartbeat(layout.lock) or _BEAT).records == 7
    first.release()


@without_locks
def test_without_locks_a_live_run_is_not_repaired_or_resumed(tmp_path: Path, clock: ManualClock) -> None:
    """Both are possible after the run has ended."""
    with TrainingMonitor(tmp_path, session_name="run", clock=clock) as live:
        live.log_episode(0, 1.0, 2)
        assert verify(Run(live.path), mending=True).live
        with pytest.raises(RunLockedError, match=f"process {os.getpid()} on "):
            TrainingMonitor(tmp_path, session_name="run", resume="must", clock=clock)

    known = read_heartbeat(live.path / "writer.lock")
    assert not verify(Run(live.path), mending=True).live
    assert read_heartbeat(live.path / "writer.lock") == known  # the repair keeps the counts of the writer
    TrainingMonitor(tmp_path, session_name="run", resume="must", clock=clock).close()


@without_locks
def test_without_locks_a_later_training_logs_that_it_stops_writing(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The message is logged once, and the header of the first training is unchanged."""
    quiet = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0)
    late = TrainingMonitor(tmp_path, session_name="run", clock=clock, settings=quiet)
    first = _beat_of(clock, host="elsewhere", holder="first", held_since=clock.time() - 3_600.0)
    _leave(Layout(late.path), first)
    before = (late.path / "run.json").read_bytes()
    for _ in range(3):
        late._recorder.flush()
    late.close()

    said = [record.message for record in caplog.records if "another process now writes to" in record.message]
    assert len(said) == 1
    assert read_heartbeat(late.path / "writer.lock") == first
    assert (late.path / "run.json").read_bytes() == before


@without_locks
def test_an_empty_new_claim_is_not_removed(layout: Layout, clock: ManualClock) -> None:
    """Its writer has created the file and is about to write to it."""
    claim = layout.lock.with_name(f".{layout.lock.name}.claim")
    claim.touch()
    os.utime(claim, (clock.time(), clock.time()))

    with pytest.raises(RunLockedError):
        WriterLock(layout.lock, clock=clock)
    assert claim.exists()

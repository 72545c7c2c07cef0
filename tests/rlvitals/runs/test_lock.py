"""One writer a run."""

import shutil
import subprocess
import sys

import pytest

from rlvitals.errors import RunLockedError
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, WriterLock, read_heartbeat

_BEAT = Heartbeat(host="h", pid=7, process_started=1.0, beat=2.0, interval=3.0)
_HOLD = """
import sys
from pathlib import Path
from rlvitals.runs.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_once(layout: Layout) -> None:
    """Within one process too; who holds it is said."""
    held = WriterLock(layout.lock)
    held.beat(_BEAT)

    with pytest.raises(RunLockedError, match="process 7 on h"):
        WriterLock(layout.lock)
    held.release()
    held.release()
    WriterLock(layout.lock).release()


def test_a_lock_goes_with_its_holder(layout: Layout) -> None:
    """However it dies, there is nothing to clean up."""
    command = [sys.executable, "-c", _HOLD, str(layout.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunLockedError):
            WriterLock(layout.lock)
        holder.kill()

    WriterLock(layout.lock).release()


def test_a_heartbeat_is_read_as_it_was_given(layout: Layout) -> None:
    """A shorter one leaves nothing of a longer one."""
    lock = WriterLock(layout.lock)
    lock.beat(Heartbeat(host="h" * 200, pid=7, process_started=1.0, beat=2.0, interval=3.0, env_step=9))
    lock.beat(_BEAT)
    lock.release()

    assert read_heartbeat(layout.lock) == _BEAT


def test_a_lock_whose_file_was_removed_is_lost(layout: Layout) -> None:
    """Also if another one has taken its place."""
    lock = WriterLock(layout.lock)
    assert not lock.is_lost()
    shutil.rmtree(layout.path)
    assert lock.is_lost()
    layout.make()
    layout.lock.touch()
    assert lock.is_lost()
    lock.release()

"""`writer.lock`: one writer a run, and a sign of life that other machines can read.

The lock is the kernel's (`flock`), and so goes when its holder dies, however it dies: there is nothing to clean up.
The file's content is the heartbeat, which is overwritten in place, and so beats on a full disk too.
"""

import contextlib
import os
import socket
from pathlib import Path

import msgspec
import psutil

from rlvitals.errors import RunLockedError

try:
    import fcntl
except ImportError:  # Windows: the heartbeat alone tells
    fcntl = None  # type: ignore[assignment]

_SIZE = 1024


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last sign of life of a writer. Times are UTC, seconds since 1970."""

    host: str
    pid: int
    process_started: float
    beat: float
    interval: float
    last_record: float | None = None
    env_step: int | None = None
    episodes: int | None = None
    records: int = 0
    lost: int = 0


class WriterLock:
    """Held by the one process that may write to a run.

    Args:
        path: The lock's file; it is made if it is missing.

    Raises:
        RunLockedError: Another process holds it.
        OSError: The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            holder = read_heartbeat(path)
            by = f"process {holder.pid} on {holder.host}" if holder else "another process"
            raise RunLockedError(
                f"{path.parent} is being written by {by}: wait for its end, or start a new run"
            ) from None
        except OSError:
            pass  # a file system without locks: the heartbeat alone tells

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write a sign of life.

        Raises:
            OSError: It could not be written.
        """
        os.pwrite(self._fd, msgspec.json.encode(heartbeat).ljust(_SIZE - 1) + b"\n", 0)

    def is_lost(self) -> bool:
        """Whether the file has gone from its place: somebody removed the folder."""
        try:
            here, there = os.fstat(self._fd), self.path.stat()
        except OSError:
            return True
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Let go. May be called again."""
        # Closing is enough; unlocking would take the lock from the parent of a fork.
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Read a writer's last sign of life; `None` if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Heartbeat)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def host_name() -> str:
    """This machine, as heartbeats name it."""
    return socket.gethostname()


def process_started(pid: int) -> float | None:
    """When a process of this machine was started (UTC, seconds); `None` if there is no such process."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None

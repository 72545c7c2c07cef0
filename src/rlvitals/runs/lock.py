"""The writer lock `writer.lock`: allows one writer per run, and contains a heartbeat that other machines can read.

The lock is a kernel lock (`flock`). The kernel releases it when its holder dies, so there are no stale locks to clean
up. The content of the file is the heartbeat. It is overwritten without changing the file size, so that heartbeats also
work on a full disk.

On systems without kernel locks (Windows, Lustre without `-o flock`, some NFS), the heartbeat is the lock. A run is
locked while the process of its writer is alive. On another machine it is locked while the last heartbeat is fresh. If
two writers start at the same time, a claim file that only one process can create decides between them. Two writers can
still pass these checks if the clocks of their machines differ by more than a minute. They detect each other at the next
heartbeat, and the later writer stops.
"""

import contextlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path

import msgspec
import psutil

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunLockedError
from rlvitals.files.regular_files import open_regular, read_regular, unshare
from rlvitals.runs.header import PAUSED, RUNNING, read_header

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SIZE = 1024
_MOST_BYTES = 64 * _SIZE
_SILENT_BEATS = 15
"""Number of heartbeats that a live writer can miss, because a thread holds the interpreter or a disk hangs."""
_SILENT_S = 60.0
_SAME_PROCESS_S = 2.0
_TRIES = 5
_USUAL_INTERVAL_S = 2.0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Last heartbeat of a writer. Times are UTC, in seconds since 1970.

    Attributes:
        host: Host name of the machine.
        pid: Process ID.
        process_started: Start time of the process; process IDs are reused.
        beat: Time of the heartbeat.
        interval: Time between two heartbeats, in seconds.
        last_record: Time of the last record.
        env_step: Highest environment step.
        episodes: Number of episodes recorded until now.
        records: Number of records that this session wrote.
        lost: Number of records that this session dropped.
        pid_space: Namespace of `pid`. Containers can share a host name and number their processes separately.
        holder: Random name of the lock holder, if the file system has no locks.
        held_since: Time at which the holder took the lock.
        released: Whether the holder released the lock.
    """

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
    pid_space: str = ""
    holder: str = ""
    held_since: float = 0.0
    released: bool = False


class WriterLock:
    """Lock that allows one process to write to a run.

    Args:
        path: Lock file. It is created if it is missing.
        clock: Clock for the age of heartbeats.

    Raises:
        RunLockedError: Another process holds the lock.
        IrregularFileError: The path is a link or a special file.
        OSError: The file cannot be created.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self._clock = clock
        self._claim: _Claim | None = None
        self._fd = self._opened()

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write a heartbeat. Nothing is written if another writer has taken the lock.

        Raises:
            OSError: The heartbeat could not be written.
        """
        if self._claim is not None:
            if self._claim.is_overruled(read_heartbeat(self.path)):
                return
            heartbeat = self._claim.signed(heartbeat)
        _write(self._fd, msgspec.json.encode(heartbeat).ljust(_SIZE - 1) + b"\n")
        if self._claim is not None:
            self._claim.drop()

    def is_lost(self) -> bool:
        """Return whether this writer has lost the lock.

        The lock is lost if the lock file was removed or replaced. On a file system without locks, it is also lost if a
        writer that took the lock earlier is alive.
        """
        try:
            here, there = os.fstat(self._fd), self.path.lstat()
        except OSError:
            return True
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            return True
        return self._claim is not None and self._claim.is_overruled(read_heartbeat(self.path))

    def release(self) -> None:
        """Release the lock. Further calls have no effect."""
        # Closing is enough. Unlocking would release the lock of the parent of a fork.
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        with contextlib.suppress(OSError):
            if self._claim is not None and self._claim.is_ours():
                last = read_heartbeat(self.path)
                if last is not None and last.holder == self._claim.holder:
                    _write(fd, msgspec.json.encode(msgspec.structs.replace(last, released=True)).ljust(_SIZE))
                self._claim.drop()
        with contextlib.suppress(OSError):
            os.close(fd)

    def _opened(self) -> int:
        """Open the lock file and take the lock. Retry if the file is replaced meanwhile."""
        try:
            while True:
                fd = open_regular(self.path, os.O_RDWR | os.O_CREAT)
                try:
                    if not self._locked(fd) and self._claim is None:
                        self._claim = _Claim(self.path, self._clock)
                    if self._is_in_place(fd):
                        return fd
                except BaseException:
                    os.close(fd)
                    raise
                os.close(fd)
        except BaseException:
            if self._claim is not None:
                self._claim.drop()
            raise

    def _is_in_place(self, fd: int) -> bool:
        """Return whether an open file is the one at the path, without another hard link outside the run."""
        try:
            here, there = os.fstat(fd), self.path.lstat()
            if here.st_nlink > 1:
                unshare(self.path)
                return False
        except FileNotFoundError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def _locked(self, fd: int) -> bool:
        """Lock the open file. Return false if the file system has no locks."""
        if fcntl is not None:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _locked_by(self.path, read_heartbeat(self.path)) from None
            except OSError:
                return False
        return fcntl is not None


class _Claim:
    """Claim on a run, if the file system has no locks.

    The claim file exists until the first heartbeat. It is created with `O_EXCL`, which succeeds for one process only.

    Args:
        path: Lock file.
        clock: Clock for the age of heartbeats.

    Raises:
        RunLockedError: Another writer holds the lock.
        OSError: The claim file cannot be created.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        now = clock.time()
        self.holder = secrets.token_hex(8)
        self._lock = path
        self._file = path.with_name(f".{path.name}.claim")
        self._owner = os.getpid()
        self._dropped = False
        self._since = now
        self._take(now)
        try:
            self._refuse_live(now)
        except BaseException:
            self.drop()
            raise

    def signed(self, heartbeat: Heartbeat) -> Heartbeat:
        """Return a heartbeat with the name of the holder."""
        return msgspec.structs.replace(heartbeat, holder=self.holder, held_since=self._since)

    def is_overruled(self, found: Heartbeat | None) -> bool:
        """Return whether the heartbeat belongs to another writer that took the lock earlier and has not released it."""
        if found is None or found.released or found.holder in {"", self.holder}:
            return False
        return self._dropped and (found.held_since, found.holder) < (self._since, self.holder)

    def is_ours(self) -> bool:
        """Return whether this process created the claim. The child of a fork did not."""
        return self._owner == os.getpid()

    def drop(self) -> None:
        """Remove the claim file. From now on, the heartbeat is the lock."""
        if not self._dropped:
            self._dropped = True
            with contextlib.suppress(OSError):
                self._file.unlink()

    def _take(self, now: float) -> None:
        started = process_started(os.getpid()) or now
        content = msgspec.json.encode(
            self.signed(
                Heartbeat(
                    host=host_name(),
                    pid=os.getpid(),
                    process_started=started,
                    beat=now,
                    interval=_USUAL_INTERVAL_S,
                    pid_space=pid_space(),
                )
            )
        )
        for _ in range(_TRIES):
            try:
                fd = open_regular(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                self._remove_stale(now)
                continue
            try:
                os.write(fd, content)
            finally:
                os.close(fd)
            return
        raise _locked_by(self._lock, None)

    def _remove_stale(self, now: float) -> None:
        """Remove the claim of a process that died before its first heartbeat.

        Raises:
            RunLockedError: That process might be alive.
        """
        found = read_heartbeat(self._file)
        if (found is None and _is_fresh_file(self._file, now)) or (found is not None and is_held(found, now)):
            raise _locked_by(self._lock, found)
        # Renaming succeeds for one process only, so that two processes do not both remove a stale claim.
        aside = self._file.with_name(f"{self._file.name}.{self.holder}")
        with contextlib.suppress(FileNotFoundError):
            self._file.rename(aside)
            if read_heartbeat(aside) != found:  # another process removed the stale claim and created this one
                with contextlib.suppress(FileExistsError):
                    os.link(aside, self._file)
                aside.unlink()
                raise _locked_by(self._lock, None)
            aside.unlink()

    def _refuse_live(self, now: float) -> None:
        found = _settled_heartbeat(self._lock)
        if found is None:
            # The heartbeat is being written, or is damaged. A new lock file is empty.
            if _is_fresh_file(self._lock, now) and self._lock.lstat().st_size:
                raise _locked_by(self._lock, None)
        elif is_held(found, now) and not _has_ended(self._lock.parent):
            raise _locked_by(self._lock, found)


def is_silent(beat: Heartbeat, now: float) -> bool:
    """Return whether a heartbeat is stale. A writer on another machine with a stale heartbeat counts as dead.

    Args:
        beat: Last heartbeat of the writer.
        now: Current time (UTC, seconds since 1970). A heartbeat from the future is fresh, because clocks differ.
    """
    return now - beat.beat > max(_SILENT_S, _SILENT_BEATS * beat.interval)


def is_process_alive(beat: Heartbeat) -> bool | None:
    """Return whether the process of a writer is alive; `None` if it runs on another machine or in another container."""
    if beat.host != host_name() or (beat.pid_space and beat.pid_space != pid_space()):
        return None
    started = process_started(beat.pid)
    return started is not None and abs(started - beat.process_started) <= _SAME_PROCESS_S


def is_held(beat: Heartbeat, now: float) -> bool:
    """Return whether a writer still holds the lock: its process is alive, or runs elsewhere with a fresh heartbeat."""
    if beat.released:
        return False
    alive = is_process_alive(beat)
    return not is_silent(beat, now) if alive is None else alive


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Read the last heartbeat of a writer; `None` if there is none or it cannot be read."""
    try:
        return msgspec.json.decode(read_regular(path, _MOST_BYTES), type=Heartbeat)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def host_name() -> str:
    """Return the host name of this machine, as written in heartbeats."""
    return socket.gethostname()


def process_started(pid: int) -> float | None:
    """Return the start time of a process on this machine (UTC, seconds since 1970); `None` if it does not exist."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


@cache
def pid_space() -> str:
    """Return a name for the process-ID namespace of this process: the boot and the container (Linux).

    The name is empty if the system does not provide this information.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - the link has no target path
    except (OSError, UnicodeDecodeError):
        return ""


def _write(fd: int, content: bytes) -> None:
    """Overwrite a file from its start."""
    if hasattr(os, "pwrite"):
        os.pwrite(fd, content, 0)
    else:  # Windows
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, content)


def _settled_heartbeat(path: Path) -> Heartbeat | None:
    """Read a heartbeat. Retry if it is being rewritten."""
    found = (read_heartbeat(path) for _ in range(_TRIES))
    return next((beat for beat in found if beat is not None), None)


def _is_fresh_file(path: Path, now: float) -> bool:
    """Return whether a file was written recently. It can be empty, if its writer has not written the heartbeat yet."""
    try:
        return now - path.lstat().st_mtime <= _SILENT_S
    except OSError:
        return False


def _has_ended(run: Path) -> bool:
    """Return whether the run has ended according to its header."""
    try:
        return read_header(run).status not in {RUNNING, PAUSED}
    except RunError:
        return False


def _locked_by(lock: Path, beat: Heartbeat | None) -> RunLockedError:
    by = f"process {beat.pid} on {beat.host}" if beat else "another process"
    return RunLockedError(f"{lock.parent} is being written by {by}. Wait until it ends, or start a new run.")

"""`writer.lock`: one writer a run, and a sign of life that other machines can read.

The lock is the kernel's (`flock`), which releases it when its holder dies, however it dies: there is nothing to clean
up. The file's content is the heartbeat, which is overwritten in place, and so beats on a full disk too.

Where there is no such lock (Windows, Lustre without `-o flock`, some NFS), the heartbeat is the lock. A run is held
while its writer's process lives; on another machine, while its last heartbeat is fresh. A claim file, which only one
process can create, decides between writers that start at the same moment. Two writers that got past all that (the
clocks of two machines differ by more than a minute) find each other at the next heartbeat, and the later one stops.
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
"""Heartbeats that may be missed: the trainer's thread may hold the interpreter for long, a disk may hang."""
_SILENT_S = 60.0
_SAME_PROCESS_S = 2.0
_TRIES = 5
_USUAL_INTERVAL_S = 2.0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last sign of life of a writer. Times are UTC, seconds since 1970.

    Attributes:
        host: Machine.
        pid: Process.
        process_started: When the process was started, as process numbers are used again.
        beat: When this was written.
        interval: Seconds between two heartbeats.
        last_record: Time of the last record.
        env_step: Furthest environment step.
        episodes: Episodes so far.
        records: Records that this session wrote.
        lost: Records that this session dropped.
        pid_space: Which processes `pid` is one of: containers may share a host name and number processes separately.
        holder: Random name of the lock's holder, where the file system has no locks.
        held_since: When that holder took the run.
        released: Whether that holder released it.
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
    """Held by the one process that may write to a run.

    Args:
        path: The lock's file; it is made if it is missing.
        clock: Tells how old a heartbeat is.

    Raises:
        RunLockedError: Another process holds it.
        IrregularFileError: A link or a special file stands in its place.
        OSError: The file cannot be made.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self._clock = clock
        self._claim: _Claim | None = None
        self._fd = self._opened()

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write a sign of life; nothing if the run has become another writer's.

        Raises:
            OSError: It could not be written.
        """
        if self._claim is not None:
            if self._claim.is_overruled(read_heartbeat(self.path)):
                return
            heartbeat = self._claim.signed(heartbeat)
        _write(self._fd, msgspec.json.encode(heartbeat).ljust(_SIZE - 1) + b"\n")
        if self._claim is not None:
            self._claim.drop()

    def is_lost(self) -> bool:
        """Whether the run is no longer this writer's.

        The file has gone from its place, because somebody removed the folder; or, where the file system has no locks,
        an earlier writer lives.
        """
        try:
            here, there = os.fstat(self._fd), self.path.lstat()
        except OSError:
            return True
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            return True
        return self._claim is not None and self._claim.is_overruled(read_heartbeat(self.path))

    def release(self) -> None:
        """Let go. May be called again."""
        # Closing is enough; unlocking would take the lock from the parent of a fork.
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
        """Open the file that is at the path, and take the lock; again if the file is replaced meanwhile."""
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
        """Whether an open file is the one at the path, and has no other name: a hard link may lead out of the run."""
        try:
            here, there = os.fstat(fd), self.path.lstat()
            if here.st_nlink > 1:
                unshare(self.path)
                return False
        except FileNotFoundError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def _locked(self, fd: int) -> bool:
        """Lock the open file; false if the file system has no locks."""
        if fcntl is not None:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _locked_by(self.path, read_heartbeat(self.path)) from None
            except OSError:
                return False
        return fcntl is not None


class _Claim:
    """The hold on a run where the file system has no locks.

    The claim file exists from here to the first heartbeat. It is created by `O_EXCL`, which only one process can.

    Args:
        path: The lock's file.
        clock: Tells how old a heartbeat is.

    Raises:
        RunLockedError: Another writer holds the run.
        OSError: The claim file cannot be made.
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
        """A heartbeat with the holder's name."""
        return msgspec.structs.replace(heartbeat, holder=self.holder, held_since=self._since)

    def is_overruled(self, found: Heartbeat | None) -> bool:
        """Whether the heartbeat in the file is of another writer that took the run earlier, and has not ended."""
        if found is None or found.released or found.holder in {"", self.holder}:
            return False
        return self._dropped and (found.held_since, found.holder) < (self._since, self.holder)

    def is_ours(self) -> bool:
        """Whether this process made the claim; the child of a fork did not."""
        return self._owner == os.getpid()

    def drop(self) -> None:
        """Remove the claim file; what is in the heartbeat counts from now on."""
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
            RunLockedError: That process may be alive.
        """
        found = read_heartbeat(self._file)
        if (found is None and _is_fresh_file(self._file, now)) or (found is not None and is_held(found, now)):
            raise _locked_by(self._lock, found)
        # Renaming succeeds for one process only, so two that find a stale claim do not both remove one.
        aside = self._file.with_name(f"{self._file.name}.{self.holder}")
        with contextlib.suppress(FileNotFoundError):
            self._file.rename(aside)
            if read_heartbeat(aside) != found:  # another process removed the stale one and made this one
                with contextlib.suppress(FileExistsError):
                    os.link(aside, self._file)
                aside.unlink()
                raise _locked_by(self._lock, None)
            aside.unlink()

    def _refuse_live(self, now: float) -> None:
        found = _settled_heartbeat(self._lock)
        if found is None:
            # A heartbeat that is being written, or is damaged. A new lock is empty.
            if _is_fresh_file(self._lock, now) and self._lock.lstat().st_size:
                raise _locked_by(self._lock, None)
        elif is_held(found, now) and not _has_ended(self._lock.parent):
            raise _locked_by(self._lock, found)


def is_silent(beat: Heartbeat, now: float) -> bool:
    """Whether a writer has missed so many heartbeats that one on another machine counts as dead.

    Args:
        beat: Its last heartbeat.
        now: Time (UTC, seconds since 1970). A heartbeat from the future is fresh: clocks differ.
    """
    return now - beat.beat > max(_SILENT_S, _SILENT_BEATS * beat.interval)


def is_process_alive(beat: Heartbeat) -> bool | None:
    """Whether a writer's process lives; `None` if it runs elsewhere, and cannot be seen from here."""
    if beat.host != host_name() or (beat.pid_space and beat.pid_space != pid_space()):
        return None
    started = process_started(beat.pid)
    return started is not None and abs(started - beat.process_started) <= _SAME_PROCESS_S


def is_held(beat: Heartbeat, now: float) -> bool:
    """Whether the writer of a heartbeat may still write: its process lives, or is elsewhere and not silent."""
    if beat.released:
        return False
    alive = is_process_alive(beat)
    return not is_silent(beat, now) if alive is None else alive


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Read a writer's last sign of life; `None` if there is none."""
    try:
        return msgspec.json.decode(read_regular(path, _MOST_BYTES), type=Heartbeat)
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


@cache
def pid_space() -> str:
    """Name the processes that share process numbers with this one: those of one boot and one container (Linux).

    Empty where the system does not say.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - a link that leads to no path
    except (OSError, UnicodeDecodeError):
        return ""


def _write(fd: int, content: bytes) -> None:
    """Overwrite a file from its beginning."""
    if hasattr(os, "pwrite"):
        os.pwrite(fd, content, 0)
    else:  # Windows
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, content)


def _settled_heartbeat(path: Path) -> Heartbeat | None:
    """Read a heartbeat, again if it is being rewritten."""
    found = (read_heartbeat(path) for _ in range(_TRIES))
    return next((beat for beat in found if beat is not None), None)


def _is_fresh_file(path: Path, now: float) -> bool:
    """Whether a file was written a moment ago; one that is still empty, too, as its writer may come to it yet."""
    try:
        return now - path.lstat().st_mtime <= _SILENT_S
    except OSError:
        return False


def _has_ended(run: Path) -> bool:
    """Whether the header says that the run has ended."""
    try:
        return read_header(run).status not in {RUNNING, PAUSED}
    except RunError:
        return False


def _locked_by(lock: Path, beat: Heartbeat | None) -> RunLockedError:
    by = f"process {beat.pid} on {beat.host}" if beat else "another process"
    return RunLockedError(f"{lock.parent} is being written by {by}: wait for its end, or start a new run")

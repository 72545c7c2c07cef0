"""What a recorder does beside recording: heartbeat, fsync, sealing, recovery, and reporting each failure once."""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from rlvitals.clock import Clock
from rlvitals.errors import RunError, RunLockedError
from rlvitals.files.regular_files import read_regular
from rlvitals.formatting import dropped_text
from rlvitals.recording.budget import Budget
from rlvitals.recording.reproduction import slow_facts
from rlvitals.recording.sealer import Sealer
from rlvitals.recording.session import Session
from rlvitals.recording.window import LiveWindow
from rlvitals.runs.checksum import is_changed, read_sums, write_sums
from rlvitals.runs.durability import force_file, force_folder
from rlvitals.runs.header import read_header, write_header
from rlvitals.runs.journal import Journal
from rlvitals.runs.journal_observer import JournalObserver
from rlvitals.runs.layout import Layout, segments_in
from rlvitals.runs.lock import Heartbeat, WriterLock, host_name, pid_space, process_started
from rlvitals.sinks import Background

T = TypeVar("T")
_BEFORE = "what was recorded before"
Say = Callable[[str, str], None]
"""Takes a severity and a message."""


class Maintenance(JournalObserver):
    """Looks after a run that is being written; `tick` is called about once a second by one thread.

    Args:
        session: The run.
        window: Says how far the training is.
        heartbeat_s: Seconds between two signs of life, which readers are told.
        clock: Tells the time.
        say: Logs and records a message about the recording itself.
        tally: Says what is lost so far, for the header.
    """

    def __init__(
        self,
        session: Session,
        window: LiveWindow,
        *,
        heartbeat_s: float,
        clock: Clock,
        say: Say,
        tally: Callable[[], dict[str, int]],
    ) -> None:
        self._session = session
        self._window = window
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._say = say
        self._tally = tally
        self._journals: Mapping[str, Journal] = {}
        self._sinks: tuple[Background, ...] = ()
        self._sealer = Sealer()
        self._full: deque[Path] = deque()
        # Segments of earlier writers, which may have been killed before these were on the disk.
        self._left: list[Path] = []
        # A failure is noticed under a lock of a journal; it is reported later, without one.
        self._notices: deque[tuple[str, str]] = deque()
        self._failures: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self._restored: deque[Path] = deque()
        self._dropping: set[str] = set()
        self._displaced = False
        self._described = False
        # Two locks. A tick waits for journals, whose locks a signal handler may hold that saves or closes: so saving
        # must not wait for a tick, and what is told, which is recorded too, is told outside of both.
        self._turn = threading.RLock()
        self._saving = threading.RLock()
        self._saves = 0
        self._owed = False
        self._closed = False
        self._process_started = process_started(os.getpid()) or clock.time()

    def look_after(self, journals: Mapping[str, Journal], sinks: tuple[Background, ...]) -> None:
        """Take the journals and sinks, and seal what an earlier writer left."""
        self._journals, self._sinks = journals, sinks
        sums = read_sums(self._session.layout)
        for stream, journal in journals.items():
            journal.on_rotated = self._full.append
            left = [s.path for s in segments_in(journal.folder) if not s.sealed and s.path != journal.path]
            self._left += left
            self._full += [path for path in left if path not in sums or not self._is_damaged(path, sums)]
            if journal.torn_bytes:
                self._notices.append(
                    ("warning", f"{journal.torn_bytes} bytes of a torn record were cut off {stream}, and kept aside")
                )

    def _is_damaged(self, path: Path, sums: Mapping[Path, str]) -> bool:
        """Whether lines of an earlier writer have changed since; sealing them would hide it."""
        try:
            if not is_changed(path, read_regular(path), sums):
                return False
        except OSError:  # whoever seals it will say so
            return False
        self._notices.append(("warning", f"{path} has changed since it was written, and stays lines: run verify"))
        return True

    def began(self, path: Path, error: OSError) -> None:
        """Note that a stream cannot be written."""
        self._begin_failure(
            path.parent.name, error, "{what} cannot be written ({why}): records wait in memory, and training goes on"
        )

    def ended(self, path: Path, lost: int) -> None:
        """Note that a stream is written again."""
        self._end_failure(path.parent.name, lost)

    def restored(self, path: Path) -> None:
        """Note that a removed file is in its place again."""
        self._restored.append(path)

    def unsafe(self, path: Path, error: OSError) -> None:
        """Note that a stream cannot be forced to the disk."""
        message = "{what} may not be on the disk ({why}): a power cut may cost some"
        self._begin_failure(f"records of {path.parent.name}", error, message)

    def safe(self, path: Path) -> None:
        """Note that a stream can be forced to the disk again."""
        self._end_failure(f"records of {path.parent.name}", 0)

    def dropped(self, path: Path, lines: int) -> None:
        """Note that the system dropped records after the disk had not taken them."""
        message = (
            f"{lines} records of {path.parent.name} are lost: the disk did not take them, and the system dropped them"
        )
        self._notices.append(("warning", message))

    def sink_changed(self, sink: str, what: str) -> None:
        """Note that a sink began to fail, or works again."""
        self._notices.append(("warning", f"sink {sink} {what}"))

    def tick(self, *, wait: bool = True) -> None:
        """Do all that is due.

        Args:
            wait: Whether to wait for somebody who does it already. The thread that looks after the run must not: who is
                at it, or saves, may have been interrupted by a signal handler that closes the run, and so waits for
                that thread.
        """
        if not self._turn.acquire(blocking=wait):
            return
        try:
            self._do_due()
        finally:
            self._turn.release()
        self._tell()
        self._describe()

    def _do_due(self) -> None:
        if self._closed:
            return
        ours = self._hold_place()
        for journal in self._journals.values():
            journal.recover(rescuing=ours)
            journal.sync()
        self._force_left()
        if self._owed or "header" in self._failures:
            self._save_soon()
        self._notice_drops()
        self.beat()
        self._sealer.add(self._sealable())
        self._sealer.step()

    def _force_left(self) -> None:
        """Force to the disk what earlier writers left.

        A failure is told until the run is closed: nobody knows any more what the system may have dropped.
        """
        for path in self._left:
            try:
                force_file(path)
                force_folder(path.parent)
            except FileNotFoundError:  # it has been sealed
                pass
            except OSError as error:
                self._begin_failure(_BEFORE, error, "{what} is not safe ({why}): records may be lost; run verify")
        self._left = []

    def _sealable(self) -> list[Path]:
        """Take the full segments that are on the disk; the others wait, as sealing would remove their lines."""
        full = _taken(self._full)
        waiting = [path for path in full if self._journals[path.parent.name].is_unsafe(path)]
        self._full += waiting
        return [path for path in full if path not in waiting]

    def beat(self) -> None:
        """Give a sign of life."""
        if self._closed:
            return
        journals = self._journals.values()
        heartbeat = Heartbeat(
            host=host_name(),
            pid=os.getpid(),
            pid_space=pid_space(),
            process_started=self._process_started,
            beat=self._clock.time(),
            interval=self._heartbeat_s,
            last_record=self._window.last_time,
            env_step=self._window.env_step,
            episodes=self._window.episodes,
            records=sum(journal.appended for journal in journals),
            lost=sum(journal.lost for journal in journals),
        )
        try:
            self._session.lock.beat(heartbeat)
        except OSError as error:
            self._begin_failure("the sign of life", error, "{what} cannot be given ({why})")
        else:
            self._end_failure("the sign of life", 0)

    def save(self) -> None:
        """Write the header; if that fails, say so once, go on, and try again at each tick."""
        with self._saving:
            self._owed = False
            if self._session.lock.is_lost():  # the next tick makes the folder again, or finds another run there
                return
            header = self._session.header
            header.dropped_records = self._tally()
            header.totals = {"episodes": self._window.episodes, "updates": self._window.updates}
            if self._window.env_step is not None:
                header.totals["env_step"] = self._window.env_step
            self._saves += 1
            this = self._saves
            try:
                # A signal handler in the middle of this may save something newer, which must not be replaced.
                write_header(self._session.layout, header, outdated=lambda: self._saves != this)
            except OSError as error:
                self._begin_failure("header", error, "the {what} cannot be written ({why}); it is tried again")
            else:
                self._end_failure("header", 0)

    def _save_soon(self) -> None:
        """Write the header now, or at the next tick if somebody is at it."""
        if not self._saving.acquire(blocking=False):
            self._owed = True
            return
        try:
            self.save()
        finally:
            self._saving.release()

    def close(self, worth_sealing: int, budget: Budget) -> None:
        """Write what is left, seal what is worth it, and let go of the run. Where it is interrupted, call it again."""
        interrupted = True
        try:
            self._notice_drops()
            self._tell()
            ours = self._hold_place()
            for journal in self._journals.values():
                journal.close(rescuing=ours)
            self._tell()
            if ours:
                self._describe()
                worth = [journal.path for journal in self._journals.values() if journal.records >= worth_sealing]
                self._full += [path for path in worth if path.exists()]
                sealing = self._sealable()
                with contextlib.suppress(OSError):  # a full disk: `verify` then knows less
                    write_sums(self._session.layout, but=frozenset(sealing))
                self.save()
                self._sealer.add(sealing)
                self._sealer.finish(budget.left())
                if "header" in self._failures:  # the last chance to say how the run ended
                    self.save()
                self.beat()
            interrupted = False
        except Exception:
            interrupted = False
            raise
        finally:
            if not interrupted:
                self._closed = True  # a tick that was under way must not take the lock again
                self._session.lock.release()

    def abandon(self) -> None:
        """Let go without writing: for the child of a fork."""
        self._turn, self._saving = threading.RLock(), threading.RLock()
        self._sealer.forget()
        self._session.lock.release()

    def _describe(self) -> None:
        """Add to the header what took too long to find out when the run began."""
        if not self._described and not self._closed:
            self._described = True
            self._session.header.reproduction |= slow_facts()
            self._save_soon()

    def _hold_place(self) -> bool:
        """Whether the run's folder is ours; if somebody removed it, it is made again with its lock and its header.

        The journals put their files back themselves.
        """
        if self._closed or not self._session.lock.is_lost():
            return True
        layout = self._session.layout
        if self._is_anothers(layout):
            return self._give_way(f"{layout.path} was removed, and another run is there now")
        try:
            layout.make()
            lock = WriterLock(layout.lock, clock=self._clock)
        except RunLockedError:
            return self._give_way(f"another process writes to {layout.path} now")
        except OSError:  # the journals tell
            return False
        old, self._session = self._session.lock, self._session._replace(lock=lock)
        old.release()
        self._displaced = False
        self._restored.append(layout.path)
        self._save_soon()
        return True

    def _give_way(self, why: str) -> Literal[False]:
        """Leave the folder to the writer that is there now, and say so once."""
        if not self._displaced:
            self._displaced = True
            self._notices.append(("critical", f"{why}: what is logged here goes nowhere"))
        return False

    def _is_anothers(self, layout: Layout) -> bool:
        try:
            return read_header(layout.path).started != self._session.header.started
        except RunError:  # there is none, or it is damaged
            return False

    def _begin_failure(self, what: str, error: OSError, message: str) -> None:
        """Note a failure. One with the same reason as another is part of it, and not reported again."""
        if what in self._failures:
            return
        why = error.strerror or str(error)
        if why not in list(self._failures.values()):
            shown = self._session.layout.path / what if what in self._journals else what
            self._notices.append(("warning", message.format(what=shown, why=why)))
        self._failures[what] = why

    def _end_failure(self, what: str, lost: int) -> None:
        """Note the end of a failure; reported when all with the same reason have ended."""
        why = self._failures.pop(what, None)
        if why is None:
            return
        self._lost[why] = self._lost.get(why, 0) + lost
        if why not in list(self._failures.values()):
            all_lost = self._lost.pop(why)
            cost = dropped_text({"records": all_lost}) or "nothing was lost"
            message = f"{self._session.layout.path} is written again: {cost} ({why})"
            self._notices.append(("warning" if all_lost else "info", message))

    def _notice_drops(self) -> None:
        for sink in self._sinks:
            if sink.dropped and sink.name not in self._dropping:
                self._dropping.add(sink.name)
                message = (
                    f"sink {sink.name} is too slow: records are dropped on the way to it (the run folder has them)"
                )
                self._notices.append(("warning", message))

    def _tell(self) -> None:
        restored = _taken(self._restored)
        if restored:
            removed = min(restored, key=lambda path: len(path.parts))
            message = f"{removed} was removed, and has been made again with what was in the open segments"
            self._notices.append(("warning", message))
        for severity, message in _taken(self._notices):
            self._say(severity, message)


def _taken(queue: deque[T]) -> list[T]:
    """Take everything out of a queue that others may be filling."""
    return [queue.popleft() for _ in range(len(queue))]

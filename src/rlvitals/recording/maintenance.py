"""Background work of a recorder: heartbeat, fsync, sealing, recovery, and reporting each failure once."""

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
_BEFORE = "records of previous sessions"
Say = Callable[[str, str], None]
"""Callback that takes a severity and a message."""


class Maintenance(JournalObserver):
    """Maintains a run while it is written. One thread calls `tick` about once per second.

    Args:
        session: The open run.
        window: Live window, the source of the current totals and environment step.
        heartbeat_s: Seconds between two heartbeats. Readers find this interval in the heartbeat.
        clock: Source of the time.
        say: Callback that logs and records a message about the recording itself.
        tally: Callback that returns the number of dropped records, by place, for the header.
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
        # Segments of previous writers, which can have been killed before these were on the disk.
        self._left: list[Path] = []
        # A failure is noticed while a journal holds its lock, and is reported later without that lock.
        self._notices: deque[tuple[str, str]] = deque()
        self._failures: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self._restored: deque[Path] = deque()
        self._dropping: set[str] = set()
        self._displaced = False
        self._described = False
        # Two locks. A tick waits for the locks of journals. A signal handler that saves or closes can interrupt the
        # holder of such a lock, so saving must not wait for a tick. Messages are recorded too, so they are reported
        # outside of both locks.
        self._turn = threading.RLock()
        self._saving = threading.RLock()
        self._saves = 0
        self._owed = False
        self._closed = False
        self._process_started = process_started(os.getpid()) or clock.time()

    def look_after(self, journals: Mapping[str, Journal], sinks: tuple[Background, ...]) -> None:
        """Take over the journals and sinks, and queue the segments of previous writers for sealing.

        Args:
            journals: The open journals by stream.
            sinks: The user's sinks.
        """
        self._journals, self._sinks = journals, sinks
        sums = read_sums(self._session.layout)
        for stream, journal in journals.items():
            journal.on_rotated = self._full.append
            left = [s.path for s in segments_in(journal.folder) if not s.sealed and s.path != journal.path]
            self._left += left
            self._full += [path for path in left if path not in sums or not self._is_damaged(path, sums)]
            if journal.torn_bytes:
                self._notices.append(
                    (
                        "warning",
                        f"the last record of {stream} is incomplete; moved {journal.torn_bytes} bytes to a .torn file",
                    )
                )

    def _is_damaged(self, path: Path, sums: Mapping[Path, str]) -> bool:
        """Return whether lines of a previous writer have changed since then. Sealing would hide the change."""
        try:
            if not is_changed(path, read_regular(path), sums):
                return False
        except OSError:  # sealing will report it
            return False
        self._notices.append(
            ("warning", f"{path} has changed since it was written; not sealing it. Run `rlvitals verify` on the run.")
        )
        return True

    def began(self, path: Path, error: OSError) -> None:
        """Note that a stream cannot be written."""
        self._begin_failure(
            path.parent.name, error, "cannot write {what} ({why}); keeping records in memory and retrying"
        )

    def ended(self, path: Path, lost: int) -> None:
        """Note that a stream can be written again."""
        self._end_failure(path.parent.name, lost)

    def restored(self, path: Path) -> None:
        """Note that a removed file has been restored."""
        self._restored.append(path)

    def unsafe(self, path: Path, error: OSError) -> None:
        """Note that a stream cannot be synced to the disk."""
        message = "cannot sync {what} to the disk ({why}); a power cut can lose some of them"
        self._begin_failure(f"records of {path.parent.name}", error, message)

    def safe(self, path: Path) -> None:
        """Note that a stream can be synced to the disk again."""
        self._end_failure(f"records of {path.parent.name}", 0)

    def dropped(self, path: Path, lines: int) -> None:
        """Note that the operating system dropped records after a failed write to the disk."""
        message = f"lost {lines} records of {path.parent.name}: the disk failed and the operating system dropped them"
        self._notices.append(("warning", message))

    def sink_changed(self, sink: str, what: str) -> None:
        """Note that a sink has started to fail, or works again."""
        self._notices.append(("warning", f"sink {sink} {what}"))

    def tick(self, *, wait: bool = True) -> None:
        """Do the maintenance that is due.

        Args:
            wait: Whether to wait for a maintenance pass that is already running in another thread. The maintenance
                thread must not wait. A signal handler that closes the run can have interrupted that other thread, and
                waits for the maintenance thread.
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
        """Sync the segments of previous writers to the disk.

        A failure is reported until the run is closed, because the records dropped by the system are unknown.
        """
        for path in self._left:
            try:
                force_file(path)
                force_folder(path.parent)
            except FileNotFoundError:  # the segment has been sealed
                pass
            except OSError as error:
                self._begin_failure(
                    _BEFORE,
                    error,
                    "cannot sync {what} to the disk ({why}); some can be lost. Run `rlvitals verify` on the run.",
                )
        self._left = []

    def _sealable(self) -> list[Path]:
        """Take the full segments that are safe on the disk. The remaining ones wait: sealing removes their lines."""
        full = _taken(self._full)
        waiting = [path for path in full if self._journals[path.parent.name].is_unsafe(path)]
        self._full += waiting
        return [path for path in full if path not in waiting]

    @property
    def _last_record(self) -> float | None:
        # The machine of a copied training can have another clock. The status of a copy is set by its copier.
        return self._clock.time() if self._session.is_copy else self._window.last_time

    def beat(self) -> None:
        """Write a heartbeat."""
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
            last_record=self._last_record,
            env_step=self._window.env_step,
            episodes=self._window.episodes,
            records=sum(journal.appended for journal in journals),
            lost=sum(journal.lost for journal in journals),
        )
        try:
            self._session.lock.beat(heartbeat)
        except OSError as error:
            self._begin_failure(
                "the heartbeat", error, "cannot write {what} ({why}); readers can report the run as crashed; retrying"
            )
        else:
            self._end_failure("the heartbeat", 0)

    def save(self) -> None:
        """Write the header. A failure is reported once, and the write is retried at each tick."""
        with self._saving:
            self._owed = False
            if self._session.lock.is_lost():  # the next tick restores the folder, or finds another run in its place
                return
            header = self._session.header
            header.dropped_records = self._tally()
            header.totals = {"episodes": self._window.episodes, "updates": self._window.updates}
            if self._window.env_step is not None:
                header.totals["env_step"] = self._window.env_step
            self._saves += 1
            this = self._saves
            try:
                # A signal handler can interrupt this and save a newer header, which must not be replaced.
                write_header(self._session.layout, header, outdated=lambda: self._saves != this)
            except OSError as error:
                self._begin_failure("header", error, "cannot write the {what} ({why}); retrying")
            else:
                self._end_failure("header", 0)

    def _save_soon(self) -> None:
        """Write the header now, or at the next tick if another thread is writing it."""
        if not self._saving.acquire(blocking=False):
            self._owed = True
            return
        try:
            self.save()
        finally:
            self._saving.release()

    def close(self, worth_sealing: int, budget: Budget) -> None:
        """Write the remaining records, seal large segments, and release the run. If interrupted, call it again.

        Args:
            worth_sealing: Number of records from which a segment is sealed.
            budget: Time budget for closing.
        """
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
                with contextlib.suppress(OSError):  # on a full disk, `verify` then lacks the checksums
                    write_sums(self._session.layout, but=frozenset(sealing))
                self.save()
                self._sealer.add(sealing)
                self._sealer.finish(budget.left())
                if "header" in self._failures:  # the last chance to store how the run ended
                    self.save()
                self.beat()
            interrupted = False
        except Exception:
            interrupted = False
            raise
        finally:
            if not interrupted:
                self._closed = True  # a tick that is still running must not take the lock again
                self._session.lock.release()

    def abandon(self) -> None:
        """Release the run without writing, in the child of a fork."""
        self._turn, self._saving = threading.RLock(), threading.RLock()
        self._sealer.forget()
        self._session.lock.release()

    def _describe(self) -> None:
        """Add the facts to the header that took too long to collect at the start of the run."""
        if not (self._described or self._closed or self._session.is_copy):
            self._described = True
            self._session.header.reproduction |= slow_facts()
            self._save_soon()

    def _hold_place(self) -> bool:
        """Return whether this writer holds the run folder. A removed folder is restored with its lock and its header.

        The journals restore their own files.
        """
        if self._closed or not self._session.lock.is_lost():
            return True
        layout = self._session.layout
        if self._is_anothers(layout):
            return self._give_way(f"{layout.path} was removed and replaced by another run")
        try:
            layout.make()
            lock = WriterLock(layout.lock, clock=self._clock)
        except RunLockedError:
            return self._give_way(f"another process now writes to {layout.path}")
        except OSError:  # the journals report it
            return False
        old, self._session = self._session.lock, self._session._replace(lock=lock)
        old.release()
        self._displaced = False
        self._restored.append(layout.path)
        self._save_soon()
        return True

    def _give_way(self, why: str) -> Literal[False]:
        """Leave the folder to its new writer, and report this once."""
        if not self._displaced:
            self._displaced = True
            self._notices.append(("critical", f"{why}; records logged by this process are no longer stored"))
        return False

    def _is_anothers(self, layout: Layout) -> bool:
        try:
            return read_header(layout.path).started != self._session.header.started
        except RunError:  # the header is missing or damaged
            return False

    def _begin_failure(self, what: str, error: OSError, message: str) -> None:
        """Note a failure. It is not reported if another current failure has the same reason."""
        if what in self._failures:
            return
        why = error.strerror or str(error)
        if why not in list(self._failures.values()):
            shown = self._session.layout.path / what if what in self._journals else what
            self._notices.append(("warning", message.format(what=shown, why=why)))
        self._failures[what] = why

    def _end_failure(self, what: str, lost: int) -> None:
        """Note the end of a failure. It is reported when all failures with the same reason have ended."""
        why = self._failures.pop(what, None)
        if why is None:
            return
        self._lost[why] = self._lost.get(why, 0) + lost
        if why not in list(self._failures.values()):
            all_lost = self._lost.pop(why)
            cost = dropped_text({"records": all_lost}) or "no records dropped"
            message = f"writing to {self._session.layout.path} works again: {cost} (the error was: {why})"
            self._notices.append(("warning" if all_lost else "info", message))

    def _notice_drops(self) -> None:
        for sink in self._sinks:
            if sink.dropped and sink.name not in self._dropping:
                self._dropping.add(sink.name)
                message = f"sink {sink.name} is too slow; dropping records for it (the run folder has them)"
                self._notices.append(("warning", message))

    def _tell(self) -> None:
        restored = _taken(self._restored)
        if restored:
            removed = min(restored, key=lambda path: len(path.parts))
            message = f"{removed} was removed; restored it with the records of the open segments"
            self._notices.append(("warning", message))
        for severity, message in _taken(self._notices):
            self._say(severity, message)


def _taken(queue: deque[T]) -> list[T]:
    """Return all items of a queue and empty it. Other threads can add items at the same time."""
    return [queue.popleft() for _ in range(len(queue))]

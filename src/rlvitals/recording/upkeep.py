"""What a recorder does beside recording: heartbeat, fsync, sealing, recovery, and telling of trouble once."""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from rlvitals.clock import Clock
from rlvitals.recording.reproduction import slow_facts
from rlvitals.recording.sealer import Sealer
from rlvitals.recording.session import Session
from rlvitals.recording.window import LiveWindow
from rlvitals.runs.header import write_header
from rlvitals.runs.journal import Journal, Trouble
from rlvitals.runs.layout import segments_in
from rlvitals.runs.lock import Heartbeat, WriterLock, host_name, process_started
from rlvitals.sinks import Background

T = TypeVar("T")
Say = Callable[[str, str], None]
"""Takes a severity and a message."""


class Upkeep(Trouble):
    """Looks after a run that is being written; `tick` is called about once a second by one thread.

    Args:
        session: The run.
        window: Says how far the training is.
        heartbeat_s: Seconds between two signs of life, which readers are told.
        clock: Tells the time.
        say: Logs and records a message about the recording itself.
    """

    def __init__(self, session: Session, window: LiveWindow, *, heartbeat_s: float, clock: Clock, say: Say) -> None:
        self._session = session
        self._window = window
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._say = say
        self._journals: Mapping[str, Journal] = {}
        self._sinks: tuple[Background, ...] = ()
        self._sealer = Sealer()
        self._full: deque[Path] = deque()
        # Trouble is noticed under a journal's lock; it is told later, without one.
        self._notices: deque[tuple[str, str]] = deque()
        self._dropping: set[str] = set()
        self._header_failing = False
        self._described = False
        self._turn = threading.RLock()
        self._process_started = process_started(os.getpid()) or clock.time()

    def look_after(self, journals: Mapping[str, Journal], sinks: tuple[Background, ...]) -> None:
        """Take the journals and sinks, and seal what an earlier writer left full."""
        self._journals, self._sinks = journals, sinks
        for stream, journal in journals.items():
            journal.on_rotated = self._full.append
            self._full += [s.path for s in segments_in(journal.folder) if not s.sealed and s.path != journal.path]
            if journal.torn_bytes:
                self._notices.append(
                    ("warning", f"{journal.torn_bytes} bytes of a torn record were cut off {stream}, and kept aside")
                )

    def began(self, path: Path, error: OSError) -> None:
        """Note that a stream cannot be written."""
        why = error.strerror or str(error)
        message = f"{path} cannot be written ({why}): records wait in memory, and training goes on"
        self._notices.append(("warning", message))

    def ended(self, path: Path, lost: int) -> None:
        """Note that a stream is written again."""
        cost = f"{lost} records were lost" if lost else "nothing was lost"
        self._notices.append(("warning" if lost else "info", f"{path} is written again: {cost}"))

    def sink_changed(self, sink: str, what: str) -> None:
        """Note that a sink began to fail, or works again."""
        self._notices.append(("warning", f"sink {sink} {what}"))

    def tick(self) -> None:
        """Do all that is due."""
        with self._turn:
            self._restore_folder()
            for journal in self._journals.values():
                journal.recover()
                journal.sync()
            self._notice_drops()
            self._tell()
            self.beat()
            self._sealer.add(_taken(self._full))
            self._sealer.step()
            self._describe()

    def beat(self) -> None:
        """Give a sign of life."""
        journals = self._journals.values()
        heartbeat = Heartbeat(
            host=host_name(),
            pid=os.getpid(),
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
            if not self._header_failing:
                self._notices.append(("warning", f"no sign of life can be given: {error.strerror or error}"))

    def save(self) -> None:
        """Write the header; if that fails, say so once and go on."""
        with self._turn:
            self._save()

    def _save(self) -> None:
        header = self._session.header
        header.totals = {"episodes": self._window.episodes, "updates": self._window.updates}
        if self._window.env_step is not None:
            header.totals["env_step"] = self._window.env_step
        try:
            write_header(self._session.layout, header)
            self._header_failing = False
        except OSError as error:
            if not self._header_failing:
                self._header_failing = True
                self._notices.append(("warning", f"the header cannot be written: {error.strerror or error}"))

    def close(self, worth_sealing: int, timeout_s: float) -> None:
        """Write what is left, seal what is worth it, and let go of the run."""
        self._notice_drops()
        self._tell()
        for journal in self._journals.values():
            journal.close()
        self._tell()
        self._describe()
        self.save()
        self._sealer.add(_taken(self._full))
        self._sealer.add(j.path for j in self._journals.values() if j.records >= worth_sealing and j.path.exists())
        self._sealer.finish(timeout_s)
        self.beat()
        self._session.lock.release()

    def abandon(self) -> None:
        """Let go without writing: for the child of a fork."""
        self._turn = threading.RLock()
        self._sealer.forget()
        self._session.lock.release()

    def _describe(self) -> None:
        """Add to the header what took too long to find out when the run began."""
        if not self._described:
            self._described = True
            self._session.header.reproduction |= slow_facts()
            self.save()

    def _restore_folder(self) -> None:
        """Put the header and the lock back if somebody removed the folder; the journals look after themselves."""
        if not self._session.lock.is_lost():
            return
        try:
            self._session.layout.make()
            lock = WriterLock(self._session.layout.lock)
        except OSError:  # the journals tell
            return
        old, self._session = self._session.lock, self._session._replace(lock=lock)
        old.release()
        self._notices.append(("warning", f"{self._session.layout.path} was removed, and has been made again"))
        self.save()

    def _notice_drops(self) -> None:
        for sink in self._sinks:
            if sink.dropped and sink.name not in self._dropping:
                self._dropping.add(sink.name)
                message = (
                    f"sink {sink.name} is too slow: records are dropped on the way to it (the run folder has them)"
                )
                self._notices.append(("warning", message))

    def _tell(self) -> None:
        for severity, message in _taken(self._notices):
            self._say(severity, message)


def _taken(queue: deque[T]) -> list[T]:
    """Take everything out of a queue that others may be filling."""
    return [queue.popleft() for _ in range(len(queue))]

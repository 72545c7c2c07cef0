"""The recorder: writes each record to the journal, then to the live window, then to the sinks.

When `write` returns, the operating system has the record, so killing the process loses no records. Failures after that
(a full disk, a removed folder, a sink that hangs) are counted, reported once, and never raised into the training.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError, RlvitalsError, RunError
from rlvitals.recording import process_end
from rlvitals.recording.budget import Budget
from rlvitals.recording.maintenance import Maintenance
from rlvitals.recording.process_end import ENDING_SIGNALS, check_signals
from rlvitals.recording.sampler import SystemSampler
from rlvitals.recording.session import Session
from rlvitals.recording.ticker import Ticker
from rlvitals.recording.window import BUFFER_SIZE, LiveWindow
from rlvitals.records import STREAM_OF, STREAMS, Event, Record, SystemSample, codec_of
from rlvitals.runs import header as headers
from rlvitals.runs.header import Failure, Rewind, Writer
from rlvitals.runs.interruption import stop_reading
from rlvitals.runs.journal import BACKLOG_LINES, SEAL_RECORDS, Journal
from rlvitals.runs.lock import host_name
from rlvitals.runs.run import Run
from rlvitals.runs.totals import totals
from rlvitals.sinks import Background, Isolated, Sink

_log = logging.getLogger("rlvitals")
R = TypeVar("R", bound=Record)
_INTERRUPT_S = 0.05


class RecorderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a recorder.

    Attributes:
        buffer_size: Number of records of each stream in the live window.
        seal_records: Number of records after which a segment is sealed.
        seal_on_close: Minimum number of records for sealing a segment when the run ends.
        backlog_lines: Number of records of each stream kept in memory while the disk cannot be written.
        fsync_interval_s: Maximum time lost in a power cut, in seconds. With 0, every record is synced to the disk.
        heartbeat_s: Seconds between two heartbeats.
        system_interval_s: Seconds between two system samples. `None` turns sampling off.
        diagnosis_interval_s: Minimum seconds between two checks of the live diagnosis, which take at most 0.25 % of the
            time. `None` turns it off.
        close_s: Maximum time that closing waits for all parts that hang, in seconds.
        take_requests: Whether to take requests from the run folder (`rlvitals mcp --allow-actions`).
        signals: Names of the signals that end the run as preempted, unless they have a handler. `()` for none.
    """

    buffer_size: int = BUFFER_SIZE
    seal_records: int = SEAL_RECORDS
    seal_on_close: int = 1_000
    backlog_lines: int = BACKLOG_LINES
    fsync_interval_s: float = 1.0
    heartbeat_s: float = 2.0
    system_interval_s: float | None = 1.0
    diagnosis_interval_s: float | None = 5.0
    close_s: float = 10.0
    take_requests: bool = True
    signals: tuple[str, ...] = ENDING_SIGNALS


class DroppedRecords(NamedTuple):
    """Numbers of records that were dropped, or are not on the disk yet.

    Attributes:
        records: Number of records that never reached the disk.
        waiting: Number of records in memory that wait for the disk.
        sinks: Number of records that each sink dropped or failed to write, by sink name. The run folder has them.
        forked: Number of records that a forked child tried to log.
    """

    records: int
    waiting: int
    sinks: dict[str, int]
    forked: int


class _Lane(NamedTuple):
    """Functions that process one kind of record."""

    pack: Callable[[dict[str, Any]], tuple[Record, bytes]]
    append: Callable[[bytes], None]
    add: Callable[[Any], None]
    journal: Journal


class Recorder:
    """Writer of the records of one run. Thread-safe.

    Args:
        session: The run, open for writing. The recorder closes it.
        settings: Settings of the recorder, or `None` for the defaults.
        sinks: Sinks that also receive the records. Each gets its own queue and thread.
        clock: Source of the time.
    """

    def __init__(
        self,
        session: Session,
        *,
        settings: RecorderSettings | None = None,
        sinks: Iterable[Sink] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.settings = settings = settings or RecorderSettings()
        check_signals(settings.signals)
        self.session = session
        self.clock = clock
        self.writer = session.header.writers[-1].writer
        self.window = LiveWindow(settings.buffer_size)
        self._closing = threading.RLock()
        self._ending: tuple[str, Failure | None] | None = None  # the ending passed to the first close
        self._is_over = False
        self._closed = False  # whether logging is over: the run has ended, or this is the child of a fork
        self._forked = 0
        self._is_child = False
        self._lost_before = dict(session.header.dropped_records)
        self._maintenance = Maintenance(
            session, self.window, heartbeat_s=settings.heartbeat_s, clock=clock, say=self._say, tally=self._tally
        )
        journals = self._open_journals()
        self._lanes = {
            kind: _Lane(
                codec_of(kind).pack,
                journals[stream].append,
                self.window.adder(kind, journals[stream].count_taken),
                journals[stream],
            )
            for stream, kind in STREAMS.items()
        }
        self._sinks = tuple(self._behind(sink) for sink in sinks)
        self._observers: tuple[Background, ...] = ()
        self._finishers: tuple[Callable[[], None], ...] = ()
        self._receivers = self._sinks
        self._maintenance.look_after(journals, self._sinks)
        self._maintenance.beat()
        if session.resumed:
            self._count_again()
        tick_s = max(0.05, min(settings.fsync_interval_s or 1.0, settings.heartbeat_s))
        self.after_tick: Callable[[], object] = lambda: None
        self._tickers = [Ticker(self._tick, tick_s, "maintenance")]
        if settings.system_interval_s is not None:
            sampler = SystemSampler(self.window, clock)
            self._tickers.append(
                Ticker(lambda: self.record(SystemSample, sampler.sample()), settings.system_interval_s, "system")
            )
        process_end.watch(self, settings.signals)

    def __repr__(self) -> str:
        return f"<Recorder {self.session.layout.path} -> {list(self._sinks)!r}>"

    @property
    def path(self) -> Path:
        """Path of the run folder."""
        return self.session.layout.path

    @property
    def closed(self) -> bool:
        """Whether the recorder is closed."""
        return self._closed

    @property
    def is_child(self) -> bool:
        """Whether this process is a fork of the recording process. Here the run can only be read."""
        return self._is_child

    def record(self, kind: type[R], values: dict[str, Any]) -> R:
        """Record one record.

        Args:
            kind: Record class.
            values: Fields by name. `None` marks a missing field. The recorder sets `writer`, and a missing `time`.

        Returns:
            The validated record, as stored.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The recorder is closed.
        """
        if values["time"] is None:
            values["time"] = self.clock.time()
        if self._closed:
            return self._refuse(kind, values)
        pack, append, add, _ = self._lanes[kind]
        values["writer"] = self.writer
        record, line = pack(values)
        append(line)
        add(record)
        try:
            for receiver in self._receivers:
                receiver.write(record)
        except ClosedError:  # another thread is closing the sinks; the run folder has the record
            pass
        return record  # type: ignore[return-value] # the lane of a kind packs that kind

    def write(self, record: R) -> R:
        """Record an existing record object. See `record` for the exceptions.

        Args:
            record: Record to store.
        """
        return self.record(type(record), msgspec.structs.asdict(record))

    def add_observer(self, observer: Sink) -> None:
        """Pass every record from now on to an observer, in its own thread.

        An observer is a sink that can itself record events. It is closed before the run, and is not one of the user's
        sinks.

        Args:
            observer: Sink to add.
        """
        self._observers = (*self._observers, self._behind(observer))
        self._receivers = (*self._sinks, *self._observers)

    def before_close(self, finish: Callable[[], None]) -> None:
        """Call a function when the run ends, while records can still be logged. Its errors are logged.

        Args:
            finish: Function to call. It can be called in a signal handler.
        """
        self._finishers = (*self._finishers, finish)

    def flush_observers(self, timeout_s: float = 1.0) -> None:
        """Wait until the observers have processed every record until now.

        Args:
            timeout_s: Maximum wait for each observer, in seconds. Keep it short: the caller can be an observer itself.
        """
        for observer in self._observers:
            observer.flush(timeout_s)

    @property
    def unobserved(self) -> int:
        """Number of records that observers missed because their queues were full. The run folder has them."""
        return sum(observer.dropped for observer in self._observers)

    @property
    def sink_names(self) -> tuple[str, ...]:
        """Names of the sinks in use."""
        return tuple(sink.name for sink in self._sinks)

    def dropped_records(self) -> DroppedRecords:
        """Return the numbers of records dropped until now."""
        journals = [lane.journal for lane in self._lanes.values()]
        dropped = {sink.name: sink.dropped + _failures(sink) for sink in self._sinks}
        return DroppedRecords(
            records=sum(journal.lost for journal in journals),
            waiting=sum(journal.waiting for journal in journals),
            sinks={name: count for name, count in dropped.items() if count},
            forked=self._forked,
        )

    def failures(self) -> dict[str, str]:
        """Return the current failures: streams that cannot be written and sinks that fail, each with its reason."""
        failing: dict[str, BaseException | None] = {
            STREAM_OF[kind]: lane.journal.failing for kind, lane in self._lanes.items()
        }
        watched = (*self._observers, *self._sinks)
        failing |= {sink.name: sink.to.last_error for sink in watched if isinstance(sink.to, Isolated)}
        return {name: f"{type(error).__name__}: {error}" for name, error in failing.items() if error is not None}

    def rewind(self, rewind: Rewind) -> None:
        """Continue from an earlier point. Later records stay in the run folder, marked as an abandoned branch.

        Args:
            rewind: Point to which training returns.

        Raises:
            ClosedError: The recorder is closed.
        """
        with self._closing:
            self.check_open()
            before = self.session.header.writers[-1]
            before.ended = self.clock.time()
            self.writer = before.writer + 1
            self.session.header.writers.append(
                Writer(writer=self.writer, started=before.ended, host=host_name(), pid=os.getpid(), rewind=rewind)
            )
            self.save()
            self._count_again()
            self.save()  # with the totals of the branch that continues
        if not self._closed:  # the last heartbeat has the totals of the abandoned branch
            self._maintenance.tick()

    def check_open(self) -> None:
        """Raise an error if the run can no longer be changed.

        Raises:
            ClosedError: The recorder is closed. Another process can hold the run by now.
        """
        if self._closed and not self._is_child:
            raise ClosedError(f"the run {self.session.header.run_id} is closed and can no longer be changed")

    def save(self) -> None:
        """Write the current header. Does nothing if the recorder is closed."""
        if not self._closed:
            self._maintenance.save()

    def flush(self) -> None:
        """Wait until the disk and every sink have the records logged until now, at most `close_s` seconds for sinks."""
        if not self._closed:
            self._maintenance.tick()
            budget = Budget(self.settings.close_s)
            for sink in (*self._observers, *self._sinks):
                sink.flush(budget.left())

    def set_status(self, status: str) -> None:
        """Change the status in the header of a run that continues.

        Args:
            status: New run status.

        Raises:
            ClosedError: The recorder is closed.
        """
        with self._closing:
            self.check_open()
            self.session.header.status = status
            self.record(Event, self._state(status, "info"))
            self.save()

    def close(self, status: str = headers.COMPLETED, failure: Failure | None = None) -> None:
        """End the run: write all records, close the sinks, and store the final status in the header.

        It takes at most about `close_s` seconds. Failures on the way are not raised. Further calls have no effect,
        except after an interruption by Ctrl-C: the next call completes the work. An exit handler makes the last call.

        Args:
            status: Final run status.
            failure: Failure that ended the run, or `None`.
        """
        with self._closing:
            if failure is not None:
                failure = headers.masked_failure(failure, self.session.masking)
            # A signal handler can call this while it is running. The first ending is kept.
            self._ending = self._ending or (status, failure)
            budget = Budget(self.settings.close_s)
            if not self._closed:
                for finish in self._finishers:
                    with self._caught("a logger"):
                        finish()
                with self._caught("the last event"):
                    self._record_end(*self._ending)
                with self._caught("the threads"):
                    self._stop_threads(budget)
            self._closed = True
            with self._caught("the sinks"):
                self._close_sinks(budget)
            if not self._is_over:
                with self._caught("the run folder"):
                    self._close_folder(*self._ending, budget)
            self._is_over = True
            process_end.unwatch(self)

    def abandon(self) -> None:
        """Close the files without writing, in the child of a fork. The parent continues to record."""
        self._is_child = self._closed = self._is_over = True
        self._closing = threading.RLock()
        for lane in self._lanes.values():
            lane.journal.abandon()
        for sink in (*self._observers, *self._sinks):
            sink.abandon()
        self._maintenance.abandon()

    @contextlib.contextmanager
    def _caught(self, what: str) -> Iterator[None]:
        """Log an error and continue closing. A run that stays open would look as if it were still recorded."""
        try:
            yield
        except Exception:  # noqa: BLE001 - logged; a run that stays open would be worse
            _log.exception("%s: could not close %s cleanly", self.session.header.run_id, what)

    def _stop_threads(self, budget: Budget) -> None:
        for ticker in self._tickers:
            ticker.end()
        for ticker in self._tickers:
            ticker.stop(budget.left(later_steps=3))
        for observer in self._observers:  # while their events can still be recorded
            observer.end()
        for observer in self._observers:
            observer.close(budget.left(later_steps=2))
            _interrupt(observer.thread, budget)

    def _close_sinks(self, budget: Budget) -> None:
        for sink in self._sinks:
            sink.end()
        for sink in self._sinks:
            sink.close(budget.left(later_steps=1))

    def _close_folder(self, status: str, failure: Failure | None, budget: Budget) -> None:
        header = self.session.header
        header.status, header.failure = status, failure
        if not self.session.is_copy:
            header.ended = header.writers[-1].ended = self.clock.time()
        header.writers[-1].status = status
        self._maintenance.close(self.settings.seal_on_close, budget)

    def _behind(self, sink: Sink) -> Background:
        return Background(Isolated(sink, self._maintenance.sink_changed), close_s=self.settings.close_s)

    def _open_journals(self) -> dict[str, Journal]:
        journals: dict[str, Journal] = {}
        for stream in STREAMS:
            try:
                journals[stream] = Journal(
                    self.session.layout.stream(stream),
                    codec_of(STREAMS[stream]).unpack,
                    clock=self.clock,
                    observer=self._maintenance,
                    seal_records=self.settings.seal_records,
                    backlog_lines=self.settings.backlog_lines,
                    sync_always=self.settings.fsync_interval_s == 0,
                )
            except OSError as error:
                for journal in journals.values():
                    journal.close()
                self.session.give_up()
                raise RunError(
                    f"cannot open {error.filename or self.path / stream}: {error.strerror or error}"
                ) from error
        return journals

    def _tick(self) -> None:
        self._maintenance.tick(wait=False)
        self.after_tick()

    def _record_end(self, status: str, failure: Failure | None) -> None:
        if self.session.is_copy:
            return
        if failure is None:
            self.record(Event, self._state(status, "info"))
        else:
            severity = "warning" if status == headers.PREEMPTED else "critical"
            self.record(Event, self._state(f"{status}: {failure.text}", severity))

    def _state(self, message: str, severity: str) -> dict[str, Any]:
        return {
            "time": self.clock.time(),
            "kind": "state",
            "message": message,
            "severity": severity,
            "env_step": self.window.env_step,
        }

    def _tally(self) -> dict[str, int]:
        """Return the number of dropped records by place, summed over this writer and the previous ones."""
        losses = self.dropped_records()
        tally = dict(self._lost_before)
        for name, count in {"records": losses.records, **losses.sinks}.items():
            if count:
                tally[name] = tally.get(name, 0) + count
        return tally

    def _say(self, severity: str, message: str) -> None:
        """Log a message about the recording itself, and record it as an event."""
        message = self.session.masking.text(message)
        _log.log(logging.WARNING if severity != "info" else logging.INFO, "%s: %s", self.session.header.run_id, message)
        values = {"time": self.clock.time(), "kind": "recording", "severity": severity, "message": message}
        if not self._closed:
            self.record(Event, values)
        elif not self._is_child:  # closing: the sinks are closed, but the journal can still be open
            lane = self._lanes[Event]
            with contextlib.suppress(ClosedError):
                lane.append(lane.pack({**values, "writer": self.writer})[1])

    def _count_again(self) -> None:
        try:
            found = totals(Run(self.path))
        except RlvitalsError as error:
            self._say("warning", f"cannot count the records of previous sessions ({error}); totals exclude them")
        else:
            self.window.rewind(
                episodes=found.episodes, updates=found.updates, last_episode=found.last_episode, env_step=found.env_step
            )

    def _refuse(self, kind: type[R], values: dict[str, Any]) -> R:
        if not self._is_child:
            raise ClosedError(f"the run {self.session.header.run_id} is closed: no more records can be logged to it")
        self._forked += 1
        if self._forked == 1:
            _log.warning(
                "%s: process %d is a fork of the recording process; dropping its records. "
                "Log in the parent process, or open a separate run.",
                self.session.header.run_id,
                os.getpid(),
            )
        record: R = codec_of(kind).pack(values)[0]
        return record


def _failures(sink: Background) -> int:
    return sink.to.failures if isinstance(sink.to, Isolated) else 0


def _interrupt(thread: threading.Thread, budget: Budget) -> None:
    """Stop the reads of a thread that has exceeded its time, and wait for it. Remaining reads end at exit."""
    while thread.is_alive() and thread is not threading.current_thread():
        stop_reading(thread)
        thread.join(_INTERRUPT_S)
        if not budget.left(later_steps=2):
            return

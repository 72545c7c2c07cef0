"""Records as TensorBoard's events, without TensorFlow and without torch."""

import itertools
import os
import socket
import struct
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError
from rlvitals.records import Evaluation, Event, PolicyUpdate, Record, SystemSample
from rlvitals.sinks.appending_file import AppendingFile
from rlvitals.sinks.flattening import Flattener, SettingsTracker, flat_settings, setting_text, step_of
from rlvitals.sinks.lazy_destination import load, require
from rlvitals.sinks.sink_context import RunSink, SinkContext

_FEATURE = "TensorBoard"
_EXTRA = "tensorboard"
_BESIDE = Event | SystemSample
_serial = itertools.count()


class _Library(NamedTuple):
    """The parts of TensorBoard that write."""

    event: Any
    text: Any
    hparams: Any
    checksum: Any


def _library() -> _Library:
    return _Library(
        event=load("tensorboard.compat.proto.event_pb2"),
        text=load("tensorboard.plugins.text.summary_v2"),
        hparams=load("tensorboard.plugins.hparams.summary_v2"),
        checksum=load("google_crc32c"),
    )


class EventFile:
    """An event file as TensorBoard reads it: a piece for each event, each with its length and two checksums.

    TensorBoard's own writer computes the checksums in Python (0.3 ms an event) and has a thread of its own, in which
    errors are swallowed; here an event is in the file, or an error is raised, when `add` returns.

    Args:
        folder: Where it is made; each gets a name of its own.
        time: When it is made (UTC, seconds since 1970).

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, folder: Path, time: float) -> None:
        self.library = _library()
        name = f"events.out.tfevents.{int(time):010d}.{socket.gethostname()}.{os.getpid()}.{next(_serial):06d}"
        self._file = AppendingFile(folder / name)
        self.add(self.library.event.Event(wall_time=time, file_version="brain.Event:2"))

    def add(self, event: Any) -> None:
        """Append an event.

        Raises:
            OSError: It is not in the file.
        """
        data = event.SerializeToString()
        head = struct.pack("<Q", len(data))
        self._file.append(head + self._masked(head) + data + self._masked(data))

    def scalars(self, time: float, step: int, values: dict[str, float]) -> None:
        """Append an event of several numbers; TensorBoard keeps 32 bits of each.

        Raises:
            OSError: It is not in the file.
        """
        event = self.library.event.Event(wall_time=time, step=step)
        add = event.summary.value.add
        for tag, value in values.items():
            add(tag=tag, simple_value=value)
        self.add(event)

    def text(self, time: float, step: int, tag: str, text: str) -> None:
        """Append a text, in Markdown.

        Raises:
            OSError: It is not in the file.
        """
        summary = self.library.text.text_pb(tag, text)
        self.add(self.library.event.Event(wall_time=time, step=step, summary=summary))

    def hparams(self, time: float, name: str, settings: dict[str, bool | float | str]) -> None:
        """Append the settings of a training, for the tab `HPARAMS`. TensorBoard heeds the first in a folder alone.

        Raises:
            OSError: It is not in the file.
        """
        summary = self.library.hparams.hparams_pb(settings, trial_id=name, start_time_secs=time)
        self.add(self.library.event.Event(wall_time=time, summary=summary))

    def close(self) -> None:
        """Let go of the file; may be called again."""
        self._file.close()

    def _masked(self, data: bytes) -> bytes:
        value = self.library.checksum.value(data)
        return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


class TensorBoardSink(RunSink):
    """Writes an event file, live.

    Args:
        path: The folder of the event file. By default it is the run's own: `tensorboard --logdir LOG_DIR` then shows
            each run under its name.
        clock: Tells the time, for the file's name.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, path: str | Path | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        for module in ("tensorboard", "google_crc32c"):
            require(module, feature=_FEATURE, extra=_EXTRA)
        self._path = None if path is None else Path(path)
        self._clock = clock
        self._context: SinkContext | None = None
        self._flattener = Flattener()
        self._settings = SettingsTracker()
        self._file: EventFile | None = None
        self._described = False
        self._last = (0.0, 0)
        self._closed = False

    @property
    def name(self) -> str:
        """What users call it."""
        return "tensorboard"

    def begin(self, context: SinkContext) -> None:
        """Take note of the run, and of its folder if no other was given."""
        self._context = context

    def write(self, record: Record) -> None:
        """Write a record's numbers as scalars; of an event its text.

        Raises:
            ClosedError: The sink is closed.
            OSError: The file cannot be written.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        file = self._opened()
        self._last = (record.time, step_of(record))
        # An adapter adds settings before the first episode; those that change later change with an update.
        if isinstance(record, PolicyUpdate | Evaluation) or not (self._described or isinstance(record, _BESIDE)):
            self._describe(file)
        if isinstance(record, Event):
            file.text(*self._last, f"events/{record.kind}", _event_text(record))
            return
        flat = self._flattener.flatten(record)
        if flat.numbers:
            file.scalars(record.time, flat.step, flat.numbers)

    def close(self) -> None:
        """Let go of the file, in which everything is already."""
        if self._closed:
            return
        self._closed = True
        if self._file is not None:
            try:
                self._describe(self._file)
            finally:
                self._file.close()

    def _opened(self) -> EventFile:
        if self._file is None:
            folder = self._path or (self._context.path if self._context else Path("runs"))
            self._file = EventFile(folder, self._clock.time())
        return self._file

    def _describe(self, file: EventFile) -> None:
        """Write the settings where they are new."""
        described, self._described = self._described, True
        settings = dict(flat_settings(self._context.configuration())) if self._context else {}
        if not self._settings.changes(settings):
            return
        rows = "\n".join(f"| {_cell(name)} | {_cell(setting_text(value))} |" for name, value in settings.items())
        file.text(*self._last, "configuration", f"| setting | value |\n|---|---|\n{rows}")
        if not described and self._context is not None:
            plain = {n: v if isinstance(v, bool | int | float | str) else setting_text(v) for n, v in settings.items()}
            file.hparams(self._last[0], self._context.run_id, plain)


def _event_text(event: Event) -> str:
    severity = f"**{event.severity}** " if event.severity not in {None, "info"} else ""
    return severity + event.message


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""Sink that writes TensorBoard event files, without TensorFlow or PyTorch."""

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
    """Modules of TensorBoard used for writing."""

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
    """A TensorBoard event file. Each event is stored with its length and two checksums.

    TensorBoard's own writer computes the checksums in Python (0.3 ms per event), and uses a thread that ignores errors.
    With this class, `add` returns when the event is in the file, or raises an error.

    Args:
        folder: Folder of the file. Each file gets a unique name.
        time: Creation time (UTC, seconds since 1970).

    Raises:
        OSError: The file cannot be created.
    """

    def __init__(self, folder: Path, time: float) -> None:
        self.library = _library()
        name = f"events.out.tfevents.{int(time):010d}.{socket.gethostname()}.{os.getpid()}.{next(_serial):06d}"
        self._file = AppendingFile(folder / name)
        self.add(self.library.event.Event(wall_time=time, file_version="brain.Event:2"))

    def add(self, event: Any) -> None:
        """Append an event.

        Args:
            event: Event message of TensorBoard.

        Raises:
            OSError: The event cannot be written.
        """
        data = event.SerializeToString()
        head = struct.pack("<Q", len(data))
        self._file.append(head + self._masked(head) + data + self._masked(data))

    def scalars(self, time: float, step: int, values: dict[str, float]) -> None:
        """Append an event with several numbers. TensorBoard stores them as 32-bit floats.

        Args:
            time: Time of the event (UTC, seconds since 1970).
            step: Step of the event.
            values: Numbers by tag.

        Raises:
            OSError: The event cannot be written.
        """
        event = self.library.event.Event(wall_time=time, step=step)
        add = event.summary.value.add
        for tag, value in values.items():
            add(tag=tag, simple_value=value)
        self.add(event)

    def text(self, time: float, step: int, tag: str, text: str) -> None:
        """Append a Markdown text.

        Args:
            time: Time of the event (UTC, seconds since 1970).
            step: Step of the event.
            tag: Tag of the text.
            text: Markdown text.

        Raises:
            OSError: The event cannot be written.
        """
        summary = self.library.text.text_pb(tag, text)
        self.add(self.library.event.Event(wall_time=time, step=step, summary=summary))

    def hparams(self, time: float, name: str, settings: dict[str, bool | float | str]) -> None:
        """Append the configuration of a run, for the `HPARAMS` tab. TensorBoard uses only the first one in a folder.

        Args:
            time: Start time of the run (UTC, seconds since 1970).
            name: Name of the run.
            settings: Settings by name.

        Raises:
            OSError: The event cannot be written.
        """
        summary = self.library.hparams.hparams_pb(settings, trial_id=name, start_time_secs=time)
        self.add(self.library.event.Event(wall_time=time, summary=summary))

    def close(self) -> None:
        """Close the file. Can be called again."""
        self._file.close()

    def _masked(self, data: bytes) -> bytes:
        value = self.library.checksum.value(data)
        return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


class TensorBoardSink(RunSink):
    """Writes records to a TensorBoard event file as they are logged.

    Args:
        path: Folder of the event file. Default: the run folder, so that `tensorboard --logdir LOG_DIR` shows each run
            under its name.
        clock: Source of the time, for the file name.

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
        """Name of the sink."""
        return "tensorboard"

    def begin(self, context: SinkContext) -> None:
        """Store information about the run. Its folder is used unless another one was passed."""
        self._context = context

    def write(self, record: Record) -> None:
        """Write the numbers of a record as scalars, or the message of an event as text.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            OSError: The file cannot be written.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        file = self._opened()
        self._last = (record.time, step_of(record))
        # An adapter adds settings before the first episode. Later changes come with an update.
        if isinstance(record, PolicyUpdate | Evaluation) or not (self._described or isinstance(record, _BESIDE)):
            self._describe(file)
        if isinstance(record, Event):
            file.text(*self._last, f"events/{record.kind}", _event_text(record))
            return
        flat = self._flattener.flatten(record)
        if flat.numbers:
            file.scalars(record.time, flat.step, flat.numbers)

    def close(self) -> None:
        """Close the file. All events have been written before."""
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
        """Write the configuration if it has changed."""
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

"""Live copies of TensorBoard's event files as runs, for `rlvitals watch` and `rlvitals ui`."""

import logging
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock, pause_after
from rlvitals.formats.importers.event_files import event_files, trainings_with_events
from rlvitals.formats.importers.folder_settings import settings_of
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.tensorboard_importer import EventConverter, loader_of
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import RecorderSettings
from rlvitals.records import Record
from rlvitals.runs.layout import valid_name
from rlvitals.sinks.lazy_destination import require

_log = logging.getLogger("rlvitals")

IDLE_S = 600.0
"""Seconds without a new event after which a training counts as ended."""

FLUSH_S = 150.0
"""Seconds without a new event after which the last step is complete. PyTorch's writer flushes every 120 seconds."""

SEARCH_S = 5.0
"""Least time between two searches for new trainings."""

_SETTINGS = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, signals=(), take_requests=False)


class EventMirror:
    """Live copy of the event files of one training.

    Args:
        folder: Folder with the event files, also in its parts, such as `train` and `eval`.
        log_dir: Folder for the run.
        clock: Source of the time.

    Raises:
        MissingExtraError: TensorBoard is not installed.
        RunError: The run cannot be created.
    """

    def __init__(self, folder: Path, log_dir: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        require("tensorboard", feature="reading event files", extra="tensorboard")
        self._folder = folder
        self._clock = clock
        self._settings: dict[str, Any] = settings_of(folder, ImportWarnings())
        self._known = dict(self._settings)
        self._converter = EventConverter(self._settings)
        self._loaders: dict[Path, Any] = {}
        self._monitor = TrainingMonitor(
            log_dir,
            session_name=valid_name(folder.name),
            configuration=self._settings,
            settings=_SETTINGS,
            announce=False,
        )

    @property
    def path(self) -> Path:
        """Path of the run folder."""
        return self._monitor.path

    @property
    def is_open(self) -> bool:
        """Whether the training can go on."""
        return self._monitor.session.end_time is None

    def poll(self) -> int:
        """Record the new events. End the run if there have been none for ten minutes.

        Returns:
            Number of new events.
        """
        files = event_files(self._folder)
        count = 0
        for file in files:
            if file not in self._loaders:
                self._loaders[file] = loader_of(file)
            for event in self._loaders[file].Load():
                count += 1
                self._record(self._converter.records(event, file))
        if self._settings != self._known:
            self._known = dict(self._settings)
            self._monitor.update_configuration(self._settings)
        if not count:
            idle_s = self._clock.time() - max((file.stat().st_mtime for file in files), default=0.0)
            if idle_s > FLUSH_S:
                self._record(self._converter.flush())
            if idle_s > IDLE_S:
                self.close()
        return count

    def close(self) -> None:
        """End the run, and close the event files."""
        self._loaders.clear()
        if self.is_open:
            try:
                self._record(self._converter.rest())
            finally:
                self._monitor.close()

    def _record(self, records: Iterator[Record]) -> None:
        for record in records:
            self._monitor.log_record(type(record), msgspec.structs.asdict(record))


class EventMirrors:
    """Live copies of all trainings with event files in a folder. Thread-safe.

    Args:
        folder: Folder to search, also in subfolders. Runs of rlvitals in it are left out.
        home: Folder for the runs. Each has the path of its training.
        clock: Source of the time.
    """

    def __init__(self, folder: Path, home: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._home = home
        self._clock = clock
        self._known: set[Path] = set()
        self._mirrors: dict[Path, EventMirror] = {}
        self._search_at = -math.inf
        self._lock = threading.Lock()

    def poll(self) -> None:
        """Record the new events of all trainings that go on. Search for new trainings from time to time.

        A training that has ended closes its files before the next one is opened.
        """
        with self._lock:
            for training in list(self._mirrors):
                self._poll(training)
            began = self._clock.monotonic()
            if began >= self._search_at:
                for training in trainings_with_events(self._folder):
                    if training not in self._known:
                        self._known.add(training)
                        self._open(training)
                ended = self._clock.monotonic()
                self._search_at = ended + pause_after(ended - began, least_s=SEARCH_S)

    def close(self) -> None:
        """End all runs."""
        with self._lock:
            for training in list(self._mirrors):
                self._close(training)

    def _open(self, training: Path) -> None:
        place = self._home / training.relative_to(self._folder).parent if training != self._folder else self._home
        try:
            self._mirrors[training] = EventMirror(training, place, clock=self._clock)
        except Exception as error:  # noqa: BLE001 - the other trainings are shown
            _log.warning("%s cannot be shown: %s", training, error)
        while training in self._mirrors and self._poll(training):
            pass

    def _poll(self, training: Path) -> int:
        """Record the new events of a training, and return their number."""
        mirror = self._mirrors[training]
        count = 0
        try:
            count = mirror.poll()
        except Exception as error:  # noqa: BLE001 - the other trainings are read
            _log.warning("%s is no longer read: %s", training, error)
            self._close(training)
        if not mirror.is_open:
            self._mirrors.pop(training, None)
        return count

    def _close(self, training: Path) -> None:
        try:
            self._mirrors.pop(training).close()
        except Exception as error:  # noqa: BLE001 - the other trainings are closed
            _log.warning("the last events of %s were not recorded: %s", training, error)

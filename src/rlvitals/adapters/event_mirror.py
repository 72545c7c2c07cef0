"""Live copies of TensorBoard's event files as runs, for `rlvitals watch` and `rlvitals ui`."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock, pause_after
from rlvitals.formats.importers.earlier_imports import marked_path
from rlvitals.formats.importers.event_files import event_files, found_trainings_with_events
from rlvitals.formats.importers.event_trainings import (
    EventFileSummary,
    TrainingFiles,
    mean_lengths_in,
    tags_without_steps,
    trainings_at,
)
from rlvitals.formats.importers.import_writing import RecordTimes, imported_header
from rlvitals.formats.importers.tensorboard_importer import (
    EventConverter,
    TensorBoardImporter,
    begin_of,
    loader_of,
)
from rlvitals.recording import Recorder, RecorderSettings, open_copy
from rlvitals.records import Record
from rlvitals.records.masking import DEFAULT_MASKING
from rlvitals.runs.header import IMPORTED, RUNNING, Header, mask_secrets
from rlvitals.runs.layout import valid_name
from rlvitals.sinks.lazy_destination import require

_log = logging.getLogger("rlvitals")

IDLE_S = 600.0
"""Seconds without a new value after which a training counts as ended."""

KEPT_S = 86_400.0
"""Seconds without a new value after which the files of a training that grew while it was shown are closed."""

FLUSH_S = 150.0
"""Seconds without a new value after which the last step is complete. PyTorch's writer flushes every 120 seconds."""

SEARCH_S = 5.0
"""Least time between two searches for new trainings."""

_FACTS = ("status", "started", "ended", "configuration", "writers")
"""Fields of the header that can change while the files grow."""

_SETTINGS = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, signals=(), take_requests=False)


class EventMirror:
    """Live copy of the event files of one training. Its header has the facts that an import of the files has.

    Args:
        folder: Folder with the event files, also in its parts, such as `train` and `eval`.
        log_dir: Folder for the run.
        trainings: The trainings that wrote the files, the oldest first. Default: look for them.
        number: Index of the training to copy. Files that are added later belong to the last training.
        clock: Source of the time.

    Raises:
        ImportFormatError: The folder has no event files.
        MissingExtraError: TensorBoard is not installed.
        RunError: The run cannot be created.
    """

    def __init__(
        self,
        folder: Path,
        log_dir: Path,
        trainings: Sequence[TrainingFiles] = (),
        number: int = -1,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        require("tensorboard", feature="reading event files", extra="tensorboard")
        self._folder = folder
        self._clock = clock
        found = trainings or trainings_at(folder)
        training = found[number]
        self._files = training.files
        self._is_last = training is found[-1]
        self._of_others = {file for each in found for file in each.files} - set(training.files)
        # Its records are not read, because they would end with the files.
        imported = TensorBoardImporter().imported(folder, training)
        self._settings: dict[str, Any] = {} if imported.configuration is None else imported.configuration
        self._imported = imported._replace(configuration=self._settings)
        summaries = _summaries_of(training)
        # A tag without steps until now can get them later, if the training goes on.
        without_steps = frozenset[str]() if self._is_last else tags_without_steps(summaries)
        self._converter = EventConverter(self._settings, without_steps, mean_lengths_in(summaries))
        self._loaders: dict[Path, Any] = {}
        self._begun = begin_of(training.files[0])
        self._newest: float | None = None
        self._grown = -math.inf
        self._is_caught_up = False
        self._times = RecordTimes()
        session = open_copy(log_dir, valid_name(folder.name), self._header(is_over=False), clock=clock)
        self._recorder = Recorder(session, settings=_SETTINGS, clock=clock)
        self._recorder.before_close(lambda: self._save(is_over=True))

    @property
    def path(self) -> Path:
        """Path of the run folder."""
        return self._recorder.path

    @property
    def is_open(self) -> bool:
        """Whether new events are recorded."""
        return not self._recorder.closed

    def poll(self) -> int:
        """Record the new events. The run has ended if the newest value is more than ten minutes old.

        Returns:
            Number of new events.
        """
        count = 0
        if self._is_last:
            self._files = [file for file in event_files(self._folder) if file not in self._of_others]
        for file in self._files:
            if file not in self._loaders:
                self._loaders[file] = loader_of(file)
            for event in self._loaders[file].Load():
                count += 1
                if event.summary.value:
                    self._newest = max(event.wall_time, self._newest or 0.0)
                self._record(self._converter.records(event, file))
        now = self._clock.time()
        if count and self._is_caught_up:
            self._grown = now
        idle_s = now - self._last_active(now)
        if not count:
            self._is_caught_up = True
            if idle_s > FLUSH_S:
                self._record(self._converter.flush())
            if idle_s > (KEPT_S if self._grown > -math.inf else IDLE_S):
                self.close()
        self._save(is_over=idle_s > IDLE_S)
        return count

    def close(self) -> None:
        """End the run, and close the event files."""
        self._loaders.clear()
        if self.is_open:
            try:
                self._record(self._converter.rest())
            finally:
                self._recorder.close()

    def _record(self, records: Iterator[Record]) -> None:
        for record in records:
            self._times.add(self._recorder.write(record))

    def _last_active(self, now: float) -> float:
        """Return the time of the newest value. The clock of the training's machine can differ from the one here.

        A file whose old events are read for the first time has not grown: it can be a copy.
        """
        newest = self._begun if self._newest is None else self._newest
        return max(min(newest, now), self._grown)

    def _header(self, *, is_over: bool) -> Header:
        """Return the header that an import of the events until now has."""
        header = imported_header(self._imported, *self._times.range(without=self._begun))
        header.reproduction = {IMPORTED: {"path": marked_path(self._folder), "format": "tensorboard"}}
        if not is_over:
            header.status, header.ended = RUNNING, None
            header.writers = [msgspec.structs.replace(writer, ended=None, status=None) for writer in header.writers]
        mask_secrets(header, DEFAULT_MASKING)
        return header

    def _save(self, *, is_over: bool) -> None:
        """Write the header if it has changed."""
        header, new = self._recorder.session.header, self._header(is_over=is_over)
        facts = {name: getattr(new, name) for name in _FACTS}
        if facts != {name: getattr(header, name) for name in _FACTS}:
            for name, value in facts.items():
                setattr(header, name, value)
            self._recorder.save()


def _summaries_of(training: TrainingFiles) -> Sequence[EventFileSummary]:
    """Return the summaries of the files. Empty if a file is damaged, which is then read up to the damage."""
    try:
        return training.summaries or [EventFileSummary(file) for file in training.files]
    except Exception:  # noqa: BLE001 - the same error ends the reading, and is reported then
        return ()


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
        self._files: dict[Path, int] = {}  # number of event files at the last look at a folder
        self._opened: dict[Path, int] = {}  # number of trainings of a folder whose copies have begun
        self._mirrors: dict[Path, EventMirror] = {}
        self._search_at = -math.inf
        self._lock = threading.Lock()

    def poll(self) -> None:
        """Record the new events of all trainings that go on. Search for new trainings from time to time.

        A training that has ended closes its files before the next one is opened.
        """
        with self._lock:
            for folder in list(self._mirrors):
                self._poll(folder)
            began = self._clock.monotonic()
            if began >= self._search_at:
                # Each file of a training yields its folder once.
                for folder, files in sorted(Counter(found_trainings_with_events(self._folder)).items()):
                    if folder not in self._mirrors and files != self._files.get(folder):
                        self._files[folder] = files
                        self._open(folder)
                ended = self._clock.monotonic()
                self._search_at = ended + pause_after(ended - began, least_s=SEARCH_S)

    def close(self) -> None:
        """End all runs."""
        with self._lock:
            for folder in list(self._mirrors):
                self._close(folder)

    def _open(self, folder: Path) -> None:
        """Copy the trainings of a folder that have not been copied. All but the last one are over."""
        place = self._home / folder.relative_to(self._folder).parent if folder != self._folder else self._home
        try:
            trainings = trainings_at(folder)
            for number in range(self._opened.get(folder, 0), len(trainings)):
                self._opened[folder] = number + 1
                self._close(folder)
                self._mirrors[folder] = EventMirror(folder, place, trainings, number, clock=self._clock)
                while folder in self._mirrors and self._poll(folder):
                    pass
        except Exception as error:  # noqa: BLE001 - the other trainings are shown
            _log.warning("%s cannot be shown: %s", folder, error)

    def _poll(self, folder: Path) -> int:
        """Record the new events of the training in a folder, and return their number."""
        mirror = self._mirrors[folder]
        count = 0
        try:
            count = mirror.poll()
        except Exception as error:  # noqa: BLE001 - the other trainings are read
            _log.warning("%s is no longer read: %s", folder, error)
            self._close(folder)
        if not mirror.is_open:
            self._mirrors.pop(folder, None)
        return count

    def _close(self, folder: Path) -> None:
        mirror = self._mirrors.pop(folder, None)
        try:
            if mirror is not None:
                mirror.close()
        except Exception as error:  # noqa: BLE001 - the other trainings are closed
            _log.warning("the last events of %s were not recorded: %s", folder, error)

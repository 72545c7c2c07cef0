"""Import of TensorBoard event files written by Stable-Baselines3, CleanRL, rlvitals or other programs."""

import struct
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.event_files import HPARAMS, event_files, training_folders
from rlvitals.formats.importers.event_trainings import (
    EventFileSummary,
    TrainingFiles,
    mean_lengths_in,
    restart_between,
    tags_without_steps,
    trainings_at,
    trainings_in,
)
from rlvitals.formats.importers.export_metadata import metadata_of
from rlvitals.formats.importers.folder_settings import settings_of
from rlvitals.formats.importers.import_warnings import ImportWarnings, warning, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formatting import listed
from rlvitals.records import Event, Record, codec_of
from rlvitals.records.settings_table import SETTINGS_TAGS, settings_in
from rlvitals.records.tag_reader import TagReader
from rlvitals.records.training_parts import tag_in
from rlvitals.runs.export_marker import HEADER
from rlvitals.sinks.lazy_destination import load, require

_TEXT_SUMMARY = "/text_summary"
_EVENTS = "events/"
_SHOWN = 10
_LOADER = "tensorboard.backend.event_processing.event_file_loader"
_LOG_STEPS = "Log them with their environment step, as in add_scalar(tag, value, step)"
_FRAME = 16
"""Number of bytes around each event: its length and two checksums."""


class TensorBoardImporter(Importer):
    """Importer for a single event file, or for the event files in a folder and its parts, such as `train` and `eval`.

    Tags determine the records of numbers (see `tag_reader`), which have 32 bits. Texts become events, and tables of
    hyperparameters become settings. Images, audio and histograms are left out, with a warning as an event.

    Files that start the steps again after the end of the earlier ones are those of another training, which becomes a
    separate run.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether a file starts with an event, or a folder or its parts of a training have such files."""
        return bool(event_files(path))

    def includes(self, path: Path, folder: Path) -> bool:
        """Return whether a subfolder is a part of the training in a folder. Other subfolders are trainings."""
        return folder in training_folders(path)

    def read(self, path: Path) -> Imported:
        """Find the files of the only training. Events are read lazily.

        Raises:
            ImportFormatError: There are no event files, or those of several trainings.
        """
        first, *others = trainings_at(path)
        if others:
            raise ImportFormatError(
                f"{path} has the event files of several trainings: {others[0].why} To import each as a run, use "
                f"`rlvitals import {path}` without a name, or `import_runs`. To import one of them, pass its file"
            )
        return self.imported(path, first)

    def runs_in(self, path: Path) -> Iterator[Imported]:
        """Yield the run of each training. Those after the first one have a warning with the reason."""
        for training in trainings_at(path):
            yield self.imported(path, training)

    def imported(self, path: Path, training: TrainingFiles) -> Imported:
        """Return the run of one of the trainings at a path (`trainings_at`). Events are read lazily."""
        folder = training.first.parent
        name, project = (path if path.is_dir() else folder).absolute().name, ""
        warnings = ImportWarnings()
        configuration = settings_of(path if path.is_dir() else folder, warnings)
        if (folder / HEADER).is_file():  # an rlvitals export
            header = metadata_of(folder).header
            name, project = header.run_id, header.project
            configuration |= header.configuration
        if training.why:
            warnings.add(f"{training.why} It becomes a separate run.", files=[*map(str, training.files)])
        found = self.read_into(training.files, configuration, training.summaries)
        # The first training keeps its identifier when the script runs again.
        run = training.first.relative_to(path).as_posix() if training.why else ""
        records = with_warnings(found, warnings, path)
        return Imported(name, records, project=project, configuration=configuration, run=run)

    def read_into(
        self,
        files: Sequence[Path],
        configuration: dict[str, Any],
        summaries: Sequence[EventFileSummary] = (),
    ) -> Iterator[Record]:
        """Return an iterator over the records of event files.

        Args:
            files: Event files in order.
            configuration: Receives the settings from the files while the records are read.
            summaries: Summaries of the files. Default: read them first.

        Raises:
            MissingExtraError: TensorBoard is not installed.
        """
        require("tensorboard", feature="TensorBoard", extra="tensorboard")
        return _records(files, configuration, summaries)


def _records(
    files: Sequence[Path], configuration: dict[str, Any], summaries: Sequence[EventFileSummary]
) -> Iterator[Record]:
    # The records of the first events depend on the values of the last ones, so a single pass would hold all of them.
    found = summaries or [EventFileSummary(file) for file in files]
    converter = EventConverter(configuration, tags_without_steps(found), mean_lengths_in(found))
    for file in files:
        for event in _events(file):
            yield from converter.records(event, file)
    converter.check_steps(files[0])
    yield from converter.rest()
    if not summaries:
        yield from _mixed(found)


def _mixed(files: Sequence[EventFileSummary]) -> Iterator[Record]:
    """Yield a warning if the event files, which become one run, are those of several trainings."""
    first, *others = trainings_in(files)
    if others:
        message = (
            f"{restart_between(first.files, others[0])} Both trainings are in this run. To separate them, move the "
            "files of one to another folder."
        )
        yield warning(max(file.ended for file in files), message)


class EventConverter:
    """Converter of the events of one training to records.

    Args:
        configuration: Receives the settings from the events.
        without_steps: Tags whose numbers are left out, because their steps are unknown.
        mean_lengths: Tags of episode lengths that are means of several episodes.
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        without_steps: Collection[str] = (),
        mean_lengths: Collection[str] = (),
    ) -> None:
        self._tags = TagReader(mean_lengths=mean_lengths)
        self._texts = _Texts(configuration)
        self._without_steps = without_steps
        self._left_out: dict[str, None] = {}
        self._has_numbers = False
        self._last = 0.0

    def records(self, event: Any, file: Path) -> Iterator[Record]:
        """Yield the records that an event completes.

        Args:
            event: Event of TensorBoard.
            file: Path of its file, for messages.

        Raises:
            ImportFormatError: A step is negative.
        """
        self._last = event.wall_time
        for value in event.summary.value:
            try:
                number = self._texts.number_in(value, event)
                if number is not None and value.tag in self._without_steps:
                    self._left_out[value.tag] = None
                elif number is not None:
                    self._has_numbers = True
                    tag = tag_in(file.parent, value.tag)
                    yield from self._tags.add(tag, number, step=event.step, time=event.wall_time)
            except RecordError as error:
                raise ImportFormatError(f"{file}: {value.tag} at step {event.step}: {error}") from None
        yield from self._texts.taken()

    def check_steps(self, file: Path) -> None:
        """Check that a number has a step.

        Raises:
            ImportFormatError: All numbers are without steps.
        """
        if self._left_out and not self._has_numbers:
            raise ImportFormatError(
                f"{file} has no steps: all values of {listed([*self._left_out], _SHOWN)} are at step 0. {_LOG_STEPS}"
            )

    def flush(self) -> Iterator[Record]:
        """Yield the records that are still open."""
        yield from self._tags.flush()

    def rest(self) -> Iterator[Record]:
        """Yield the records that are still open, and a warning with the tags that were left out."""
        yield from self.flush()
        yield from self._texts.left_out(self._last)
        if self._left_out:
            yield warning(
                self._last,
                f"not imported because all values are at step 0: {listed([*self._left_out], _SHOWN)}. {_LOG_STEPS}.",
                tags=[*self._left_out],
            )


def loader_of(file: Path) -> Any:
    """Return TensorBoard's loader of an event file. It keeps the file open, and each `Load` yields the new events."""
    return load(_LOADER).EventFileLoader(str(file))


def begin_of(file: Path) -> float:
    """Return the time of the first event of a file, which its writer adds when it creates the file."""
    first = next(iter(loader_of(file).Load()), None)
    return file.stat().st_mtime if first is None else float(first.wall_time)


def _events(file: Path) -> Iterator[Any]:
    count = 0
    for event in loader_of(file).Load():
        count += 1
        yield event
    there = _count(file)
    if count < there:  # TensorBoard's reader stops silently at damaged data
        raise ImportFormatError(f"{file} is damaged: only the first {count} of its events can be read")


def _count(file: Path) -> int:
    """Return the number of complete events; a truncated last event does not count. A wrong length ends the count."""
    checksum = load("tensorboard.compat.tensorflow_stub.pywrap_tensorflow").masked_crc32c
    count, place, size = 0, 0, file.stat().st_size
    with file.open("rb") as content:
        while place + _FRAME <= size:
            content.seek(place)
            head, check = content.read(8), content.read(4)
            if checksum(head) != struct.unpack("<I", check)[0]:
                return count + 1
            place += struct.unpack("<Q", head)[0] + _FRAME
            count += place <= size
    return count


class _Texts:
    """The texts and other values in event files that are not scalars.

    Args:
        configuration: Receives the settings.
    """

    def __init__(self, configuration: dict[str, Any]) -> None:
        self._configuration = configuration
        self._events: list[Record] = []
        self._others: dict[str, None] = {}

    def number_in(self, value: Any, event: Any) -> float | None:
        """Return the value as a number, or store it as text or excluded data and return `None`."""
        if value.tag.startswith(HPARAMS):
            self._take_hparams(value)
            return None
        array = load("tensorboard.util.tensor_util").make_ndarray(value.tensor) if value.HasField("tensor") else None
        if array is None or array.size != 1 or value.metadata.plugin_data.plugin_name not in {"scalars", "text", ""}:
            self._others[value.tag] = None
            return None
        content = array.item()
        if not isinstance(content, bytes):
            return float(content)
        self._take_text(value.tag, content.decode("utf-8", "replace"), event)
        return None

    def taken(self) -> Iterator[Record]:
        """Yield the events since the last call."""
        events, self._events = self._events, []
        yield from events

    def left_out(self, time: float) -> Iterator[Record]:
        """Yield a warning event with the tags that were left out."""
        if self._others:
            names = list(self._others)
            message = f"not imported because these are not single numbers or texts: {listed(names, _SHOWN)}."
            yield warning(time, message, tags=names)

    def _take_text(self, tag: str, text: str, event: Any) -> None:
        name = tag.removesuffix(_TEXT_SUMMARY)
        if name in SETTINGS_TAGS:
            self._configuration |= {**settings_in(text), **self._configuration}
        elif name.startswith(_EVENTS):
            self._events.append(_event(event.wall_time, name.removeprefix(_EVENTS), text, env_step=event.step))
        else:
            data = {"tag": name, "text": text}
            self._events.append(_event(event.wall_time, "text", text, env_step=event.step, data=data))

    def _take_hparams(self, value: Any) -> None:
        metadata = load("tensorboard.plugins.hparams.metadata")
        if value.tag == metadata.SESSION_START_INFO_TAG:
            content = value.metadata.plugin_data.content
            for name, value_of in metadata.parse_session_start_info_plugin_data(content).hparams.items():
                self._configuration.setdefault(name, getattr(value_of, value_of.WhichOneof("kind") or "string_value"))


def _event(time: float, kind: str, message: str, **more: Any) -> Record:
    fields = {"time": time, "kind": kind, "message": message, "severity": "info", **more}
    record: Record = codec_of(Event).pack(fields)[0]
    return record

"""TensorBoard's event files: of Stable-Baselines3, of CleanRL, of our own sink, or of any other program."""

import ast
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.export_metadata import metadata_of
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.tag_reader import TagReader
from rlvitals.records import Event, Record, codec_of
from rlvitals.runs.export_marker import HEADER
from rlvitals.sinks.lazy_destination import load, require

_MARK = "tfevents"
_TEXT_SUMMARY = "/text_summary"
_SETTINGS = {"configuration", "hyperparameters"}
_EVENTS = "events/"
_HPARAMS = "_hparams_/"
_SHOWN = 10
_FRAME = 16
"""Bytes around an event: its length, and a checksum of each."""


class TensorBoardImporter(Importer):
    """Reads event files with TensorBoard's own reader: one, or all that are in a folder or the folders below it.

    Numbers become records by their names (see `tags`); texts become events, or settings where they are a table of
    hyper-parameters. Pictures, sounds and histograms are left out, and an event says so. A number has 32 bits there.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def recognises(self, path: Path) -> bool:
        """By the names of its files."""
        return bool(event_files(path))

    def read(self, path: Path) -> Imported:
        """Find the files; events are read as they are asked for."""
        files = event_files(path)
        if not files:
            raise ImportFormatError(f"{path}: there is no event file of TensorBoard")
        folder = files[0].parent
        name, project = (path if path.is_dir() else folder).absolute().name, ""
        configuration: dict[str, Any] = {}
        if (folder / HEADER).is_file():  # an export of ours
            header = metadata_of(folder).header
            name, project = header.run_id, header.project
            configuration |= header.configuration
        return Imported(name, self.read_into(files, configuration), project=project, configuration=configuration)

    def read_into(self, files: list[Path], configuration: dict[str, Any]) -> Iterator[Record]:
        """The records of event files.

        Args:
            files: The files, in their order.
            configuration: Takes the settings that they tell, while the records are read.

        Raises:
            MissingExtraError: TensorBoard is not installed.
        """
        require("tensorboard", feature="TensorBoard", extra="tensorboard")
        return _records(files, configuration)


def event_files(path: Path) -> list[Path]:
    """The event files at a path, the oldest first; their names begin with when they were made."""
    if path.is_file():
        return [path] if _MARK in path.name else []
    return sorted(path.rglob(f"*{_MARK}*"), key=lambda file: (file.name, file))


def _records(files: list[Path], configuration: dict[str, Any]) -> Iterator[Record]:
    tags = TagReader()
    texts = _Texts(configuration)
    last = 0.0
    for file in files:
        for event in _events(file):
            last = event.wall_time
            for value in event.summary.value:
                try:
                    number = texts.number_in(value, event)
                    if number is not None:
                        yield from tags.add(value.tag, number, step=event.step, time=event.wall_time)
                except RecordError as error:
                    raise ImportFormatError(f"{file}: {value.tag} at step {event.step}: {error}") from None
            yield from texts.taken()
    yield from tags.flush()
    yield from texts.left_out(last)


def _events(file: Path) -> Iterator[Any]:
    loader = load("tensorboard.backend.event_processing.event_file_loader").EventFileLoader(str(file))
    count = 0
    for event in loader.Load():
        count += 1
        yield event
    there = _count(file)
    if count < there:  # the reader stops at what it cannot read, and says nothing
        raise ImportFormatError(f"{file} is damaged: only the first {count} of its events can be read")


def _count(file: Path) -> int:
    """Events that are there; a torn end, which a kill leaves, is none. A wrong length hides all that is behind it."""
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
    """What event files hold beside numbers.

    Args:
        configuration: Takes the settings.
    """

    def __init__(self, configuration: dict[str, Any]) -> None:
        self._configuration = configuration
        self._events: list[Record] = []
        self._others: dict[str, None] = {}

    def number_in(self, value: Any, event: Any) -> float | None:
        """The number that a value is; anything else is taken note of."""
        if value.tag.startswith(_HPARAMS):
            self._take_hparams(value)
            return None
        array = load("tensorboard.util.tensor_util").make_ndarray(value.tensor) if value.HasField("tensor") else None
        if array is None or array.size != 1 or value.metadata.plugin_data.plugin_name not in {"scalars", "text", ""}:
            self._others[value.tag] = None
            return None
        said = array.item()
        if not isinstance(said, bytes):
            return float(said)
        self._take_text(value.tag, said.decode("utf-8", "replace"), event)
        return None

    def taken(self) -> Iterator[Record]:
        """The events since it was last asked."""
        events, self._events = self._events, []
        yield from events

    def left_out(self, time: float) -> Iterator[Record]:
        """An event that names what could not be taken."""
        if self._others:
            names = list(self._others)
            more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said = f"not imported, as these are no single numbers or texts: {', '.join(names[:_SHOWN])}{more}"
            yield _event(time, "import", said, severity="warning", data={"tags": names})

    def _take_text(self, tag: str, text: str, event: Any) -> None:
        name = tag.removesuffix(_TEXT_SUMMARY)
        if name in _SETTINGS:
            self._configuration |= {key: value for key, value in _table(text) if key not in self._configuration}
        elif name.startswith(_EVENTS):
            self._events.append(_event(event.wall_time, name.removeprefix(_EVENTS), text, env_step=event.step))
        else:
            data = {"tag": name, "text": text}
            self._events.append(_event(event.wall_time, "text", text, env_step=event.step, data=data))

    def _take_hparams(self, value: Any) -> None:
        metadata = load("tensorboard.plugins.hparams.metadata")
        if value.tag == metadata.SESSION_START_INFO_TAG:
            content = value.metadata.plugin_data.content
            for name, said in metadata.parse_session_start_info_plugin_data(content).hparams.items():
                self._configuration.setdefault(name, getattr(said, said.WhichOneof("kind") or "string_value"))


def _event(time: float, kind: str, message: str, **more: Any) -> Record:
    said = {"time": time, "kind": kind, "message": message, "severity": "info", **more}
    record: Record = codec_of(Event).pack(said)[0]
    return record


def _table(text: str) -> Iterator[tuple[str, Any]]:
    """The rows of a table of settings in Markdown, as CleanRL and our own sink write it."""
    for row in text.splitlines()[2:]:  # behind the header and the rule
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if len(cells) == 2:  # noqa: PLR2004 - name and value
            yield cells[0], _literal(cells[1])


def _literal(text: str) -> Any:
    try:
        said = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    return said if isinstance(said, bool | int | float | str | None) else text

"""Import of JSON and JSON-lines exports."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.export_metadata import metadata_in
from rlvitals.formats.importers.importer import Imported, Importer, head_of
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.runs.export_marker import FORMAT

_MARK = FORMAT.encode()


class _Document(msgspec.Struct):
    streams: dict[str, list[msgspec.Raw]] = {}


class _Line(msgspec.Struct):
    stream: str


class JsonImporter(Importer):
    """Importer for JSON exports.

    The whole document is loaded into memory. For runs larger than memory, use `jsonl`.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the suffix is `.json` and the format name is near the beginning."""
        return path.suffix.lower() == ".json" and _MARK in head_of(path)

    def read(self, path: Path) -> Imported:
        """Read the document. Records are decoded lazily."""
        content = path.read_bytes()
        preamble = metadata_in(content, path)
        try:
            streams = msgspec.json.decode(content, type=_Document).streams
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ImportFormatError(f"{path} is damaged: {error}") from None
        for stream in streams:
            _known(stream, str(path))
        return Imported(preamble.header.run_id, _records(streams, path), header=preamble.header)


class JsonLinesImporter(Importer):
    """Importer for JSON-lines exports, read line by line."""

    def recognises(self, path: Path) -> bool:
        """Return whether the first line contains the format name."""
        return path.suffix.lower() != ".json" and path.is_file() and _MARK in head_of(path, 100)

    def read(self, path: Path) -> Imported:
        """Read the first line. The remaining lines are read lazily."""
        with path.open("rb") as file:
            preamble = metadata_in(file.readline(), f"{path}, line 1")
        return Imported(preamble.header.run_id, _lines(path), header=preamble.header, counts=preamble.records)


def _records(streams: dict[str, list[msgspec.Raw]], path: Path) -> Iterator[Record]:
    for stream, raw in streams.items():
        unpack = codec_of(STREAMS[stream]).unpack
        for number, line in enumerate(raw, 1):
            try:
                yield unpack(bytes(line))
            except RecordError as error:
                raise ImportFormatError(f"{path}: record {number} of {stream} is damaged: {error}") from None


def _lines(path: Path) -> Iterator[Record]:
    unpack = {stream: codec_of(kind).unpack for stream, kind in STREAMS.items()}
    stream_in = msgspec.json.Decoder(_Line).decode
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, 2):
            try:
                record = unpack[_known(stream_in(line).stream, f"{path}, line {number}")](line)
            except (RecordError, msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise ImportFormatError(f"{path}, line {number} is damaged: {error}: {line[:60]!r}") from None
            yield record


def _known(stream: str, where: str) -> str:
    if stream not in STREAMS:
        raise ImportFormatError(f"{where}: unknown stream {stream!r}. The streams are {', '.join(STREAMS)}.")
    return stream

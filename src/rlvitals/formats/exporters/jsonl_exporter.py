"""A run as lines of JSON: the header, then a record a line, with its stream."""

from pathlib import Path
from typing import ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import line_of

_ROOM = 200
"""Bytes kept free in the first line for what is known last: how many records there are."""


class JsonLinesExporter(Exporter):
    """Writes the header in the first line, and `{"stream": "episodes", ...}` in each of the others, stream by stream.

    Records are spelled as in a run's files. The first line says how many there are, so that a file that was cut short
    is known by it.
    """

    endings: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")

    def export(self, source: Source, target: Path) -> None:
        """Write the lines."""
        beginning = msgspec.json.encode(source.described(counted=False)).removesuffix(b"}") + b',"records":'
        with target.open("wb") as file:
            file.write(beginning + b" " * _ROOM + b"}\n")
            for stream in source.streams:
                name = b'{"stream":%s,' % msgspec.json.encode(stream)
                for record in source.records(stream):
                    file.write(name + line_of(record)[1:])
            file.seek(len(beginning))
            file.write(msgspec.json.encode(source.described()["records"]))

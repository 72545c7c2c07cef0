"""Export to JSON lines: the header, then one record per line with the name of its stream."""

from pathlib import Path
from typing import ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import line_of

_ROOM = 200
"""Bytes reserved in the first line for the number of records, which is known only at the end."""


class JsonLinesExporter(Exporter):
    """Exporter for JSON lines: the header in the first line, then `{"stream": "episodes", ...}` lines.

    Records are grouped by stream and encoded as in a run folder. The first line contains the number of records, so that
    readers can detect a truncated file.
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

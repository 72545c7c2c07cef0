"""A run as one strict JSON document."""

from pathlib import Path
from typing import ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import line_of


class JsonExporter(Exporter):
    """Writes `{"format", "version", "header", "summary", "streams": {"episodes": [...], ...}}`, one record a line.

    What was not said is left out; what JSON has no number for is spelled `"NaN"`, `"Infinity"`, `"-Infinity"`, as in a
    run's files.
    """

    endings: ClassVar[tuple[str, ...]] = (".json",)

    def export(self, source: Source, target: Path) -> None:
        """Write the document."""
        with target.open("wb") as file:
            beginning = msgspec.json.format(msgspec.json.encode(source.described(counted=False)), indent=2)
            file.write(beginning.removesuffix(b"\n}"))
            file.write(b',\n  "streams": {')
            for place, stream in enumerate(source.streams):
                file.write(b"%s\n    %s: [" % (b"," * bool(place), msgspec.json.encode(stream)))
                for number, record in enumerate(source.records(stream)):
                    file.write(b"%s\n      %s" % (b"," * bool(number), line_of(record).rstrip(b"\n")))
                file.write(b"\n    ]" if source.counts[stream] else b"]")
            file.write(b"\n  }\n}\n" if source.streams else b"}\n}\n")

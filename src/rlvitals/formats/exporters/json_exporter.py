"""Export to a strict JSON document."""

from pathlib import Path
from typing import ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import line_of


class JsonExporter(Exporter):
    """Exporter for JSON: `{"format", "version", "header", "summary", "streams": {"episodes": [...], ...}}`.

    Each record is on its own line. Missing values are left out. Non-finite numbers are the strings `"NaN"`,
    `"Infinity"` and `"-Infinity"`, as in a run folder.
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

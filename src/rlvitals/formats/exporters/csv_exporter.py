"""Export to CSV: a folder with one file per stream, or a single file with one stream."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import STREAMS, Record
from rlvitals.records.csv_cells import cells_of, json_text, plain_columns, quoted, spreadsheet_cell
from rlvitals.records.schema import fields
from rlvitals.runs.sql_columns import REST
from rlvitals.sinks.flattening import flat_settings

MAX_KEYS = 500
"""Maximum number of dict entries with their own column. The column `<field>_rest` holds the remaining ones as JSON."""


class CsvExporter(Exporter):
    """Exporter for CSV: a folder with `episodes.csv`, `updates.csv`, ... and `header.json`.

    If the path ends in `.csv`, the exporter writes a single file with one stream and no header. Each field becomes a
    column, and so does each entry of a flat dict, for example `parameters.color_precision`. Cells have these formats:

    - A missing value is an empty cell; an empty text is `""`.
    - Non-finite numbers are `NaN`, `Infinity` and `-Infinity`.
    - A text in a dict that could be read as another type is a JSON string: the text `7` becomes `"7"` with quotes.
    - Nested fields are JSON.

    Args:
        excel: Whether to prefix texts that a spreadsheet would run as formulas (`=cmd|...`) with an apostrophe. Use
            this only for files to be opened in a spreadsheet: the importer does not remove the apostrophes.
    """

    def __init__(self, *, excel: bool = False) -> None:
        self._shown = spreadsheet_cell if excel else str

    endings: ClassVar[tuple[str, ...]] = (".csv",)

    def export(self, source: Source, target: Path) -> None:
        """Write the files. Each stream is read twice because the header row lists the keys of all records."""
        source.passes = 2
        if target.suffix.lower() in self.endings:
            if source.raw:
                self._write(source, source.one_stream(), target)
            else:
                self._describe(source, target)
            return
        target.mkdir()
        for stream in source.streams:
            self._write(source, stream, target / f"{stream}.csv")
        source.write_header(target)

    def _write(self, source: Source, stream: str, path: Path) -> None:
        kind = STREAMS[stream]
        dicts = {field.name: _Keys() for field in fields(kind) if field.column.is_dict}
        for record in source.records(stream):
            for name, keys in dicts.items():
                keys.observe(getattr(record, name))
        columns = list(plain_columns(kind))
        for name, keys in dicts.items():
            columns += [f"{name}.{key}" for key in keys.known]
            columns += [name + REST] * keys.has_rest
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(self._row(map(quoted, columns)))
            for record in source.records(stream):
                cells = cells_of(record, exact=True) | _rest(record, dicts)
                file.write(self._row(cells.get(column, "") for column in columns))

    def _describe(self, source: Source, path: Path) -> None:
        """Write header and summary as rows of name and value, for an export without records."""
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(self._row(("name", "value")))
            for name, value in flat_settings(source.described()):
                file.write(self._row(map(quoted, (name, value if isinstance(value, str) else json_text(value)))))

    def _row(self, cells: Iterable[str]) -> str:
        return ",".join(map(self._shown, cells)) + "\n"


class _Keys:
    """Keys of a dict field that get their own column, in order of first appearance."""

    def __init__(self) -> None:
        self.known: dict[str, None] = {}
        self.has_rest = False

    def observe(self, said: dict[str, object] | None) -> None:
        if said is None:
            return
        self.has_rest = self.has_rest or not said
        for key in said:
            if key not in self.known:
                if len(self.known) < MAX_KEYS:
                    self.known[key] = None
                else:
                    self.has_rest = True


def _rest(record: Record, dicts: dict[str, _Keys]) -> dict[str, str]:
    """Return the `_rest` cells: entries without their own column, and dicts that are present but empty."""
    cells: dict[str, str] = {}
    for name, keys in dicts.items():
        said = getattr(record, name)
        if keys.has_rest and said is not None:
            rest = {key: value for key, value in said.items() if key not in keys.known}
            if rest or not said:
                cells[name + REST] = quoted(json_text(rest))
    return cells

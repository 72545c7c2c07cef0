"""Import of tables of any program, CSV or JSON Lines, whose columns the user names."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.column_mapping import STEP, TIME, checked_mapping, columns_in
from rlvitals.formats.importers.episodes_importer import moment_of
from rlvitals.formats.importers.folder_settings import settings_of_table
from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.json_lines import first_object, objects_of
from rlvitals.formats.importers.progress_table import cell_value, rows_of_table

_WORDS = {"true": True, "false": False}


class MappedTableImporter(Importer):
    """Importer for a table with one row per step or episode.

    With `reward` and `length`, each row is an episode. With `reward` alone, the rewards are a curve. Fields of an
    update (`policy_loss`, `entropy`, ...) become updates. All other columns are read by their own names.

    Args:
        columns: Column of each field: `{"step": "timesteps", "reward": "ret"}`. `step` counts environment steps. `time`
            is in seconds since 1970 or ISO 8601. Any other name is a field of an episode or an update, or a tag such as
            `eval/mean_reward`.
    """

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        self._mapping = dict(columns or {})

    @property
    def settings(self) -> Mapping[str, str]:
        """The named columns."""
        return self._mapping

    def recognises(self, path: Path) -> bool:
        """Return whether a file has all named columns. Without names, no table is recognised."""
        return bool(self._mapping) and path.is_file() and {*self._mapping.values()} <= {*columns_in(path)}

    def read(self, path: Path) -> Imported:
        """Check the columns. Rows are read lazily."""
        columns = columns_in(path) if path.is_file() else []
        if not columns:
            raise ImportFormatError(f"{path} is not a table: expected CSV with a header, or one JSON object per line")
        tags = checked_mapping(self._mapping, columns, path)
        warnings = ImportWarnings()
        rows = self._rows(path, _values(path, columns, warnings), tags, warnings)
        records = with_warnings(history_records(rows, warnings, path), warnings, path)
        return Imported(path.stem, records, configuration=settings_of_table(path, warnings))

    def _rows(
        self, path: Path, found: Iterable[tuple[int, dict[str, Any]]], tags: Mapping[str, str], warnings: ImportWarnings
    ) -> Iterator[HistoryRow]:
        step_column, time_column = self._mapping[STEP], self._mapping.get(TIME)
        written = path.stat().st_mtime
        if time_column is None:
            warnings.add(f"{path}: no column is named as the time; the import uses the file's date for all records.")
        for line, row in found:
            where = f"{path}, line {line}"
            step = row.pop(step_column, None)
            if isinstance(step, bool) or not isinstance(step, int | float) or step != step // 1:
                raise ImportFormatError(f"{where}: {step_column} must be a whole number of steps, got {step!r:.60}")
            try:
                time = written if time_column is None else moment_of(row.pop(time_column))
            except (KeyError, TypeError, ValueError):
                raise ImportFormatError(
                    f"{where}: {time_column} must be in seconds since 1970 or ISO 8601. Name another column"
                ) from None
            yield HistoryRow(int(step), time, {tags.get(name, name): value for name, value in row.items()}, int(step))


def _values(path: Path, columns: list[str], warnings: ImportWarnings) -> Iterator[tuple[int, dict[str, Any]]]:
    if first_object(path) is not None:
        yield from objects_of(path, warnings, "row")
        return
    for line, row in rows_of_table(path, columns, warnings):
        cells = {name: _WORDS.get(text.lower(), cell_value(text)) for name, text in row.items() if text}
        yield line, cells

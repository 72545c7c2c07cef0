"""Runs of which only a framework's table of metrics is left."""

import json
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.progress_table import USUAL_NAME, ProgressTable, tables_in
from rlvitals.formats.importers.sb3_importer import SB3LogFolder

_SETTINGS = ("config.json", "variant.json", "params.json", "args.json")


class ProgressImporter(Importer):
    """Reads the tables of metrics of frameworks (see `frameworks`), a row an update or an iteration.

    Chosen by name, it reads any table with a column `step`: each column becomes a scalar.
    """

    def recognises(self, path: Path) -> bool:
        """By the columns; a folder with monitor files is left to the format `sb3`, which reads both."""
        return bool(tables_in(path)) and not SB3LogFolder(path).is_recognised

    def read(self, path: Path) -> Imported:
        """Find the table; rows are read as they are asked for."""
        tables = tables_in(path) or ([path] if path.is_file() else [])
        if not tables:
            raise ImportFormatError(f"{path}: there is no table of metrics, such as progress.csv, in it")
        file, *others = tables
        folder = (path if path.is_dir() else path.absolute().parent).absolute()
        usual = path.is_dir() or path.name.startswith(USUAL_NAME)
        warnings = ImportWarnings()
        table = ProgressTable(file, warnings)
        for other in others:
            warnings.add(f"{other} is a table of metrics too; the import takes {file.name} alone.", file=str(other))
        name = folder.name if usual else path.stem
        return Imported(name, with_warnings(table.records(None), warnings, path), configuration=settings_beside(file))


def settings_beside(file: Path) -> dict[str, Any]:
    """The settings that a framework wrote beside its table as JSON; empty if there are none, or unreadable ones."""
    for name in _SETTINGS:
        try:
            said = json.loads((file.parent / name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            return said
    return {}

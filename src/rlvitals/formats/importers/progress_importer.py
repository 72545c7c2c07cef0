"""Import of a framework's metric table without any other files of the training."""

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
    """Importer for metric tables of frameworks (see `framework_columns`) with one row per update or iteration.

    If the user selects this format, the importer reads any table with a `step` column. Each column becomes a scalar.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the columns belong to a framework. Folders with monitor files belong to the format `sb3`."""
        return bool(tables_in(path)) and not SB3LogFolder(path).is_recognised

    def read(self, path: Path) -> Imported:
        """Find the table. Rows are read lazily."""
        tables = tables_in(path) or ([path] if path.is_file() else [])
        if not tables:
            raise ImportFormatError(f"{path}: found no metric table such as progress.csv")
        file, *others = tables
        folder = (path if path.is_dir() else path.absolute().parent).absolute()
        usual = path.is_dir() or path.name.startswith(USUAL_NAME)
        warnings = ImportWarnings()
        table = ProgressTable(file, warnings)
        for other in others:
            warnings.add(f"{other} is also a metric table; the import reads only {file.name}.", file=str(other))
        name = folder.name if usual else path.stem
        return Imported(name, with_warnings(table.records(None), warnings, path), configuration=settings_beside(file))


def settings_beside(file: Path) -> dict[str, Any]:
    """Return the settings from a framework's JSON file next to the table, or an empty dict if none is readable."""
    for name in _SETTINGS:
        try:
            said = json.loads((file.parent / name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            return said
    return {}

"""Import of a framework's metric table without any other files of the training."""

from pathlib import Path

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.folder_settings import settings_of, settings_of_table
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.progress_table import USUAL_NAME, ProgressTable, tables_in
from rlvitals.formats.importers.sb3_importer import SB3LogFolder


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
        settings = settings_of(folder, warnings) if path.is_dir() else settings_of_table(path, warnings)
        name = folder.name if usual else path.stem
        return Imported(name, with_warnings(table.records(None), warnings, path), configuration=settings)

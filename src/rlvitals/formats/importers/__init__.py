"""Import of runs that other programs recorded, and of rlvitals exports, as run folders."""

from rlvitals.formats.importers.import_writing import ImportedRun
from rlvitals.formats.importers.importer import Imported, Importer, StoreImporter
from rlvitals.formats.importers.importer_registry import importer_names, make_importer
from rlvitals.formats.importers.run_import import import_run, import_runs

__all__ = [
    "Imported",
    "ImportedRun",
    "Importer",
    "StoreImporter",
    "import_run",
    "import_runs",
    "importer_names",
    "make_importer",
]

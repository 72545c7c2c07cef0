"""Import of runs that other programs recorded, and of rlvitals exports, as run folders."""

from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.importer_registry import importer_names, make_importer
from rlvitals.formats.importers.run_import import import_run

__all__ = ["Imported", "Importer", "import_run", "importer_names", "make_importer"]

"""A run of another program, or an export of ours, in: a run folder out."""

from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.importer_registry import importer_names, make_importer
from rlvitals.formats.importers.run_import import import_run

__all__ = ["Imported", "Importer", "import_run", "importer_names", "make_importer"]

"""A run of another program, or an export of ours, in: a run folder out."""

from rlvitals.importers.base import Imported, Importer
from rlvitals.importers.importing import import_run
from rlvitals.importers.registry import importer_names, make_importer

__all__ = ["Imported", "Importer", "import_run", "importer_names", "make_importer"]

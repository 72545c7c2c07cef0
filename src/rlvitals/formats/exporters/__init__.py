"""A run in, a file out: for other programs, other people and other machines."""

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.exporter_registry import exporter_names, make_exporter
from rlvitals.formats.exporters.run_export import export_path, export_run

__all__ = ["Exporter", "Source", "export_path", "export_run", "exporter_names", "make_exporter"]

"""Export of runs to files for other programs and machines."""

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.exporter_registry import exporter_names, make_exporter
from rlvitals.formats.exporters.run_export import export_path, export_run

__all__ = ["Exporter", "Source", "export_path", "export_run", "exporter_names", "make_exporter"]

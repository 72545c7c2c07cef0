"""A run in, a file out: for other programs, other people and other machines."""

from rlvitals.exporters.base import Exporter, Source
from rlvitals.exporters.exporting import export_path, export_run
from rlvitals.exporters.registry import exporter_names, make_exporter

__all__ = ["Exporter", "Source", "export_path", "export_run", "exporter_names", "make_exporter"]

"""Where runs are kept: folders of plain files that any tool can read."""

from rlvitals.runs.catalogue import find_runs, open_run
from rlvitals.runs.header import Header
from rlvitals.runs.run import Run

__all__ = ["Header", "Run", "find_runs", "open_run"]

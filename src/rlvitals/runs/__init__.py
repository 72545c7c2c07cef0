"""Storage of runs in folders of plain files that other tools can read."""

from rlvitals.runs.catalogue import Runs, find_runs, open_run, open_runs
from rlvitals.runs.header import Header
from rlvitals.runs.run import Run

__all__ = ["Header", "Run", "Runs", "find_runs", "open_run", "open_runs"]

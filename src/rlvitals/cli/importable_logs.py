"""Advice for a folder without runs that has logs of other programs."""

import shlex
from pathlib import Path

from rlvitals.formats.importers.event_files import event_files
from rlvitals.formats.importers.training_search import TrainingSearch

_DEPTH = 3
"""Number of folder levels to search below the folder, which can be a whole disk."""


def import_advice(folder: Path) -> str:
    """Return how to import or show the logs of other programs in a folder, or an empty text if there are none."""
    search = TrainingSearch(depth=_DEPTH)
    found = [training for training in search.trainings_at(folder) if training.format is not None]
    if not found:
        return ""
    formats = ", ".join(sorted({str(training.format) for training in found}))
    where = shlex.quote(str(folder))
    live = (
        f", or show them as they grow with `rlvitals ui {where}`"
        if any(event_files(each.path) for each in found)
        else ""
    )
    return f"It contains logs of other programs ({formats}). Make runs of them with `rlvitals import {where}`{live}."

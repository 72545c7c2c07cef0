"""Export to an offline run of Weights & Biases."""

import shutil
import threading
import time
from collections import deque
from pathlib import Path

from rlvitals.errors import ExportError
from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.tensorboard_exporter import context_of, in_order
from rlvitals.formats.wandb_log import WandbLog, wandb_record
from rlvitals.sinks.lazy_destination import load, require
from rlvitals.sinks.wandb_sink import WandbSink, keep_quiet

_PATIENCE_S = 120.0
_LAST = 20
"""Number of messages at the end of a file that are searched for the exit message."""


class WandbExporter(Exporter):
    """Exporter for W&B: a folder with an offline run, as the sink `wandb` writes it, and `header.json`.

    `wandb sync FOLDER/wandb/offline-run-*` uploads the run; the exporter itself sends no data. Nested values and the
    per-item metrics of evaluations are left out.

    Raises:
        MissingExtraError: W&B is not installed.
    """

    def __init__(self) -> None:
        keep_quiet()
        require("wandb", feature="Weights & Biases", extra="wandb")

    def export(self, source: Source, target: Path) -> None:
        """Write the folder."""
        target.mkdir()
        # Turn off W&B's system information: it would describe this machine, not the machine of the run.
        settings = load("wandb").Settings(
            console="off",
            silent=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
            disable_git=True,
            disable_code=True,
        )
        sink = WandbSink("offline", settings=settings)
        sink.begin(context_of(source, target))
        try:
            for record in in_order(source):
                sink.write(record)
        finally:
            sink.close()
        _wait(target)
        _leave_out_its_diary(target)
        source.write_header(target)


def _leave_out_its_diary(folder: Path) -> None:
    """Delete W&B's own logs, which link to paths on this machine and keep growing after the run has ended."""
    for link in folder.glob("wandb/debug*.log"):
        link.unlink(missing_ok=True)
    for logs in folder.glob("wandb/offline-run-*/logs"):
        shutil.rmtree(logs, ignore_errors=True)


def _wait(folder: Path) -> None:
    """Wait until W&B's background process has finished writing."""
    deadline = time.monotonic() + _PATIENCE_S
    while not all(map(_is_whole, folder.glob("wandb/offline-run-*/*.wandb"))):
        if time.monotonic() > deadline:
            raise ExportError(f"W&B did not finish writing its file within {_PATIENCE_S:.0f} s")
        threading.Event().wait(0.05)


def _is_whole(file: Path) -> bool:
    """Return whether a file ends with W&B's exit message."""
    message = wandb_record()
    last = deque(WandbLog(file), maxlen=_LAST)
    return any(message.FromString(each).HasField("exit") for each in last)

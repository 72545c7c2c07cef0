"""Sink that sends records to Weights & Biases."""

import os
import re
import secrets
from pathlib import Path
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError
from rlvitals.files.regular_files import read_regular, replace_file
from rlvitals.records import Episode, Record, Scalars
from rlvitals.sinks.flattening import Flattener, SettingsTracker, clocks_of, is_failure, is_preemption
from rlvitals.sinks.lazy_destination import Opening, load, require
from rlvitals.sinks.sink_context import RunSink, SinkContext

SESSION_ROWS = 10_000_000
"""Row numbers reserved for each offline session of a run. W&B drops rows with a number that it already has."""

_FORBIDDEN = re.compile(r"[/\\#?%:]")
_MAX_PROJECT = 128
_ONLINE, _OFFLINE = "online", "offline"


class WandbSink(RunSink):
    """Logs each record as a row of a separate W&B run.

    Every group of metrics has its own step axis: `episode/step`, `train/step`, .... Row numbers are independent of the
    steps, so no row is dropped because a step repeats or decreases. Texts are logged as texts. Each row has the time of
    its record. A resumed run continues the same W&B run.

    Files of an offline run are in `artifacts/wandb` in the run folder. Upload them with `wandb sync`.

    Args:
        mode: `online`, `offline` or `disabled`. Default: the environment variable `WANDB_MODE`. If it is not set, the
            mode is `online` with a login and `offline` without, so that W&B never prompts for a key during training.
        run: Existing W&B run to log to, instead of a separate one. It is left open.
        clock: Source of the time.
        **options: Further arguments of `wandb.init`.

    Raises:
        MissingExtraError: W&B is not installed.
    """

    def __init__(
        self, mode: str | None = None, *, run: Any = None, clock: Clock = SYSTEM_CLOCK, **options: Any
    ) -> None:
        require("wandb", feature="Weights & Biases", extra="wandb")
        self._mode = mode
        self._given = run
        self._options = options
        self._context: SinkContext | None = None
        self._opening: Opening[Any] = Opening(self._open, clock=clock)
        self._flattener = Flattener()
        self._settings = SettingsTracker()
        self._groups: set[str] = set()
        self._row: int | None = None
        self._failed = False
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the sink."""
        return "wandb"

    def begin(self, context: SinkContext) -> None:
        """Store information about the run. W&B starts with the first record."""
        self._context = context

    def write(self, record: Record) -> None:
        """Log a row.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            SinkError: W&B could not be started. The start is retried after a minute.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        run = self._opening.get()
        self._failed = self._failed or is_failure(record) or is_preemption(record)
        if not isinstance(record, Episode | Scalars):
            self._configure(run)
        flat = self._flattener.flatten(record)
        if flat.group not in self._groups:
            self._groups.add(flat.group)
            self._define(run, flat.group)
        clocks = {f"{flat.group}/{name}": at for name, at in clocks_of(record).items()}
        row: dict[str, Any] = {"_timestamp": record.time, **clocks, **flat.texts, **flat.numbers}
        row[f"{flat.group}/step"] = flat.step
        run.log(row, step=self._row, commit=True)
        if self._row is not None:
            self._row += 1

    def close(self) -> None:
        """Finish the W&B run, with exit code 1 if an exception or a signal ended the training, otherwise with 0."""
        if self._closed:
            return
        self._closed = True
        run = self._opening.value
        if run is None:
            return
        self._configure(run)
        if self._given is None:
            run.finish(exit_code=1 if self._failed else 0)

    def _open(self) -> Any:
        if self._given is not None:
            return self._given
        keep_quiet()
        wandb = load("wandb")
        mode = self._mode or os.environ.get("WANDB_MODE") or _default_mode(wandb)
        options: dict[str, Any] = {
            "mode": mode,
            # A separate run, because the user can have a W&B run in this process.
            "reinit": "create_new",
            # rlvitals records the system load itself, and the terminal belongs to the training.
            "settings": wandb.Settings(console="off", x_disable_stats=True),
        }
        context = self._context
        if context is not None:
            folder = context.artifacts / "wandb"
            folder.mkdir(parents=True, exist_ok=True)
            options |= {
                "id": _kept_id(folder / "run-id.txt"),
                "name": context.run_id,
                "project": _FORBIDDEN.sub("-", context.project)[:_MAX_PROJECT] or None,
                "dir": str(context.artifacts),
                "config": self._settings.changes(context.configuration()),
            }
            if context.resumed and mode == _ONLINE:
                options["resume"] = "allow"
            if context.resumed and mode == _OFFLINE:
                self._row = SESSION_ROWS * len(list(folder.glob("offline-run-*")))
        return wandb.init(**(options | self._options))

    def _configure(self, run: Any) -> None:
        changes = self._settings.changes(self._context.configuration()) if self._context else {}
        if changes:
            run.config.update(changes, allow_val_change=True)

    def _define(self, run: Any, group: str) -> None:
        run.define_metric(f"{group}/step", hidden=True)
        run.define_metric(f"{group}/*", step_metric=f"{group}/step")
        if group == "train":
            run.define_metric("rollout/*", step_metric="train/step")
            run.define_metric("time/iterations", step_metric="train/step")
        if group == "system":
            run.define_metric("time/fps", step_metric="system/step")


def keep_quiet() -> None:
    """Turn off the error and usage reports of W&B, unless the user has turned them on.

    W&B sends them even for offline runs, from a thread, after a minute. rlvitals must not send data that the user did
    not ask for. Call this before W&B is imported.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")


def _default_mode(wandb: Any) -> str:
    return _ONLINE if wandb.login(prompt=False, verify=False) else _OFFLINE


def _kept_id(file: Path) -> str:
    """Return the W&B ID of a run, creating and storing it on first use. The run name is unique only in its folder."""
    if not file.exists():
        replace_file(file, f"{secrets.token_hex(4)}\n".encode())
    return read_regular(file).decode().strip()

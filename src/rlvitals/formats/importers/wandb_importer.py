"""Import of W&B runs from their local files (`wandb/offline-run-*/run-*.wandb`)."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer, head_of
from rlvitals.formats.wandb_log import SIGNATURE, WandbLog, wandb_record
from rlvitals.records import Event, Record, codec_of
from rlvitals.sinks.lazy_destination import require

ENDING = ".wandb"
_OWN = "_"
"""First character of the names that W&B adds itself."""
_SUMMARY = "summary"
_STEP, _TIME = "_step", "_timestamp"


class WandbImporter(Importer):
    """Importer for the file of a run, or for its folder, written offline or online.

    Configuration, tags and history are read. Values of the summary that are not in the history become scalars of the
    category `summary`, or an event if there is no history and thus no step. Console output, system metrics and other
    files are left out.

    Raises:
        MissingExtraError: W&B is not installed.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether a file, or one in the folder, has the first bytes of W&B's log files."""
        return bool(_files_at(path))

    def read(self, path: Path) -> Imported:
        """Find the file and read its first messages. The history is read lazily."""
        files = _files_at(path)
        if len(files) != 1:
            found = f"found {len(files)} files" if files else "found no file"
            raise ImportFormatError(f"{path}: {found} of a W&B run (run-*{ENDING}); pass the path of one such file")
        (file,) = files
        require("wandb", feature=f"reading {file}", extra="wandb")
        messages = _messages(WandbLog(file), file)
        run = next((message.run for message in messages if message.HasField("run")), None)
        name = file.stem if run is None else run.display_name or run.run_id
        configuration: dict[str, Any] = {}
        tags: list[str] = [] if run is None else [*run.tags]
        warnings = ImportWarnings()
        project = "" if run is None else run.project
        started = 0.0 if run is None else run.start_time.seconds + run.start_time.nanos / 1e9
        records = with_warnings(_records(file, started, configuration, warnings), warnings, path)
        return Imported(name, records, project=project, configuration=configuration, tags=tags)


def _files_at(path: Path) -> list[Path]:
    candidates = [path] if path.is_file() else sorted(path.glob(f"*{ENDING}"))
    return [file for file in candidates if head_of(file, len(SIGNATURE)) == SIGNATURE]


def _messages(log: WandbLog, file: Path) -> Iterator[Any]:
    message = wandb_record()
    for number, content in enumerate(log, 1):
        try:
            yield message.FromString(content)
        except Exception as error:  # noqa: BLE001 - protobuf raises several types
            raise ImportFormatError(f"{file}: message {number} is damaged: {error}; import a copy of the run") from None


def _records(file: Path, started: float, configuration: dict[str, Any], warnings: ImportWarnings) -> Iterator[Record]:
    summary: dict[str, Any] = {}
    yield from history_records(_rows(file, configuration, summary, warnings), warnings, file)
    if summary and not started:
        warnings.add(f"{file} has no start time; the import uses the file's date.", file=str(file))
        started = file.stat().st_mtime
    if summary:
        fields = {"time": started, "kind": _SUMMARY, "message": "summary of a run without history", "severity": "info"}
        yield codec_of(Event).pack({**fields, "data": summary})[0]


def _rows(
    file: Path, configuration: dict[str, Any], alone: dict[str, Any], warnings: ImportWarnings
) -> Iterator[HistoryRow]:
    """Yield the rows of the history. Without history, the summary has no step and is stored in `alone`."""
    log = WandbLog(file)
    step: int | None = None
    time = 0.0
    summary: dict[str, Any] = {}
    logged: set[str] = set()
    for message in _messages(log, file):
        for config in (message.run.config, message.config):
            configuration |= _public(_nested(config.update))
            for item in config.remove:
                configuration.pop(item.key, None)
        summary |= _nested(message.summary.update)
        if message.HasField("history"):
            values = _nested(message.history.item)
            step, time = int(values.get(_STEP, message.history.step.num)), float(values.get(_TIME, time))
            logged |= values.keys()
            yield HistoryRow(step, time, _public(values))
    rest = {name: value for name, value in _public(summary).items() if name not in logged}
    if step is None:
        alone |= rest
    elif rest:
        yield HistoryRow(step, time, {_SUMMARY: rest})
    if log.damaged_at is not None:
        warnings.add(
            f"{file} is damaged or truncated at byte {log.damaged_at}, as after a killed process; the import keeps "
            "what was logged before.",
            file=str(file),
        )


def _nested(items: Iterable[Any]) -> dict[str, Any]:
    """Return the values of messages as nested dicts."""
    found: dict[str, Any] = {}
    for item in items:
        *above, name = item.nested_key or [item.key]
        inner = found
        for key in above:
            if not isinstance(inner.get(key), dict):
                inner[key] = {}
            inner = inner[key]
        try:
            inner[name] = json.loads(item.value_json)
        except ValueError:
            inner[name] = item.value_json
    return found


def _public(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.startswith(_OWN)}

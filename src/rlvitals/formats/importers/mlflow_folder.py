"""Runs in MLflow's folders: `mlruns/<experiment>/<run>/{meta.yaml,metrics,params,tags}`."""

import heapq
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.importer import head_of
from rlvitals.formats.importers.mlflow_run import ACTIVE, SYSTEM, LoggedValue, MlflowHistory, MlflowRun
from rlvitals.formats.importers.plain_text import lines_of
from rlvitals.formats.importers.yaml_mapping import mapping_in
from rlvitals.sinks.lazy_destination import require

_META = "meta.yaml"
_STAGE, _RUN, _EXPERIMENT = b"lifecycle_stage:", b"artifact_uri:", b"artifact_location:"
_CELLS = 3
_MOST_OPEN = 500


def is_folder_of_mlflow(path: Path) -> bool:
    """Return whether a folder is a run, an experiment or a store of MLflow."""
    return path.is_dir() and bool(_is(path, _RUN) or _is(path, _EXPERIMENT) or _experiments(path))


def runs_in_folder(path: Path) -> Iterator[tuple[MlflowRun, bool]]:
    """Yield the runs of a store, an experiment or a single run by start time, each with whether it is deleted.

    Raises:
        ImportFormatError: A file is damaged.
        MissingExtraError: PyYAML is not installed.
    """
    require("yaml", feature=f"reading {path}", extra="mlflow")
    if _is(path, _RUN):
        yield _run(path, path, _meta(path.parent) if _is(path.parent, _EXPERIMENT) else {})
        return
    for experiment in [path] if _is(path, _EXPERIMENT) else _experiments(path):
        meta = _meta(experiment)
        folders = [folder for folder in sorted(experiment.iterdir()) if _is(folder, _RUN)]
        yield from (_run(path, folder, meta) for folder in sorted(folders, key=_started))


def _is(folder: Path, mark: bytes) -> bool:
    head = head_of(folder / _META)
    return mark in head and _STAGE in head


def _experiments(path: Path) -> list[Path]:
    return sorted(file.parent for file in path.glob(f"*/{_META}") if _is(file.parent, _EXPERIMENT))


def _meta(folder: Path) -> dict[str, Any]:
    warnings = ImportWarnings()
    found = mapping_in(folder / _META, warnings)
    if not found:
        reason = " ".join(event.message for event in warnings.events(0.0)) or f"{folder / _META} is empty."
        raise ImportFormatError(f"{reason} Restore the file, or move the folder out of the store")
    return found


def _started(run: Path) -> int:
    started = _meta(run).get("start_time")
    return started if isinstance(started, int) else 0


def _run(path: Path, folder: Path, experiment: dict[str, Any]) -> tuple[MlflowRun, bool]:
    meta = _meta(folder)
    stages = {str(each.get("lifecycle_stage", ACTIVE)) for each in (meta, experiment)}
    run = MlflowRun(
        run=folder.relative_to(path).as_posix(),  # a copied run has the ID of its original in meta.yaml
        name=str(meta.get("run_name") or ""),
        id=str(meta.get("run_id") or meta.get("run_uuid") or folder.name),
        experiment=str(experiment.get("name") or ""),
        parameters=_texts_in(folder / "params"),
        tags=_texts_in(folder / "tags"),
        history=partial(_history, folder / "metrics"),
    )
    return run, stages != {ACTIVE}


def _history(folder: Path) -> MlflowHistory:
    files = {name: file for name, file in _files_in(folder).items() if not name.startswith(SYSTEM)}
    has_steps, without_steps = False, set[str]()
    sources: list[Iterable[LoggedValue]] = []
    for name, file in files.items():
        count, is_at_zero, is_sorted = _shape(_values_of(name, file))
        has_steps |= not is_at_zero
        if is_at_zero and count > 1:
            without_steps.add(name)
        # Values that were logged out of order have to be sorted in memory. A process can open about 1,000 files.
        is_streamed = is_sorted and len(files) <= _MOST_OPEN
        sources.append(_values_of(name, file) if is_streamed else sorted(_values_of(name, file)))
    return MlflowHistory(has_steps or not without_steps, without_steps, heapq.merge(*sources))


def _shape(values: Iterable[LoggedValue]) -> tuple[int, bool, bool]:
    """Return the number of values, whether all are at step 0, and whether they are sorted."""
    count, is_at_zero, is_sorted = 0, True, True
    last: LoggedValue | None = None
    for value in values:
        count += 1
        is_at_zero &= not value.step
        is_sorted &= last is None or last <= value
        last = value
    return count, is_at_zero, is_sorted


def _values_of(name: str, file: Path) -> Iterator[LoggedValue]:
    """Yield the values in a file, whose lines are the time, the value and the step."""
    for line in lines_of(file):
        cells = line.text.split()
        if not cells:
            continue
        try:
            time, value, step = cells[:_CELLS] if len(cells) >= _CELLS else (*cells, "0")
            yield LoggedValue(int(step), int(time), name, float(value))
        except ValueError:
            if line.ended:
                raise ImportFormatError(
                    f"{file}, line {line.number}: expected a time, a value and a step, got {line.text!r:.60}. Repair "
                    "the line, or remove it"
                ) from None


def _texts_in(folder: Path) -> dict[str, str]:
    return {name: file.read_text("utf-8", "replace").strip() for name, file in _files_in(folder).items()}


def _files_in(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by their relative path. Names with `/` are in subfolders."""
    return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}

"""What Stable-Baselines3 leaves in a log folder: `monitor.csv`, `progress.csv`, `evaluations.npz`."""

import csv
import heapq
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.importers.base import Imported, Importer, head_of
from rlvitals.importers.evaluations import Evaluations
from rlvitals.importers.tags import TagReader
from rlvitals.importers.tensorboard import TensorBoardImporter, event_files
from rlvitals.records import Episode, Evaluation, Record, codec_of
from rlvitals.records.cells import value_in

MONITOR = "monitor.csv"
PROGRESS = "progress.csv"
EVALUATIONS = "evaluations.npz"

_STEPS, _ELAPSED = "time/total_timesteps", "time/time_elapsed"
_OWN = {"r", "l", "t"}


class Sb3Importer(Importer):
    """Reads one of these files, or a folder with several of them, which become one run.

    Episodes of several environments (`0.monitor.csv`, `1.monitor.csv`, ...) are put in the order of their times, and
    environment steps are their lengths summed up in that order, as `stable_baselines3.common.results_plotter` does it.
    A folder's event files are read where there is no `progress.csv`, which says the same in 64 bits.
    """

    def recognises(self, path: Path) -> bool:
        """By the names of its files."""
        return _Files(path).any

    def read(self, path: Path) -> Imported:
        """Find the files; they are read as records are asked for."""
        files = _Files(path)
        if not files.any:
            raise ImportFormatError(f"{path}: there is no *{MONITOR}, {PROGRESS} or {EVALUATIONS}")
        headers = [_monitor_header(file) for file in files.monitors]
        environments = {said["env_id"]: None for said in headers if said.get("env_id")}
        configuration: dict[str, Any] = {"env_id": next(iter(environments))} if len(environments) == 1 else {}
        name = (path if path.is_dir() else path.absolute().parent).absolute().name
        return Imported(name, _records(files, headers, configuration), configuration=configuration)


class _Files:
    """The files of a training.

    Args:
        path: A folder, or one of them.
    """

    def __init__(self, path: Path) -> None:
        inside = [path] if path.is_file() else sorted(path.glob("*"))
        self.folder = path if path.is_dir() else path.parent
        self.monitors = [file for file in inside if file.name.endswith(MONITOR) and head_of(file, 2) == b"#{"]
        self.progress = next((file for file in inside if file.name == PROGRESS), None)
        deeper = sorted(path.glob(f"*/{EVALUATIONS}"))
        found = [file for file in inside if file.name == EVALUATIONS] or deeper
        self.evaluations = found[0] if found else None
        self.surplus = found[1:]
        self.events = event_files(path) if path.is_dir() and self.progress is None else []
        self.monitors.sort(key=_place)

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.monitors or self.progress or self.evaluations)


def _records(files: _Files, headers: list[dict[str, Any]], configuration: dict[str, Any]) -> Iterator[Record]:
    if files.surplus:
        named = ", ".join(map(str, (files.evaluations, *files.surplus)))
        raise ImportFormatError(f"{files.folder}: several evaluations of one training: {named}; import each alone")
    evaluations = None if files.evaluations is None else Evaluations(files.evaluations)
    for record in _episodes(files.monitors, headers):
        if evaluations is not None:
            evaluations.pass_by(record)
        yield record
    known = set()
    if evaluations is not None:
        known = evaluations.steps
        yield from evaluations.records()
    began = min((float(said["t_start"]) for said in headers if "t_start" in said), default=None)
    others: Iterator[Record] = iter(())
    if files.progress is not None:
        others = _progress(files.progress, began)
    elif files.events:
        others = TensorBoardImporter().read_into(files.events, configuration)
    for record in others:
        # `EvalCallback` says its means there too, and its episodes in the file that was read already.
        if not (isinstance(record, Evaluation) and record.env_step in known):
            yield record


def _place(file: Path) -> tuple[int, str]:
    """The number of an environment, in whose order its file stands."""
    number = file.name.partition(".")[0]
    return (int(number) if number.isdecimal() else -1, file.name)


def _monitor_header(file: Path) -> dict[str, Any]:
    try:
        with file.open(encoding="utf-8") as lines:
            said = json.loads(lines.readline().removeprefix("#"))
        return {**said, "t_start": float(said["t_start"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ImportFormatError(f"{file}, line 1 is damaged: {error!r}; a JSON object with t_start is wanted") from None


def _episodes(monitors: list[Path], headers: list[dict[str, Any]]) -> Iterator[Record]:
    several = len(monitors) > 1
    rows = [
        _monitor_rows(file, said["t_start"], index if several else None)
        for index, (file, said) in enumerate(zip(monitors, headers, strict=True))
    ]
    env_step = 0
    pack = codec_of(Episode).pack
    for episode, (_, _, where, values) in enumerate(heapq.merge(*rows, key=lambda row: row[:2])):
        try:
            env_step += int(values["length"])
            yield pack({**values, "episode": episode, "env_step": env_step})[0]
        except (RecordError, ValueError) as error:
            raise ImportFormatError(f"{where}: {error}") from None


def _monitor_rows(file: Path, began: float, index: int | None) -> Iterator[tuple[float, int, str, dict[str, Any]]]:
    """The rows of a file: the time, the environment, the place for messages, and the fields of an episode."""
    for line, row in _rows(file, skip=1):
        where = f"{file}, line {line}"
        values = {name: _number(row, name, where) for name in _OWN}
        extra = {name: value_in(text) for name, text in row.items() if name not in _OWN and text}
        said = {"reward": values["r"], "length": values["l"], "time": began + values["t"], "env_index": index}
        success = extra.get("is_success")
        if isinstance(success, bool | int | float) or success in {"True", "False"}:
            said["success"] = extra.pop("is_success") in {True, "True"}
        yield said["time"] or 0.0, index or 0, where, {**said, "extra": extra or None}


def _progress(file: Path, began: float | None) -> Iterator[Record]:
    if began is None:
        lasted = max((float(row[_ELAPSED]) for _, row in _rows(file) if row.get(_ELAPSED)), default=0.0)
        began = file.stat().st_mtime - lasted
    tags = TagReader()
    elapsed, step = 0.0, 0
    for line, row in _rows(file):
        where = f"{file}, line {line}"
        if row.get(_ELAPSED):
            elapsed = _number(row, _ELAPSED, where)
        if row.get(_STEPS):
            step = int(_number(row, _STEPS, where))
        try:
            for tag, text in row.items():
                if text:
                    yield from tags.add(tag, _value(text), step=step, time=began + elapsed)
            yield from tags.flush()
        except (RecordError, ValueError) as error:
            raise ImportFormatError(f"{where}: {error}") from None


def _rows(file: Path, *, skip: int = 0) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file behind its header, each with its line."""
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(itertools.islice(lines, skip, None))
        columns = next(reader, [])
        try:
            for row in reader:
                line = reader.line_num + skip
                if len(row) != len(columns):
                    raise ImportFormatError(
                        f"{file}, line {line}: {len(row)} cells, and {len(columns)} columns: {','.join(row)[:60]!r}"
                    )
                yield line, dict(zip(columns, row, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise ImportFormatError(f"{file} is damaged: {error}") from None


def _number(row: dict[str, str], name: str, where: str) -> float:
    text = row.get(name, "")
    try:
        return float(text)
    except ValueError:
        raise ImportFormatError(f"{where}: {name} must be a number, got {text!r:.60}") from None


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text

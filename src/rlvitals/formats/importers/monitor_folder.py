"""Monitor files of a folder: selection of one training, and its episodes in order of time."""

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.monitor_file import ENDING, MonitorFile, MonitorRow, is_monitor
from rlvitals.formatting import listed
from rlvitals.records import Episode, codec_of
from rlvitals.records.csv_cells import value_in

_SHOWN = 5


def monitor_paths(paths: Sequence[Path]) -> list[Path]:
    """Return the monitor files among the paths, recognised by contents and sorted by environment number."""
    return sorted((path for path in paths if path.suffix.lower() == ".csv" and is_monitor(path)), key=_place)


class Monitors:
    """The episodes of a training with one or more environments.

    All environments of a training start before its first episode ends. A file that starts after the last episode of
    another file therefore belongs to a different training in the same folder. Only the newest training is read.

    Args:
        paths: Paths of monitor files.
        warnings: Collector for damaged, missing or excluded data.

    Attributes:
        files: Files of the newest training.
        environment: Environment id if all files have the same one, otherwise `None`.
        began: Start time of the training (UTC, seconds since 1970); `None` without files.

    Raises:
        ImportFormatError: Most rows of a file are damaged.
        OSError: A file cannot be read.
    """

    def __init__(self, paths: Sequence[Path], warnings: ImportWarnings) -> None:
        every = [MonitorFile(path, warnings) for path in paths]
        named = {str(file.header["env_id"]) for file in every if file.header.get("env_id")}
        self.files = newest_training([file for file in every if file.rows], warnings)
        named = {str(file.header["env_id"]) for file in self.files if file.header.get("env_id")} or named
        self.environment = named.pop() if len(named) == 1 else None
        dated = [file.began for file in self.files if file.is_dated]
        self.began = min(dated or [file.began for file in self.files], default=None)
        self._warn(warnings)

    def _warn(self, warnings: ImportWarnings) -> None:
        if undated := [file.path.name for file in self.files if not file.is_dated]:
            warnings.add(
                f"{self.files[0].path.parent}: no header with t_start in {listed(undated, _SHOWN)}. The import "
                "estimates the start times of these environments.",
                files=undated,
            )
        if resumed := [f"line {line} of {file.path.name}" for file in self.files for line in file.restarts]:
            warnings.add(
                f"{self.files[0].path.parent}: the times restart ({listed(resumed, _SHOWN)}), as in a resumed "
                "training, but the files do not record when. The import places these episodes directly after the "
                "previous ones.",
                places=resumed,
            )

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes in order of time, with the sum of their lengths as environment steps.

        Raises:
            ImportFormatError: A record cannot hold a value. The message names the file and the line.
        """
        several = len(self.files) > 1
        begins = _session_starts(self.files, self.began or 0.0)
        rows = [_timed(file, index, begins[index]) for index, file in enumerate(self.files)]
        pack = codec_of(Episode).pack
        env_step = 0
        for number, (_, time, index, row) in enumerate(heapq.merge(*rows, key=lambda each: each[:3])):
            env_step += row.length
            said = {
                **_fields(row),
                "time": time,
                "episode": number,
                "env_step": env_step,
                "env_index": index if several else None,
            }
            try:
                yield pack(said)[0]
            except RecordError as error:
                raise ImportFormatError(f"{self.files[index].path}, line {row.line}: {error}") from None


def newest_training(files: Sequence[MonitorFile], warnings: ImportWarnings) -> list[MonitorFile]:
    """Separate the files of different trainings by their times, and return the training that started last.

    Args:
        files: Files with at least one episode, in any order.
        warnings: Collector for the excluded files and how to import them.

    Returns:
        Files of one training in the given order, including files without a start time.
    """
    trainings: list[list[MonitorFile]] = []
    end = 0.0
    for file in sorted((file for file in files if file.is_dated), key=lambda each: each.began):
        if not trainings or file.began > end:
            trainings.append([])
            end = file.ended
        trainings[-1].append(file)
        end = max(end, file.ended)
    for older in trainings[:-1]:
        names = [file.path.name for file in sorted(older, key=lambda each: _place(each.path))]
        warnings.add(
            f"{older[0].path.parent} contains {len(trainings)} trainings. The import takes the newest, of "
            f"{_day(trainings[-1][0].began)}, and leaves out the training of {_day(older[0].began)}: "
            f"{listed(names, _SHOWN)}. To import that training, copy these files into a separate folder and "
            "import that folder.",
            files=[str(file.path) for file in older],
        )
    older_files = [file for older in trainings[:-1] for file in older]
    return [file for file in files if file not in older_files]


def unread_monitors(paths: Sequence[Path], read: Sequence[Path], warnings: ImportWarnings) -> None:
    """Warn about files with the name of a monitor file but other contents.

    Args:
        paths: Files of a folder.
        read: Monitor files among them.
        warnings: Collector of the warnings.
    """
    for path in paths:
        if path.name.endswith(ENDING) and path not in read:
            what = "is empty" if path.stat().st_size == 0 else "does not start like a monitor file"
            warnings.add(f"{path} {what}; the import leaves it out.", file=str(path))


def _place(path: Path) -> tuple[list[int], str]:
    """Return a sort key: the environment's numbers (`3.monitor.csv`, `rank.environment.monitor.csv`), then the name."""
    numbers = path.name.removesuffix(ENDING).split(".")
    return ([int(number) for number in numbers if number.isdecimal()] or [-1], path.name)


def _session_starts(files: Sequence[MonitorFile], began: float) -> list[list[float]]:
    """Return the start of each session of each file; by default, the end of all earlier sessions of all files."""
    starts: list[list[float]] = [[] for _ in files]
    over = began
    for session in range(max((len(file.ends) for file in files), default=0)):
        otherwise = over
        for at, file in enumerate(files):
            if session >= len(file.ends):
                continue
            known = file.starts[session]
            starts[at].append(otherwise if known is None else known)
            over = max(over, starts[at][-1] + file.ends[session])
    return starts


def _timed(file: MonitorFile, index: int, begins: Sequence[float]) -> Iterator[tuple[int, float, int, MonitorRow]]:
    for row in file.read():
        yield row.session, begins[row.session] + row.t, index, row


def _fields(row: MonitorRow) -> dict[str, Any]:
    extra: dict[str, Any] = {name: value_in(text) for name, text in row.extra.items()}
    said: dict[str, Any] = {"reward": row.reward, "length": row.length}
    success = extra.get("is_success")
    if isinstance(success, bool) or success in {0, 1, "True", "False"}:
        said["success"] = extra.pop("is_success") in {True, "True"}
    return {**said, "extra": extra or None}


def _day(time: float) -> str:
    return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")

"""Import of episodes from JSON lines or CSV with the parameter names of `TrainingMonitor.log_episode`."""

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.importer import Imported, Importer, head_of
from rlvitals.records import Episode, Record, codec_of
from rlvitals.records.coercion import unspelled
from rlvitals.records.csv_cells import value_in
from rlvitals.records.schema import column_names
from rlvitals.runs.export_marker import FORMAT

NEEDED = {"episode", "reward", "length"}
ALIASES: dict[str, str] = {
    "timestamp": "time",
    "algorithm_metrics": "algorithm",
    "episode_time": "duration",
    "memory_usage": "memory",
    "logo_type": "category",
    "parameters_explored": "parameters",
}
"""Parameter names of `log_episode` that differ from the field names of `records.Episode`."""
ALGORITHM = {"policy_loss", "value_loss", "entropy", "kl_divergence", "learning_rate", "gradient_norm"}
"""Metrics of the algorithm that can also appear at the top level of an episode."""

_NESTING = ("performance_metrics", "additional_info")
_LINES = {".jsonl", ".ndjson"}
_CSV = ".csv"


class EpisodesImporter(Importer):
    """Importer for a file with one episode per line or row.

    Names are the parameters of `log_episode` and the fields of `records.Episode`. Entries of `algorithm_metrics`,
    `performance_metrics` and `additional_info` can be nested, have dotted names (`additional_info.logo_type`) or plain
    names (`logo_type`). Unknown names are kept: numbers, bools and short texts in `extra`, other values in `info`. The
    time of an episode is `time` or `timestamp` (seconds since 1970 or ISO 8601), by default the file's modification
    time.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the first line has the names of an episode."""
        head = head_of(path, 1 << 16).partition(b"\n")[0]
        if path.suffix.lower() in _LINES:
            return FORMAT.encode() not in head[:100] and all(b'"%s"' % name.encode() in head for name in NEEDED)
        columns = {cell.strip('"') for cell in head.decode("utf-8-sig", "replace").strip().split(",")}
        return path.suffix.lower() == _CSV and columns >= NEEDED

    def read(self, path: Path) -> Imported:
        """Open the file. Episodes are read lazily."""
        said = _cells(path) if path.suffix.lower() == _CSV else _lines(path)
        return Imported(path.stem, _records(path, said))


def _records(path: Path, said: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Record]:
    otherwise = path.stat().st_mtime
    pack = codec_of(Episode).pack
    for line, values in said:
        try:
            yield pack(episode_fields(values, otherwise))[0]
        except (RecordError, ValueError) as error:
            raise ImportFormatError(f"{path}, line {line}: {error}") from None


def episode_fields(said: Mapping[str, Any], time: float) -> dict[str, Any]:
    """Return the fields of an episode from values under other names.

    Args:
        said: Values by name; dicts can be nested.
        time: Time to use if the episode has none (UTC, seconds since 1970).

    Raises:
        ValueError: The time is invalid.
    """
    known = set(column_names(Episode))
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    info: dict[str, Any] = {}
    for name, value, nested in _leaves(said):
        field = ALIASES.get(name, name)
        if value is None:
            continue
        if field in {"extra", "info"} and isinstance(value, Mapping):
            (extra if field == "extra" else info).update(value)
        elif field in known and field not in fields:
            fields[field] = value
        elif name in ALGORITHM and not nested:
            fields.setdefault("algorithm", {})[name] = value
        elif isinstance(value, bool | int | float | str) and nested != "additional_info":
            extra[name] = value
        else:
            info[name] = value
    if "quality_improvement" not in fields and {"quality_initial", "quality_final"} <= fields.keys():
        fields["quality_improvement"] = float(fields["quality_final"]) - float(fields["quality_initial"])
    fields["time"] = moment_of(fields.get("time", time))
    return {**fields, "extra": extra or None, "info": info or None}


def _leaves(said: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield each name and value, and the name of the `log_episode` dict that contained it (empty for none)."""
    for name, value in said.items():
        if name in _NESTING and isinstance(value, Mapping):
            yield from ((inner, item, name) for inner, item in value.items())
        else:
            yield name, value, ""


def moment_of(said: Any) -> float:
    """Return a time (UTC, seconds since 1970) from such a number or an ISO 8601 text, by default in UTC.

    Raises:
        ValueError: The text is not a time.
    """
    if not isinstance(said, str):
        return float(said)
    moment = dt.datetime.fromisoformat(said)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                said = msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise ImportFormatError(f"{path}, line {number} is damaged: {error}: {line[:60]!r}") from None
            yield number, unspelled(said)


def _cells(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        try:
            for row in reader:
                if len(row) != len(columns):
                    raise ImportFormatError(
                        f"{path}, line {reader.line_num}: {len(row)} cells for {len(columns)} columns"
                    )
                said: dict[str, Any] = {}
                for name, text in zip(columns, row, strict=True):
                    if text:
                        _put(said, name, _value(text))
                yield reader.line_num, said
        except (csv.Error, UnicodeDecodeError) as error:
            raise ImportFormatError(f"{path} is damaged: {error}") from None


def _put(said: dict[str, Any], name: str, value: Any) -> None:
    """Set a value with a dotted name in nested dicts."""
    above, dot, rest = name.partition(".")
    inner = said.setdefault(above, {}) if dot else None
    if isinstance(inner, dict):
        inner[rest] = value
    else:
        said[name] = value


def _value(text: str) -> Any:
    if text[0] in "{[":
        try:
            return unspelled(msgspec.json.decode(text))
        except msgspec.DecodeError:
            return text
    if text in {"True", "False"}:
        return text == "True"
    return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}.get(text) or value_in(text)

"""Sink that writes the current vital signs to a text file for Prometheus, without a server or extra package."""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError
from rlvitals.files.regular_files import replace_file
from rlvitals.records import STREAM_OF, Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.records.metrics import metric_of
from rlvitals.records.schema import Column, fields
from rlvitals.sinks.flattening import finite_or
from rlvitals.sinks.sink_context import RunSink, SinkContext

INTERVAL_S = 5.0

_GROUP_OF: dict[type[Record], str] = {
    Episode: "episode",
    PolicyUpdate: "update",
    Evaluation: "evaluation",
    SystemSample: "system",
}
_DICTS = {  # name of the metric, label of its entries, and help text
    "reward_parts": ("reward_part", "part", "Component of the reward."),
    "parameters": ("parameter", "parameter", "Parameter of the episode."),
    "algorithm": ("algorithm", "name", "Metric of the algorithm at the end of the episode."),
    "extra": ("extra", "name", "Custom metric."),
}
_BASE_UNITS = {  # Prometheus uses base units only, as the suffix of a name
    "s": ("seconds", 1.0),
    "MiB": ("bytes", 2.0**20),
    "%": ("ratio", 0.01),
    "nats": ("nats", 1.0),
}


class _Family(NamedTuple):
    """Type and help text of all samples with the same name."""

    kind: str
    help: str


class PrometheusSink(RunSink):
    """Writes counters and the latest value of each number to `<run_id>.prom`. The file is replaced atomically.

    The file has the format of the textfile collector of node_exporter. Numbers have the labels `run` and `project`, and
    base units: bytes, seconds, ratios.

    Args:
        folder: Folder of the file. Default: `artifacts/prometheus` in the run folder.
        interval_s: Minimum time between two writes, in seconds.
        clock: Source of the time.
    """

    def __init__(
        self, folder: str | Path | None = None, *, interval_s: float = INTERVAL_S, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._folder = None if folder is None else Path(folder)
        self._file_name = "rlvitals.prom"
        self._interval_s = interval_s
        self._clock = clock
        self._labels: dict[str, str] = {}
        self._families: dict[str, _Family] = {}
        self._samples: dict[str, dict[str, float]] = {}
        self._due = clock.monotonic()
        self._changed = False
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the sink."""
        return "prometheus"

    def begin(self, context: SinkContext) -> None:
        """Use a folder in the run folder, unless another one was passed, and store the run name for the labels."""
        if self._folder is None:
            self._folder = context.artifacts / "prometheus"
        self._file_name = f"{context.run_id}.prom"
        self._labels = {"run": context.run_id, "project": context.project}

    def write(self, record: Record) -> None:
        """Add a record, and write the file if the interval has passed.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            OSError: The file cannot be written. The old file is unchanged.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._take(record)
        self._changed = True
        if self._clock.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write the file, if there are new records.

        Raises:
            OSError: The file cannot be written. The old file is unchanged.
        """
        if not self._changed:
            return
        self._due = self._clock.monotonic() + self._interval_s
        folder = self._folder or Path()
        folder.mkdir(parents=True, exist_ok=True)
        # The collector reads only `*.prom`, so it never reads an incomplete temporary file.
        replace_file(folder / self._file_name, self.text().encode())
        self._changed = False

    def close(self) -> None:
        """Write the file a last time, with `rlvitals_running` set to 0."""
        if self._closed:
            return
        self._closed = True
        if self._samples:
            self._set("rlvitals_running", "gauge", _RUNNING, 0.0)
            self._changed = True
        self.flush()

    def text(self) -> str:
        """Return the content of the file."""
        lines: list[str] = []
        for name in sorted(self._samples):
            family = self._families[name]
            lines.append(f"# HELP {name} {family.help.replace(chr(92), chr(92) * 2).replace(chr(10), ' ')}")
            lines.append(f"# TYPE {name} {family.kind}")
            lines += [f"{name}{labels} {_number(value)}" for labels, value in self._samples[name].items()]
        return "\n".join(lines) + "\n" if lines else ""

    def _take(self, record: Record) -> None:
        stream = STREAM_OF[type(record)]
        self._set("rlvitals_running", "gauge", _RUNNING, 1.0)
        self._count("rlvitals_records_total", "Number of records by stream.", stream=stream)
        moment = "rlvitals_last_record_timestamp_seconds"
        self._set(moment, "gauge", "Time of the last record by stream.", finite_or(record.time, 0.0), stream=stream)
        if isinstance(record, Event):
            of = {"kind": record.kind, "severity": record.severity or "info"}
            self._count("rlvitals_events_total", "Number of events by kind and severity.", **of)
        elif isinstance(record, Scalars):
            for name, value in _numbers(record.values):
                labels = {"category": record.category, "name": name}
                self._set("rlvitals_scalar", "gauge", _DICTS["extra"][2], value, **labels)
        else:
            self._take_fields(record, stream)
        step = getattr(record, "env_step", None)
        if step is not None:
            self._set("rlvitals_env_steps", "gauge", "Environment steps taken until now.", float(step))

    def _take_fields(self, record: Record, stream: str) -> None:
        group = f"rlvitals_{_GROUP_OF[type(record)]}"
        of = {"policy": record.policy} if isinstance(record, Evaluation) and record.policy else {}
        for name, column, _ in fields(type(record)):
            value = getattr(record, name)
            if value is None or name in {"time", "writer", "env_step"}:
                continue
            if column.is_dict:
                metric_name, label, help_text = _DICTS.get(name, (name, "name", "Entry of a group of numbers."))
                for entry, number in _numbers(value):
                    self._set(f"{group}_{metric_name}", "gauge", help_text, number, **of, **{label: entry})
            elif column in {Column.NUMBER, Column.COUNT, Column.FLAG}:
                suffixed, factor, help_text = _described(stream, name)
                self._set(f"{group}_{suffixed}", "gauge", help_text, value * factor, **of)

    def _set(self, name: str, kind: str, help_text: str, value: float, /, **labels: str) -> None:
        if name not in self._samples:
            self._families[name], self._samples[name] = _Family(kind, help_text), {}
        self._samples[name][self._labelled(labels)] = value

    def _count(self, name: str, help_text: str, /, **labels: str) -> None:
        labelled = self._labelled(labels)
        self._families.setdefault(name, _Family("counter", help_text))
        counts = self._samples.setdefault(name, {})
        counts[labelled] = counts.get(labelled, 0.0) + 1.0

    def _labelled(self, labels: Mapping[str, str]) -> str:
        return _label_text((*self._labels.items(), *labels.items()))


_RUNNING = "Whether the run is being recorded (1) or has ended (0)."


@lru_cache(maxsize=4096)
def _label_text(labels: tuple[tuple[str, str], ...]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels]
    return "{" + ",".join(pairs) + "}" if pairs else ""


@cache
def _described(stream: str, name: str) -> tuple[str, float, str]:
    """Return the suffix of a metric name, the factor that converts its value to base units, and its help text."""
    known = metric_of(stream, name)
    if name == "episode":
        return "number", 1.0, known.formula
    unit, factor = _BASE_UNITS.get(known.unit, ("", 1.0))
    stem = name.removesuffix("_percent")
    return f"{stem}_{unit}" if unit else stem, factor, known.formula


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    return ((name, float(value)) for name, value in values.items() if not isinstance(value, str))


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

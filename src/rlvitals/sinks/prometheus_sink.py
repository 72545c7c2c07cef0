"""Sink that offers the current vital signs to Prometheus, in a text file or at an HTTP endpoint."""

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError, SinkError
from rlvitals.files.regular_files import replace_file
from rlvitals.records import STREAM_OF, Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.records.metrics import metric_of
from rlvitals.records.schema import Column, fields
from rlvitals.sinks.flattening import finite_or
from rlvitals.sinks.lazy_destination import load, require
from rlvitals.sinks.sink_context import RunSink, SinkContext

INTERVAL_S = 5.0
LOOPBACK = "127.0.0.1"

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


class PrometheusSink(RunSink):
    """Offers counters and the latest value of each number to Prometheus.

    It writes the file `<run_id>.prom` for the textfile collector of node_exporter, serves an HTTP endpoint, or does
    both. The file is replaced atomically. Numbers have the labels `run` and `project`, and base units: bytes, seconds,
    ratios.

    Args:
        folder: Folder of the file. Default: `artifacts/prometheus` in the run folder, or no file if `port` is given.
        port: Port of the HTTP endpoint. 0 selects a free port. Default: no endpoint.
        host: Address of the network interface of the endpoint. Default: only this machine can connect.
        interval_s: Minimum time between two writes of the file, in seconds.
        clock: Source of the time.

    Raises:
        MissingExtraError: The Prometheus client is not installed.
        ValueError: The port is invalid.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        port: int | None = None,
        host: str = LOOPBACK,
        interval_s: float = INTERVAL_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        require("prometheus_client", feature="Prometheus", extra="prometheus")
        if port is not None and not 0 <= port < 1 << 16:
            raise ValueError(f"port={port}: must be a number from 0 to 65535")
        self._folder = None if folder is None else Path(folder)
        self._file_name = "rlvitals.prom"
        self._port = port
        self._host = host
        self._interval_s = interval_s
        self._clock = clock
        self._collector = RecordCollector()
        self._server: Any = None
        self._due = clock.monotonic()
        self._changed = False
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the sink."""
        return "prometheus"

    @property
    def address(self) -> str | None:
        """Address of the HTTP endpoint, or `None` if it is not running."""
        if self._server is None:
            return None
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"

    def begin(self, context: SinkContext) -> None:
        """Store information about the run, and start the HTTP endpoint if there is one.

        Args:
            context: Description of the run.

        Raises:
            SinkError: The endpoint cannot be started, for example because the port is in use.
        """
        if self._folder is None and self._port is None:
            self._folder = context.artifacts / "prometheus"
        self._file_name = f"{context.run_id}.prom"
        self._collector.labels = {"run": context.run_id, "project": context.project}
        if self._port is not None:
            self._listen(self._port)

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
        self._collector.take(record)
        self._changed = True
        if self._clock.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write the file, if there are new records.

        Raises:
            OSError: The file cannot be written. The old file is unchanged.
        """
        if self._folder is None or not self._changed:
            return
        self._due = self._clock.monotonic() + self._interval_s
        self._folder.mkdir(parents=True, exist_ok=True)
        # node_exporter reads only `*.prom`, so it never reads an incomplete temporary file.
        replace_file(self._folder / self._file_name, self.text().encode())
        self._changed = False

    def close(self) -> None:
        """Stop the HTTP endpoint, and write the file a last time, with `rlvitals_running` set to 0."""
        if self._closed:
            return
        self._closed = True
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._changed = self._collector.end() or self._changed
        self.flush()

    def abandon(self) -> None:
        """Close the socket of the HTTP endpoint, in the child of a fork, where its thread does not exist."""
        if self._server is not None:
            self._server.socket.close()
            self._server = None

    def text(self) -> str:
        """Return the content of the file."""
        text: str = load("prometheus_client").generate_latest(self._collector).decode()
        return text

    def _listen(self, port: int) -> None:
        client = load("prometheus_client")
        registry = client.CollectorRegistry()
        registry.register(self._collector)
        try:
            self._server, _ = client.start_http_server(port, self._host, registry)
        except OSError as error:
            reason = error.strerror or error
            raise SinkError(
                f"cannot listen on {self._host}:{port}: {reason}. Pass another port, or 0 for a free one."
            ) from error
        _listening.add(self)


_listening: weakref.WeakSet[PrometheusSink] = weakref.WeakSet()


def _abandon_in_child() -> None:
    # The child shares the socket. If it stayed open there, it would block the port after the parent has ended.
    for sink in list(_listening):
        sink.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)


class _Family(NamedTuple):
    """Values of a metric by the values of its labels."""

    is_counter: bool
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], float]


class RecordCollector:
    """Collector of `prometheus_client` that holds the counters and the latest values of records.

    Any thread can call it. A scrape never sees a part of a record.

    Attributes:
        labels: Labels of all metrics.
    """

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self._families: dict[str, _Family] = {}
        self._lock = threading.Lock()

    def take(self, record: Record) -> None:
        """Update the metrics.

        Args:
            record: Record of any stream.
        """
        with self._lock:
            self._take(record)

    def end(self) -> bool:
        """Set `rlvitals_running` to 0. Return whether there were any records."""
        with self._lock:
            if self._families:
                self._set("rlvitals_running", _RUNNING, 0.0)
            return bool(self._families)

    def collect(self) -> list[Any]:
        """Return the metrics as families of `prometheus_client`, sorted by name."""
        core = load("prometheus_client.core")
        collected = []
        with self._lock:
            for name, family in sorted(self._families.items()):
                kind = core.CounterMetricFamily if family.is_counter else core.GaugeMetricFamily
                metric = kind(name, family.help, labels=(*self.labels, *family.labels))
                for values, value in family.values.items():
                    metric.add_metric((*self.labels.values(), *values), value)
                collected.append(metric)
        return collected

    def _take(self, record: Record) -> None:
        stream = STREAM_OF[type(record)]
        self._set("rlvitals_running", _RUNNING, 1.0)
        self._count("rlvitals_records_total", "Number of records by stream.", stream=stream)
        moment = "rlvitals_last_record_timestamp_seconds"
        self._set(moment, "Time of the last record by stream.", finite_or(record.time, 0.0), stream=stream)
        if isinstance(record, Event):
            of = {"kind": record.kind, "severity": record.severity or "info"}
            self._count("rlvitals_events_total", "Number of events by kind and severity.", **of)
        elif isinstance(record, Scalars):
            for name, value in _numbers(record.values):
                labels = {"category": record.category, "name": name}
                self._set("rlvitals_scalar", _DICTS["extra"][2], value, **labels)
        else:
            self._take_fields(record, stream)
        step = getattr(record, "env_step", None)
        if step is not None:
            self._set("rlvitals_env_steps", "Environment steps taken until now.", float(step))

    def _take_fields(self, record: Record, stream: str) -> None:
        group = f"rlvitals_{_GROUP_OF[type(record)]}"
        # All samples of a metric need the same labels. An empty label counts as a missing one.
        of = {"policy": record.policy or ""} if isinstance(record, Evaluation) else {}
        for name, column, _ in fields(type(record)):
            value = getattr(record, name)
            if value is None or name in {"time", "writer", "env_step"}:
                continue
            if column.is_dict:
                metric_name, label, help_text = _DICTS.get(name, (name, "name", "Entry of a group of numbers."))
                for entry, number in _numbers(value):
                    self._set(f"{group}_{metric_name}", help_text, number, **of, **{label: entry})
            elif column in {Column.NUMBER, Column.COUNT, Column.FLAG}:
                suffixed, factor, help_text = _described(stream, name)
                self._set(f"{group}_{suffixed}", help_text, value * factor, **of)

    def _set(self, name: str, help_text: str, value: float, /, **labels: str) -> None:
        self._family(name, help_text, labels).values[tuple(labels.values())] = value

    def _count(self, name: str, help_text: str, /, **labels: str) -> None:
        counts = self._family(name, help_text, labels, is_counter=True).values
        counted = tuple(labels.values())
        counts[counted] = counts.get(counted, 0.0) + 1.0

    def _family(self, name: str, help_text: str, labels: Mapping[str, str], *, is_counter: bool = False) -> _Family:
        if name not in self._families:
            self._families[name] = _Family(is_counter, help_text, tuple(labels), {})
        return self._families[name]


_RUNNING = "Whether the run is being recorded (1) or has ended (0)."


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

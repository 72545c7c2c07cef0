"""What Prometheus reads from a text file and from the HTTP endpoint, read back with its own parsers."""

import math
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.sinks import PrometheusSink, Sink, SinkContext
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_sink(self) -> Sink:
        return PrometheusSink(self.folder)


def parsed(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def taken(*records: Record) -> PrometheusSink:
    sink = PrometheusSink()
    for record in records:
        sink.write(record)
    return sink


def value(samples: Samples, metric: str, /, **labels: str) -> float:
    return samples[metric, frozenset(labels.items())]


def test_the_latest_value_of_each_number_is_written() -> None:
    """A number that is missing in a later record keeps its value."""

    samples = parsed(
        taken(
            PolicyUpdate(time=1.0, step=1, value_loss=0.5, clip_fraction=0.25),
            PolicyUpdate(time=2.0, step=2, value_loss=0.75),
        ).text()
    )
    assert value(samples, "rlvitals_update_value_loss") == 0.75
    assert value(samples, "rlvitals_update_clip_fraction") == 0.25


def test_names_end_with_their_base_unit() -> None:
    """MiB are converted to bytes and percentages to ratios. Seconds are unchanged."""

    samples = parsed(
        taken(
            SystemSample(time=1.0, memory=2.0, cpu_percent=150.0, gpu_utilization=50.0),
            Episode(time=1.0, episode=4, reward=1.0, length=1, duration=0.5),
            PolicyUpdate(time=1.0, step=1, entropy=1.5),
        ).text()
    )
    assert value(samples, "rlvitals_system_memory_bytes") == 2 * 1024 * 1024
    assert value(samples, "rlvitals_system_cpu_ratio") == 1.5
    assert value(samples, "rlvitals_system_gpu_utilization_ratio") == 0.5
    assert value(samples, "rlvitals_episode_duration_seconds") == 0.5
    assert value(samples, "rlvitals_episode_number") == 4
    assert value(samples, "rlvitals_update_entropy_nats") == 1.5


def test_custom_names_become_labels() -> None:
    """Names with any characters are read back unchanged."""

    odd = 'a "b"\\c\nd'
    samples = parsed(
        taken(
            Scalars(time=1.0, step=1, category=odd, values={odd: 0.5, "text": "skipped", "flag": True}),
            Episode(time=1.0, episode=0, reward=1.0, length=1, reward_parts={"quality": 0.25}, parameters={odd: 6}),
            Evaluation(time=1.0, episode=0, policy="defaults", reward=2.0),
        ).text()
    )
    assert value(samples, "rlvitals_scalar", category=odd, name=odd) == 0.5
    assert value(samples, "rlvitals_scalar", category=odd, name="flag") == 1.0
    assert value(samples, "rlvitals_episode_reward_part", part="quality") == 0.25
    assert value(samples, "rlvitals_episode_parameter", parameter=odd) == 6.0
    assert value(samples, "rlvitals_evaluation_reward", policy="defaults") == 2.0


def test_the_samples_of_a_metric_have_the_same_labels() -> None:
    """The agent's evaluation has an empty label, which Prometheus treats like a missing one."""

    samples = parsed(
        taken(
            Evaluation(time=1.0, episode=0, reward=1.0), Evaluation(time=1.0, episode=0, policy="defaults", reward=2.0)
        ).text()
    )
    assert value(samples, "rlvitals_evaluation_reward", policy="") == 1.0
    assert value(samples, "rlvitals_evaluation_reward", policy="defaults") == 2.0


def test_only_records_make_metrics() -> None:
    """The client library adds no series of its own, such as the time at which a counter was created."""

    names = {name for name, _ in parsed(taken(Event(time=1.0, kind="note", message="x")).text())}
    assert names == {
        "rlvitals_events_total",
        "rlvitals_last_record_timestamp_seconds",
        "rlvitals_records_total",
        "rlvitals_running",
    }


def test_non_finite_values_are_written() -> None:
    """NaN and infinities are spelled as Prometheus expects."""

    text = taken(PolicyUpdate(time=1.0, step=1, policy_loss=math.nan, value_loss=math.inf, loss=-math.inf)).text()
    assert "rlvitals_update_policy_loss NaN\n" in text
    samples = parsed(text)
    assert math.isnan(value(samples, "rlvitals_update_policy_loss"))
    assert value(samples, "rlvitals_update_value_loss") == math.inf
    assert value(samples, "rlvitals_update_loss") == -math.inf


def test_records_and_events_are_counted() -> None:
    """The file has the counts, the time of the last record and the environment step, for alert rules."""

    samples = parsed(
        taken(
            Episode(time=10.0, episode=0, reward=1.0, length=1, env_step=100),
            Episode(time=11.0, episode=1, reward=1.0, length=1, env_step=200),
            Event(time=12.0, kind="finding", message="entropy collapsed", severity="critical"),
        ).text()
    )
    assert value(samples, "rlvitals_records_total", stream="episodes") == 2.0
    assert value(samples, "rlvitals_events_total", kind="finding", severity="critical") == 1.0
    assert value(samples, "rlvitals_last_record_timestamp_seconds", stream="episodes") == 11.0
    assert value(samples, "rlvitals_env_steps") == 200.0
    assert value(samples, "rlvitals_running") == 1.0


def test_every_metric_has_help_and_type() -> None:
    """The help text is the formula from the metric dictionary."""

    families = list(text_string_to_metric_families(taken(PolicyUpdate(time=1.0, step=1, clip_fraction=0.5)).text()))
    assert all(family.documentation and family.type in {"gauge", "counter"} for family in families)
    (clip_fraction,) = [family for family in families if family.name == "rlvitals_update_clip_fraction"]
    assert clip_fraction.documentation.startswith("Share of samples whose probability ratio is outside the clip range")


def test_the_file_is_written_immediately_and_then_at_an_interval(context: SinkContext) -> None:
    """It is written with the first record, at the interval, on a flush and on close."""

    clock = ManualClock()
    sink = PrometheusSink(interval_s=5.0, clock=clock)
    sink.begin(context)
    file = context.artifacts / "prometheus" / "ppo 1.prom"
    labels = {"run": "ppo 1", "project": "logos: small"}

    def step() -> float:
        return value(parsed(file.read_text()), "rlvitals_update_step", **labels)

    sink.write(PolicyUpdate(time=1.0, step=1))
    assert step() == 1
    sink.write(PolicyUpdate(time=1.0, step=2))
    assert step() == 1
    clock.advance(5.0)
    sink.write(PolicyUpdate(time=1.0, step=3))
    assert step() == 3
    sink.write(PolicyUpdate(time=1.0, step=4))
    sink.flush()
    assert step() == 4
    sink.write(PolicyUpdate(time=1.0, step=5))
    sink.close()
    assert step() == 5
    assert value(parsed(file.read_text()), "rlvitals_running", **labels) == 0.0


def test_readers_see_complete_files(tmp_path: Path) -> None:
    """The file is replaced atomically. A failed write keeps the old file, and leaves no temporary file."""

    sink = PrometheusSink(tmp_path)
    sink.write(PolicyUpdate(time=1.0, step=1))
    file = tmp_path / "rlvitals.prom"
    with file.open() as reader:
        sink.write(PolicyUpdate(time=1.0, step=2))
        sink.flush()
        assert "rlvitals_update_step 1.0" in reader.read()
    assert "rlvitals_update_step 2.0" in file.read_text()
    file.unlink()
    (file / "in the way").mkdir(parents=True)
    sink.write(PolicyUpdate(time=1.0, step=3))
    with pytest.raises(OSError, match=r"rlvitals\.prom"):
        sink.flush()
    assert [path.name for path in tmp_path.iterdir()] == ["rlvitals.prom"]
    (file / "in the way").rmdir()
    file.rmdir()
    sink.close()
    assert "rlvitals_update_step 3.0" in file.read_text()


def test_a_monitor_creates_the_sink_by_name(tmp_path: Path) -> None:
    """`sinks=["prometheus"]` is sufficient."""

    with TrainingMonitor(tmp_path, project_name="p", session_name="a", sinks=["prometheus"]) as monitor:
        for episode in range(3):
            monitor.log_episode(episode, 0.5, 10)
    samples = parsed((tmp_path / "a" / "artifacts" / "prometheus" / "a.prom").read_text())
    assert value(samples, "rlvitals_records_total", run="a", project="p", stream="episodes") == 3.0


FORK = """
import os, sys
from pathlib import Path
from rlvitals.records import PolicyUpdate
from rlvitals.sinks import PrometheusSink, SinkContext
sink = PrometheusSink(port=0)
sink.begin(SinkContext(Path(), Path(), "a", "", dict, resumed=False))
address = sink.address
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.close(writer)
    os.read(reader, 1)  # until the parent has closed the sink
    os._exit(0 if sink.address is None else 1)
port = int(address.split(":")[2].split("/")[0])
sink.close()
PrometheusSink(port=port).begin(SinkContext(Path(), Path(), "b", "", dict, resumed=False))
os.close(writer)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

Serve = Callable[..., PrometheusSink]


@pytest.fixture
def serve(context: SinkContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return a function that creates a sink with an endpoint on a free port, accessed without a proxy."""
    monkeypatch.setenv("no_proxy", "*")
    sinks: list[PrometheusSink] = []

    def make(folder: Path | None = None, port: int = 0) -> PrometheusSink:
        sink = PrometheusSink(folder, port=port)
        sink.begin(context)
        sinks.append(sink)
        return sink

    yield make
    for sink in sinks:
        sink.close()


def scraped(sink: PrometheusSink, accept: str = "*/*") -> str:
    assert sink.address is not None
    request = urllib.request.Request(sink.address, headers={"Accept": accept})  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content.decode()


def test_the_endpoint_serves_the_latest_values(serve: Serve) -> None:
    """A scrape returns the same text as the file, at any time."""

    sink = serve()
    assert scraped(sink) == ""
    sink.write(PolicyUpdate(time=1.0, step=1, value_loss=math.nan))
    assert scraped(sink) == sink.text()
    sink.write(PolicyUpdate(time=1.0, step=2))
    assert value(parsed(scraped(sink)), "rlvitals_update_step", run="ppo 1", project="logos: small") == 2


def test_the_endpoint_offers_openmetrics(serve: Serve) -> None:
    """Prometheus asks for this format. The names are the same."""

    sink = serve()
    sink.write(PolicyUpdate(time=1.0, step=1, value_loss=math.inf))
    sink.write(Event(time=1.0, kind="note", message="x"))
    text = scraped(sink, accept="application/openmetrics-text; version=1.0.0")
    families = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    names = {sample.name for family in families for sample in family.samples}
    assert text.endswith("# EOF\n")
    assert names == {name for name, _ in parsed(sink.text())}


def test_the_endpoint_is_closed_with_the_sink(serve: Serve) -> None:
    """A scrape is refused then."""

    sink = serve()
    address = str(sink.address)
    assert address.startswith("http://127.0.0.1:")
    sink.close()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(address, timeout=10)  # noqa: S310 - our own address


def test_the_file_is_optional_with_an_endpoint(serve: Serve, context: SinkContext, tmp_path: Path) -> None:
    """It is written if there is a folder for it."""

    for sink in (serve(), serve(tmp_path / "textfiles")):
        sink.write(PolicyUpdate(time=1.0, step=1))
        sink.close()
    assert [path.name for path in tmp_path.rglob("*.prom")] == ["ppo 1.prom"]
    assert list(context.artifacts.iterdir()) == []


class Halting(dict[str, int | float | bool | str]):
    """Values that a thread scrapes after the first one."""

    def __init__(self, scrape: threading.Thread) -> None:
        super().__init__(first=1.0, second=2.0)
        self.scrape = scrape

    def items(self) -> Any:
        yield "first", 1.0
        self.scrape.start()
        self.scrape.join(0.1)  # it cannot end before the record has been added
        yield "second", 2.0


def test_a_scrape_never_sees_a_part_of_a_record() -> None:
    """It waits until the record has been added."""

    sink = PrometheusSink()
    texts: list[str] = []
    scrape = threading.Thread(target=lambda: texts.append(sink.text()))
    sink.write(Scalars(time=1.0, step=0, category="mine", values=Halting(scrape)))
    scrape.join()
    assert [text.count("rlvitals_scalar{") for text in texts] == [2]


def test_the_error_for_a_port_in_use_has_the_remedy(tmp_path: Path) -> None:
    """The training continues without the sink, and the error is an event of the run."""

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sinks = [PrometheusSink(port=port)]
        with TrainingMonitor(tmp_path, session_name="a", sinks=sinks) as monitor:
            monitor.log_episode(0, 0.5, 10)
    (event,) = [event for event in monitor.run.records("events") if event.kind == "sink"]
    wanted = f"cannot listen on 127.0.0.1:{port}: Address already in use. Pass another port, or 0 for a free one."
    assert event.message.endswith(wanted)
    assert monitor.run.vitality().status == "completed"


@pytest.mark.parametrize("port", [-1, 65_536])
def test_an_invalid_port_is_rejected(port: int) -> None:
    """The error has the value and the range."""

    with pytest.raises(ValueError, match=rf"port={port}: must be a number from 0 to 65535"):
        PrometheusSink(port=port)


def test_a_forked_child_does_not_keep_the_port() -> None:
    """The child closes the socket, so that the parent can free its port while the child still runs."""

    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "0\n"

"""TensorBoard event files, read back with TensorBoard."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
    EventAccumulator,
    ScalarEvent,
)
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]
from tensorboard.plugins.hparams import metadata  # type: ignore[import-untyped]

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.sinks import Sink, SinkContext, TensorBoardSink
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract

STEPS = (5, 5, 7, 3, 5)


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_sink(self) -> Sink:
        return TensorBoardSink(self.folder)


def read(folder: Path) -> EventAccumulator:
    accumulator: EventAccumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(folder: Path, tag: str) -> list[ScalarEvent]:
    found: list[ScalarEvent] = read(folder).Scalars(tag)
    return found


def written(context: SinkContext, *records: Record) -> Path:
    sink = TensorBoardSink(clock=ManualClock())
    sink.begin(context)
    for record in records:
        sink.write(record)
    sink.close()
    return context.path


def texts(folder: Path, tag: str) -> list[str]:
    return [event.tensor_proto.string_val[0].decode() for event in read(folder).Tensors(tag)]


def test_the_event_file_is_in_the_run_folder(context: SinkContext) -> None:
    """`tensorboard --logdir logs` then shows each run under its name."""

    folder = written(context, PolicyUpdate(time=1.0, step=1, value_loss=0.5))
    assert [path.name.split(".")[:4] for path in folder.glob("*tfevents*")] == [
        ["events", "out", "tfevents", "1700000000"]
    ]


def test_numbers_are_read_back_with_step_and_time(context: SinkContext) -> None:
    """The step is the reported environment step, and the time is that of the record."""

    folder = written(
        context,
        Episode(time=10.5, episode=0, reward=2.0, length=8, env_step=8),
        PolicyUpdate(time=11.5, step=1, env_step=16, kl_divergence=0.25, entropy=1.5),
        Episode(time=12.5, episode=1, reward=4.0, length=8, env_step=24),
        SystemSample(time=13.5, env_step=24, env_steps_per_second=100.0),
    )
    assert scalars(folder, "episode/reward") == [ScalarEvent(10.5, 8, 2.0), ScalarEvent(12.5, 24, 4.0)]
    assert scalars(folder, "train/approx_kl") == [ScalarEvent(11.5, 16, 0.25)]
    assert scalars(folder, "train/entropy_loss") == [ScalarEvent(11.5, 16, -1.5)]
    assert scalars(folder, "rollout/ep_rew_mean") == [ScalarEvent(11.5, 16, 2.0)]
    assert scalars(folder, "time/fps") == [ScalarEvent(13.5, 24, 100.0)]


def test_records_with_repeated_or_lower_steps_are_kept(context: SinkContext) -> None:
    """They are in the order in which they were logged."""

    records = [Scalars(time=20.0 - n, step=step, category="mine", values={"place": n}) for n, step in enumerate(STEPS)]
    found = scalars(written(context, *records), "mine/place")
    assert [(event.step, event.value, event.wall_time) for event in found] == [
        (step, n, 20.0 - n) for n, step in enumerate(STEPS)
    ]


def test_non_finite_values_are_written(context: SinkContext) -> None:
    """NaN and both infinities are read back, and missing values are omitted."""

    losses = (math.nan, math.inf, -math.inf, None)
    found = scalars(
        written(context, *(PolicyUpdate(time=1.0, step=n, value_loss=loss) for n, loss in enumerate(losses))),
        "train/value_loss",
    )
    assert [event.step for event in found] == [0, 1, 2]
    assert math.isnan(found[0].value)
    assert [event.value for event in found[1:]] == [math.inf, -math.inf]


def test_a_record_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    """A reader sees it immediately, and killing the process loses no records."""

    sink = TensorBoardSink(tmp_path)
    for n in range(3):
        sink.write(Scalars(time=1.0, step=n, category="mine", values={"n": n}))
        assert len(scalars(tmp_path, "mine/n")) == n + 1
    sink.close()


def test_each_event_passes_the_checks_of_tensorboard(context: SinkContext) -> None:
    """Its reader finds one event per record, and one with the file version."""

    folder = written(context, *(PolicyUpdate(time=float(n), step=n, value_loss=0.5) for n in range(20)))
    events = list(EventFileLoader(str(next(folder.glob("*tfevents*")))).Load())
    assert events[0].file_version == "brain.Event:2"
    assert [event.step for event in events if event.summary.value[:1] and _is_loss(event)] == list(range(20))


def _is_loss(event: Any) -> bool:
    return bool(event.summary.value[0].tag == "train/value_loss")


def test_the_configuration_is_a_table_and_hyperparameters(context: SinkContext) -> None:
    """Nested settings have dotted names. Values other than numbers, booleans and texts are JSON."""

    folder = written(context, PolicyUpdate(time=1.0, step=1))
    (table,) = texts(folder, "configuration")
    assert "| learning_rate | 0.0003 |" in table
    assert "| policy.net_arch | [64, 64] |" in table
    content = read(folder).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    assert start.group_name == "ppo 1"
    assert start.hparams["learning_rate"].number_value == 3e-4
    assert start.hparams["policy.activation"].string_value == "tanh"
    assert start.hparams["policy.net_arch"].string_value == "[64, 64]"
    assert math.isnan(start.hparams["gamma"].number_value)


def test_settings_added_before_the_first_episode_are_hyperparameters(
    context: SinkContext, settings: dict[str, Any]
) -> None:
    """TensorBoard uses only the first hyperparameters, so they are written after an adapter has added its settings."""

    sink = TensorBoardSink()
    sink.begin(context)
    sink.write(Event(time=1.0, kind="state", message="started"))
    settings["algorithm"] = "PPO"
    sink.write(Episode(time=2.0, episode=0, reward=1.0, length=1))
    settings["learning_rate"] = 1e-4
    sink.write(PolicyUpdate(time=3.0, step=5))
    sink.close()
    content = read(context.path).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    assert start.hparams["algorithm"].string_value == "PPO"
    assert ["0.0001" in table for table in texts(context.path, "configuration")] == [False, True]


def test_events_are_texts(context: SinkContext) -> None:
    """The tag is the kind of the event, and a severity above info is bold."""

    folder = written(
        context,
        Event(time=1.0, kind="note", message="a new idea", severity="info", env_step=5),
        Event(time=2.0, kind="finding", message="entropy collapsed", severity="critical"),
    )
    assert texts(folder, "events/note") == ["a new idea"]
    assert texts(folder, "events/finding") == ["**critical** entropy collapsed"]


def test_all_files_of_a_resumed_run_are_read(context: SinkContext) -> None:
    """Each session writes a separate file, and TensorBoard reads them in order."""

    for step in range(3):
        written(context, Scalars(time=float(step), step=step, category="mine", values={"n": step}))
    assert [event.step for event in scalars(context.path, "mine/n")] == [0, 1, 2]


def test_a_monitor_creates_the_sink_by_flag(tmp_path: Path) -> None:
    """`use_tensorboard=True` is sufficient."""

    with TrainingMonitor(tmp_path, use_tensorboard=True, session_name="a") as monitor:
        for episode in range(5):
            monitor.log_episode(episode, float(episode), 10, env_step=10 * (episode + 1))
    assert [event.value for event in scalars(tmp_path / "a", "episode/reward")] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert monitor.dropped_records().sinks == {}


def test_neither_tensorflow_nor_torch_is_loaded(tmp_path: Path) -> None:
    """Events are written without them, which saves time and memory."""

    script = (
        "import sys\n"
        "from rlvitals.records import Scalars\n"
        "from rlvitals.sinks import TensorBoardSink\n"
        f"sink = TensorBoardSink({str(tmp_path)!r})\n"
        "sink.write(Scalars(time=1.0, step=1, category='mine', values={'n': 1}))\n"
        "sink.close()\n"
        "print(sorted({'tensorflow', 'torch'} & set(sys.modules)))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
    assert len(scalars(tmp_path, "mine/n")) == 1


def test_large_records_are_complete(context: SinkContext) -> None:
    """Two hundred numbers in one event are read back."""

    crowd: dict[str, Any] = {f"metric {m}": m for m in range(200)}
    folder = written(context, *(Scalars(time=1.0, step=n, category="mine", values=crowd) for n in range(5)))
    assert len(read(folder).Tags()["scalars"]) == 200
    assert [event.value for event in scalars(folder, "mine/metric 199")] == [199.0] * 5

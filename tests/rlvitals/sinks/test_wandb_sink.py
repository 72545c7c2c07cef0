"""Records in offline runs of Weights & Biases, read back from its own files."""

import json
import math
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.proto import wandb_internal_pb2

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Event, PolicyUpdate, Record, Scalars
from rlvitals.sinks import Sink, SinkContext, WandbSink
from rlvitals.sinks.wandb_sink import SESSION_ROWS
from rlvitals.testing.sinks import SinkContract

_BLOCK, _HEAD = 32 * 1024, 7
_message: Any = vars(wandb_internal_pb2)["Record"]  # what protobuf generates is not known to the type checker


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


REPORTING = """
import sys
from rlvitals import TrainingMonitor
from rlvitals.sinks import WandbSink
from wandb import analytics
with TrainingMonitor(sys.argv[1], sinks=[WandbSink("offline")]) as monitor:
    monitor.log_episode(0, 1.0, 1)
print("reporting:", analytics.get_telemetry_recorder()._enabled)
"""


def test_wandb_does_not_report_on_itself(tmp_path: Path) -> None:
    """Unless the user has said so: it would, for an offline run too."""

    def reporting(**environment: str) -> str:
        said = {name: value for name, value in os.environ.items() if name != "WANDB_ERROR_REPORTING"} | environment
        command = [sys.executable, "-c", REPORTING, str(tmp_path)]
        done = subprocess.run(command, env=said, capture_output=True, text=True, check=True)
        return done.stdout.split("reporting: ")[1].strip()

    assert reporting() == "False"
    assert reporting(WANDB_ERROR_REPORTING="true") == "True"


@pytest.fixture(autouse=True, scope="module")
def _service() -> Iterator[None]:
    """W&B's own process, which writes the files, ends with these tests."""
    yield
    wandb.teardown()


def made(**options: Any) -> WandbSink:
    plain = wandb.Settings(
        console="off",
        silent=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        disable_code=True,
    )
    chosen: dict[str, Any] = {"mode": "offline", "settings": plain} | options
    return WandbSink(**chosen)


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_sink(self) -> Sink:
        return made(dir=str(self.folder), project="contract")


def read(file: Path) -> Iterator[Any]:
    """The messages in a W&B file: LevelDB's log format, in which a message may go over several blocks."""
    data, place, message = file.read_bytes(), _HEAD, b""
    while place + _HEAD <= len(data):
        left = _BLOCK - place % _BLOCK
        if left < _HEAD:
            place += left
            continue
        _, length, part = struct.unpack("<IHB", data[place : place + _HEAD])
        if place + _HEAD + length > len(data):
            return
        message += data[place + _HEAD : place + _HEAD + length]
        place += _HEAD + length
        if part in {1, 4}:  # whole, or the last part
            yield _message.FromString(message)
            message = b""


def files(folder: Path) -> list[Path]:
    """The W&B files in a folder, once they are whole: W&B's process goes on writing when a run has finished."""
    found = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    deadline = time.monotonic() + 30.0
    while not all(any(message.HasField("exit") for message in read(file)) for file in found):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    return found


def of_kind(file: Path, kind: str) -> list[Any]:
    return [getattr(message, kind) for message in read(file) if message.WhichOneof("record_type") == kind]


def items(pairs: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in pairs}


def rows(file: Path) -> list[dict[str, Any]]:
    return [items(history.item) for history in of_kind(file, "history")]


def write(context: SinkContext, *records: Record, **options: Any) -> Path:
    sink = made(**options)
    sink.begin(context)
    for record in records:
        sink.write(record)
    sink.close()
    return files(context.artifacts)[-1]


def test_each_record_is_a_row_with_its_own_clocks(context: SinkContext) -> None:
    """Numbers, texts, every clock that was said, and the moment of the record rather than that of the row."""

    file = write(
        context,
        Episode(time=10.5, episode=3, reward=2.0, length=8, env_step=24, category="text"),
        PolicyUpdate(time=11.5, step=24, kl_divergence=0.25),
    )
    episode, update = [{key: row[key] for key in row if key != "_runtime"} for row in rows(file)]
    assert episode == {
        "_step": 0,
        "_timestamp": 10.5,
        "episode/step": 24,
        "episode/env_step": 24,
        "episode/episode": 3,
        "episode/reward": 2.0,
        "episode/length": 8.0,
        "episode/category": "text",
    }
    assert update == {
        "_step": 1,
        "_timestamp": 11.5,
        "train/step": 24,
        "train/approx_kl": 0.25,
        "rollout/ep_rew_mean": 2.0,
        "rollout/ep_len_mean": 8.0,
    }


def test_steps_that_repeat_or_come_late_are_all_there(context: SinkContext) -> None:
    """W&B keeps one row of each step, and drops late ones: rows are numbered, and steps are a metric."""

    steps = [5, 5, 7, 3, 5]
    file = write(
        context,
        *(Scalars(time=20.0 - n, step=step, category="mine", values={"place": n}) for n, step in enumerate(steps)),
    )
    found = [(row["mine/step"], row["mine/place"], row["_step"]) for row in rows(file)]
    assert found == [(step, n, n) for n, step in enumerate(steps)]


def test_each_group_has_an_axis_of_its_own(context: SinkContext) -> None:
    """So that W&B draws episodes over episodes, and the user's own metrics over their steps."""

    file = write(
        context,
        PolicyUpdate(time=1.0, step=1),
        *(Scalars(time=1.0, step=n, category="mine", values={}) for n in (1, 2)),
    )
    metrics = of_kind(file, "metric")
    assert {metric.glob_name or metric.name: metric.step_metric for metric in metrics} == {
        "train/step": "",
        "train/*": "train/step",
        "rollout/*": "train/step",
        "time/iterations": "train/step",
        "mine/step": "",
        "mine/*": "mine/step",
    }


def test_what_is_not_finite_is_kept(context: SinkContext) -> None:
    """NaN and both infinities are values; what was not said is not in the row."""

    losses = (math.nan, math.inf, -math.inf, None)
    file = write(context, *(PolicyUpdate(time=1.0, step=n, value_loss=loss) for n, loss in enumerate(losses)))
    found: list[Any] = [row.get("train/value_loss") for row in rows(file)]
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, None]


def test_the_run_is_named_and_described(context: SinkContext, settings: dict[str, Any]) -> None:
    """Name, project (without what W&B forbids) and settings, also those that come later."""

    sink = made()
    sink.begin(context)
    sink.write(Event(time=1.0, kind="state", message="started"))
    settings |= {"algorithm": "PPO", "learning_rate": 1e-4}
    sink.write(PolicyUpdate(time=2.0, step=1))
    sink.close()
    (file,) = files(context.artifacts)
    (run,) = of_kind(file, "run")
    assert (run.display_name, run.project) == ("ppo 1", "logos- small")
    first = items(run.config.update)
    assert (first["learning_rate"], first["policy"]) == (3e-4, {"net_arch": [64, 64], "activation": "tanh"})
    later: dict[str, Any] = {}
    for config in of_kind(file, "config"):
        later |= items(config.update)
    assert (later["algorithm"], later["learning_rate"]) == ("PPO", 1e-4)


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Event(time=1.0, kind="state", message="failed: KeyError", severity="critical"), 1),
        (PolicyUpdate(time=1.0, step=1), 0),
    ],
)
def test_the_exit_code_says_how_it_ended(context: SinkContext, ending: Record, code: int) -> None:
    """1 if an exception ended the training."""

    (end,) = of_kind(write(context, ending), "exit")
    assert end.exit_code == code


def test_a_resumed_run_is_the_same_run(context: SinkContext) -> None:
    """It keeps W&B's name for it, and its rows have numbers behind all those before: none is taken for an old one."""

    first = write(context, *(Scalars(time=1.0, step=n, category="mine", values={"n": n}) for n in range(3)))
    second = write(context._replace(resumed=True), Scalars(time=1.0, step=3, category="mine", values={"n": 3}))
    assert [file.name for file in (first, second)] == [files(context.artifacts)[0].name] * 2
    assert [row["_step"] for row in rows(first) + rows(second)] == [0, 1, 2, SESSION_ROWS]


def test_runs_of_one_name_in_two_folders_are_two(tmp_path: Path, context: SinkContext) -> None:
    """W&B would take the second for a continuation of the first, and mix them."""

    elsewhere = context._replace(artifacts=tmp_path / "elsewhere")
    one, other = (write(each, PolicyUpdate(time=1.0, step=1)) for each in (context, elsewhere))
    assert of_kind(one, "run")[0].run_id != of_kind(other, "run")[0].run_id


def test_a_run_of_the_users_own_is_used_and_left_open(tmp_path: Path) -> None:
    """Who has made a W&B run, as a sweep does, may hand it over; the process's own run is left alone otherwise."""

    run = wandb.init(mode="offline", dir=str(tmp_path), reinit="create_new", settings=wandb.Settings(console="off"))
    sink = WandbSink(run=run)
    sink.write(PolicyUpdate(time=1.0, step=1, value_loss=0.5))
    sink.close()
    run.log({"mine": 1})
    run.finish()
    (file,) = files(tmp_path)
    assert [row.get("mine", row.get("train/value_loss")) for row in rows(file)] == [0.5, 1]
    assert wandb.run is None


def test_without_a_login_it_is_offline(context: SinkContext) -> None:
    """And nobody is asked for a key: a training may run over night."""

    file = write(context, PolicyUpdate(time=1.0, step=1), mode=None)
    assert file.parent.name.startswith("offline-run-")


def test_a_monitor_writes_it_by_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`use_wandb=True`; the mode is that of the environment; an exception that ends the training is seen."""

    def train() -> None:
        with TrainingMonitor(tmp_path, use_wandb=True, session_name="a", project_name="p") as monitor:
            for episode in range(5):
                monitor.log_episode(episode, float(episode), 10)
            raise KeyError("diverged")

    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(KeyError, match="diverged"):
        train()
    (file,) = files(tmp_path / "a" / "artifacts")
    assert [row["episode/reward"] for row in rows(file) if "episode/reward" in row] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [end.exit_code for end in of_kind(file, "exit")] == [1]

"""Offline runs of Weights & Biases, read from W&B's own files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.proto import wandb_internal_pb2

from rlvitals.formats.exporters import Exporter, export_run, make_exporter
from rlvitals.formats.wandb_log import WandbLog
from rlvitals.records import STREAMS
from rlvitals.testing.exporters import ExporterContract, made_run

_message: Any = vars(wandb_internal_pb2)["Record"]  # type checkers cannot see protobuf's generated classes


@pytest.fixture(autouse=True, scope="module")
def _service() -> Iterator[None]:
    """W&B's background process ends with these tests."""
    yield
    wandb.teardown()


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


class TestContract(ExporterContract):
    def make_exporter(self) -> Exporter:
        return make_exporter("wandb")


def test_the_export_is_an_offline_run_that_wandb_can_upload(tmp_path: Path) -> None:
    """The W&B file has the records, the settings and the exit message when the export returns."""
    run = made_run(tmp_path / "logs", "ordinary")
    (file,) = export_run(run, tmp_path / "out", format="wandb").glob("wandb/offline-run-*/run-*.wandb")
    messages = [_message.FromString(data) for data in WandbLog(file)]
    rows = [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in message.history.item}
        for message in messages
        if message.HasField("history")
    ]
    settings = {item.key for message in messages if message.HasField("run") for item in message.run.config.update}

    assert [row["episode/reward"] for row in rows if "episode/reward" in row][:1] == [1.5]
    assert len(rows) == sum(len(list(run.records(stream))) for stream in STREAMS)
    assert "learning_rate" in settings
    assert any(message.HasField("exit") for message in messages)


def test_the_logs_of_wandb_are_left_out(tmp_path: Path) -> None:
    """W&B's own logs and links to paths on this machine are not part of the export."""
    out = export_run(made_run(tmp_path / "logs", "ordinary"), tmp_path / "out", format="wandb")

    assert not [path for path in out.rglob("*") if path.suffix == ".log"]
    assert not [path for path in out.rglob("*") if path.is_symlink() and not path.exists()]

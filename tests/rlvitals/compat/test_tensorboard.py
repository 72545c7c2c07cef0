"""Drop-in for TensorBoard's writer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals import RecorderSettings, open_run
from rlvitals.compat.tensorboard import SummaryWriter
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.formats.importers import import_run
from rlvitals.runs import Run

QUIET = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)


def test_the_run_is_the_folder_of_the_writer(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "runs" / "a", settings=QUIET) as writer:
        writer.add_scalar("losses/policy_loss", -0.1, 128)

    (update,) = Run(tmp_path / "runs" / "a").records("updates")
    assert (update.policy_loss, update.env_step) == (-0.1, 128)
    assert writer.get_logdir() == str(tmp_path / "runs" / "a")


def test_without_a_folder_the_run_is_in_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="-mine", settings=QUIET)
    writer.close()

    assert Path(writer.log_dir) == tmp_path / "runs" / "mine"


def test_a_writer_without_a_folder_does_not_share_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(settings=QUIET) as first, SummaryWriter("other", settings=QUIET) as second:
        second.add_scalar("losses/policy_loss", 1.0, 1)

    assert len(list(Run(tmp_path / "other").records("updates"))) == 1
    assert list(Run(Path(first.log_dir)).records("updates")) == []


def test_a_folder_whose_name_no_run_can_have_has_a_similar_one(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "lr=1,seed:2", settings=QUIET):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["lr=1-seed-2"]


def test_a_writer_of_a_part_shares_the_run(tmp_path: Path) -> None:
    """Its tags have the name of its folder."""
    training = SummaryWriter(tmp_path / "a", settings=QUIET)
    evaluation = SummaryWriter(tmp_path / "a" / "eval")
    evaluation.add_scalar("charts/episodic_return", 5.0, 8)
    evaluation.close()
    training.close()

    assert [one.reward for one in Run(tmp_path / "a").records("evaluations")] == [5.0]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_exception_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), SummaryWriter(tmp_path / "a", settings=QUIET):
        raise ValueError("no")

    assert Run(tmp_path / "a").header.status == "failed"


def test_a_purge_continues_the_run_from_its_step(tmp_path: Path) -> None:
    for steps, purge in ((range(6), None), (range(3, 8), 3)):
        with SummaryWriter(tmp_path / "a", purge_step=purge, settings=QUIET) as writer:
            for step in steps:
                writer.add_scalar("losses/policy_loss", float(step), step)

    assert [one.step for one in Run(tmp_path / "a").records("updates")] == list(range(8))


def test_what_is_not_supported_is_listed_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SummaryWriter(tmp_path / "a", settings=QUIET) as writer:
        for _ in range(2):
            writer.add_graph(None)
        writer.add_embedding(np.zeros((2, 2)))

    events = [event.message for event in Run(tmp_path / "a").records("events") if event.kind == "adapter"]
    wanted = "Not recorded, because rlvitals has no equivalent in TensorBoard: add_graph, add_embedding."
    assert events == [wanted]
    assert [wanted in message for message in caplog.messages] == [True]


def test_an_unknown_attribute_is_an_error(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "a", settings=QUIET) as writer, pytest.raises(AttributeError, match="'scalar'"):
        writer.scalar  # noqa: B018 - reading it is the test


def test_event_files_are_written_too_if_wanted(tmp_path: Path) -> None:
    """An import of the event files gives the same updates."""
    with SummaryWriter(tmp_path / "a", also_tensorboard=True, settings=QUIET) as writer:
        writer.add_scalar("losses/policy_loss", -0.5, 128)
        writer.add_custom_scalars({})
    (event_file,) = (tmp_path / "a").glob("events.out.tfevents*")

    again = import_run(event_file, tmp_path / "imported")
    assert [one.policy_loss for one in again.records("updates")] == [-0.5]


def training(folder: Path, convert: Callable[[float], Any]) -> Any:
    """Log a training that collapses, with numbers of one type, and return its diagnosis and records."""
    rng = np.random.default_rng(1)
    with SummaryWriter(folder / "run", settings=QUIET) as writer:
        for update in range(120):
            step, late = 128 * update, update > 60
            reward = rng.normal(20.0 if late else 100.0 + update, 5.0)
            values = {
                "charts/episodic_return": reward,
                "charts/episodic_length": 100.0,
                "losses/policy_loss": rng.normal(0.0, 0.01),
                "losses/value_loss": rng.uniform(1.0, 2.0),
                "losses/entropy": 1e-4 if late else 0.6,
                "losses/approx_kl": 2.0 if late else 0.01,
                "losses/clipfrac": 0.9 if late else 0.1,
            }
            for tag, value in values.items():
                writer.add_scalar(tag, convert(np.float32(value).item()), step, 1_000.0 + update)
    run = Run(folder / "run")
    records = [
        [(one.env_step, one.reward, one.length) for one in run.records("episodes")],
        [(one.env_step, one.policy_loss, one.entropy, one.kl_divergence) for one in run.records("updates")],
    ]
    return [(found.code, found.severity, found.evidence) for found in diagnose(evidence_of(run)).findings], records


@pytest.mark.parametrize(
    "convert",
    [np.float32, np.float64, torch.tensor, lambda value: torch.tensor([value])],
    ids=["float32", "float64", "0-d tensor", "tensor of one element"],
)
def test_every_numeric_type_gives_the_same_run_and_the_same_findings(
    tmp_path: Path, convert: Callable[[float], Any]
) -> None:
    findings, records = training(tmp_path / "floats", float)

    assert findings
    assert training(tmp_path / "others", convert) == (findings, records)


def test_the_names_of_cleanrl_are_fields(tmp_path: Path) -> None:
    """The reward has episodes, and updates have losses."""
    training(tmp_path, float)
    run = open_run(tmp_path / "run")

    assert (run.overview().episodes, run.overview().updates) == (120, 120)

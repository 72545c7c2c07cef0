"""TensorBoard event files become runs."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event as Written  # type: ignore[import-untyped]
from tensorboard.plugins.histogram import summary_v2 as histogram  # type: ignore[import-untyped]
from torch.utils.tensorboard import SummaryWriter

from rlvitals.errors import ImportFormatError, MissingExtraError
from rlvitals.formats.exporters import export_run
from rlvitals.formats.importers import Importer, import_run, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.formats.importers.importer_registry import format_of
from rlvitals.records import Episode, PolicyUpdate, Scalars, SystemSample
from rlvitals.runs.reward_series import reward_series
from rlvitals.sinks.tensorboard_sink import EventFile
from rlvitals.testing.exporters import made_run
from rlvitals.testing.importers import ImporterContract


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return events as from CleanRL's `ppo.py`: two environments end at the same step, then an update follows."""
    file = EventFile(tmp_path / "CartPole-v1__ppo__1", 1000.0)
    table = "|param|value|\n|-|-|\n|learning_rate|0.00025|\n|cuda|True|\n|exp_name|ppo|"
    file.text(1000.0, 0, "hyperparameters/text_summary", table)
    for reward, length in ((20.0, 20), (30.5, 31)):
        file.scalars(1001.0, 64, {"charts/episodic_return": reward})
        file.scalars(1001.5, 64, {"charts/episodic_length": length})
    losses = {"losses/value_loss": 0.5, "losses/clipfrac": 0.125, "losses/entropy": math.nan, "losses/old_approx_kl": 1}
    for tag, value in {"charts/learning_rate": 0.25, **losses, "charts/SPS": 640, "mine/ratio": math.inf}.items():
        file.scalars(1002.0, 128, {tag: value})
    file.close()
    return tmp_path / "CartPole-v1__ppo__1"


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("tensorboard")

    def make_sample(self, folder: Path) -> Path:
        return cleanrl(folder)


def cleanrl(folder: Path) -> Path:
    """Log as the scripts of CleanRL do, with PyTorch's writer."""
    path = folder / "CartPole-v1__ppo_continuous_action__7__1700000000"
    writer: Any = SummaryWriter(path)
    writer.add_text("hyperparameters", "|param|value|\n|-|-|\n|learning_rate|0.00025|\n|env_id|CartPole-v1|\n|seed|7|")
    for step in (64, 128):
        writer.add_scalar("charts/episodic_return", 20.0, step)
        writer.add_scalar("charts/episodic_length", 20, step)
        writer.add_scalar("losses/value_loss", 0.5, step)
    writer.close()
    return path


def test_a_training_of_cleanrl_is_imported(tmp_path: Path) -> None:
    """The table has the settings, and the name of the folder has the algorithm."""
    run = import_run(cleanrl(tmp_path), tmp_path / "logs")

    assert run.header.configuration == {
        "env_id": "CartPole-v1",
        "exp_name": "ppo_continuous_action",
        "seed": 7,
        "algorithm": "PPO",
        "learning_rate": 0.00025,
    }
    assert [(episode.env_step, episode.reward) for episode in run.records("episodes")] == [(64, 20.0), (128, 20.0)]


def test_means_of_episodes_are_the_reward_of_a_run_without_episodes(tmp_path: Path) -> None:
    """A script of CleanRL's style can log the means of a rollout under the tags of episodes.

    A mean that is a whole number by chance is not an episode, even if it comes first.
    """
    file = EventFile(tmp_path / "means", 1000.0)
    for step, length in ((612, 27.0), (1224, 27.43)):
        file.scalars(1001.0, step, {"charts/episodic_return": step / 8})
        file.scalars(1001.0, step, {"charts/episodic_length": length})
        file.scalars(1001.0, step, {"losses/value_loss": 0.5})
    file.close()
    run = import_run(tmp_path / "means", tmp_path / "logs")
    series = reward_series(run)

    assert series is not None
    assert (series.tag, [*series.steps], [*series.values]) == ("charts/episodic_return", [612, 1224], [76.5, 153.0])
    assert [one.env_step for one in run.records("updates")] == [612, 1224]
    assert list(run.records("episodes")) == []


def test_event_files_are_recognised_by_their_first_event(folder: Path, tmp_path: Path) -> None:
    """The name of a file does not matter, and a file with this name but other contents is left out."""
    (file,) = folder.iterdir()
    renamed = file.rename(tmp_path / "renamed")
    (folder / "events.out.tfevents.1").write_bytes(b"\0" * 100)

    assert format_of(renamed) == "tensorboard"
    with pytest.raises(ImportFormatError, match="unknown format"):
        format_of(folder)
    with pytest.raises(ImportFormatError, match="no TensorBoard event file"):
        import_run(folder, tmp_path / "logs", format="tensorboard")


def test_another_training_in_a_subfolder_is_left_out(tmp_path: Path) -> None:
    """A table of hyperparameters from PyTorch's `add_hparams` is in a subfolder but belongs to the training.

    Returns in the folder of an evaluation are those of evaluations.
    """
    writer: Any = SummaryWriter(tmp_path / "runs")
    writer.add_scalar("losses/value_loss", 0.5, 1)
    writer.add_hparams({"learning_rate": 0.25}, {"final": 1.0}, global_step=1)
    writer.close()
    for place in ("eval", "other"):
        with SummaryWriter(tmp_path / "runs" / place) as further:
            further.add_scalar("charts/episodic_return", len(place), 1)
    run = import_run(tmp_path / "runs", tmp_path / "logs")

    assert run.header.configuration == {"learning_rate": 0.25}
    assert [one.value_loss for one in run.records("updates")] == [0.5]
    assert [one.reward for one in run.records("evaluations")] == [4.0]
    assert list(run.records("episodes")) == []


def test_values_without_steps_are_refused(tmp_path: Path) -> None:
    """Several values of a tag at step 0 are not one step. A single value there is a result of the whole training."""
    file = EventFile(tmp_path / "tb", 1000.0)
    for reward in (1.0, 2.0):
        file.scalars(1001.0, 0, {"rollout/ep_rew_mean": reward})
    file.close()

    with pytest.raises(ImportFormatError, match=r"has no steps: all values of rollout/ep_rew_mean are at step 0"):
        import_run(tmp_path / "tb", tmp_path / "logs")


def test_a_tag_without_steps_is_left_out(tmp_path: Path) -> None:
    """Its values are not at step 0. A warning names it, and a single value at step 0 is kept."""
    file = EventFile(tmp_path / "tb", 1000.0)
    file.scalars(1001.0, 0, {"a/single": 1.0})
    for step in (1, 2):
        file.scalars(1001.0, 0, {"a/stepless": 1.0})
        file.scalars(1001.0, step, {"a/logged": 2.0})
    file.close()
    run = import_run(tmp_path / "tb", tmp_path / "logs")

    assert [(one.env_step, [*one.values]) for one in run.records("scalars")] == [
        (0, ["single"]),
        (1, ["logged"]),
        (2, ["logged"]),
    ]
    (message,) = import_warnings(run.records("events"))
    assert message.startswith("not imported because all values are at step 0: a/stepless. Log them")


def test_a_wrong_checksum_of_the_first_event_is_not_recognised(folder: Path) -> None:
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:9] + bytes([content[9] ^ 1]) + content[10:])

    assert not make_importer("tensorboard").recognises(file)


def test_metrics_of_rllib_and_trl_are_fields(tmp_path: Path) -> None:
    """The importer uses the same table of names as the log calls."""
    file = EventFile(tmp_path / "theirs", 1000.0)
    stats = "ray/tune/info/learner/default_policy/learner_stats"
    file.scalars(1001.0, 4000, {f"{stats}/kl": 0.5, f"{stats}/entropy": 2.0, f"{stats}/cur_lr": 0.25})
    file.scalars(1002.0, 8000, {"train/grad_norm": 0.125, "train/clip_ratio/region_mean": 0.75, "train/kl": 4.0})
    file.close()

    first, second = import_run(tmp_path / "theirs", tmp_path / "logs").records("updates")

    assert (first.kl_divergence, first.entropy, first.learning_rate, first.env_step) == (0.5, 2.0, 0.25, 4000)
    assert (second.gradient_norm, second.clip_fraction, second.extra) == (0.125, 0.75, {"kl": 4.0})


def test_metrics_of_cleanrl_are_fields(folder: Path, tmp_path: Path) -> None:
    """Repeated names at one step are two episodes, NaN and infinities are kept, and other names are scalars."""
    run = import_run(folder, tmp_path / "logs")

    assert list(run.records("episodes")) == [
        Episode(time=1001.0, episode=0, reward=20.0, length=20, env_step=64),
        Episode(time=1001.0, episode=1, reward=30.5, length=31, env_step=64),
    ]
    update = PolicyUpdate(
        time=1002.0,
        step=128,
        env_step=128,
        learning_rate=0.25,
        value_loss=0.5,
        clip_fraction=0.125,
        entropy=math.nan,
        extra={"old_approx_kl": 1.0},
    )
    assert repr(list(run.records("updates"))) == repr([update])
    assert list(run.records("system")) == [SystemSample(time=1002.0, env_step=128, env_steps_per_second=640.0)]
    assert list(run.records("scalars")) == [
        Scalars(time=1002.0, step=128, env_step=128, category="mine", values={"ratio": math.inf})
    ]
    assert run.header.configuration == {"learning_rate": 0.00025, "cuda": True, "exp_name": "ppo"}
    assert run.run_id == "CartPole-v1__ppo__1"


def test_exported_events_are_imported(tmp_path: Path) -> None:
    """Episodes, updates, evaluations, system samples and events are restored with 32-bit numbers."""
    run = made_run(tmp_path / "logs", "ordinary")
    back = import_run(export_run(run, tmp_path / "tb", format="tensorboard"), tmp_path / "logs")

    episode = next(back.records("episodes"))
    assert (episode.reward, episode.success, episode.parameters["color_precision"]) == (1.5, True, 6.0)
    (told,) = (each for each in back.records("updates") if each.step == 10)
    assert (told.value_loss, told.entropy, told.action_std) == (0.5, 1.25, 1.0)
    assert [each.kind for each in back.records("events")] == ["state", "finding"]
    assert back.header.project == "contract: ünïcode"


def test_values_that_are_not_numbers_are_reported(tmp_path: Path) -> None:
    """A warning names the tags that are left out."""
    file = EventFile(tmp_path / "tb", 1000.0)
    file.scalars(1001.0, 1, {"a/b": 1.0})
    counts: Any = histogram.histogram_pb("weights", np.arange(10.0))
    file.add(Written(wall_time=1001.0, step=1, summary=counts))
    file.close()
    (event,) = import_run(tmp_path / "tb", tmp_path / "logs").records("events")

    assert (event.severity, event.data) == ("warning", {"tags": ["weights"]})


def test_a_damaged_file_is_refused_and_a_truncated_event_is_ignored(folder: Path, tmp_path: Path) -> None:
    """A killed training can leave an incomplete last event; a wrong byte earlier in the file is an error."""
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-5])
    assert len(list(import_run(folder, tmp_path / "logs").records("updates"))) == 1

    for place in range(600, 720, 9):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with pytest.raises(ImportFormatError, match=r"tfevents.* is damaged: only the first \d+ of its events"):
            import_run(folder, tmp_path / "logs")


def test_without_tensorboard_the_error_names_the_extra(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the extra, and no run is left."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"rlvitals\[tensorboard\]"):
        import_run(folder, tmp_path / "logs")
    assert list((tmp_path / "logs").glob("*")) == []


def test_tests_of_tianshou_are_evaluations(tmp_path: Path) -> None:
    """Tianshou's metrics of data collection do not become updates."""
    file = EventFile(tmp_path / "theirs", 1000.0)
    file.scalars(1001.0, 2000, {"train/episode": 10.0, "train/reward": 22.0, "train/length": 21.0})
    file.scalars(1001.0, 40, {"loss": 1.0, "loss/clip": -0.5, "loss/vf": 5.0})
    file.scalars(1002.0, 8000, {"test/reward": 38.0, "test/length": 37.0, "test/reward_std": 3.0})
    file.scalars(1003.0, 9000, {"test/accuracy": 0.5})
    file.close()
    run = import_run(tmp_path / "theirs", tmp_path / "logs")

    (evaluation,) = run.records("evaluations")
    assert (evaluation.reward, evaluation.reward_std, evaluation.length, evaluation.env_step) == (38.0, 3.0, 37.0, 8000)
    assert list(run.records("updates")) == []
    assert {(one.category, name) for one in run.records("scalars") for name in one.values} >= {
        ("train", "reward"),
        ("loss", "vf"),
        ("test", "accuracy"),
    }

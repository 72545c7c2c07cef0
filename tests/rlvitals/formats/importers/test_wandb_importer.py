"""Runs of W&B, made by W&B itself."""

import importlib.util
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import wandb

from rlvitals.errors import ImportFormatError, MissingExtraError
from rlvitals.formats.importers import Importer, import_run, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.testing.importers import ImporterContract

HOUR_S = 3_600.0
ROWS = 400
"""Number of updates. The file spans several blocks."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an offline run."""
    folder = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_SILENT", "true")
        patch.setenv("NETRC", str(folder / "no-netrc"))
        settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, disable_git=True)
        config = {"learning_rate": 3e-4, "env_id": "CartPole-v1", "seed": 3, "net": {"layers": [64, 64]}}
        run: Any = wandb.init(
            mode="offline", project="cartpole", name="ppo 3", config=config, tags=["a"], dir=folder, settings=settings
        )
        for update in range(ROWS):
            episode = {"charts/episodic_return": 10.0 + update, "charts/episodic_length": 20}
            run.log({"global_step": 100 * update, **episode, "train": {"approx_kl": 0.5}, "bound": float("nan")})
        run.log({"histogram": wandb.Histogram([1, 2, 3])})
        run.config.update({"late": True})
        run.summary["best"] = 409.0
        run.finish()
        wandb.teardown()
    (offline,) = folder.glob("wandb/offline-run-*")
    return offline


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the file that a test can change."""
    (file,) = made.glob("*.wandb")
    return Path(shutil.copy(file, tmp_path / "run-x.wandb"))


class TestContract(ImporterContract):
    @pytest.fixture(autouse=True)
    def _with_a_run(self, run: Path) -> None:
        self.run = run

    def make_importer(self) -> Importer:
        return make_importer("wandb")

    def make_sample(self, folder: Path) -> Path:
        return Path(shutil.move(self.run, folder))


def test_an_offline_run_is_imported(made: Path, tmp_path: Path) -> None:
    """The folder has the name, the project, the tags and the configuration, also if it was set late."""
    run = import_run(made, tmp_path / "logs")

    assert (run.run_id, run.header.project, run.header.tags) == ("ppo 3", "cartpole", ["a"])
    assert run.header.configuration == {
        "learning_rate": 3e-4,
        "env_id": "CartPole-v1",
        "seed": 3,
        "net": {"layers": [64, 64]},
        "late": True,
    }
    assert import_warnings(run.records("events")) == [
        f"{next(made.glob('*.wandb'))}: not imported because these are not single numbers or short texts: histogram."
    ]


def test_the_history_becomes_records(made: Path, tmp_path: Path) -> None:
    """Logged environment steps are the environment steps, and values of the summary alone are scalars."""
    run = import_run(made, tmp_path / "logs")
    episodes, updates = list(run.records("episodes")), list(run.records("updates"))

    assert len(episodes) == ROWS
    time = episodes[2].time
    assert episodes[2] == Episode(time=time, episode=2, env_step=200, reward=12.0, length=20)
    assert updates[2] == PolicyUpdate(time=time, step=2, env_step=200, kl_divergence=0.5)
    assert {name for record in run.records("scalars") for name in record.values} == {"global_step", "bound", "best"}


def test_a_truncated_run_is_imported_up_to_the_damage(run: Path, tmp_path: Path) -> None:
    """A killed training leaves part of a message. A warning names the place."""
    content = run.read_bytes()
    run.write_bytes(content[: len(content) // 2])
    imported = import_run(run, tmp_path / "logs")

    assert 0 < len(list(imported.records("episodes"))) < ROWS
    (warning,) = import_warnings(imported.records("events"))
    assert "is damaged or truncated at byte" in warning


def test_a_run_without_history_is_refused(run: Path, tmp_path: Path) -> None:
    run.write_bytes(run.read_bytes()[:200])

    with pytest.raises(ImportFormatError, match="has no records"):
        import_run(run, tmp_path / "logs")


def test_without_wandb_the_error_names_the_extra(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=r"rlvitals\[wandb\]"):
        import_run(run, tmp_path / "logs")


def test_a_summary_without_history_is_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its values have no step. The time is the start of the run."""
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, disable_git=True)
    began = time.time()
    run: Any = wandb.init(mode="offline", project="cartpole", dir=tmp_path, settings=settings)
    run.summary["best"] = 409.0
    run.finish()
    wandb.teardown()
    (offline,) = tmp_path.glob("wandb/offline-run-*")
    done = import_run(offline, tmp_path / "logs")

    (event,) = done.records("events")
    assert (event.kind, event.data) == ("summary", {"best": 409.0})
    assert abs(event.time - began) < HOUR_S
    assert list(done.records("scalars")) == []

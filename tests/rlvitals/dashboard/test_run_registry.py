"""Tests of the registry of runs in a folder."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.dashboard.run_registry import RunRegistry
from rlvitals.dashboard.run_row import SPARK_POINTS
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.errors import RunNotFoundError
from rlvitals.runs import Run

Monitor = Callable[..., TrainingMonitor]


def test_a_missing_folder_has_no_runs(tmp_path: Path) -> None:
    """The dashboard can start before the training."""
    assert RunRegistry(tmp_path / "none").rows() == ([], [])


def test_a_row_is_based_on_the_header_until_the_records_are_read(finished: Path) -> None:
    """Both rows have the same number of episodes."""
    registry = RunRegistry(finished.parent)
    ((first,), _) = registry.rows()
    (whole,) = registry.fill(1.0)

    assert (first.whole, first.overview.episodes) == (False, 101)
    level = whole.overview.levels["reward"]
    assert (whole.whole, whole.overview.episodes, level.not_finite, whole.not_finite) == (True, 101, 1, 1)
    assert whole.spark[:-1] == sorted(whole.spark[:-1])
    assert len(whole.spark) <= SPARK_POINTS


def test_a_row_is_assessed_after_its_records_are_read(finished: Path, monitor: Monitor) -> None:
    """Its verdict and worst finding are those of the diagnosis."""
    with monitor("unjudged", settings=RecorderSettings(diagnosis_interval_s=None)) as training:
        for step in range(50):
            training.log_training_step(step, math.nan, 0.5, 1.0)
    registry = RunRegistry(finished.parent)
    rows = {row.key: row for row in (*registry.rows()[0],)}
    read = {row.key: row for row in registry.fill(math.inf)}
    while registry.worker.assess_next() is not None:
        continue
    assessed = {row.key: row for row in registry.fill(math.inf)}
    diagnosis = diagnose(evidence_of(Run(training.path)))

    for row in (rows["unjudged"], read["unjudged"]):
        assert (row.overview.verdict, row.is_judged) == (None, False)
    assert assessed["unjudged"].overview.verdict is not None
    assert (assessed["unjudged"].worst, assessed["unjudged"].is_judged) == (diagnosis.findings[0].title, True)
    assert assessed["unjudged"].findings.critical == 1
    assert registry.fill(math.inf) == []


def test_a_scan_returns_only_changes(finished: Path, monitor: Monitor) -> None:
    """New, changed and removed runs are returned, also after another request has listed the runs."""
    registry = RunRegistry(finished.parent)
    registry.scan()
    registry.fill(1.0)
    assert registry.fill(1.0) == []
    training = monitor("other")
    assert "other" in registry.runs()
    assert [row.key for row in registry.scan()[0]] == ["other"]
    training.log_episode(0, 1.0, 1)
    assert [(row.key, row.overview.episodes) for row in registry.fill(1.0)] == [("other", 1)]
    training.close()
    shutil.rmtree(training.path)
    assert registry.scan()[1] == ["other"]


def test_a_damaged_run_is_listed_with_the_reason(finished: Path) -> None:
    """It is opened again after it was repaired."""
    header = finished / "run.json"
    content = header.read_text()
    header.write_text(content[:50])
    registry = RunRegistry(finished.parent)
    rows, (refused,) = registry.rows()
    header.write_text(content)
    again, _ = registry.scan()

    assert rows == []
    assert "damaged" in refused.reason
    assert str(finished.parent) not in refused.reason
    assert [row.key for row in again] == ["finished"]
    assert registry.refused == []


def test_a_link_out_of_the_folder_is_ignored(finished: Path, tmp_path: Path) -> None:
    """A link cannot make the dashboard show files outside the folder."""
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "link").symlink_to(finished)
    registry = RunRegistry(folder)

    assert registry.rows() == ([], [])
    with pytest.raises(RunNotFoundError):
        registry.open("link")


@pytest.mark.parametrize("key", ["../finished", "/etc", "", ".", "finished/../finished", "finished/episodes"])
def test_only_registered_runs_are_opened(finished: Path, key: str) -> None:
    """A key is looked up and never used as a path."""
    with pytest.raises(RunNotFoundError):
        RunRegistry(finished.parent).open(key)


def test_a_run_folder_is_a_folder_of_one_run(finished: Path) -> None:
    """The key is the name of the run."""
    assert RunRegistry(finished).open("finished").columns["episodes"].rows == 101


def test_live_copies_are_listed_next_to_the_runs(finished: Path, tmp_path: Path) -> None:
    """A run of the folder wins over a copy with its path."""
    for key in ("deep/copy", finished.name):
        shutil.copytree(finished, tmp_path / "mirrors" / key)
    registry = RunRegistry(finished.parent, mirrors=tmp_path / "mirrors")

    assert {key: run.path for key, run in registry.runs().items()} == {
        "deep/copy": tmp_path / "mirrors" / "deep" / "copy", finished.name: finished,
    }  # fmt: skip

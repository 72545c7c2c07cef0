"""Tests of the arguments of a comparison."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import compare
from rlvitals.errors import ComparisonError, RunNotFoundError
from rlvitals.runs import Run

Seeds = Callable[..., list[Run]]


def test_a_folder_without_a_run_is_an_error(seeds: Seeds, logs: Path) -> None:
    """A folder, path or pattern without a run is refused with the reason, even if other arguments have runs."""
    seeds("a", 0.0, 2)
    (logs / "empty").mkdir()
    (logs / "notes.txt").touch()
    (logs / "torn").mkdir()
    (logs / "torn" / "run.json").write_text("{")
    (logs / "deep" / "torn").mkdir(parents=True)
    (logs / "deep" / "torn" / "run.json").write_text("{")

    for word, said in (
        ("empty", "there is no run in logs/empty: the folder is empty"),
        ("x=logs/empty", "there is no run in logs/empty"),
        ("notes.txt", r"there is no run in logs/notes.txt: a run is a folder with a run\.json"),
        ("deep", r"no run in logs/deep can be opened: 1 failed, the first with: .*torn/run\.json is damaged"),
        ("[en]*", r"there is no run in any of the 2 paths that match logs/\[en\]\*, such as logs/empty"),
    ):
        with pytest.raises(RunNotFoundError, match=said):
            compare("logs/a-*", word if "=" in word else f"logs/{word}")
    with pytest.raises(ComparisonError, match="give runs, folders of runs, or patterns"):
        compare([])


def test_matches_of_a_pattern_without_a_run_are_listed(seeds: Seeds, logs: Path) -> None:
    """Matches of a pattern without a run are listed with the reason, except the folders inside a run."""
    seeds("a", 0.0, 2)
    (logs / "a-empty").mkdir()
    (logs / "a-torn").mkdir()
    (logs / "a-torn" / "run.json").write_text("{")
    found = compare("logs/a-*")

    assert {one.path: one.reason for one in found.refused} == {
        "logs/a-empty": "there is no run in logs/a-empty",
        "logs/a-torn": "logs/a-torn/run.json is damaged: Input data was truncated; restore it from a backup",
    }
    assert found.notes[-1].startswith("2 folders were skipped: logs/a-torn (")
    assert "logs/a-empty (there is no run in logs/a-empty)" in found.notes[-1]
    assert sorted(one.path for one in compare("logs/**").refused) == ["logs/a-empty", "logs/a-torn"]

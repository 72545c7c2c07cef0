"""What the words of a comparison mean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import compare
from rlvitals.errors import ComparisonError, RunNotFoundError
from rlvitals.runs import Run

Seeds = Callable[..., list[Run]]


def test_a_folder_without_a_run_is_an_error(seeds: Seeds, logs: Path) -> None:
    """By its name, though others have runs, as a path that is misspelt is; a file is no run either."""
    seeds("a", 0.0, 2)
    (logs / "empty").mkdir()
    (logs / "notes.txt").touch()
    (logs / "torn").mkdir()
    (logs / "torn" / "run.json").write_text("{")
    (logs / "deep" / "torn").mkdir(parents=True)
    (logs / "deep" / "torn" / "run.json").write_text("{")

    for word, said in (
        ("empty", "there is no run in logs/empty: it is an empty folder"),
        ("x=logs/empty", "there is no run in logs/empty"),
        ("notes.txt", r"there is no run in logs/notes.txt: a run is a folder with a run\.json"),
        ("deep", r"there is no run in logs/deep that can be opened: 1 cannot, the first: .*torn/run\.json is damaged"),
        ("[en]*", r"there is no run in any of the 2 paths that are like logs/\[en\]\*, such as logs/empty"),
    ):
        with pytest.raises(RunNotFoundError, match=said):
            compare("logs/a-*", word if "=" in word else f"logs/{word}")
    with pytest.raises(ComparisonError, match="give runs, folders of runs, or patterns"):
        compare([])


def test_what_a_pattern_finds_empty_is_named(seeds: Seeds, logs: Path) -> None:
    """Among what was refused, with the reason; the folders inside a run are no such thing."""
    seeds("a", 0.0, 2)
    (logs / "a-empty").mkdir()
    (logs / "a-torn").mkdir()
    (logs / "a-torn" / "run.json").write_text("{")
    found = compare("logs/a-*")

    assert {one.path: one.reason for one in found.refused} == {
        "logs/a-empty": "there is no run in logs/a-empty",
        "logs/a-torn": "logs/a-torn/run.json is damaged: Input data was truncated; restore it from a backup",
    }
    assert found.notes[-1].startswith("2 folders were refused: logs/a-torn (")
    assert "logs/a-empty (there is no run in logs/a-empty)" in found.notes[-1]
    assert sorted(one.path for one in compare("logs/**").refused) == ["logs/a-empty", "logs/a-torn"]

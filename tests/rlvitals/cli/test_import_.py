"""`rlvitals import`: runs of other programs become runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import open_run
from rlvitals.importers import importer_names

Invoke = Callable[..., Result]

MONITOR = '#{"t_start": 1000.0}\nr,l,t\n1.5,10,1.0\n'


@pytest.fixture
def sb3(logs: Path) -> Path:
    """A log folder of Stable-Baselines3."""
    folder = logs.parent / "cartpole"
    folder.mkdir()
    (folder / "monitor.csv").write_text(MONITOR)
    return folder


def test_a_folder_becomes_a_run(sb3: Path, logs: Path, invoke: Invoke) -> None:
    """In the folder of runs, under the folder's name."""
    result = invoke("import", sb3.name)

    assert [each.reward for each in open_run(logs / "cartpole").records("episodes")] == [1.5]
    assert result.stdout == "logs/cartpole  1 episodes\n"


def test_it_may_be_named_and_put_elsewhere(sb3: Path, invoke_json: Callable[..., Any]) -> None:
    """As JSON, it says what it made."""
    (made,) = invoke_json("import", sb3, "--name", "mine", "--folder", "other", "--format", "sb3")["runs"]

    assert (made["run_id"], made["records"]["episodes"]) == ("mine", 1)
    assert made["path"].endswith("/other/mine")


def test_one_that_is_damaged_does_not_hinder_the_others(sb3: Path, logs: Path, invoke: Invoke) -> None:
    """The exit code is 2, and the reason one line."""
    bad = sb3.parent / "bad.jsonl"
    bad.write_text('{"episode": 1, "reward": 1, "length": ')
    result = invoke("import", bad, sb3)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "bad.jsonl, line 1 is damaged" in result.stderr
    assert [each.name for each in logs.iterdir()] == ["cartpole"]


def test_what_an_import_left_out_is_a_warning(sb3: Path, invoke: Invoke, invoke_json: Any) -> None:
    """On standard error and in JSON; the run is there, so the exit code is 0."""
    (sb3 / "monitor.csv").write_text(MONITOR + "2.5,")
    result = invoke("import", sb3)
    (made,) = invoke_json("import", sb3)["runs"]

    assert result.exit_code == 0
    assert "warning: cartpole/monitor.csv, line 4 ('2.5,') is damaged" in result.stderr.replace(f"{sb3.parent}/", "")
    assert len(made["warnings"]) == 1


def test_one_name_is_for_one_run(sb3: Path, invoke: Invoke) -> None:
    """Two paths are two runs."""
    assert "names one run" in invoke("import", sb3, sb3, "--name", "mine").stderr


def test_the_formats_are_listed(invoke: Invoke) -> None:
    """Without a path."""
    assert invoke("import", "--formats").stdout.split() == importer_names()

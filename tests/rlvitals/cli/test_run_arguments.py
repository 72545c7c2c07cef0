"""Tests of the arguments that several commands share."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.cli.run_arguments import LOGS, open_named
from rlvitals.errors import RunNotFoundError

Monitor = Callable[..., TrainingMonitor]


def test_without_a_name_the_newest_run_is_opened_and_named(
    monitor: Monitor, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name is printed on standard error, so that standard output is unchanged."""
    for name in ("b", "a"):
        monitor(name).close()

    assert open_named(None, LOGS).run_id == "a"
    assert capsys.readouterr() == ("", "newest run: logs/a\n")
    assert open_named(None, logs).run_id == "a"


@pytest.mark.parametrize("state", ["missing", "empty", "damaged"])
def test_without_any_run_the_error_explains_what_to_do(logs: Path, state: str) -> None:
    """The folder can be missing, empty, or contain only damaged runs."""
    said = {
        "missing": "the folder logs does not exist",
        "empty": "no run found in logs",
        "damaged": "`rlvitals ls logs`",
    }
    if state != "missing":
        logs.mkdir()
    if state == "damaged":
        (logs / "bad").mkdir()
        (logs / "bad" / "run.json").write_text("{")

    with pytest.raises(RunNotFoundError, match=said[state]) as raised:
        open_named(None, LOGS)
    assert state == "damaged" or "--folder FOLDER" in str(raised.value)


@pytest.mark.parametrize("command", ["show", "stats", "check", "watch", "tail", "report", "export", "verify"])
@pytest.mark.parametrize("word", ["new-*", None])
def test_every_command_takes_a_pattern_or_the_newest_run_of_a_folder(
    monitor: Monitor, logs: Path, invoke: Callable[..., Result], command: str, word: str | None
) -> None:
    """`--folder` selects the folder, and a matching folder in the working directory is ignored."""
    for name in ("old-1", "new-1"):
        with monitor(name) as training:
            training.log_episode(0, 1.5, 10)
    (logs / "new-1").rename(logs.parent / "new-1")
    logs.rename(logs.parent / "elsewhere")
    monitor("new-2").close()
    logs.rename(logs.parent / "runs")

    done = invoke(command, *([] if word is None else [word]), "--folder", "runs")

    assert done.exit_code == 0, done.stderr
    assert "new-2" in done.output
    assert "new-1" not in done.output
    assert ("newest run: runs/new-2\n" in done.stderr) is (word is None)


def test_comparisons_and_queries_take_patterns_with_a_folder(
    monitor: Monitor, logs: Path, invoke: Callable[..., Result]
) -> None:
    """Each pattern is a group, and matching folders in the working directory are ignored."""
    for name in ("a-1", "a-2", "b-1", "b-2"):
        with monitor(name) as training:
            for episode in range(20):
                training.log_episode(episode, float(episode), 10, env_step=10 * episode)
    logs.rename(logs.parent / "runs")
    monitor("a-9").close()
    logs.rename(logs.parent / "a-folder")

    compared = invoke("compare", "a*", "new=b*", "--folder", "runs", "--json")
    asked = invoke("sql", "select distinct run from episodes order by 1", "a*", "--folder", "runs", "--json")

    assert [(group["name"], group["runs"]) for group in json.loads(compared.stdout)["groups"]] == [
        ("a*", 2),
        ("new", 2),
    ]
    assert [row["run"] for row in json.loads(asked.stdout)["rows"]] == ["a-1", "a-2"]

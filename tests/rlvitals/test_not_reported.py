"""Success and reasons that no episode reported are claimed nowhere; a rate gives the number of those that did."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from typer.testing import CliRunner

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.cli.main import app
from rlvitals.dashboard.query_params import RowRange
from rlvitals.dashboard.run_details import groups_of
from rlvitals.dashboard.run_header import RunHeader, run_header
from rlvitals.dashboard.run_row import RowTracker
from rlvitals.dashboard.server import serving
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.runs import Run
from rlvitals.sinks import MemorySink, TerminalSink
from rlvitals.sinks.flattening import Flattener
from rlvitals.testing.manual_clock import ManualClock

EPISODES = 200
REPORTED = 50
"""Of the last 100 episodes of the run in which every second one reports."""


class Made(NamedTuple):
    """The folder of three runs, and what their sinks took."""

    logs: Path
    lines: dict[str, str]
    flat: dict[str, set[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Runs in which no episode, some and all report success and a reason; each fourth episode is a success."""
    logs = tmp_path_factory.mktemp("runs")
    lines: dict[str, str] = {}
    flat: dict[str, set[str]] = {}
    for name, reports in (("none", lambda _: False), ("some", lambda n: n % 2 == 0), ("all", lambda _: True)):
        memory, terminal = MemorySink(), TerminalSink(io.StringIO(), interval_s=1e9, clock=ManualClock())
        settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
        with TrainingMonitor(logs, session_name=name, sinks=[memory, terminal], settings=settings) as training:
            for number in range(EPISODES):
                said: dict[str, Any] = {"success": number % 4 == 0, "termination_reason": "goal"}
                training.log_episode(
                    number, float(number % 7), 10, env_step=10 * number, category="ab"[number // 4 % 2],
                    **(said if reports(number) else {}),
                )  # fmt: skip
            training.log_training_step(10 * EPISODES, value_loss=1.0)
        flattener = Flattener()
        flat[name] = {tag for record in memory.records for tag in flattener.flatten(record).numbers}
        lines[name] = terminal.line()
    return Made(logs, lines, flat)


def printed(made: Made, *words: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, [*words, "--folder", str(made.logs)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.stdout


def report_of(made: Made, name: str, ending: str, tmp_path: Path) -> str:
    """A report of a run."""
    path = tmp_path / f"report.{ending}"
    printed(made, "report", name, "--output", str(path), "--no-figures")
    return path.read_text()


def exported(made: Made, name: str, ending: str, tmp_path: Path) -> Path:
    """An export of a run's episodes."""
    path = tmp_path / f"episodes.{ending}"
    printed(made, "export", name, "--output", str(path), "--stream", "episodes")
    return path


def head(made: Made, name: str) -> RunHeader:
    """The top of a run's page."""
    run = WatchedRun(name, made.logs / name)
    run.refresh()
    return run_header(run, None)


@pytest.mark.parametrize("command", ["show", "stats", "watch", "check"])
def test_no_command_claims_a_success_or_an_end(made: Made, command: str) -> None:
    """Where nobody reported one."""
    text = printed(made, command, "none", *(["--once"] if command == "watch" else []))

    assert not re.search(r"success +\d+ %(?! interval)|0 % of|max_steps", text)


def test_the_list_of_runs_gives_a_rate_of_those_that_reported(made: Made) -> None:
    """With their number where it is not all of them."""
    result = CliRunner().invoke(app, ["ls", str(made.logs)], env={"COLUMNS": "160"})
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}

    assert " - " in rows["none"]
    assert f"50 % of {REPORTED} " in rows["some"]
    assert "25 % " in rows["all"]


def test_the_list_as_json_gives_both_numbers(made: Made) -> None:
    """A rate of nothing is null."""
    result = CliRunner().invoke(app, ["ls", str(made.logs), "--json"])
    levels = {run["run_id"]: run["levels"].get("success") for run in json.loads(result.stdout)["runs"]}
    found = {name: level and (level["mean"], level["reported"]) for name, level in levels.items()}

    assert found == {"none": None, "some": (0.5, REPORTED), "all": (0.25, 100)}


@pytest.mark.parametrize("command", ["show", "stats", "watch"])
def test_a_command_gives_the_number_of_those_that_reported(made: Made, command: str) -> None:
    """Beside the rate."""
    text = printed(made, command, "some", *(["--once"] if command == "watch" else []))

    assert f"50 % of {REPORTED}" in text or "50 of 100 that reported it, of 200 episodes" in text or (
        "50 % of 100" in text
    )  # fmt: skip


@pytest.mark.parametrize("command", ["show", "stats"])
def test_shares_of_ends_are_of_those_that_reported(made: Made, command: str) -> None:
    """The others stand in a row of their own."""
    text = printed(made, command, "some")

    assert re.search(r"\n +goal +\S* +100,? +100 %", text)
    assert re.search(r"\n +not reported +\S* +100( +-)?\n", text)


@pytest.mark.parametrize("ending", ["html", "md"])
def test_a_report_claims_no_success_and_no_end(made: Made, ending: str, tmp_path: Path) -> None:
    """It has neither a rate nor a table of ends."""
    text = report_of(made, "none", ending, tmp_path)

    assert "How episodes ended" not in text
    assert "Success rate of" not in text


def test_a_report_gives_the_number_of_those_that_reported(made: Made, tmp_path: Path) -> None:
    """In the facts at the top, and where success is explained."""
    text = report_of(made, "some", "md", tmp_path)

    assert f"last 100, {REPORTED} reported" in text
    assert "50 of 100 that reported it, of 200" in text
    assert re.search(r"\| not reported \| `?\S+`? \| 100 \|", text)


def test_the_digest_gives_a_rate_of_those_that_reported(made: Made, tmp_path: Path) -> None:
    """And none where nobody did."""
    path = tmp_path / "digest.md"
    result = CliRunner().invoke(app, ["report", str(made.logs), "--since", "1d", "--output", str(path)])
    rows = {line.split("|")[1].strip(): line for line in path.read_text().splitlines() if line.startswith("| ")}

    assert result.exit_code == 0
    assert f"50 % of {REPORTED}" in rows["some"]
    assert "%" not in rows["none"]


def test_the_page_of_a_run_has_no_success_that_nobody_reported(made: Made) -> None:
    """And tells how many reported it."""
    none, some, all_of_them = (head(made, name).overview.levels.get("success") for name in ("none", "some", "all"))

    assert none is None
    assert some is not None
    assert (some.mean, some.reported, some.window) == (0.5, REPORTED, 100)
    assert all_of_them is not None
    assert (all_of_them.reported, all_of_them.window) == (100, 100)


def test_the_line_of_a_run_has_no_success_that_nobody_reported(made: Made) -> None:
    """And tells how many reported it, where that is not all."""
    rows = {}
    for name in ("none", "some", "all"):
        glance = RowTracker(name, Run(made.logs / name), ManualClock())
        glance.read()
        level = glance.row().overview.levels.get("success")
        rows[name] = None if level is None else (level.mean, level.reported)

    assert rows == {"none": None, "some": (0.5, REPORTED), "all": (0.25, 100)}


def test_groups_of_a_page_tell_how_many_reported(made: Made) -> None:
    """Each group apart."""
    run = WatchedRun("some", made.logs / "some")
    run.refresh()
    groups = groups_of(run, "termination_reason", RowRange("env_step"))["groups"]

    found = {group.name: (group.episodes, group.known) for group in groups}
    assert found == {None: (100, 0), "goal": (100, 100)}


def test_the_server_leaves_out_what_nobody_reported(made: Made) -> None:
    """The columns are not there to be drawn."""
    with serving(made.logs) as address, httpx.Client(base_url=address, timeout=60.0) as client:
        found = client.get("/api/v1/run", params={"run": "none"}).json()

    assert not {"success", "termination_reason"} & set(found["fields"]["episodes"])


def test_an_export_leaves_cells_empty(made: Made, tmp_path: Path) -> None:
    """In CSV."""
    with exported(made, "some", "csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert [(row["success"], row["termination_reason"]) for row in rows[:2]] == [("true", "goal"), ("", "")]


def test_sinks_get_no_success_that_nobody_reported(made: Made) -> None:
    """And no rate."""
    tags = {"rollout/success_rate", "episode/success"}

    assert not tags & made.flat["none"]
    assert tags <= made.flat["some"]


def test_the_live_line_has_a_rate_only_where_success_was_reported(made: Made) -> None:
    """It is of those that reported it."""
    assert "success" not in made.lines["none"]
    assert f"success 50 % of {REPORTED}" in made.lines["some"]


def test_statistics_keep_their_numbers(made: Made) -> None:
    """The dictionaries of the interface say 0 where no episode reported success."""
    stats = open_run(made.logs / "none").get_training_statistics()["episode_stats"]

    assert (stats["success_rate"], stats["total_successful"]) == (0.0, 0)


def test_what_is_reported_as_false_is_false(tmp_path: Path) -> None:
    """It is not the same as missing."""
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as training:
        failed = training.log_episode(0, 1.0, 10, success=False, termination_reason="max_steps")
        silent = training.log_episode(1, 1.0, 10)

    assert (failed.success, failed.termination_reason) == (False, "max_steps")
    assert (silent.success, silent.termination_reason) == (None, None)

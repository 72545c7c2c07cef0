"""Outputs show no success and no termination reason that no episode reported, and give the number of reports."""

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
"""Reporting episodes among the last 100 of the run in which every second episode reports."""


class Made(NamedTuple):
    """Folder of three runs, and the output of their sinks."""

    logs: Path
    lines: dict[str, str]
    flat: dict[str, set[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Runs in which none, some or all episodes report success and a reason. Every fourth episode is a success."""
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
    """Return the output of a command."""
    result = CliRunner().invoke(app, [*words, "--folder", str(made.logs)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.stdout


def report_of(made: Made, name: str, ending: str, tmp_path: Path) -> str:
    """Write a report of a run and return its text."""
    path = tmp_path / f"report.{ending}"
    printed(made, "report", name, "--output", str(path), "--no-figures")
    return path.read_text()


def exported(made: Made, name: str, ending: str, tmp_path: Path) -> Path:
    """Export the episodes of a run and return the path."""
    path = tmp_path / f"episodes.{ending}"
    printed(made, "export", name, "--output", str(path), "--stream", "episodes")
    return path


def head(made: Made, name: str) -> RunHeader:
    """Return the header of the page of a run."""
    run = WatchedRun(name, made.logs / name)
    run.refresh()
    return run_header(run, None)


@pytest.mark.parametrize("command", ["show", "stats", "watch", "check"])
def test_no_command_shows_an_unreported_success_or_reason(made: Made, command: str) -> None:
    """The output has no success rate and no termination reason."""
    text = printed(made, command, "none", *(["--once"] if command == "watch" else []))

    assert not re.search(r"success +\d+ %(?! interval)|0 % of|max_steps", text)


def test_the_success_rate_in_the_list_is_of_reporting_episodes(made: Made) -> None:
    """Their number is shown if not all episodes reported success."""
    result = CliRunner().invoke(app, ["ls", str(made.logs)], env={"COLUMNS": "160"})
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}

    assert " - " in rows["none"]
    assert f"50 % of {REPORTED} " in rows["some"]
    assert "25 % " in rows["all"]


def test_the_list_as_json_has_the_rate_and_the_number_of_reports(made: Made) -> None:
    """The rate is null if no episode reported success."""
    result = CliRunner().invoke(app, ["ls", str(made.logs), "--json"])
    levels = {run["run_id"]: run["levels"].get("success") for run in json.loads(result.stdout)["runs"]}
    found = {name: level and (level["mean"], level["reported"]) for name, level in levels.items()}

    assert found == {"none": None, "some": (0.5, REPORTED), "all": (0.25, 100)}


@pytest.mark.parametrize("command", ["show", "stats", "watch"])
def test_a_command_shows_the_number_of_reporting_episodes(made: Made, command: str) -> None:
    """It is next to the rate."""
    text = printed(made, command, "some", *(["--once"] if command == "watch" else []))

    assert f"50 % of {REPORTED}" in text or "50 of 100 that reported it, of 200 episodes" in text or (
        "50 % of 100" in text
    )  # fmt: skip


@pytest.mark.parametrize("command", ["show", "stats"])
def test_the_shares_of_termination_reasons_are_of_reporting_episodes(made: Made, command: str) -> None:
    """The remaining episodes are in a separate row."""
    text = printed(made, command, "some")

    assert re.search(r"\n +goal +\S* +100,? +100 %", text)
    assert re.search(r"\n +not reported +\S* +100( +-)?\n", text)


@pytest.mark.parametrize("ending", ["html", "md"])
def test_a_report_shows_no_unreported_success_or_reason(made: Made, ending: str, tmp_path: Path) -> None:
    """It has no success rate and no table of termination reasons."""
    text = report_of(made, "none", ending, tmp_path)

    assert "How episodes ended" not in text
    assert "Success rate of" not in text


def test_a_report_shows_the_number_of_reporting_episodes(made: Made, tmp_path: Path) -> None:
    """The facts at the top and the explanation of success have it."""
    text = report_of(made, "some", "md", tmp_path)

    assert f"last 100, {REPORTED} reported" in text
    assert "50 of 100 that reported it, of 200" in text
    assert re.search(r"\| not reported \| `?\S+`? \| 100 \|", text)


def test_the_success_rate_in_the_digest_is_of_reporting_episodes(made: Made, tmp_path: Path) -> None:
    """There is no rate if no episode reported success."""
    path = tmp_path / "digest.md"
    result = CliRunner().invoke(app, ["report", str(made.logs), "--since", "1d", "--output", str(path)])
    rows = {line.split("|")[1].strip(): line for line in path.read_text().splitlines() if line.startswith("| ")}

    assert result.exit_code == 0
    assert f"50 % of {REPORTED}" in rows["some"]
    assert "%" not in rows["none"]


def test_the_page_of_a_run_shows_no_unreported_success(made: Made) -> None:
    """If some episodes reported success, the page has their number."""
    none, some, all_of_them = (head(made, name).overview.levels.get("success") for name in ("none", "some", "all"))

    assert none is None
    assert some is not None
    assert (some.mean, some.reported, some.window) == (0.5, REPORTED, 100)
    assert all_of_them is not None
    assert (all_of_them.reported, all_of_them.window) == (100, 100)


def test_the_list_row_of_a_run_shows_no_unreported_success(made: Made) -> None:
    """If some episodes reported success, the row has their number."""
    rows = {}
    for name in ("none", "some", "all"):
        glance = RowTracker(name, Run(made.logs / name), ManualClock())
        glance.read()
        level = glance.row().overview.levels.get("success")
        rows[name] = None if level is None else (level.mean, level.reported)

    assert rows == {"none": None, "some": (0.5, REPORTED), "all": (0.25, 100)}


def test_groups_on_a_page_have_the_number_of_reporting_episodes(made: Made) -> None:
    """Each group has a separate number."""
    run = WatchedRun("some", made.logs / "some")
    run.refresh()
    groups = groups_of(run, "termination_reason", RowRange("env_step"))["groups"]

    found = {group.name: (group.episodes, group.known) for group in groups}
    assert found == {None: (100, 0), "goal": (100, 100)}


def test_the_server_leaves_out_unreported_fields(made: Made) -> None:
    """The page cannot draw them."""
    with serving(made.logs) as address, httpx.Client(base_url=address, timeout=60.0) as client:
        found = client.get("/api/v1/run", params={"run": "none"}).json()

    assert not {"success", "termination_reason"} & set(found["fields"]["episodes"])


def test_a_csv_export_has_empty_cells_for_missing_values(made: Made, tmp_path: Path) -> None:
    """Missing success is not exported as false."""
    with exported(made, "some", "csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert [(row["success"], row["termination_reason"]) for row in rows[:2]] == [("true", "goal"), ("", "")]


def test_sinks_receive_no_unreported_success(made: Made) -> None:
    """They receive no success rate either."""
    tags = {"rollout/success_rate", "episode/success"}

    assert not tags & made.flat["none"]
    assert tags <= made.flat["some"]


def test_the_live_line_has_a_success_rate_only_if_success_was_reported(made: Made) -> None:
    """The rate is of the reporting episodes."""
    assert "success" not in made.lines["none"]
    assert f"success 50 % of {REPORTED}" in made.lines["some"]


def test_statistics_have_a_success_rate_of_zero_if_success_was_not_reported(made: Made) -> None:
    """The dicts of the public interface have numbers in all cases."""
    stats = open_run(made.logs / "none").get_training_statistics()["episode_stats"]

    assert (stats["success_rate"], stats["total_successful"]) == (0.0, 0)


def test_a_reported_false_is_kept(tmp_path: Path) -> None:
    """False is not the same as missing."""
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as training:
        failed = training.log_episode(0, 1.0, 10, success=False, termination_reason="max_steps")
        silent = training.log_episode(1, 1.0, 10)

    assert (failed.success, failed.termination_reason) == (False, "max_steps")
    assert (silent.success, silent.termination_reason) == (None, None)

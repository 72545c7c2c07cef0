"""Runs that have only scalars: every output has their reward, and says what it is."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from rlvitals import RecorderSettings, TrainingMonitor, compare, open_run
from rlvitals.cli.main import app
from rlvitals.dashboard.run_header import RunHeader, run_header
from rlvitals.dashboard.run_row import RowTracker
from rlvitals.dashboard.server import serving
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.runs import Run
from rlvitals.summary.overview import assess
from rlvitals.summary.run_summary import summarise
from rlvitals.testing.manual_clock import ManualClock

SOURCE = "mean return of recent episodes, from rollout/ep_rew_mean"
UPDATES = 80


def mean_returns(training: TrainingMonitor, seed: int, gain: float = 100.0) -> None:
    """Log what Stable-Baselines3 writes to TensorBoard: the mean return of the last 100 episodes at each update."""
    rng = np.random.default_rng(seed)
    returns = gain * (1.0 - np.exp(-np.arange(UPDATES * 10) / 200)) + rng.normal(0.0, 10.0, UPDATES * 10)
    began = training.session.start_time
    for update in range(UPDATES):
        step, end = 2048 * (update + 1), 10 * (update + 1)
        mean = float(returns[max(0, end - 100) : end].mean())
        training.log_metrics("rollout", {"ep_rew_mean": mean}, step=step, env_step=step, time=began + update)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: two that learn, one that learns half as much, one without any reward, one of episodes."""
    folder = tmp_path_factory.mktemp("runs")
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)

    def begin(name: str, seed: int, rate: float) -> TrainingMonitor:
        configuration = {"seed": seed, "learning_rate": rate, "env_id": "Task-v0"}
        return TrainingMonitor(folder, session_name=name, settings=settings, configuration=configuration)

    for name, seed, rate, gain in (("a-1", 1, 0.1, 100.0), ("a-2", 2, 0.1, 100.0), ("b-1", 3, 0.2, 50.0)):
        with begin(name, seed, rate) as training:
            mean_returns(training, seed, gain)
    with begin("losses", 4, 0.1) as training:
        training.log_training_step(100, value_loss=1.0)
    with begin("single", 5, 0.1) as training:
        for episode in range(100):
            training.log_episode(episode, 100.0 + episode % 3, 2048, env_step=2048 * (episode + 1))
    return folder


def run_command(*words: object, columns: int = 200) -> Result:
    """Run a command on a terminal, a wide one unless its width is given."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": str(columns)})


def head(logs: Path, name: str) -> RunHeader:
    """The top of a run's page."""
    run = WatchedRun(name, logs / name)
    run.refresh()
    return run_header(run, assess(run.reader, clock=run.clock)[1])


@pytest.mark.parametrize("command", [["show"], ["stats"], ["check"], ["watch", "--once"]])
def test_a_command_names_the_source_of_the_reward(logs: Path, command: list[str]) -> None:
    """And does not wait for an episode of a run that is over."""
    text = " ".join(run_command(*command, logs / "a-1").stdout.split())

    assert SOURCE in text
    assert "No episode has" not in text


def test_the_list_has_the_reward(logs: Path) -> None:
    """Marked, as it is not one of episodes."""
    lines = run_command("ls", logs).stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line}

    assert re.search(r" 95\.\d+\* ", rows["a-1"])
    assert f"* no episodes: {SOURCE}" in lines


def test_a_list_without_room_for_the_reward_does_not_explain_its_mark(logs: Path) -> None:
    """Its last columns are left out."""
    shown = run_command("ls", logs, columns=30).stdout

    assert "reward" not in shown
    assert "* no episodes" not in shown


def test_a_run_lasts_as_long_as_its_scalars(logs: Path) -> None:
    """They are all that tells how long and how fast it trained."""
    overview = open_run(logs / "a-1").overview()

    assert overview.state.duration == pytest.approx(UPDATES - 1)
    assert overview.steps_per_second == pytest.approx(2048)


def test_the_list_as_json_names_the_source(logs: Path) -> None:
    """Of each run."""
    rows = {row["run_id"]: row for row in json.loads(run_command("ls", logs, "--json").stdout)["runs"]}

    assert {name: row["reward_source"] for name, row in rows.items()} == {
        "a-1": SOURCE, "a-2": SOURCE, "b-1": SOURCE, "losses": "", "single": "",
    }  # fmt: skip
    assert rows["a-1"]["levels"]["reward"]["mean"] == pytest.approx(95.0, abs=1.0)
    assert rows["losses"]["levels"] == {}


def test_the_curve_is_shown_and_no_episodes_are_claimed(logs: Path) -> None:
    """As a chart, and as numbers in JSON."""
    shown = run_command("show", logs / "a-1").stdout
    found = json.loads(run_command("show", logs / "a-1", "--json").stdout)

    assert re.search(r"\n  episodes +0 ", shown)
    assert f"mean of 5; {SOURCE}\n" in shown
    assert (found["episodes"], found["course"]["rewards"], found["reward_source"]) == (0, UPDATES, SOURCE)
    assert len(found["curves"]["reward"]) == 40


def test_the_summary_judges_its_trend(logs: Path) -> None:
    """The recent level is that of the last tenth, as a value is a mean of 100 episodes already."""
    summary = summarise(Run(logs / "a-1"))

    assert summary.measures["reward"].trend.verdict == "improving"
    assert (summary.episodes, summary.overview.levels["reward"].window) == (0, UPDATES // 10)
    assert summary.measures["reward"].recent.estimate == pytest.approx(95.0, abs=1.0)


def test_a_window_of_the_summary_is_of_the_last_values(logs: Path) -> None:
    """As it is of the last episodes."""
    assert summarise(Run(logs / "a-1"), window=20).measures["reward"].counts.total == 20


def test_the_diagnosis_judges_the_reward(logs: Path) -> None:
    """A run that learns is healthy, by rules that need a reward."""
    found = diagnose(evidence_of(Run(logs / "a-1")))

    assert found.alarms == ()
    assert {"no-learning", "regression"} <= set(found.judged)
    assert (found.episodes, found.rewards, found.reward_source) == (0, UPDATES, SOURCE)


def test_a_mean_return_that_collapses_is_found(tmp_path: Path) -> None:
    """Not healthy 100 on nothing."""
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as training:
        rng = np.random.default_rng(0)
        for update in range(120):
            mean = 100.0 * min(update / 40, 1.0) if update < 70 else 5.0
            value = float(mean + rng.normal(0.0, 2.0))
            training.log_metrics("rollout", {"ep_rew_mean": value}, step=2048 * update, env_step=2048 * update)
    found = diagnose(evidence_of(Run(training.path)))

    assert "regression" in [finding.code for finding in found.alarms]
    assert found.health_score is not None
    assert found.health_score < 100


@pytest.mark.parametrize("ending", ["html", "md"])
def test_a_report_draws_and_judges_it(logs: Path, ending: str, tmp_path: Path) -> None:
    """Its verdict is one of learning."""
    path = tmp_path / f"report.{ending}"
    run_command("report", logs / "a-1", "--output", path)
    text = path.read_text()

    assert SOURCE in text
    assert "Distribution over the rewards" in text
    assert "No episode has" not in text
    assert any(verdict in text for verdict in ("Improving", "Improved", "Converged"))


def test_the_digest_has_its_reward_and_health(logs: Path, tmp_path: Path) -> None:
    """And names the source."""
    path = tmp_path / "digest.md"
    run_command("report", logs, "--since", "1d", "--output", path)
    rows = {line.split("|")[1].strip(): line for line in path.read_text().splitlines() if line.startswith("| ")}

    assert "| 100 |" in rows["a-1"]
    assert SOURCE in path.read_text()


def test_the_page_has_its_level_trend_and_verdict(logs: Path) -> None:
    """It does not wait for an episode."""
    found = head(logs, "a-1").overview

    assert (found.episodes, found.episodes_per_minute) == (0, None)
    assert found.reward_source == SOURCE
    assert found.levels["reward"].mean == pytest.approx(95.0, abs=1.0)
    assert found.verdict is not None
    assert found.verdict.title in {"Improving", "Improved", "Converged"}
    assert SOURCE in found.verdict.text


def test_the_line_in_the_list_of_the_dashboard_has_it(logs: Path) -> None:
    """With its curve."""
    glance = RowTracker("a-1", Run(logs / "a-1"), ManualClock())
    glance.read()
    row = glance.row()

    assert (row.overview.episodes, row.overview.reward_source) == (0, SOURCE)
    assert row.overview.levels["reward"].mean == pytest.approx(95.0, abs=1.0)
    assert len(row.spark) > 10


def test_the_dashboard_draws_it_over_steps(logs: Path) -> None:
    """Over episodes too, of which there are none to count."""
    with serving(logs) as address, httpx.Client(base_url=address, timeout=60.0) as client:

        def ask(clock: str) -> Any:
            wanted = {"run": "a-1", "stream": "episodes", "field": "reward", "clock": clock}
            return client.get("/api/v1/run/series", params=wanted).json()["series"][0]

        curves = [ask(clock) for clock in ("env_step", "episode")]

    assert [curve["clock"] for curve in curves] == ["env_step", "env_step"]
    assert curves[0]["points"]["x"][:2] == [2048.0, 4096.0]


def test_the_page_counts_the_steps_that_the_other_outputs_count(tmp_path: Path) -> None:
    """The `step` of a metric may be another clock, so it is not how far the training is."""
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    with TrainingMonitor(tmp_path, session_name="run", settings=settings) as training:
        for step in range(20):
            training.log_metrics("rollout", {"ep_rew_mean": float(step)}, step=step)

    assert head(tmp_path, "run").overview.env_step == summarise(Run(tmp_path / "run")).overview.env_step


def test_a_page_gives_way_to_episodes_that_come(tmp_path: Path) -> None:
    """From the first one on, the reward is that of episodes; whoever follows is told to begin again."""
    with TrainingMonitor(tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None)) as training:
        mean_returns(training, 1)
        run = WatchedRun("run", training.path)
        run.refresh()
        cursor, before = run.cursor(), run.reward_source
        training.log_episode(0, 7.0, 10, env_step=10)
        run.refresh()

    assert (before, run.reward_source) == (SOURCE, "")
    assert run.columns["episodes"].numbers("reward").tolist() == [7.0]
    assert run.delta_since(cursor).again


def test_a_page_follows_a_series_that_grows(tmp_path: Path) -> None:
    """What is new is told as new rows."""
    clock = ManualClock()
    with TrainingMonitor(tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None)) as training:
        training.log_metrics("rollout", {"ep_rew_mean": 1.0}, step=1)
        run = WatchedRun("run", training.path, clock=clock)
        run.refresh()
        cursor = run.cursor()
        training.log_metrics("rollout", {"ep_rew_mean": 2.0}, step=2)
        clock.advance(1.0)
        run.refresh()

    assert run.columns["episodes"].numbers("reward").tolist() == [1.0, 2.0]
    assert (run.delta_since(cursor).before["episodes"], run.delta_since(cursor).again) == (1, False)


@pytest.mark.parametrize("command", [["check"], ["watch", "--once"]])
def test_a_run_without_a_reward_says_so(logs: Path, command: list[str]) -> None:
    """It is over, and waits for no episode."""
    assert "No reward was recorded" in run_command(*command, logs / "losses").stdout


def test_the_page_of_a_run_without_a_reward_says_so(logs: Path) -> None:
    """Likewise."""
    verdict = head(logs, "losses").overview.verdict

    assert verdict is not None
    assert verdict.title == "No reward recorded"


def test_runs_are_compared_by_it(logs: Path) -> None:
    """At the same step, and a note names the source."""
    found = compare(f"good={logs}/a-*", f"half={logs}/b-*")

    assert [outcome.standing for outcome in found.runs] == ["counted"] * 3
    assert [outcome.outcomes["final"] for outcome in found.runs] == pytest.approx([95.0, 95.0, 48.0], abs=3.0)
    assert any(SOURCE in note for note in found.notes)


def test_they_are_compared_with_runs_of_episodes(logs: Path) -> None:
    """Which stay what they are."""
    found = compare(logs / "a-1", logs / "single")
    outcomes = {outcome.run: outcome.outcomes["final"] for outcome in found.runs}

    assert outcomes == {"a-1": pytest.approx(95.0, abs=1.0), "single": pytest.approx(101.0, abs=0.5)}


def test_a_run_whose_episodes_have_no_steps_is_not_said_to_have_no_rewards(logs: Path, tmp_path: Path) -> None:
    """It has none along the axis that the comparison takes."""
    with TrainingMonitor(tmp_path, session_name="run") as training:
        for episode in range(100):
            training.log_episode(episode, 1.0, 10)
    found = compare(logs / "a-1", tmp_path / "run")

    assert found.runs[1].reason == f"has no episodes.reward along {found.axis}"


def test_a_copy_of_such_a_run_counts_once(tmp_path: Path) -> None:
    """As of any run."""
    for name in ("one", "other"):
        with TrainingMonitor(
            tmp_path, session_name=name, settings=RecorderSettings(system_interval_s=None), configuration={"seed": name}
        ) as training:
            for step in range(40):
                training.log_metrics("rollout", {"ep_rew_mean": float(step**0.5)}, step=step, env_step=step, time=1e9)
    found = compare(tmp_path / "one", tmp_path / "other")

    assert [outcome.standing for outcome in found.runs] == ["counted", "left out"]


def test_a_run_has_its_place_among_earlier_ones(logs: Path) -> None:
    """By the same reward."""
    text = run_command("compare", logs / "b-1", "--folder", logs).stdout

    assert "lower than" in text
    assert SOURCE in " ".join(text.split())

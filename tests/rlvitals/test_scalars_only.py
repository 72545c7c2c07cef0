"""Runs with scalars only: every output shows their reward and its source."""

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
    """Log the mean return of the last 100 episodes at each update, as Stable-Baselines3 does for TensorBoard."""
    rng = np.random.default_rng(seed)
    returns = gain * (1.0 - np.exp(-np.arange(UPDATES * 10) / 200)) + rng.normal(0.0, 10.0, UPDATES * 10)
    began = training.session.start_time
    for update in range(UPDATES):
        step, end = 2048 * (update + 1), 10 * (update + 1)
        mean = float(returns[max(0, end - 100) : end].mean())
        training.log_metrics("rollout", {"ep_rew_mean": mean}, step=step, env_step=step, time=began + update)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs: two that learn, one that learns half as much, one without a reward, and one with episodes."""
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
    """Run a command on a terminal of a given width."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": str(columns)})


def head(logs: Path, name: str) -> RunHeader:
    """Return the header of the page of a run."""
    run = WatchedRun(name, logs / name)
    run.refresh()
    return run_header(run, assess(run.reader, clock=run.clock)[1])


@pytest.mark.parametrize("command", [["show"], ["stats"], ["check"], ["watch", "--once"]])
def test_a_command_names_the_source_of_the_reward(logs: Path, command: list[str]) -> None:
    """The output does not ask for episodes of an ended run."""
    text = " ".join(run_command(*command, logs / "a-1").stdout.split())

    assert SOURCE in text
    assert "No episode has" not in text


def test_the_list_has_the_reward(logs: Path) -> None:
    """The reward has a mark, because it is not from episodes."""
    lines = run_command("ls", logs).stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line}

    assert re.search(r" 95\.\d+\* ", rows["a-1"])
    assert f"* no episodes: {SOURCE}" in lines


def test_a_list_with_several_sources_names_the_runs_of_each(tmp_path: Path) -> None:
    """They are on one line."""
    for name in ("logged", "evaluated"):
        with TrainingMonitor(tmp_path, session_name=name) as training:
            if name == "logged":
                mean_returns(training, 1)
            else:
                training.log_evaluation(1, 0.5)
    (note,) = [line for line in run_command("ls", tmp_path).stdout.splitlines() if line.startswith("*")]

    assert note == f"* no episodes: mean return of evaluations (evaluated); {SOURCE} (logged)"


def test_a_list_without_a_reward_column_does_not_explain_its_mark(logs: Path) -> None:
    """A narrow terminal has no space for the last columns."""
    shown = run_command("ls", logs, columns=30).stdout

    assert "reward" not in shown
    assert "* no episodes" not in shown


def test_the_duration_of_a_run_is_that_of_its_scalars(logs: Path) -> None:
    """The throughput is computed from the scalars too."""
    overview = open_run(logs / "a-1").overview()

    assert overview.state.duration == pytest.approx(UPDATES - 1)
    assert overview.steps_per_second == pytest.approx(2048)


def test_the_list_as_json_names_the_source(logs: Path) -> None:
    """Each run has its source."""
    rows = {row["run_id"]: row for row in json.loads(run_command("ls", logs, "--json").stdout)["runs"]}

    assert {name: row["reward_source"] for name, row in rows.items()} == {
        "a-1": SOURCE, "a-2": SOURCE, "b-1": SOURCE, "losses": "", "single": "",
    }  # fmt: skip
    assert rows["a-1"]["levels"]["reward"]["mean"] == pytest.approx(95.0, abs=1.0)
    assert rows["losses"]["levels"] == {}


def test_the_curve_is_shown_with_zero_episodes(logs: Path) -> None:
    """The curve is a chart, or numbers in JSON."""
    shown = run_command("show", logs / "a-1").stdout
    found = json.loads(run_command("show", logs / "a-1", "--json").stdout)

    assert re.search(r"\n  episodes +0 ", shown)
    assert f"mean of 5; {SOURCE}\n" in shown
    assert (found["episodes"], found["course"]["rewards"], found["reward_source"]) == (0, UPDATES, SOURCE)
    assert len(found["curves"]["reward"]) == 40


def test_the_summary_assesses_the_trend(logs: Path) -> None:
    """The recent level covers the last tenth, because a value is already a mean of 100 episodes."""
    summary = summarise(Run(logs / "a-1"))

    assert summary.measures["reward"].trend.verdict == "improving"
    assert (summary.episodes, summary.overview.levels["reward"].window) == (0, UPDATES // 10)
    assert summary.measures["reward"].recent.estimate == pytest.approx(95.0, abs=1.0)


def test_a_window_of_the_summary_selects_the_last_values(logs: Path) -> None:
    """Without episodes, the window is a number of values."""
    assert summarise(Run(logs / "a-1"), window=20).measures["reward"].counts.total == 20


def test_the_diagnosis_evaluates_the_reward(logs: Path) -> None:
    """A run that learns is healthy according to the rules that need a reward."""
    found = diagnose(evidence_of(Run(logs / "a-1")))

    assert found.alarms == ()
    assert {"no-learning", "regression"} <= set(found.judged)
    assert (found.episodes, found.rewards, found.reward_source) == (0, UPDATES, SOURCE)


def test_a_collapse_of_the_mean_return_is_found(tmp_path: Path) -> None:
    """The health score is below 100."""
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
def test_a_report_draws_and_assesses_the_reward(logs: Path, ending: str, tmp_path: Path) -> None:
    """Its verdict is about learning."""
    path = tmp_path / f"report.{ending}"
    run_command("report", logs / "a-1", "--output", path)
    text = path.read_text()

    assert SOURCE in text
    assert "Distribution over the rewards" in text
    assert "No episode has" not in text
    assert any(verdict in text for verdict in ("Improving", "Improved", "Converged"))


def test_the_digest_has_the_reward_and_the_health_score(logs: Path, tmp_path: Path) -> None:
    """It names the source of the reward."""
    path = tmp_path / "digest.md"
    run_command("report", logs, "--since", "1d", "--output", path)
    rows = {line.split("|")[1].strip(): line for line in path.read_text().splitlines() if line.startswith("| ")}

    assert "| 100 |" in rows["a-1"]
    assert SOURCE in path.read_text()


def test_the_page_has_the_level_and_the_verdict(logs: Path) -> None:
    """The verdict is about learning and names the source."""
    found = head(logs, "a-1").overview

    assert (found.episodes, found.episodes_per_minute) == (0, None)
    assert found.reward_source == SOURCE
    assert found.levels["reward"].mean == pytest.approx(95.0, abs=1.0)
    assert found.verdict is not None
    assert found.verdict.title in {"Improving", "Improved", "Converged"}
    assert SOURCE in found.verdict.text


def test_the_list_row_of_the_dashboard_has_the_reward(logs: Path) -> None:
    """The row has a sparkline."""
    glance = RowTracker("a-1", Run(logs / "a-1"), ManualClock())
    glance.read()
    row = glance.row()

    assert (row.overview.episodes, row.overview.reward_source) == (0, SOURCE)
    assert row.overview.levels["reward"].mean == pytest.approx(95.0, abs=1.0)
    assert len(row.spark) > 10


def test_the_dashboard_draws_the_reward_over_steps(logs: Path) -> None:
    """Steps are used even if the request asks for episodes, because there are none."""
    with serving(logs) as address, httpx.Client(base_url=address, timeout=60.0) as client:

        def ask(clock: str) -> Any:
            wanted = {"run": "a-1", "stream": "episodes", "field": "reward", "clock": clock}
            return client.get("/api/v1/run/series", params=wanted).json()["series"][0]

        curves = [ask(clock) for clock in ("env_step", "episode")]

    assert [curve["clock"] for curve in curves] == ["env_step", "env_step"]
    assert curves[0]["points"]["x"][:2] == [2048.0, 4096.0]


def test_the_page_has_the_same_environment_step_as_other_outputs(tmp_path: Path) -> None:
    """The `step` of a metric can have another meaning, so it is not counted as environment steps."""
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    with TrainingMonitor(tmp_path, session_name="run", settings=settings) as training:
        for step in range(20):
            training.log_metrics("rollout", {"ep_rew_mean": float(step)}, step=step)

    assert head(tmp_path, "run").overview.env_step == summarise(Run(tmp_path / "run")).overview.env_step


def test_a_page_switches_to_episodes_when_they_are_logged(tmp_path: Path) -> None:
    """From the first episode on, the reward is that of episodes, and followers must start again."""
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


def test_a_page_follows_a_growing_series(tmp_path: Path) -> None:
    """New values are new rows."""
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
def test_a_command_reports_a_run_without_a_reward(logs: Path, command: list[str]) -> None:
    """The run has ended, so the output does not ask for episodes."""
    assert "No reward was recorded" in run_command(*command, logs / "losses").stdout


def test_the_page_reports_a_run_without_a_reward(logs: Path) -> None:
    """The verdict has this title."""
    verdict = head(logs, "losses").overview.verdict

    assert verdict is not None
    assert verdict.title == "No reward recorded"


def test_runs_are_compared_by_the_mean_return(logs: Path) -> None:
    """They are compared at the same step, and a note names the source."""
    found = compare(f"good={logs}/a-*", f"half={logs}/b-*")

    assert [outcome.standing for outcome in found.runs] == ["counted"] * 3
    assert [outcome.outcomes["final"] for outcome in found.runs] == pytest.approx([95.0, 95.0, 48.0], abs=3.0)
    assert any(SOURCE in note for note in found.notes)


def test_runs_with_scalars_are_compared_with_runs_with_episodes(logs: Path) -> None:
    """The run with episodes keeps its episode rewards."""
    found = compare(logs / "a-1", logs / "single")
    outcomes = {outcome.run: outcome.outcomes["final"] for outcome in found.runs}

    assert outcomes == {"a-1": pytest.approx(95.0, abs=1.0), "single": pytest.approx(101.0, abs=0.5)}
    assert f"a-1 has no episodes. Its reward is the {SOURCE}." in found.notes


def test_a_run_without_steps_is_left_out_because_of_the_axis(logs: Path, tmp_path: Path) -> None:
    """The reason is that the run has no rewards along the axis of the comparison."""
    with TrainingMonitor(tmp_path, session_name="run") as training:
        for episode in range(100):
            training.log_episode(episode, 1.0, 10)
    found = compare(logs / "a-1", tmp_path / "run")

    assert found.runs[1].reason == f"has no episodes.reward along {found.axis}"


def test_a_duplicate_of_such_a_run_is_counted_once(tmp_path: Path) -> None:
    """Duplicates are detected as for runs with episodes."""
    for name in ("one", "other"):
        with TrainingMonitor(
            tmp_path, session_name=name, settings=RecorderSettings(system_interval_s=None), configuration={"seed": name}
        ) as training:
            for step in range(40):
                training.log_metrics("rollout", {"ep_rew_mean": float(step**0.5)}, step=step, env_step=step, time=1e9)
    found = compare(tmp_path / "one", tmp_path / "other")

    assert [outcome.standing for outcome in found.runs] == ["counted", "left out"]


def test_a_run_is_ranked_among_previous_runs(logs: Path) -> None:
    """The rank uses the same reward."""
    text = run_command("compare", logs / "b-1", "--folder", logs).stdout

    assert "lower than" in text
    assert SOURCE in " ".join(text.split())

"""Tests of `rlvitals check`."""

import contextlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.clock import pause_after
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.recording import Terminated
from rlvitals.runs.follower import polled

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]

KEYS = {"code", "severity", "confidence", "since_step", "evidence", "cause", "advice", "source", "symptoms"}


def trained(training: TrainingMonitor, *, nan_from: int = 1_000) -> None:
    """Log forty updates of a learning agent, with non-finite losses from update `nan_from`."""
    for update in range(40):
        loss = math.nan if update >= nan_from else 0.1
        training.log_training_step(update, loss, 0.5, 1.0, kl_divergence=0.01, env_step=100 * update)
        training.log_episode(update, 0.1 * update + 0.1 * math.sin(update), 100, env_step=100 * update)


def test_findings_are_shown_with_cause_and_advice(invoke: Invoke, monitor: Monitor) -> None:
    """The verdict comes first, each finding has its cause and advice, and the exit code is 1."""
    with monitor() as training:
        trained(training, nan_from=20)
    result = invoke("check", "run")

    assert result.exit_code == 1
    assert result.stdout.startswith("run  critical  health ")
    assert "non-finite" in result.stdout
    assert "since step 2,000" in result.stdout
    assert "\n    A NaN or an infinity entered the network" in result.stdout
    for word in ("Try", "Evidence", "Metrics", "Source"):
        assert f"\n    {word} " in result.stdout


def test_a_healthy_run_has_exit_code_0(invoke: Invoke, monitor: Monitor) -> None:
    """The output also lists the rules that were skipped for missing data."""
    with monitor() as training:
        trained(training)
    result = invoke("check", "run")

    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["run", "healthy"])
    assert "rules skipped: missing data. To enable them, provide " in result.stdout


def test_a_run_without_records_is_not_judged(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """A run without records has no health score and exit code 0."""
    with monitor():
        pass
    result, found = invoke("check", "run"), invoke_json("check", "run")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "run  not judged"
    assert "100" not in result.stdout
    assert (found["status"], found["health_score"], found["findings"]) == ("not judged", None, [])


def test_a_run_with_few_records_reports_how_many_a_verdict_needs(
    invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor
) -> None:
    """Three episodes have no health score, on the terminal and as JSON."""
    with monitor() as training:
        for episode in range(3):
            training.log_episode(episode, float(episode), 10)
    result, found = invoke("check", "run"), invoke_json("check", "run")

    assert result.stdout.splitlines()[0] == "run  not judged"
    assert "Not judged yet: 3 episodes with a reward and no update; a verdict needs" in " ".join(result.stdout.split())
    assert "Nothing wrong" not in result.stdout
    assert (found["judged"], found["health_score"]) == (False, None)
    assert found["evidence"].startswith("3 episodes with a reward and no update")


def test_rules_for_other_algorithms_are_listed_separately(invoke: Invoke, monitor: Monitor) -> None:
    """The output does not ask for the data of rules that do not apply."""
    with monitor(configuration={"algorithm": "DQN"}) as training:
        trained(training)
    said = invoke("check", "run").stdout

    assert "rules skipped: they do not apply to DQN." in said
    assert "explained_variance" not in said


def test_json_contains_every_finding(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Each finding has all keys, and the deductions add up to the lost points."""
    with monitor() as training:
        trained(training, nan_from=20)
    found = invoke_json("check", "run")

    assert (found["run_id"], found["status"]) == ("run", "critical")
    assert found["findings"][0]["code"] == "non-finite"
    assert all(finding.keys() >= KEYS for finding in found["findings"])
    assert 100 - sum(loss["points"] for loss in found["points_lost"]) == found["health_score"]


@pytest.mark.parametrize(("severity", "code"), [("critical", 1), ("warning", 1), ("info", 1)])
def test_fail_on_selects_the_severity_of_the_exit_code(
    invoke: Invoke, monitor: Monitor, severity: str, code: int
) -> None:
    """A critical finding also fails the lower severities."""
    with monitor() as training:
        trained(training, nan_from=20)

    assert invoke("check", "run", "--fail-on", severity).exit_code == code


def test_an_open_run_is_checked_until_it_ends(monitor: Monitor) -> None:
    """Records between two checks are in the next check, and the last check includes the end."""
    training = monitor()

    def judge() -> Diagnosis:
        return diagnose(evidence_of(training.run))

    def wait(_: float) -> None:
        trained(training, nan_from=20)
        training.close()

    codes = [{finding.code for finding in diagnosis.findings} for diagnosis in polled(training.run, judge, wait)]

    assert ["non-finite" in found for found in codes] == [False, True]


@pytest.mark.parametrize(("took", "pause"), [(0.01, 5.0), (1.0, 20.0)])
def test_watching_uses_a_twentieth_of_the_time(took: float, pause: float) -> None:
    """At least five seconds pass between two checks."""

    assert pause_after(took, least_s=5.0) == pause


def test_watching_a_finished_run_checks_it_once(invoke: Invoke, monitor: Monitor) -> None:
    """The exit code is that of the check."""
    with monitor() as training:
        trained(training, nan_from=20)
    result = invoke("check", "run", "--watch")

    assert result.exit_code == 1
    assert result.stdout.count("non-finite") >= 1


def test_an_empty_run_has_no_findings(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """An empty run has exit code 0 and an empty list of findings."""
    with monitor():
        pass

    assert invoke("check", "run").exit_code == 0
    assert invoke_json("check", "run")["findings"] == []


@pytest.mark.parametrize(
    ("error", "code", "findings"),
    [
        (None, 0, []),
        (RuntimeError("CUDA out of memory"), 1, [("run-failed", "critical")]),
        (SystemExit(3), 1, [("run-failed", "critical")]),
        (KeyboardInterrupt(), 0, [("run-failed", "info")]),
        (Terminated("SIGTERM"), 0, []),
    ],
)
def test_the_end_of_a_run_decides_the_exit_code(
    invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor, error: BaseException | None, code: int, findings: Any
) -> None:
    """An exception and an exit code are a failure. A preemption and an interruption are not."""
    with contextlib.suppress(BaseException), monitor() as training:
        trained(training)
        if error is not None:
            raise error
    found = invoke_json("check", "run")

    assert [(one["code"], one["severity"]) for one in found["findings"]] == findings
    assert invoke("check", "run").exit_code == code


def test_a_killed_run_has_crashed(invoke: Invoke, invoke_json: InvokeJson, logs: Path, monitor: Monitor) -> None:
    """A run that was never closed has no exception, so `stalled` reports it."""
    with monitor() as training:
        trained(training)
        training.save_session()
        shutil.copytree(training.path, logs / "killed")
        (logs / "killed" / "writer.lock").unlink()
    (finding,) = invoke_json("check", "killed")["findings"]

    assert (finding["code"], finding["title"]) == ("stalled", "The run crashed")
    assert finding["evidence"]["status"] == "crashed"
    assert invoke("check", "killed").exit_code == 1


def test_the_exception_of_a_failed_run_is_printed_once(invoke: Invoke, monitor: Monitor) -> None:
    """The cause has the exception, and the advice does not send the reader to look for it."""
    with contextlib.suppress(RuntimeError), monitor() as training:
        trained(training)
        raise RuntimeError("the simulator lost its connection")
    said = " ".join(invoke("check", "run").stdout.split())

    assert said.count("the simulator lost its connection") == 1
    assert "The training failed with RuntimeError: the simulator lost its connection" in said
    assert "run.json`" not in said.partition("Source")[0]

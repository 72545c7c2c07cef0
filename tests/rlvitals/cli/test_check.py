"""`rlvitals check`."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.clock import pause_after
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.runs.follower import polled

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]

KEYS = {"code", "severity", "confidence", "since_step", "evidence", "cause", "advice", "source", "symptoms"}


def trained(training: TrainingMonitor, *, nan_from: int = 1_000) -> None:
    """Forty updates of a training that learns; the losses are not finite from one of them on."""
    for update in range(40):
        loss = math.nan if update >= nan_from else 0.1
        training.log_training_step(update, loss, 0.5, 1.0, kl_divergence=0.01, env_step=100 * update)
        training.log_episode(update, 0.1 * update + 0.1 * math.sin(update), 100, env_step=100 * update)


def test_what_is_wrong_is_said_with_its_cause(invoke: Invoke, monitor: Monitor) -> None:
    """The verdict first, then each finding with what to try; exit code 1."""
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


def test_a_run_that_is_well_says_so(invoke: Invoke, monitor: Monitor) -> None:
    """With exit code 0; and which rules had nothing to look at."""
    with monitor() as training:
        trained(training)
    result = invoke("check", "run")

    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["run", "healthy"])
    assert "rules skipped: missing data. To enable them, log " in result.stdout


def test_a_run_without_records_is_not_judged(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """It has no score, and the exit code is 0."""
    with monitor():
        pass
    result, found = invoke("check", "run"), invoke_json("check", "run")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "run  not judged"
    assert "100" not in result.stdout
    assert (found["status"], found["health_score"], found["findings"]) == ("not judged", None, [])


def test_a_run_with_few_records_says_how_many_a_verdict_needs(
    invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor
) -> None:
    """On the screen and as JSON; three episodes have no score."""
    with monitor() as training:
        for episode in range(3):
            training.log_episode(episode, float(episode), 10)
    result, found = invoke("check", "run"), invoke_json("check", "run")

    assert result.stdout.splitlines()[0] == "run  not judged"
    assert "Not judged yet: 3 episodes with a reward and no update; a verdict needs" in " ".join(result.stdout.split())
    assert "Nothing wrong" not in result.stdout
    assert (found["judged"], found["health_score"]) == (False, None)
    assert found["evidence"].startswith("3 episodes with a reward and no update")


def test_rules_for_other_algorithms_are_counted_apart(invoke: Invoke, monitor: Monitor) -> None:
    """And their data is not asked for."""
    with monitor(configuration={"algorithm": "DQN"}) as training:
        trained(training)
    said = invoke("check", "run").stdout

    assert "rules skipped: they do not apply to DQN." in said
    assert "explained_variance" not in said


def test_json_holds_all_there_is(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Findings in their order, each with its keys; every point lost is explained."""
    with monitor() as training:
        trained(training, nan_from=20)
    found = invoke_json("check", "run")

    assert (found["run_id"], found["status"]) == ("run", "critical")
    assert found["findings"][0]["code"] == "non-finite"
    assert all(finding.keys() >= KEYS for finding in found["findings"])
    assert 100 - sum(loss["points"] for loss in found["points_lost"]) == found["health_score"]


@pytest.mark.parametrize(("severity", "code"), [("critical", 1), ("warning", 1), ("info", 1)])
def test_the_exit_code_is_by_severity(invoke: Invoke, monitor: Monitor, severity: str, code: int) -> None:
    """As bad as is asked for, or worse."""
    with monitor() as training:
        trained(training, nan_from=20)

    assert invoke("check", "run", "--fail-on", severity).exit_code == code


def test_an_open_run_is_looked_at_until_it_is_over(monitor: Monitor) -> None:
    """What comes between two looks is in the next; the last look sees the end."""
    training = monitor()

    def judge() -> Diagnosis:
        return diagnose(evidence_of(training.run))

    def wait(_: float) -> None:
        trained(training, nan_from=20)
        training.close()

    codes = [{finding.code for finding in diagnosis.findings} for diagnosis in polled(training.run, judge, wait)]

    assert ["non-finite" in found for found in codes] == [False, True]


@pytest.mark.parametrize(("took", "pause"), [(0.01, 5.0), (1.0, 20.0)])
def test_watching_takes_a_twentieth_of_the_time(took: float, pause: float) -> None:
    """But there are at least five seconds between two checks."""

    assert pause_after(took, least_s=5.0) == pause


def test_watching_a_finished_run_is_one_look(invoke: Invoke, monitor: Monitor) -> None:
    """And its exit code."""
    with monitor() as training:
        trained(training, nan_from=20)
    result = invoke("check", "run", "--watch")

    assert result.exit_code == 1
    assert result.stdout.count("non-finite") >= 1


def test_an_empty_run_is_no_trouble(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """There is nothing to judge, and that is said."""
    with monitor():
        pass

    assert invoke("check", "run").exit_code == 0
    assert invoke_json("check", "run")["findings"] == []

"""The score is 100 less what is explained."""

import pytest

from rlvitals.diagnosis import Finding, diagnose
from rlvitals.diagnosis.health import CHECKS, health_of
from rlvitals.diagnosis.rules import RULES
from rlvitals.testing.trainings import MadeTraining


def finding(code: str, severity: str, confidence: float = 1.0) -> Finding:
    return Finding(code=code, severity=severity, confidence=confidence, title=code)


def test_a_healthy_run_has_all_its_points() -> None:
    """100, and nothing to explain."""

    assert health_of(()).score == 100
    assert health_of(()).status == "healthy"


def test_a_run_without_evidence_has_no_score() -> None:
    """Unless something is wrong that needs no evidence, as a crash before the first episode; a remark is no verdict."""

    for findings in ((), (finding("data-missing", "info"),)):
        health = health_of(findings, is_judged=False)
        assert (health.score, health.status, health.deductions) == (None, "not judged", ())
    assert health_of((finding("stalled", "critical"),), is_judged=False).score == 50


def test_costs_worked_by_hand() -> None:
    """Critical at full confidence 50, a warning at half 15, a remark at none 1."""

    health = health_of(
        [finding("regression", "critical"), finding("plateau", "warning", 0.5), finding("x", "info", 0.0)]
    )
    assert [loss.points for loss in health.deductions] == [50, 15, 1]
    assert health.score == 34
    assert health.status == "critical"
    assert health.checks["training_progress"] == 35
    assert health.checks["training_stability"] == 99


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_the_explanation_adds_up(count: int) -> None:
    """Also where more is wrong than there are points."""

    codes = [rule.code for rule in RULES][:count]
    health = health_of([finding(code, "critical", 0.8) for code in codes])
    assert 100 - sum(loss.points for loss in health.deductions) == health.score
    assert health.score is not None
    assert health.score >= 0
    assert [loss.code for loss in health.deductions] == codes


def test_each_point_lost_names_a_finding() -> None:
    """Of a diagnosis, not of the score's own making."""

    diagnosis = diagnose(MadeTraining().flat().set("updates", kl_divergence=3.0).evidence())
    assert {loss.code for loss in diagnosis.health.deductions} == {finding.code for finding in diagnosis.findings}


def test_areas_name_rules() -> None:
    """No area counts a code that no rule has, and no code counts twice."""

    listed = [code for codes in CHECKS.values() for code in codes]
    assert set(listed) <= {rule.code for rule in RULES}
    assert len(listed) == len(set(listed))

"""The health score is 100 minus deductions that each name a finding."""

import pytest

from rlvitals.diagnosis import Finding, diagnose
from rlvitals.diagnosis.health import CHECKS, health_of
from rlvitals.diagnosis.rules import RULES
from rlvitals.testing.trainings import MadeTraining


def finding(code: str, severity: str, confidence: float = 1.0) -> Finding:
    return Finding(code=code, severity=severity, confidence=confidence, title=code)


def test_a_healthy_run_has_all_its_points() -> None:
    """A run without findings has a score of 100."""

    assert health_of(()).score == 100
    assert health_of(()).status == "healthy"


def test_a_run_without_evidence_has_no_score() -> None:
    """Without evidence, only a warning or critical finding gives a score; an info finding does not."""

    for findings in ((), (finding("data-missing", "info"),)):
        health = health_of(findings, is_judged=False)
        assert (health.score, health.status, health.deductions) == (None, "not judged", ())
    assert health_of((finding("stalled", "critical"),), is_judged=False).score == 50


def test_deductions_match_a_calculation_by_hand() -> None:
    """A critical finding at full confidence costs 50, a warning at half confidence 15, an info finding at zero 1."""

    health = health_of(
        [finding("regression", "critical"), finding("plateau", "warning", 0.5), finding("x", "info", 0.0)]
    )
    assert [loss.points for loss in health.deductions] == [50, 15, 1]
    assert health.score == 34
    assert health.status == "critical"
    assert health.checks["training_progress"] == 35
    assert health.checks["training_stability"] == 99


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_the_deductions_add_up_to_the_score(count: int) -> None:
    """100 minus all deductions is the score, also if findings would cost more points than there are."""

    codes = [rule.code for rule in RULES][:count]
    health = health_of([finding(code, "critical", 0.8) for code in codes])
    assert 100 - sum(loss.points for loss in health.deductions) == health.score
    assert health.score is not None
    assert health.score >= 0
    assert [loss.code for loss in health.deductions] == codes


def test_each_deduction_names_a_finding() -> None:
    """Deductions name exactly the findings of the diagnosis."""

    diagnosis = diagnose(MadeTraining().flat().set("updates", kl_divergence=3.0).evidence())
    assert {loss.code for loss in diagnosis.health.deductions} == {finding.code for finding in diagnosis.findings}


def test_areas_list_existing_rules() -> None:
    """Areas list only existing rule codes, and each code at most once."""

    listed = [code for codes in CHECKS.values() for code in codes]
    assert set(listed) <= {rule.code for rule in RULES}
    assert len(listed) == len(set(listed))

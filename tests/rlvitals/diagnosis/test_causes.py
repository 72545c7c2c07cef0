"""Symptoms are folded under the most probable cause."""

from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.causes import EXPLAINS, folded
from rlvitals.diagnosis.rules import RULES


def finding(code: str, confidence: float, severity: str = "critical", since: int | None = 0) -> Finding:
    return Finding(code=code, severity=severity, confidence=confidence, title=code, since_step=since)


def test_a_learning_rate_that_is_too_high_is_one_finding() -> None:
    """KL divergence, entropy and missing progress are symptoms of a high learning rate."""

    found = folded([
        finding("entropy-collapse", 0.55), finding("kl-too-large", 0.6),
        finding("no-learning", 0.4, "warning"), finding("learning-rate-too-high", 0.93),
    ])  # fmt: skip
    assert [one.code for one in found] == ["learning-rate-too-high"]
    assert [one.code for one in found[0].symptoms] == ["kl-too-large", "entropy-collapse", "no-learning"]


def test_an_independent_finding_is_not_folded() -> None:
    """A memory leak is listed next to a high learning rate."""

    found = folded([finding("memory-leak", 0.9, "warning"), finding("learning-rate-too-high", 0.93)])
    assert [one.code for one in found] == ["learning-rate-too-high", "memory-leak"]


def test_a_cause_does_not_explain_earlier_findings() -> None:
    """Gradients that explode at the end do not explain a critic that never learned."""

    found = folded([finding("gradient-explosion", 0.95, since=9_000), finding("value-not-learning", 0.7, since=0)])
    assert [one.symptoms for one in found] == [(), ()]


def test_a_time_limit_treated_as_termination_explains_no_learning_only() -> None:
    """Truncation as termination explains missing progress, but not a wrong sign."""

    limit = finding("truncation-as-termination", 0.97, "warning")
    found = folded([limit, finding("no-learning", 0.4, "warning"), finding("reward-sign", 0.75)])
    assert [one.code for one in found] == ["truncation-as-termination", "reward-sign"]


def test_the_allowed_delay_of_a_cause_depends_on_the_steps_so_far() -> None:
    """A cause with the step of the first update explains earlier episodes only if the run is long enough."""

    found = [finding("reward-scale", 0.9, since=4_000), finding("no-learning", 0.4, "warning", since=1_000)]
    assert [one.code for one in folded(found, so_far=40_000)] == ["reward-scale"]
    assert [one.code for one in folded(found, so_far=8_000)] == ["reward-scale", "no-learning"]


def test_an_info_finding_follows_warnings() -> None:
    """An info finding follows warnings, whatever its confidence."""

    found = folded([finding("evaluation-gap", 0.99, "info"), finding("memory-leak", 0.1, "warning")])
    assert [one.code for one in found] == ["memory-leak", "evaluation-gap"]


def test_causes_and_symptoms_are_rules() -> None:
    """Every code in `EXPLAINS` is that of a rule."""

    known = {rule.code for rule in RULES}
    assert set(EXPLAINS) | set().union(*EXPLAINS.values()) <= known

"""Symptoms are folded under the likeliest cause."""

from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.causes import EXPLAINS, folded
from rlvitals.diagnosis.rules import RULES


def finding(code: str, confidence: float, severity: str = "critical", since: int | None = 0) -> Finding:
    return Finding(code=code, severity=severity, confidence=confidence, title=code, since_step=since)


def test_a_rate_that_is_too_high_is_one_finding() -> None:
    """KL divergence, clipping, entropy and collapse stand under it."""

    found = folded([
        finding("entropy-collapse", 0.55), finding("kl-too-large", 0.6),
        finding("no-learning", 0.4, "warning"), finding("learning-rate-too-high", 0.93),
    ])  # fmt: skip
    assert [one.code for one in found] == ["learning-rate-too-high"]
    assert [one.code for one in found[0].symptoms] == ["kl-too-large", "entropy-collapse", "no-learning"]


def test_what_is_no_symptom_stands_beside_it() -> None:
    """A leak is not caused by a learning rate."""

    found = folded([finding("memory-leak", 0.9, "warning"), finding("learning-rate-too-high", 0.93)])
    assert [one.code for one in found] == ["learning-rate-too-high", "memory-leak"]


def test_a_cause_does_not_explain_what_was_there_long_before() -> None:
    """Gradients that burst at the end have not kept the critic from learning at the beginning."""

    found = folded([finding("gradient-explosion", 0.95, since=9_000), finding("value-not-learning", 0.7, since=0)])
    assert [one.symptoms for one in found] == [(), ()]


def test_a_time_limit_that_is_taken_for_an_end_explains_that_nothing_is_learnt_but_no_wrong_sign() -> None:
    """Good states look worthless; that costs are rewarded is another fault."""

    limit = finding("truncation-as-termination", 0.97, "warning")
    found = folded([limit, finding("no-learning", 0.4, "warning"), finding("reward-sign", 0.75)])
    assert [one.code for one in found] == ["truncation-as-termination", "reward-sign"]


def test_how_much_earlier_is_much_goes_by_the_way_so_far() -> None:
    """The first update ends behind the first episodes, and what it shows explains them all the same."""

    found = [finding("reward-scale", 0.9, since=4_000), finding("no-learning", 0.4, "warning", since=1_000)]
    assert [one.code for one in folded(found, so_far=40_000)] == ["reward-scale"]
    assert [one.code for one in folded(found, so_far=8_000)] == ["reward-scale", "no-learning"]


def test_a_remark_never_stands_before_an_alarm() -> None:
    """However sure it is."""

    found = folded([finding("evaluation-gap", 0.99, "info"), finding("memory-leak", 0.1, "warning")])
    assert [one.code for one in found] == ["memory-leak", "evaluation-gap"]


def test_every_code_that_explains_or_is_explained_is_a_rule() -> None:
    """No misspelt code lies in the table."""

    known = {rule.code for rule in RULES}
    assert set(EXPLAINS) | set().union(*EXPLAINS.values()) <= known

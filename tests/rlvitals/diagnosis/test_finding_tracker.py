"""The tracker of a live run reports each finding once."""

import msgspec

from rlvitals.diagnosis import Diagnosis, Finding, FindingTracker
from rlvitals.diagnosis.health import health_of


def diagnosis(*codes: str, severity: str = "warning", symptoms: tuple[str, ...] = ()) -> Diagnosis:
    found = [Finding(code=code, severity=severity, confidence=0.5, title=code) for code in codes]
    if symptoms:
        under = tuple(Finding(code=code, severity=severity, confidence=0.5, title=code) for code in symptoms)
        found[0] = msgspec.structs.replace(found[0], symptoms=under)
    return Diagnosis(findings=tuple(found), health=health_of(found))


def test_a_finding_opens_once() -> None:
    """A finding opens at first sight and persists from then on."""

    tracker = FindingTracker()
    first, second = tracker.update(diagnosis("plateau")), tracker.update(diagnosis("plateau"))
    assert [finding.code for finding in first.opened] == ["plateau"]
    assert second.opened == ()
    assert [finding.code for finding in second.persisting] == ["plateau"]


def test_a_finding_closes_after_three_checks_without_it() -> None:
    """A finding closes after three consecutive checks without it, and an intermittent one stays open."""

    tracker = FindingTracker()
    tracker.update(diagnosis("plateau"))
    looks = [tracker.update(diagnosis()), tracker.update(diagnosis("plateau"))]
    assert not any(change.opened or change.closed for change in looks)
    looks = [tracker.update(diagnosis()) for _ in range(3)]
    assert [len(change.closed) for change in looks] == [0, 0, 1]
    assert tracker.open == ()


def test_a_finding_that_gets_worse_opens_again() -> None:
    """A warning that becomes critical is reported again."""

    tracker = FindingTracker()
    tracker.update(diagnosis("regression"))
    assert [f.severity for f in tracker.update(diagnosis("regression", severity="critical")).opened] == ["critical"]


def test_a_folded_finding_stays_open() -> None:
    """A finding that has become a symptom stays open."""

    tracker = FindingTracker()
    tracker.update(diagnosis("kl-too-large"))
    for _ in range(5):
        change = tracker.update(diagnosis("learning-rate-too-high", symptoms=("kl-too-large",)))
        assert change.closed == ()


def test_the_last_check_closes_missing_findings() -> None:
    """The last diagnosis closes the findings that it lacks, except folded ones."""

    tracker = FindingTracker()
    tracker.update(diagnosis("no-learning", "kl-too-large"))
    change = tracker.update(diagnosis("learning-rate-too-high", symptoms=("kl-too-large",)), last=True)
    assert [finding.code for finding in change.closed] == ["no-learning"]

"""A diagnosis handles any data."""

import logging

import msgspec
import numpy as np
import pytest

from rlvitals.diagnosis import Context, Diagnosis, Evidence, EvidenceBuilder, diagnose, rules
from rlvitals.diagnosis.learning import FEWEST_REWARDS
from rlvitals.diagnosis.rules import RULES, RuleResult
from rlvitals.diagnosis.signals import FEWEST_UPDATES
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.testing.trainings import MadeTraining


def spoilt(seed: int) -> MadeTraining:
    """Return a training with columns that are missing, have gaps, or contain extreme values."""
    generator = np.random.default_rng(seed)
    made = MadeTraining(updates=int(generator.integers(1, 30)), seed=seed, continuous=bool(seed % 2))
    for table in (made.episodes, made.updates, made.evaluations):
        for name, column in table.items():
            if column is None or name in {"env_step", "step", "time", "length", "termination_reason"}:
                continue
            fate = generator.random()
            if fate < 0.2 and name != "reward":
                table[name] = None
            elif fate < 0.4:
                table[name] = np.where(generator.random(column.size) < 0.5, np.nan, column)
            elif fate < 0.6:
                table[name] = np.full(
                    column.size, generator.choice([0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300])
                )
    odd = generator.choice(["x", "0", "-1", "nan", "1e9"], len(made.configuration))
    made.configuration |= {name: str(value) for name, value in zip(made.configuration, odd, strict=True)}
    made.total_timesteps = None if seed % 3 else made.total_timesteps
    return made


@pytest.mark.parametrize("seed", range(60))
def test_a_diagnosis_handles_any_data(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """No rule raises or warns, the score adds up, and the diagnosis can be encoded as JSON."""

    caplog.set_level(logging.ERROR)
    made = spoilt(seed)
    for share in (0.3, 1.0):
        diagnosis = diagnose(made.evidence(share))
        lost = sum(loss.points for loss in diagnosis.health.deductions)
        assert diagnosis.health_score == (100 - lost if diagnosis.is_judged else None)
        assert msgspec.json.encode(diagnosis)
        assert not [one for one in diagnosis.skipped_rules if one.error]
    assert caplog.records == []


def test_a_live_run_with_an_unknown_budget_is_assessed() -> None:
    """The number of updates replaces an unknown budget."""

    made = MadeTraining().flat().set("updates", learning_rate=0.1, kl_divergence=2.0)
    made.total_timesteps = None
    made.facts["status"] = "running"
    assert [finding.code for finding in diagnose(made.evidence()).findings] == ["learning-rate-too-high"]


def recorded(episodes: int, updates: int, *, reward: float | None = None, loss: float = 0.1) -> Diagnosis:
    """Diagnose a run of a few records, which is healthy unless a loss is non-finite."""
    collector = EvidenceBuilder()
    for number in range(episodes):
        value = float(number % 7) if reward is None else reward
        collector.add(Episode(time=float(number), episode=number, reward=value, length=10, env_step=10 * number))
    for number in range(updates):
        collector.add(PolicyUpdate(time=float(number), step=number, env_step=10 * number, policy_loss=loss))
    return diagnose(collector.evidence(Context()))


@pytest.mark.parametrize(
    ("episodes", "updates", "is_judged"),
    [
        (0, 0, False),
        (3, 0, False),
        (int(FEWEST_REWARDS) - 1, int(FEWEST_UPDATES) - 1, False),
        (int(FEWEST_REWARDS), 0, True),
        (0, int(FEWEST_UPDATES), True),
    ],
)
def test_a_verdict_needs_enough_rewards_or_enough_updates(episodes: int, updates: int, is_judged: bool) -> None:
    """A run with less evidence and no finding has no score."""

    diagnosis = recorded(episodes, updates)
    assert diagnosis.findings == ()
    assert (diagnosis.is_judged, diagnosis.is_early) == (is_judged, not is_judged)
    expected = (100, "healthy") if is_judged else (None, "not judged")
    assert (diagnosis.health_score, diagnosis.status) == expected


def test_a_critical_finding_needs_no_further_evidence() -> None:
    """One update with a non-finite loss is enough for a critical status."""

    diagnosis = recorded(0, 1, loss=float("nan"))
    assert (diagnosis.is_judged, diagnosis.is_early, diagnosis.status) == (True, True, "critical")


def test_non_finite_rewards_are_not_evidence_of_health() -> None:
    """A hundred episodes without a finite reward count as zero rewards."""

    diagnosis = recorded(100, 0, reward=float("nan"))
    assert (diagnosis.episodes, diagnosis.rewards, diagnosis.is_early) == (100, 0, True)


def test_the_evidence_text_states_what_a_verdict_needs() -> None:
    """The text states the evidence so far and the limits from the constants."""

    needed = f"; a verdict needs {FEWEST_REWARDS:.0f} episodes with a reward or {FEWEST_UPDATES:.0f} updates"
    assert recorded(3, 0).evidence_text == f"3 episodes with a reward and no update{needed}"
    assert recorded(1, 1).evidence_text == f"1 episode with a reward and 1 update{needed}"
    assert recorded(1_500, 2).evidence_text == f"1,500 episodes with a reward and 2 updates{needed}"


def test_a_rule_that_raises_is_skipped_with_its_exception(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The exception is no missing signal. The other rules are evaluated, and the log has the traceback once."""

    def judge(_: Evidence) -> RuleResult | None:
        raise KeyError("updates.loss")

    broken = RULES[0]._replace(code="broken", needs=(), judge=judge)
    monkeypatch.setattr(rules, "RULES", [broken, *RULES])
    for _ in range(2):
        diagnosis = diagnose(MadeTraining().evidence())

    (skipped,) = [one for one in diagnosis.skipped_rules if one.error]
    assert (skipped.code, skipped.missing) == ("broken", ())
    assert skipped.text == "the rule failed with KeyError: 'updates.loss'"
    assert diagnosis.printed().skipped_rules["broken"] == (skipped.text,)
    assert len(diagnosis.judged) > 20
    assert [record.getMessage() for record in caplog.records] == ["rule broken failed; skipping it"]

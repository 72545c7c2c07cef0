"""Evidence is the same for any order of arrival, and its size is bounded."""

from pathlib import Path

import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.diagnosis import Context, EvidenceBuilder, diagnose, evidence_of
from rlvitals.diagnosis.block_table import MOST_ROWS
from rlvitals.diagnosis.evidence_builder import EPISODE_COLUMNS, MOST_CATEGORIES
from rlvitals.recording import RecorderSettings
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.testing.trainings import MadeTraining


def test_live_and_stored_evidence_give_the_same_diagnosis(tmp_path: Path) -> None:
    """Records collected live and the run folder read at the end give the same findings."""

    made = MadeTraining()
    made.flat().set("updates", learning_rate=0.1, kl_divergence=2.0)
    made.updates["policy_loss"][50:] = np.nan
    live = EvidenceBuilder()
    settings = RecorderSettings(system_interval_s=None)
    with TrainingMonitor(
        tmp_path, configuration=made.configuration, total_timesteps=made.total_timesteps, settings=settings
    ) as monitor:
        for record in made.records():
            live.add(record)
            monitor._recorder.write(record)
    told = diagnose(live.evidence(made.context))
    assert told.findings
    assert told == diagnose(evidence_of(monitor.run))


def test_the_order_of_folding_does_not_matter() -> None:
    """Folding after every record and folding once at the end give the same evidence."""

    made, often, once = MadeTraining(), EvidenceBuilder(), EvidenceBuilder()
    for record in made.records():
        often.add(record)
        once.add(record)
        often.fold()
    a, b = often.evidence(made.context), once.evidence(made.context)
    for name in EPISODE_COLUMNS:
        np.testing.assert_allclose(a.episodes.mean(name), b.episodes.mean(name))
    assert diagnose(a) == diagnose(b)


def test_memory_is_bounded() -> None:
    """100,000 episodes of 1,000 categories fit in about a thousand rows and 64 categories."""

    collector = EvidenceBuilder()
    for number in range(100_000):
        collector.add(Episode(time=float(number), episode=number, reward=1.0, length=2, category=str(number % 1000)))
    evidence = collector.evidence(Context())
    assert evidence.episodes.records == 100_000
    assert len(evidence.episodes) <= MOST_ROWS
    assert len(evidence.categories) == MOST_CATEGORIES
    assert not collector._pending


def test_missing_and_non_finite_values_are_counted_separately() -> None:
    """A NaN or infinity counts as non-finite, and a missing value counts as neither finite nor non-finite."""

    collector = EvidenceBuilder()
    for step, loss in enumerate((1.0, float("nan"), None, float("inf"))):
        collector.add(PolicyUpdate(time=0.0, step=step, policy_loss=loss))
    updates = collector.evidence(Context()).updates
    assert updates.said("policy_loss").tolist() == [1.0, 0.0, 0.0, 0.0]
    assert updates.not_finite("policy_loss").tolist() == [0.0, 1.0, 0.0, 1.0]
    assert not updates.has("value_loss")


def test_missing_steps_are_counted_from_episode_lengths() -> None:
    """Episodes without an environment step get the sum of the lengths so far."""

    collector = EvidenceBuilder()
    for number in range(4):
        collector.add(Episode(time=0.0, episode=number, reward=0.0, length=5))
    assert collector.evidence(Context()).episodes.mean("step").tolist() == [5.0, 10.0, 15.0, 20.0]

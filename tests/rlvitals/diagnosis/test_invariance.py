"""Verdicts do not depend on units, on the logging interval or on optional signals."""

from collections.abc import Callable

import numpy as np
import pytest

from rlvitals.diagnosis import diagnose
from rlvitals.testing.trainings import MadeTraining

Change = Callable[[MadeTraining], object]


def healthy(_: MadeTraining) -> None:
    """Leave the training unchanged."""


def regressed(made: MadeTraining) -> None:
    reward = made.episodes["reward"]
    reward[made.episodes_along > 0.7] -= np.mean(reward[-20:]) - 15.0


def collapsed(made: MadeTraining) -> None:
    made.flat().set("updates", entropy=0.69 * np.exp(-30.0 * made.along))


def too_fast(made: MadeTraining) -> None:
    made.flat().set("updates", learning_rate=0.1, kl_divergence=2.0)


def blind(made: MadeTraining) -> None:
    made.flat().set("updates", explained_variance=1e-8 * made.generator.standard_normal(60))
    made.set("updates", value_mean=10.0 * (1.0 - np.exp(-20.0 * made.along)))


STATES: tuple[Change, ...] = (healthy, regressed, collapsed, too_fast, blind)


def scaled(made: MadeTraining) -> None:
    for name in ("reward",):
        made.episodes[name] = 1000.0 * made.episodes[name]
        made.evaluations[name] = 1000.0 * made.evaluations[name]


def shifted(made: MadeTraining) -> None:
    made.episodes["reward"] = made.episodes["reward"] - 12_345.0
    made.evaluations["reward"] = made.evaluations["reward"] - 12_345.0


def twice_as_dense(made: MadeTraining) -> None:
    """Log each update twice, the first time half way."""
    steps = made.updates["step"]
    for name, column in made.updates.items():
        if column is not None:
            made.updates[name] = np.repeat(column, 2)
    made.updates["step"] = np.sort(np.concatenate((steps - made.steps_an_update // 2, steps)))
    made.memory = None


def without(*names: str) -> Change:
    def change(made: MadeTraining) -> None:
        for name in names:
            made.updates[name] = None

    return change


def codes(made: MadeTraining) -> list[str]:
    return [finding.code for finding in diagnose(made.evidence()).findings]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("change", [scaled, shifted, twice_as_dense])
def test_findings_do_not_change(state: Change, change: Change) -> None:
    """Findings are the same with rewards times a thousand, shifted rewards, and updates logged twice as often."""

    made, changed = MadeTraining(), MadeTraining()
    state(made)
    state(changed)
    change(changed)
    assert codes(made) == codes(changed)


@pytest.mark.parametrize("state", STATES[:4])
@pytest.mark.parametrize(
    "missing",
    [without("advantage_mean", "advantage_std", "value_mean", "return_mean"), without("clip_fraction", "clip_range"),
     without("gradient_norm"), without("explained_variance"), without("value_loss"), without("epochs")],
)  # fmt: skip
def test_the_first_finding_does_not_change_if_optional_signals_are_missing(state: Change, missing: Change) -> None:
    """The first finding is the same without optional signals."""

    made, poorer = MadeTraining(), MadeTraining()
    state(made)
    state(poorer)
    missing(poorer)
    assert codes(made)[:1] == codes(poorer)[:1]


def test_a_rule_without_its_signal_is_listed_as_skipped() -> None:
    """The rule is in `skipped_rules` with its missing signal, and not in `judged`."""

    made = MadeTraining()
    made.updates["kl_divergence"] = None
    diagnosis = diagnose(made.evidence())
    assert ("kl-too-large", ("updates.kl_divergence",)) in {(one.code, one.missing) for one in diagnosis.skipped_rules}
    assert "kl-too-large" not in diagnosis.judged


def test_a_run_without_records_has_no_findings() -> None:
    """A run that has just started has no findings and is not judged."""

    diagnosis = diagnose(MadeTraining().evidence(0.0))
    assert (diagnosis.findings, diagnosis.is_judged) == ((), False)
    assert (diagnosis.health_score, diagnosis.status) == (None, "not judged")
    assert len(diagnosis.skipped_rules) > 20

"""Tests of the rules about baselines that the policy does not beat."""

from typing import Any

import numpy as np
import pytest

from rlvitals.diagnosis import Finding, diagnose
from rlvitals.testing.trainings import MadeTraining


def found(gain: float, *, share: float = 1.0, items: int = 40, **extra: Any) -> dict[str, Finding]:
    """Return the findings for a policy that exceeds a baseline by a gain on each item, by code."""
    made = MadeTraining()
    if share < 1.0:
        made.facts.update(status="running")
    first, second = made.generator.standard_normal((2, items))
    level = np.arange(items) % 5.0
    made.evaluate("one fixed setting", level + first - first.mean(), **extra)
    made.evaluate(None, level + gain + second - second.mean())
    total = made.total_timesteps or 0
    made.total_timesteps = int(total / share)
    return {finding.code: finding for finding in diagnose(made.evidence()).findings}


def test_the_finding_names_the_baseline_and_the_difference() -> None:
    """Title, cause and evidence name the baseline, and evidence has the difference with its interval."""
    finding = found(-2.0)["below-baseline"]

    assert finding.title == "Worse than one fixed setting"
    assert "2 worse than that of one fixed setting" in finding.cause
    assert finding.evidence["difference"] == pytest.approx(-2.0)
    assert finding.evidence["low"] < -2.0 < finding.evidence["high"] < 0.0
    assert finding.evidence["items"] == 40


@pytest.mark.parametrize(("share", "severity"), [(0.3, None), (0.6, "info"), (1.0, "warning")])
def test_a_policy_has_until_the_end_of_its_budget(share: float, severity: str | None) -> None:
    """Before half of the budget nothing is reported, and before nine tenths it is only info."""
    finding = found(-2.0, share=share).get("below-baseline")

    assert (None if finding is None else finding.severity) == severity


@pytest.mark.parametrize("gain", [0.0, 0.2])
def test_a_policy_without_a_shown_gain_is_not_better(gain: float) -> None:
    """The finding is info and does not change the health status."""
    finding = found(gain)["not-better-than-baseline"]

    assert (finding.severity, finding.title) == ("info", "Not better than one fixed setting")


def test_a_policy_that_beats_every_baseline_has_neither_finding() -> None:
    """Neither rule fires for a policy that is clearly better."""
    assert not found(2.0).keys() & {"below-baseline", "not-better-than-baseline"}


def test_a_search_with_more_attempts_raises_no_finding() -> None:
    """A baseline with more attempts per item than the policy is no fault, however good it is."""
    assert not found(-9.0, attempts=40).keys() & {"below-baseline", "not-better-than-baseline"}


def test_an_old_evaluation_does_not_describe_the_policy() -> None:
    """An evaluation before the first half of the training is ignored."""
    made = MadeTraining()
    made.evaluate("fixed", np.arange(40.0)).evaluate(None, np.arange(40.0) - 9.0)
    total = float(made.updates["step"][-1])
    longer = np.linspace(total / len(made.episodes["env_step"]), 3 * total, len(made.episodes["env_step"]))
    made.set("episodes", env_step=longer.astype(int))
    made.total_timesteps = int(3 * total)

    assert "below-baseline" not in {finding.code for finding in diagnose(made.evidence()).findings}


def test_a_run_without_evaluated_baselines_skips_the_rules() -> None:
    """Without a baseline, the rules are skipped and name what to log."""
    skipped = {one.code: one.missing for one in diagnose(MadeTraining().evidence()).skipped_rules}

    assert skipped["below-baseline"] == ("baselines|context.baseline",)
    assert skipped["not-better-than-baseline"] == ("baselines",)

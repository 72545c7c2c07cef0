"""Tests of the verdict on a run that evaluated baselines."""

from typing import Any

import numpy as np
import pytest

from rlvitals.diagnosis import Diagnosis, Finding
from rlvitals.diagnosis.baseline_comparisons import BaselineEvaluations
from rlvitals.diagnosis.health import health_of
from rlvitals.records import Evaluation
from rlvitals.summary.baseline_verdict import baseline_text, baseline_title

_TITLES = {"metric_titles": {"svg_bytes": "bytes", "quality": "SSIM"}}
_SPREAD = np.linspace(-0.1, 0.1, 40)


def evaluation(policy: str | None, *, reward: float = 0.0, size: float = 1_000.0, quality: float = 0.8) -> Evaluation:
    """Return an evaluation of 40 items. The rewards of the agent scatter around those of the baselines."""
    scatter = _SPREAD if policy is None else np.zeros(40)
    items = {
        str(at): {"reward": at + reward + float(noise), "quality": quality + 0.01 * at, "svg_bytes": size * (1 + at)}
        for at, noise in enumerate(scatter)
    }
    return Evaluation(time=1.0, episode=1, policy=policy, items=items)


def diagnosis(*evaluations: Evaluation, findings: tuple[Finding, ...] = ()) -> Diagnosis:
    every = BaselineEvaluations()
    for one in evaluations:
        every.add(one)
    return Diagnosis(findings=findings, health=health_of(findings), baselines=every.comparisons(["svg_bytes"]))


def finding(code: str, **fields: Any) -> Finding:
    return Finding(code=code, severity="info", confidence=0.5, title=code, **fields)


def test_the_sentence_a_tuner_wants_to_read() -> None:
    """It has the gain over the first baseline, the baseline that is as good, the bound and the last step of a gain."""
    found = diagnosis(
        evaluation("defaults", reward=-2.0),
        evaluation("one fixed setting", reward=-0.01, size=550.0, quality=0.806),
        evaluation(None, size=550.0, quality=0.806),
        findings=(
            finding("not-better-than-baseline"),
            finding("parameter-at-bound", evidence={"path_precision": 0.9}),
            finding("gain-stopped", since_step=900),
        ),
    )
    text = baseline_text(found, _TITLES, None)

    assert text == (
        "45 % fewer bytes than defaults at +0.006 SSIM and +2 reward (40 items); "
        "not better than one fixed setting (reward +0.01, 95 %: -0.0092 to +0.03); "
        "`path_precision` is at the end of its range; no gain since step 900."
    )
    assert baseline_title(found) == ("watch", "Not better than one fixed setting")
    assert len(text.split()) <= 45


@pytest.mark.parametrize(
    ("reward", "code", "title"),
    [
        (2.0, "", ("good", "Better than all 2 baselines")),
        (-2.0, "below-baseline", ("watch", "Worse than defaults")),
        (-2.0, "", None),
        (0.0, "not-better-than-baseline", ("watch", "Not better than defaults")),
        (0.0, "", None),
    ],
)
def test_the_title_names_the_relation_to_the_baselines(reward: float, code: str, title: tuple[str, str] | None) -> None:
    """A baseline that the policy has not passed is in the title once a rule reports it, from half of the budget on."""
    every = evaluation("defaults"), evaluation("presets"), evaluation(None, reward=reward)

    assert baseline_title(diagnosis(*every, findings=(finding(code),))) == title


@pytest.mark.parametrize(
    ("size", "quality", "reward", "start"),
    [
        (2_000.0, 0.8, 0.0, "100 % more svg bytes than defaults, no difference in reward and quality shown"),
        (1_000.0, 0.7, 1.0, "-0.1 quality and +1 reward compared with defaults, no difference in svg bytes shown"),
        (500.0, 0.8, 1.0, "50 % fewer svg bytes than defaults at +1 reward, no difference in quality shown"),
        (1_000.0, 0.8, 0.0, "No difference from defaults shown (40 items)"),
    ],
)
def test_ratios_and_differences_are_in_words(size: float, quality: float, reward: float, start: str) -> None:
    """Metrics for which lower is better are ratios, others are differences, and what is not shown is named."""
    every = evaluation("defaults"), evaluation(None, size=size, quality=quality, reward=reward)

    assert baseline_text(diagnosis(*every), {}, None).startswith(start)


def test_there_is_no_text_without_baselines() -> None:
    """A run without evaluated baselines has no such text."""
    found = diagnosis(evaluation(None))

    assert (baseline_text(found, {}, None), baseline_title(found)) == ("", None)

"""Rules about policies that are worse than a baseline, or not shown to be better."""

import math
from typing import Any

from rlvitals.diagnosis.baseline_comparisons import (
    WORSE_BY_CHANCE,
    BaselineComparison,
    relation_to,
    shown_worse,
    unbeaten,
)
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import INFO, WARNING
from rlvitals.diagnosis.rules.return_history import NEARLY_OVER
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import number
from rlvitals.records.metrics import metric_of

_HALFWAY = Threshold(0.5, "%", "Budget before which the rule does not fire.")
_BELOW = Threshold(3.0, "standard errors", "Distance below the configured baseline that is beyond chance.")
_CURRENT = Threshold(0.5, "%", "Share of the steps so far before which an evaluation does not describe the policy.")
_ENOUGH_ITEMS = Threshold(20, "items", "Number of items below which a missing difference means little.")
_DIGITS = 3


@rule(
    "below-baseline",
    title="Worse than a baseline",
    meaning="The run evaluated a baseline with at most as many attempts per item as the policy, and the last "
    "evaluation of the policy is worse. The sign-flip test compares the same items; Welch's test compares evaluations "
    f"without items. Chance must be at most {WORSE_BY_CHANCE} after Bonferroni's correction for the number of "
    f"baselines. The finding is info from {_HALFWAY} of the budget and a warning from {NEARLY_OVER}. "
    f"Evaluations before {_CURRENT} of the steps so far do not count. Or the configuration has the return of a "
    f"baseline, and from {_HALFWAY} of the budget returns are below it by more than {_BELOW}.",
    needs=("episodes.reward|evaluations.reward", "baselines|context.baseline"),
    series=("evaluations.reward", "episodes.reward"),
    cause="The agent performs worse than a policy without learning.",
    advice="Check the sign of the reward and of the loss first. If returns still rise, train longer. Otherwise start "
    "the policy at the baseline, and compare what each of them observes.",
    source="SB3 RL tips: compare with a random agent; Henderson et al. 2018",
)
def _below_baseline(evidence: Evidence) -> RuleResult | None:
    if not evidence.past(_HALFWAY):
        return None
    course, baseline = evidence.course, evidence.context.baseline
    if course is not None and baseline is not None and course.recent.mean + _BELOW * course.recent.error < baseline:
        cause = "Recent returns are below the configured return of the baseline."
        return RuleResult(WARNING, 0.5, {"recent": course.recent.mean, "baseline": baseline}, None, cause)
    if not _is_current(evidence):
        return None
    worse = next(iter(shown_worse(evidence.baselines)), None)
    if worse is None:
        return None
    found = worse.found
    metric = metric_of("episodes", worse.metric).phrase
    cause = (
        f"In the last evaluation, the {metric} is {number(abs(found.mean.estimate), _DIGITS)} worse than that of "
        f"{worse.label} ({_interval(worse)}, {worse.sample})."
    )
    severity = WARNING if evidence.past(NEARLY_OVER) else INFO
    return RuleResult(severity, 0.8, _shown(worse), None, cause, title=f"Worse than {worse.label}")


@rule(
    "not-better-than-baseline",
    title="Not better than a baseline",
    meaning="The run evaluated a baseline with at most as many attempts per item as the policy, and the last "
    "evaluation of the policy is not shown to be better. The rule names the strongest of these baselines. "
    f"It needs {_ENOUGH_ITEMS} (or evaluation episodes) and {_HALFWAY} of the budget. Evaluations before {_CURRENT} "
    "of the steps so far do not count, and neither do baselines with more attempts per item.",
    needs=("baselines",),
    series=("evaluations.reward", "episodes.reward"),
    cause="Training added no gain that the evaluated items can show.",
    advice="Use the baseline, or give the policy something to gain: observations that tell the items apart, more "
    "actions, or another objective. To detect a smaller gain, evaluate more items.",
    source="Henderson et al. 2018, Deep Reinforcement Learning that Matters; Fisher 1935 (sign-flip test)",
)
def _not_better_than_baseline(evidence: Evidence) -> RuleResult | None:
    if not evidence.past(_HALFWAY) or not _is_current(evidence):
        return None
    level = next(iter(unbeaten(evidence.baselines)), None)
    if level is None or level.found.items < _ENOUGH_ITEMS or shown_worse(evidence.baselines):
        return None
    metric = metric_of("episodes", level.metric).phrase
    cause = (
        f"In the last evaluation, the {metric} differs from that of {level.label} by "
        f"{number(level.found.mean.estimate, _DIGITS)} ({_interval(level)}, {level.sample})."
    )
    return RuleResult(INFO, 0.7, _shown(level), None, cause, title=f"{relation_to(level).capitalize()} {level.label}")


def _is_current(evidence: Evidence) -> bool:
    """Return whether the last evaluation of the agent belongs to the later part of the training, or has no step."""
    steps = {one.env_step for one in evidence.baselines}
    return all(step is None or step >= _CURRENT * evidence.env_step for step in steps)


def _shown(one: BaselineComparison) -> dict[str, Any]:
    mean = one.found.mean
    ends = {"low": mean.low, "high": mean.high}
    shown: dict[str, Any] = {"baseline": one.baseline, "metric": one.metric, "difference": mean.estimate}
    shown |= {name: end for name, end in ends.items() if math.isfinite(end)}
    return shown | {"items": one.found.items}


def _interval(one: BaselineComparison) -> str:
    return f"95 %: {number(one.found.mean.low, _DIGITS)} to {number(one.found.mean.high, _DIGITS)}"

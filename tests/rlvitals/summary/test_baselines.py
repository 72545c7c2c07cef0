"""Tests of item-by-item comparisons with baselines."""

from typing import Any

from rlvitals.records import Evaluation
from rlvitals.summary.baselines import against_baselines


def evaluation(policy: str | None, shift: float, *, items: int = 20, **said: Any) -> Evaluation:
    """Return an evaluation in which each logo has a separate reward plus the policy's shift."""
    values = {f"logo {number}": {"reward": number % 7 + shift, "bytes": 1000 - 100 * shift} for number in range(items)}
    return Evaluation(time=1.0, episode=10, policy=policy, items=values, **said)


def test_the_last_evaluation_is_compared_with_each_baseline() -> None:
    """The last evaluation is compared with each baseline on shared items, and earlier ones are ignored."""
    found = against_baselines(
        [evaluation(None, -5.0), evaluation("defaults", 0.0), evaluation("fast", 1.0, items=10), evaluation(None, 1.0)],
        lower_is_better=["bytes"],
    )
    verdicts = {(pair.baseline, pair.metric): (pair.verdict, pair.items, pair.unshared) for pair in found}

    assert verdicts["defaults", "reward"] == ("better", 20, 0)
    assert verdicts["fast", "reward"] == ("no difference shown", 10, 10)


def test_lower_is_better_for_listed_metrics() -> None:
    """A hundred bytes less are better if bytes are listed as `lower_is_better`, and worse otherwise."""
    both = [evaluation("defaults", 0.0), evaluation(None, 1.0)]
    named = {pair.metric: pair.verdict for pair in against_baselines(both, lower_is_better=["bytes"])}
    unnamed = {pair.metric: pair.verdict for pair in against_baselines(both)}

    assert (named["bytes"], unnamed["bytes"]) == ("better", "worse")


def test_evaluations_without_items_are_not_compared() -> None:
    """Evaluations without items, or without a policy in training, are not compared."""
    assert against_baselines([Evaluation(time=1.0, episode=1, reward=1.0), evaluation("defaults", 0.0)]) == []
    assert against_baselines([]) == []

"""Evaluations held against baselines, item by item."""

from typing import Any

from rlvitals.records import Evaluation
from rlvitals.summary.baselines import against_baselines


def evaluation(policy: str | None, shift: float, *, items: int = 20, **said: Any) -> Evaluation:
    """Each logo has a reward of its own, and the policy's shift on top."""
    values = {f"logo {number}": {"reward": number % 7 + shift, "bytes": 1000 - 100 * shift} for number in range(items)}
    return Evaluation(time=1.0, episode=10, policy=policy, items=values, **said)


def test_the_last_evaluation_is_compared_with_each_baseline() -> None:
    """On the items that both have; earlier ones of the policy do not count."""
    found = against_baselines(
        [evaluation(None, -5.0), evaluation("defaults", 0.0), evaluation("fast", 1.0, items=10), evaluation(None, 1.0)],
        lower_is_better=["bytes"],
    )
    verdicts = {(pair.baseline, pair.metric): (pair.verdict, pair.items, pair.unshared) for pair in found}

    assert verdicts["defaults", "reward"] == ("better", 20, 0)
    assert verdicts["fast", "reward"] == ("no difference shown", 10, 10)


def test_less_is_better_where_that_is_said() -> None:
    """A hundred bytes less are a gain, if bytes are named, and a loss if nobody says so."""
    both = [evaluation("defaults", 0.0), evaluation(None, 1.0)]
    named = {pair.metric: pair.verdict for pair in against_baselines(both, lower_is_better=["bytes"])}
    unnamed = {pair.metric: pair.verdict for pair in against_baselines(both)}

    assert (named["bytes"], unnamed["bytes"]) == ("better", "worse")


def test_another_runs_evaluation_is_a_baseline_too() -> None:
    """By the name that it is given."""
    found = against_baselines([evaluation(None, 1.0)], {"run 7": evaluation(None, 0.0)})

    assert {(pair.baseline, pair.verdict) for pair in found if pair.metric == "reward"} == {("run 7", "better")}


def test_without_items_there_is_nothing_to_pair() -> None:
    """Nor without a policy in training."""
    assert against_baselines([Evaluation(time=1.0, episode=1, reward=1.0), evaluation("defaults", 0.0)]) == []
    assert against_baselines([]) == []

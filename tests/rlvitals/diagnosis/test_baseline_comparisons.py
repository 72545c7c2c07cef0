"""Tests of comparisons of the policy in training with evaluated baselines."""

from typing import Any

import numpy as np
import pytest

from rlvitals.diagnosis.baseline_comparisons import (
    MOST_POLICIES,
    BaselineEvaluations,
    attempts_of,
    deciding,
    named_lower,
    relation_to,
    shown_worse,
    unbeaten,
)
from rlvitals.records import Evaluation

_NOISE = np.random.default_rng(0).standard_normal((99, 40))


def evaluation(policy: str | None, shift: float, *, seed: int = 0, items: int = 40, **extra: Any) -> Evaluation:
    """Return an evaluation in which each item has a separate reward, plus noise, plus the policy's shift."""
    values = {str(at): {"reward": at % 7 + shift + 0.5 * _NOISE[seed, at], "bytes": 100.0} for at in range(items)}
    return Evaluation(time=1.0, episode=10, policy=policy, items=values, extra=extra or None)


def evaluated(*evaluations: Evaluation) -> BaselineEvaluations:
    found = BaselineEvaluations()
    for one in evaluations:
        found.add(one)
    return found


def test_the_last_evaluations_are_compared_in_the_order_of_recording() -> None:
    """Each metric of each baseline is compared, and the first recorded baseline comes first."""
    found = evaluated(
        evaluation("weak", 9.0), evaluation("strong", 0.0), evaluation("weak", -3.0), evaluation(None, 0.0, seed=1)
    )

    compared = [(one.baseline, one.metric) for one in found.comparisons()]
    assert compared == [(name, metric) for name in ("weak", "strong") for metric in ("reward", "bytes")]
    assert [round(one.gain) for one in deciding(found.comparisons())] == [3, 0]


def test_a_comparison_is_computed_once() -> None:
    """A comparison is repeated only if one of its evaluations or its direction changes."""
    found = evaluated(evaluation("a", 0.0), evaluation(None, 1.0))
    before = found.comparisons()
    found.add(evaluation("b", 0.0))

    assert found.comparisons()[0].found is before[0].found
    assert found.comparisons(["reward"])[0].found is not before[0].found


def test_a_baseline_with_more_attempts_than_the_policy_decides_nothing() -> None:
    """A random search with 40 attempts per item can be better than a policy with one, and that is no fault."""
    search = evaluation("random search", 2.0, attempts=40)
    once = evaluated(search, evaluation(None, 0.0, seed=1))
    as_often = evaluated(search, evaluation(None, 0.0, seed=1, attempts=40))

    assert [one.is_comparable for one in once.comparisons()] == [False, False]
    assert deciding(once.comparisons()) == []
    assert [one.baseline for one in shown_worse(as_often.comparisons())] == ["random search"]


@pytest.mark.parametrize(
    ("policy", "extra", "attempts"),
    [
        ("defaults", None, 1),
        ("random", {"attempts": 40}, 40),
        ("random, best of 8", None, 8),
        ("random, best-of-8", {"attempts": 2}, 2),
        (None, {"attempts": float("nan")}, 1),
        (None, {"attempts": -3}, 1),
        ("the best of all", None, 1),
    ],
)
def test_attempts_are_recorded_or_in_the_name(policy: str | None, extra: dict[str, Any] | None, attempts: int) -> None:
    """The entry `attempts` of `extra` comes first, then "best of N" in the name."""
    assert attempts_of(Evaluation(time=1.0, episode=1, policy=policy, extra=extra)) == attempts


def test_a_name_in_a_sentence_is_short() -> None:
    """A name of several lines or of many characters is shortened."""
    (one, _) = evaluated(evaluation("a\n" + "b" * 99, 0.0), evaluation(None, 0.0)).comparisons()

    assert one.label == f"a {'b' * 55}..."


def test_the_strongest_unbeaten_baseline_comes_first() -> None:
    """Baselines that the policy beats are left out."""
    found = evaluated(
        evaluation("weak", -3.0, seed=1),
        evaluation("equal", 0.0, seed=2),
        evaluation("strong", 3.0, seed=3),
        evaluation(None, 0.0),
    ).comparisons()

    assert [one.baseline for one in unbeaten(found)] == ["strong", "equal"]
    assert [one.baseline for one in shown_worse(found)] == ["strong"]


def test_a_policy_equal_to_twenty_baselines_is_worse_than_none() -> None:
    """Bonferroni's correction accounts for the number of baselines."""
    baselines = [evaluation(f"seed {seed}", 0.0, seed=seed) for seed in range(1, 21)]

    assert shown_worse(evaluated(*baselines, evaluation(None, 0.0)).comparisons()) == []


def test_few_items_decide_nothing() -> None:
    """Below six items, no sign test can reach a decision."""
    assert deciding(evaluated(evaluation("a", 0.0, items=5), evaluation(None, 9.0, items=5)).comparisons()) == []


def test_evaluations_without_items_are_compared_by_their_means() -> None:
    """With the spread of the episodes, Welch's test compares the means. Without it, nothing is compared."""

    def summary(policy: str | None, mean: float, **fields: Any) -> Evaluation:
        return Evaluation(time=1.0, episode=1, policy=policy, reward=mean, episodes=20, **fields)

    found = evaluated(
        summary("random", 20.0, reward_std=8.0), summary("unknown", 20.0), summary(None, 40.0, reward_std=10.0)
    ).comparisons()

    assert [(one.baseline, one.metric, one.is_paired) for one in found] == [("random", "reward", False)]
    assert (found[0].found.verdict, found[0].gain, found[0].sample) == ("better", 20.0, "20 episodes")
    assert found[0].found.mean.low == pytest.approx(20.0 - 2.028 * (8.0**2 / 20 + 10.0**2 / 20) ** 0.5, abs=0.01)


@pytest.mark.parametrize(
    ("items", "shift", "relation"), [(40, 0.0, "not better than"), (8, 0.0, "no gain shown over"), (40, 0.3, "no gain")]
)
def test_a_wide_interval_does_not_exclude_a_gain(items: int, shift: float, relation: str) -> None:
    """The policy is called not better only if the interval excludes a gain of half a standard deviation."""
    policy = evaluation(None, shift, seed=1, items=items)
    (one, _) = evaluated(evaluation("fixed", 0.0, seed=2, items=items), policy).comparisons()

    assert relation_to(one).startswith(relation)


def test_memory_is_bounded() -> None:
    """Evaluations of further policies are not kept."""
    names = [f"policy {place}" for place in range(3 * MOST_POLICIES)]
    found = evaluated(evaluation(None, 0.0), *(evaluation(name, 0.0) for name in names))

    assert len({one.baseline for one in found.comparisons()}) == MOST_POLICIES - 1


def test_lower_is_better_for_listed_metrics() -> None:
    """The configuration lists the metrics for which lower is better. Other types are ignored."""
    assert (named_lower({"lower_is_better": ["bytes"]}), named_lower({}), named_lower({"lower_is_better": 3})) == (
        ["bytes"],
        [],
        [],
    )

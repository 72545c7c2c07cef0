"""Tests of item-by-item comparisons of evaluations."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rlvitals import TrainingMonitor, compare, open_run
from rlvitals.runs import Run

Monitor = Callable[..., TrainingMonitor]


def evaluated(monitor: Monitor, name: str, gain: float, **configuration: object) -> Run:
    """Write a run with 40 evaluated logos, whose quality differs more between logos than between groups."""
    logos = np.random.default_rng(0).normal(0.7, 0.2, 40)
    noise = np.random.default_rng(len(name) + ord(name[0])).normal(0, 0.01, 40)
    kinds = ["text" if place % 2 else "simple" for place in range(40)]
    with monitor(name, configuration={"env_id": "Logos-v0", **configuration}) as training:
        for episode in range(20):
            training.log_episode(episode, gain, 1, env_step=episode + 1)
        for policy, level in ((None, gain), ("defaults", 0.0)):
            items = {
                f"logo-{place}": {
                    "quality": float(logos[place] + noise[place] * (policy is None) + level),
                    "category": kind,
                }
                for place, kind in enumerate(kinds)
            }
            training.log_evaluation(20, gain, 0.7, 1.0, policy=policy, items=items)
    return Run(Path("logs") / name)


def test_a_small_gain_over_forty_logos_is_found(monitor: Monitor) -> None:
    """A gain of 0.02 is found item by item although items have a spread of 0.2."""
    found = compare(evaluated(monitor, "a", 0.0, lr=0.1), evaluated(monitor, "b", 0.02, lr=0.2)).paired
    whole = {row.baseline: row for row in found if not row.category and row.group == "lr=0.2"}

    assert whole["lr=0.1"].verdict == whole["policy defaults"].verdict == "better"
    assert whole["lr=0.1"].items == 40
    assert {row.category for row in found} == {"", "simple", "text"}


def test_a_run_states_the_same_intervals_as_its_comparison(monitor: Monitor) -> None:
    """The summary of a run and the comparison of several runs give the same interval over a baseline, to the digit."""
    run = evaluated(monitor, "b", 0.001, lr=0.2)
    (own,) = open_run(run.path).summary().baselines
    found = compare(evaluated(monitor, "a", 0.0, lr=0.1), run).paired
    (row,) = [row for row in found if (row.group, row.baseline, row.category) == ("lr=0.2", "policy defaults", "")]

    assert (row.metric, row.verdict, row.items) == (own.metric, own.verdict, own.items)
    assert (row.difference.low, row.difference.high) == (own.difference.low, own.difference.high)


def test_copies_of_a_run_do_not_change_the_means(monitor: Monitor) -> None:
    """Copies of a run do not change the means of items."""
    runs = [evaluated(monitor, name, 0.0, lr=0.1) for name in ("a", "aa")]
    other = evaluated(monitor, "b", 0.02, lr=0.2)
    shutil.copytree(runs[1].path, "logs/copy")

    assert compare(*runs, "logs/copy", other).paired == compare(*runs, other).paired


def test_evaluations_of_baselines_do_not_count_for_the_policy(monitor: Monitor) -> None:
    """Evaluations of baseline policies do not count as evaluations of the policy in training."""
    found = compare(evaluated(monitor, "a", 0.0), metric="evaluations.reward")

    assert [run.values for run in found.runs] == [1]

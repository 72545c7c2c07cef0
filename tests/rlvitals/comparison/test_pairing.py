"""The same items, evaluated by two groups."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rlvitals import TrainingMonitor, compare
from rlvitals.runs import Run

Monitor = Callable[..., TrainingMonitor]


def evaluated(monitor: Monitor, name: str, gain: float, **configuration: object) -> Run:
    """Forty logos whose quality differs far more from logo to logo than between the groups."""
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
    """+0.02 against items that spread by 0.2: item by item it is seen, against the other group and the baseline."""
    found = compare(evaluated(monitor, "a", 0.0, lr=0.1), evaluated(monitor, "b", 0.02, lr=0.2)).paired
    whole = {row.baseline: row for row in found if not row.category and row.group == "lr=0.2"}

    assert whole["lr=0.1"].verdict == whole["policy defaults"].verdict == "better"
    assert whole["lr=0.1"].items == 40
    assert {row.category for row in found} == {"", "simple", "text"}


def test_copies_of_a_run_have_no_say(monitor: Monitor) -> None:
    """An item's mean over the runs of a group is over its trainings, each once."""
    runs = [evaluated(monitor, name, 0.0, lr=0.1) for name in ("a", "aa")]
    other = evaluated(monitor, "b", 0.02, lr=0.2)
    shutil.copytree(runs[1].path, "logs/copy")

    assert compare(*runs, "logs/copy", other).paired == compare(*runs, other).paired


def test_baselines_are_no_evaluations_of_the_policy(monitor: Monitor) -> None:
    """Of two evaluations, one is of the defaults."""
    found = compare(evaluated(monitor, "a", 0.0), metric="evaluations.reward")

    assert [run.values for run in found.runs] == [1]

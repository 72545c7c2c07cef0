"""Tests of the explanations of differences."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlvitals import TrainingMonitor, compare
from rlvitals.comparison import first_divergence, rank_in_history
from rlvitals.errors import ComparisonError
from rlvitals.runs import Run

Monitor = Callable[..., TrainingMonitor]
Seeds = Callable[..., list[Run]]


def updated(monitor: Monitor, name: str, *, seed: int = 0, moved_from: int = 1000, **configuration: object) -> Run:
    """Write a run of 100 updates whose entropy has another level from one of them on."""
    generator = np.random.default_rng(seed)
    with monitor(name, configuration={"seed": seed, **configuration}) as training:
        for update in range(100):
            entropy = 1.0 + 0.1 * generator.normal() + 0.8 * (update >= moved_from)
            loss = 0.1 * generator.normal()
            training.log_training_step(update, loss, 0.5 + abs(loss), entropy, env_step=100 * update)
    return Run(Path("logs") / name)


def test_runs_with_one_seed_diverge_at_a_planted_update(monitor: Monitor) -> None:
    """Runs with the same seed diverge exactly at the planted update, and their different settings are listed."""
    found = first_divergence(updated(monitor, "a", lr=0.1), updated(monitor, "b", moved_from=33, lr=0.2))

    assert (found.kind, found.update, found.env_step, found.metrics) == ("exact", 33, 3300, ["entropy"])
    assert found.differences == {"lr": (0.1, 0.2)}
    assert "lr (0.1 and 0.2)" in found.sentences[1]


def test_two_seeds_diverge_at_a_planted_update(monitor: Monitor) -> None:
    """Runs with different seeds diverge within two updates of the planted one."""
    found = first_divergence(updated(monitor, "a"), updated(monitor, "b", seed=1, moved_from=33))

    assert found.kind == "beyond noise"
    assert found.update is not None
    assert abs(found.update - 33) <= 2
    assert found.differences == {"seed": (0, 1)}


def test_a_setting_that_one_run_did_not_record_is_no_difference(monitor: Monitor) -> None:
    found = first_divergence(updated(monitor, "a", lr=0.1), updated(monitor, "b", moved_from=33))

    assert found.differences == {"lr": (0.1, None)}
    assert found.sentences[1] == "Only one of them recorded lr, so whether they differ in it is unknown."


def test_equal_runs_do_not_diverge(monitor: Monitor) -> None:
    """Equal runs do not diverge, and the sentence states it."""
    found = first_divergence(updated(monitor, "a"), updated(monitor, "b"))

    assert found.sentences == ["They are equal in all 100 updates that both have."]


def test_a_run_is_ranked_among_earlier_runs(seeds: Seeds) -> None:
    """A run is ranked at its current step. Among 14 earlier runs, each extreme rank has a probability of 1 in 15."""
    earlier = [*seeds("a", 10.0, 14), *seeds("other", -50.0, 2, env_id="Other-v0")]
    (bad,) = seeds("bad", 2.0, 1, until=0.5)
    found = rank_in_history(bad, [*earlier, bad])

    assert (found.place, found.earlier, found.below) == (2000.0, 14, 0)
    assert found.chance == pytest.approx(2 / 15)
    assert "lower than all 14 earlier runs. This rank supports no conclusion" in found.sentences[0]
    assert "13 % if nothing has changed. From 39 earlier runs on, it is 5 %." in found.sentences[0]


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        (1, "lower than the only earlier run. This rank supports no conclusion: among 1 earlier run, even"),
        (38, "This rank supports no conclusion"),
        (
            39,
            "lower than all 39 earlier runs. A rank this far from the middle has a probability of 5 % if nothing",
        ),
    ],
)
def test_a_rank_supports_a_conclusion_from_39_earlier_runs_on(seeds: Seeds, earlier: int, said: str) -> None:
    """The outermost rank supports a conclusion from 39 earlier runs on."""
    before = seeds("a", 10.0, earlier)
    (bad,) = seeds("bad", 2.0, 1)

    assert said in rank_in_history(bad, before).sentences[0]


def test_only_runs_that_started_before_are_earlier_runs(seeds: Seeds) -> None:
    """Only runs that started before count as earlier, and the sentence has the unit of the axis."""
    runs = [run for name in ("a", "b", "c") for run in seeds(name, 10.0, 2)]
    found = rank_in_history(runs[2], runs)

    assert found.earlier == 2
    assert found.sentences[0].startswith("In Logos-v0 at 4,000 environment steps, reward is ")
    assert rank_in_history(runs[0], runs).earlier == 0


def test_equal_earlier_runs_are_counted(trained: Callable[..., Run]) -> None:
    """A run with an equal value is neither higher nor lower."""
    runs = [trained(f"a-{seed}", [500.0] * 40, seed=seed) for seed in range(3)]

    assert "the same as the only earlier run." in rank_in_history(runs[1], runs).sentences[0]
    assert "higher than 0 of 2 earlier runs, and the same as 2." in rank_in_history(runs[2], runs).sentences[0]


def test_a_run_without_earlier_runs_has_no_rank(seeds: Seeds) -> None:
    """Without an earlier run of the environment there is no rank, and a run without the metric is refused."""
    (alone,) = seeds("a", 0.0, 1)

    assert "There is no earlier run" in rank_in_history(alone, []).sentences[0]
    with pytest.raises(ComparisonError, match=r"has no evaluations\.reward"):
        rank_in_history(alone, [], "evaluations.reward")


def test_a_planted_setting_is_found(seeds: Seeds) -> None:
    """Among three settings of a search, the planted one is found, with advice on what to try next."""
    generator = np.random.default_rng(0)
    runs = []
    for place in range(24):
        lr, noise, kind = generator.random(), generator.random(), str(generator.choice(["x", "y"]))
        runs += seeds(f"s{place:02}", 6 * lr, 1, first=place, spread=0.5, lr=lr, noise=noise, kind=kind)
    found = compare(runs).settings

    assert found is not None
    assert [one.name for one in found.influences if one.matters] == ["lr"]
    assert any("lr: the best runs are at the high end" in line for line in found.advice)

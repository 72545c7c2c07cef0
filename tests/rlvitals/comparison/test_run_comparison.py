"""Runs in, one comparison out."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from rlvitals import TrainingMonitor, compare
from rlvitals.errors import ColumnError, ComparisonError, RunNotFoundError
from rlvitals.runs import Run

Seeds = Callable[..., list[Run]]
Trained = Callable[..., Run]
Monitor = Callable[..., TrainingMonitor]


def test_a_better_configuration_is_better(seeds: Seeds) -> None:
    """Five seeds each, three deviations apart: said with its interval, its test and its chance."""
    found = compare(seeds("a", 0.0, lr=0.1), seeds("b", 5.0, lr=0.2))
    (versus,) = found.comparisons

    assert [group.name for group in found.groups] == ["lr=0.1", "lr=0.2"]
    assert (versus.verdict, versus.runs, versus.method) == ("better", (5, 5), "exact permutations")
    assert versus.sentences[0].startswith("lr=0.2 is better than lr=0.1: the mean reward over the last tenth")
    assert versus.difference.low is not None
    assert versus.difference.low > 0
    assert found.differences == {"lr": {"lr=0.1": 0.1, "lr=0.2": 0.2}}


def test_what_may_not_be_concluded_is_said(seeds: Seeds) -> None:
    """What the verdict is bound to, and the cause as far as one setting alone differs."""
    found = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 0.0, 3, lr=0.2))

    assert "for no other budget, environment or metric" in found.limits[0]
    assert found.limits[1] == "As far as was recorded, the groups differ in lr alone: the likely cause of a difference."
    assert "does not mean that there is none" in found.limits[2]


def test_runs_of_one_group_are_not_held_against_each_other(seeds: Seeds) -> None:
    """It is said first, with the reason and the way out, and not where each run is a group, or there is one run."""
    runs = seeds("a", 0.0, 2, lr=0.1)
    (said,) = compare(*runs).limits

    assert said.startswith("The settings of these 2 runs are the same but for the seed: they are one group")
    assert "`--by run`" in said
    assert (
        compare(runs[0], *seeds("b", 0.0, 1, env_id="Two-v0", lr=0.1))
        .limits[0]
        .startswith("The settings of these 2 runs are the same but for the environment")
    )
    assert compare("logs/a-*", by="lr").limits == [
        "These 2 runs are one group, 0.1: they are not held against each other, and nothing is compared."
    ]
    assert "one group" not in " ".join([*compare(*runs, by="run").limits, *compare(runs[0]).limits])


def test_runs_of_unknown_settings_are_compared_with_nothing(seeds: Seeds, trained: Trained) -> None:
    """Neither with each other nor with those that are known, and that is said first; nothing is called the same."""
    unknown = [trained(name, np.linspace(level, level + 1.0, 40)) for name, level in (("b", 1.0), ("c", 9.0))]
    found = compare(*unknown, *seeds("a", 0.0, 3, lr=0.1), seeds("d", 5.0, 3, lr=0.2)[0])

    assert found.groups[-1].name == "settings unknown"
    assert found.groups[-1].settings_unknown == 2
    assert [(one.group, one.baseline) for one in found.comparisons] == [("lr=0.2", "lr=0.1")]
    assert found.limits[0].startswith(
        "The settings of these 2 runs are unknown: b and c. Whether they repeat one experiment"
    )


def test_only_runs_of_unknown_settings_give_no_verdict(trained: Trained) -> None:
    """Two trainings without a configuration are not two seeds of one; `by` and names are the user's word."""
    runs = [trained(name, np.linspace(level, level + 1.0, 40)) for name, level in (("b", 1.0), ("c", 9.0))]
    found = compare(*runs)

    assert ([group.name for group in found.groups], found.comparisons) == (["settings unknown"], [])
    assert len(found.limits) == 1
    assert "`old=PATH new=PATH`" in found.limits[0]
    named = compare(f"old={runs[0].path}", f"new={runs[1].path}")
    assert [one.group for one in named.comparisons] == ["new"]
    assert "The settings of 2 runs are unknown: a cause cannot be named" in " ".join(named.limits)


def test_one_run_of_unknown_settings_is_named(seeds: Seeds, trained: Trained) -> None:
    found = compare(*seeds("a", 0.0, 2, lr=0.1), trained("b", np.linspace(0.0, 1.0, 40)))

    assert found.limits[0].startswith("The settings of one run are unknown: b. It is not compared with anything.")


def test_a_setting_that_one_group_did_not_record_is_no_cause(seeds: Seeds) -> None:
    """Whether the groups differ in it is unknown."""
    found = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 5.0, 3, lr=0.1, gamma=0.9))

    assert found.limits[1] == "Some groups did not record gamma: whether they differ in that is unknown."


def test_a_setting_that_some_runs_of_a_group_did_not_record_is_no_difference(seeds: Seeds) -> None:
    found = compare([*seeds("a", 0.0, 2, lr=0.1), *seeds("b", 0.0, 2, lr=0.1, gamma=0.9)], seeds("c", 0.0, 2, lr=0.2))

    notes = " ".join([*found.notes, *found.limits])
    assert "did not record gamma: whether they differ in that is unknown" in notes
    assert "differ among themselves" not in notes


@pytest.mark.parametrize("scale", [1.0, -1e-12, 1e140])
def test_a_spread_of_rounding_is_no_spread(trained: Trained, scale: float) -> None:
    """Means of the same rewards in another order: no Hedges' g of 1e15, and no group that spreads."""
    rewards = scale * np.random.default_rng(0).normal(size=(2, 40))
    runs = [
        trained(f"{name}-{seed}", np.roll(one, 1 + seed), seed=seed, lr=name)
        for name, one in zip("ab", rewards, strict=True)
        for seed in range(3)
    ]
    found = compare(runs, horizon=4000, statistic="area")
    outcomes = {one.outcomes["area"] for one in found.runs if one.group == "lr=a"}
    (versus,) = found.comparisons

    assert len(outcomes) > 1
    assert [group.estimates["area"].spread for group in found.groups] == [0.0, 0.0]
    assert (versus.effect.estimate, versus.method) == (None, "exact permutations, mid-p")
    assert not any("spread" in sentence for sentence in versus.sentences)


def test_the_same_seed_gives_the_same_answer(seeds: Seeds) -> None:
    """Another seed another."""
    runs = [*seeds("a", 0.0, 6, lr=0.1), *seeds("b", 1.0, 6, lr=0.2)]

    assert compare(runs, seed=1) == compare(runs, seed=1)
    assert compare(runs, seed=1).groups != compare(runs, seed=2).groups


def test_the_seed_reaches_the_test(seeds: Seeds) -> None:
    """Ten against ten: deals are drawn, and so are the futures; another seed draws others, for both."""
    runs = [*seeds("a", 0.0, 10, lr=0.1), *seeds("b", 0.4, 10, lr=0.2)]
    one, again, other = (compare(runs, seed=seed).comparisons[0] for seed in (1, 1, 2))

    assert one.method == "drawn permutations"
    assert one == again
    assert one.p_value != other.p_value
    assert one.difference.low != other.difference.low
    assert one.more_runs is not None
    assert other.more_runs is not None
    assert one.more_runs.chance != other.more_runs.chance


def test_three_seeds_that_cannot_tell(seeds: Seeds) -> None:
    """It is said, it is no proof of sameness, and how many more would tell."""
    (versus,) = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 0.3, 3, lr=0.2)).comparisons

    assert versus.verdict == "no difference shown"
    assert versus.sentences[0].startswith("3 + 3 runs cannot tell lr=0.2 from lr=0.1")
    assert versus.sentences[0].endswith("That is no proof that they are the same.")
    assert versus.more_runs is not None
    assert "more" in versus.sentences[1]


def test_one_run_groups_are_not_judged(seeds: Seeds) -> None:
    """There is no interval and no test, and why."""
    found = compare(seeds("a", 0.0, 1, lr=0.1), seeds("b", 9.0, 1, lr=0.2))
    (versus,) = found.comparisons

    assert versus.verdict == "not enough runs"
    assert (versus.p_value, versus.difference.low) == (None, None)
    assert "Episodes of one run are no substitute" in versus.sentences[0]
    assert any("fewer than 2 outcomes" in note for note in found.notes)


def test_a_test_over_episodes_is_refused(seeds: Seeds) -> None:
    """With the reason."""
    with pytest.raises(ComparisonError, match="calls noise significant in 68 %"):
        compare(seeds("a", 0.0, 2), unit="episode")


def test_groups_of_different_environments_are_not_compared(seeds: Seeds) -> None:
    """Nothing is concluded, and it is said."""
    runs = [*seeds("a", 0.0, 3, lr=0.1), *seeds("b", 50.0, 3, lr=0.2, env_id="Other-v0")]
    (versus,) = compare(runs).comparisons

    assert versus.verdict == "not comparable"
    assert "different environments cannot be compared" in versus.sentences[0]


def test_crashed_runs_count_as_worst(seeds: Seeds) -> None:
    """In ranks; the means are of the others, and all of it is said."""
    base = seeds("a", 0.0, 5, lr=0.1)
    runs = [*base, *seeds("b", 3.0, 2, lr=0.2), *seeds("b", 3.0, 3, first=2, lr=0.2, until=0.4, failed=True)]
    found = compare(runs)
    (versus,) = found.comparisons

    assert [group.worst for group in found.groups] == [0, 3]
    assert versus.method == "exact permutations, of ranks"
    assert versus.improvement.estimate is not None
    assert versus.improvement.estimate < 0.5
    assert "3 runs of lr=0.2 and no runs of lr=0.1 ended without an outcome" in " ".join(versus.sentences)
    assert any("failed at 40 % of the way" in note and "count as worst" in note for note in found.notes)


def test_a_group_that_failed_as_a_whole_is_worse(seeds: Seeds) -> None:
    """By rank; a difference of means is not made up."""
    runs = [*seeds("a", 0.0, 5, lr=0.1), *seeds("b", 9.0, 5, lr=0.2, until=0.3, failed=True)]
    found = compare(runs)
    (versus,) = found.comparisons

    assert (versus.verdict, versus.difference.estimate) == ("worse", None)
    assert "by how much the mean reward over the last tenth differs is unknown" in versus.sentences[0]
    assert any("no interval and no verdict but by rank: lr=0.2" in note for note in found.notes)


def test_failures_count_on_all_tasks_together(seeds: Seeds) -> None:
    """Two environments: a configuration whose survivors are better is not, where most of its runs fail."""
    runs = [
        run
        for task in ("One-v0", "Two-v0")
        for run in (
            *seeds(f"a-{task}", 0.0, 4, lr=0.1, env_id=task),
            *seeds(f"b-{task}", 9.0, 1, lr=0.2, env_id=task),
            *seeds(f"b-{task}", 9.0, 3, first=1, lr=0.2, env_id=task, until=0.3, failed=True),
        )
    ]
    together = compare(runs, references={"One-v0": (0.0, 1.0), "Two-v0": (0.0, 1.0)}).comparisons[0]

    assert (together.task, together.runs) == ("", (2, 8))
    assert together.method.endswith("of ranks")
    assert together.improvement.estimate == 0.25
    assert together.verdict != "better"


def test_runs_that_go_on_are_left_out(seeds: Seeds, monitor: Monitor) -> None:
    """They have no outcome yet, and are no failures."""
    runs = seeds("a", 0.0, 3)
    with monitor("live", configuration={"env_id": "Logos-v0"}) as training:
        training.log_episode(0, 1.0, 100, env_step=100)
        found = compare(runs, Run(training.path))

    assert found.runs[-1].standing == "left out"
    assert found.runs[-1].reason == "is still running, at 3 % of the way"


def test_what_is_not_finite_is_left_out_and_said(monitor: Monitor, seeds: Seeds) -> None:
    """A run with NaN at the end has no outcome; one with a NaN before has one."""
    for name, bad in (("early", range(3)), ("late", range(30, 40))):
        with monitor(name, configuration={"env_id": "Logos-v0"}) as training:
            for episode in range(40):
                training.log_episode(episode, math.nan if episode in bad else 1.0, 9, env_step=100 * (episode + 1))
    found = compare(seeds("a", 0.0, 2), Path("logs/early"), Path("logs/late"))

    assert [run.standing for run in found.runs[2:]] == ["counted", "counts as worst"]
    assert found.runs[2].outcomes["final"] == 1.0
    assert "13 values of 2 runs are NaN or infinite; they are left out of every mean." in found.notes


def test_missing_metrics_are_said(seeds: Seeds) -> None:
    """Of some runs: left out. Of all, or of none that there is: an error with the way out."""
    runs = seeds("a", 0.0, 2)
    with pytest.raises(ColumnError, match=r"none of the 2 runs has a value of evaluations\.reward"):
        compare(runs, metric="evaluations.reward")
    with pytest.raises(ColumnError, match="there is no metric 'rewards'"):
        compare(runs, metric="rewards")
    with pytest.raises(ColumnError, match=r"reward_parts\.size"):
        compare(runs, metric="reward_parts.size")


def test_many_comparisons_are_corrected(seeds: Seeds) -> None:
    """Holm: four groups against the first; the least p-value counts four times."""
    runs = [run for place in range(5) for run in seeds(f"g{place}", 0.0, 3, lr=place)]
    found = compare(runs).comparisons
    least = min(found, key=lambda versus: versus.p_value or 1.0)

    assert least.adjusted_p == pytest.approx(min(1.0, 4 * (least.p_value or 0.0)))
    assert "4 comparisons" in found[0].sentences[0]
    assert len(compare(runs, every_pair=True).comparisons) == 10


def test_the_same_within_a_margin(seeds: Seeds) -> None:
    """Shown, not assumed."""
    runs = [*seeds("a", 0.0, 5, spread=0.1, lr=0.1), *seeds("b", 0.0, 5, spread=0.1, lr=0.2)]
    (near,), (far,) = (compare(runs, margin=margin).comparisons for margin in (3.0, 0.001))

    assert near.verdict == "the same"
    assert near.sentences[0].startswith("lr=0.2 and lr=0.1 are the same within 3")
    assert far.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"margin": -1.0}, "margin=-1.0: groups are the same within a margin above zero"),
        ({"target": math.nan}, "target=nan: it is a mean"),
        ({"level": 0.7}, "between 0 and 0.5"),
        ({"seed": -1}, "from 0 on"),
        ({"statistic": "mean"}, "one of final, area, best"),
        ({"references": {"Logos-v0": (0.0, math.inf)}}, "two different finite scores"),
        ({"references": {"Logos-v0": (0.0, 1e-200)}}, "so near to each other"),
    ],
)
def test_odd_numbers_are_refused(seeds: Seeds, wrong: dict[str, Any], said: str) -> None:
    """With the value, and what it may be."""
    with pytest.raises(ComparisonError, match=said):
        compare(seeds("a", 1.0, 3, lr=0.1), seeds("b", 1.0, 3, lr=0.2), **wrong)


@pytest.mark.parametrize("scale", [1e140, 1e300])
def test_huge_outcomes_do_not_stop_it(seeds: Seeds, scale: float) -> None:
    """Up to 1e150 they are outcomes; beyond, their squares are infinite, and so are they."""
    found = compare(seeds("a", scale, 5, lr=0.1), seeds("b", 2 * scale, 5, spread=0.1 * scale, lr=0.2))

    assert found.comparisons[0].verdict == ("better" if scale < 1e150 else "no difference shown")
    assert any("NaN or infinite" in note for note in found.notes) == (scale > 1e150)


def test_what_few_runs_do_not_show_is_said_once(seeds: Seeds) -> None:
    """Of means, by the smallest group; ten runs of each need no such words."""

    def said(count: int) -> list[str]:
        notes = compare(seeds(f"a{count}", 0.0, count, lr=0.1), seeds(f"b{count}", 0.0, 12, lr=0.2)).notes
        return [note.partition(" runs")[0] for note in notes if "the interval of a mean" in note]

    assert [said(3), said(7), said(10)] == [["With 2 to 4"], ["With 5 to 9"], []]


def test_unequal_spreads_are_said(seeds: Seeds) -> None:
    """As the test supposes that without a difference both groups have the same distribution."""
    wide = compare(seeds("a", 0.0, 5, spread=0.01, lr=0.1), seeds("b", 30.0, 5, spread=5.0, lr=0.2)).comparisons[0]
    even = compare(seeds("c", 0.0, 8, lr=0.1), seeds("d", 30.0, 8, lr=0.2)).comparisons[0]

    assert any("The runs of lr=0.2 spread" in sentence for sentence in wide.sentences)
    assert not any("times as widely" in sentence for sentence in even.sentences)


def test_many_groups_are_plain_too(seeds: Seeds) -> None:
    """Twenty-one groups of two, every pair: each adjusted for all, and all of it goes through JSON."""
    runs = [run for place in range(21) for run in seeds(f"g{place}", 0.0, 2, lr=place)]
    found = compare(runs, every_pair=True)

    assert len(found.comparisons) == 210
    assert found.settings is not None
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_several_environments_need_references(seeds: Seeds) -> None:
    """Without them each is compared for itself; with them all together."""
    runs = [
        run
        for task, scale in (("One-v0", 1.0), ("Two-v0", 1.0))
        for name, level, lr in (("a", 0.0, 0.1), ("b", 6.0, 0.2))
        for run in seeds(f"{name}-{task}", scale * level, 3, lr=lr, env_id=task)
    ]
    apart = compare(runs)
    together = compare(runs, references={"One-v0": (0.0, 10.0), "Two-v0": (0.0, 10.0)})

    assert [versus.task for versus in apart.comparisons] == ["One-v0", "Two-v0"]
    assert apart.groups[0].estimates["final"].mean.estimate is None
    assert (together.comparisons[0].task, together.comparisons[0].verdict) == ("", "better")
    assert together.groups[1].estimates["final"].iqm.estimate == pytest.approx(0.6, abs=0.2)
    assert together.groups[1].optimality_gap is not None
    assert (together.comparisons[0].method, together.comparisons[0].p_value) == ("exact permutations, mid-p", 1 / 400)
    near = compare(runs, references={"One-v0": (0.0, 10.0), "Two-v0": (0.0, 10.0)}, margin=2.0).comparisons[0]
    assert near.equivalence is not None
    assert near.equivalence.verdict == "the same"
    with pytest.raises(ComparisonError, match="none for the environment 'Two-v0'"):
        compare(runs, references={"One-v0": (0.0, 1.0)})


def test_steps_to_a_target(seeds: Seeds) -> None:
    """Runs that never got there are censored, and counted."""
    found = compare(seeds("a", 0.0, 5, lr=0.1), seeds("b", 5.0, 5, lr=0.2), target=4.0)

    assert [group.target.reached for group in found.groups if group.target] == [0, 5]
    assert found.comparisons[0].target_p is not None
    assert found.comparisons[0].target_p < 0.05
    assert found.groups[0].target is not None
    assert found.groups[0].target.median is None


def test_curves_say_who_contributes(seeds: Seeds) -> None:
    """Nothing is carried on behind the end of a run."""
    runs = [*seeds("a", 0.0, 3, lr=0.1), *seeds("a", 0.0, 2, first=3, lr=0.1, until=0.5, failed=True)]
    curve = compare(runs).groups[0].curves["Logos-v0"]

    assert curve.contributing[0] == 5
    assert curve.contributing[-1] == 3


def test_arguments_are_groups(seeds: Seeds, logs: Path) -> None:
    """Patterns and folders, with names or without; a run is compared once."""
    seeds("a", 0.0, 2), seeds("b", 1.0, 3)
    patterns = compare(f"{logs}/a-*", f"{logs}/b-*")
    named = compare(f"old={logs}/a-*", f"new={logs}/b-*", baseline="new")

    assert [group.runs for group in patterns.groups] == [2, 3]
    assert [group.name for group in named.groups] == ["new", "old"]
    assert [group.runs for group in compare(logs, f"{logs}/a-0").groups] == [5]
    with pytest.raises(RunNotFoundError, match=r"no run matches 'nowhere/\*'"):
        compare("nowhere/*")
    with pytest.raises(ComparisonError, match="the groups are"):
        compare(logs, baseline="x")


def test_less_may_be_better(seeds: Seeds) -> None:
    """As the runs' settings say, or the caller."""
    runs = [*seeds("a", 0.0, lr=0.1, lower_is_better=["reward"]), *seeds("b", 5.0, lr=0.2, lower_is_better=["reward"])]

    assert compare(runs).comparisons[0].verdict == "worse"
    assert compare(runs, higher_is_better=True).comparisons[0].verdict == "better"


def test_it_is_plain(seeds: Seeds) -> None:
    """The whole tree goes through strict JSON and back."""
    found = compare(seeds("a", 0.0, 2, lr=0.1), seeds("b", 1.0, 1, lr=0.2), target=0.5, margin=1.0)

    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_every_environment_has_its_own_horizon(seeds: Seeds) -> None:
    """A short task does not cut a long one; a completed run with another budget is left out, and is no failure."""
    runs = [
        *seeds("long", 0.0, 3),
        *seeds("short", 0.0, 3, env_id="Short-v0", until=0.3),
        *seeds("odd", 0, 1, until=0.4),
    ]
    found = compare(runs)

    assert found.horizons == {"Logos-v0": 4000.0, "Short-v0": 1200.0}
    assert [run.standing for run in found.runs] == ["counted"] * 6 + ["left out"]
    assert "is completed at 40 % of the way" in found.runs[-1].reason


def test_a_curve_has_no_more_places_than_the_runs_have(monitor: Monitor, logs: Path) -> None:
    """Environments side by side end their episodes at the same steps: many values, few places."""
    for seed in range(2):
        with monitor(f"s{seed}", configuration={"seed": seed}) as training:
            for number in range(400):
                training.log_episode(number, 1.0 + number % 7, 5, env_step=40 * (number // 8 + 1))
    curve = compare(logs).groups[0].curves[""]

    assert len(curve.places) == 20
    assert set(curve.contributing) == {2}

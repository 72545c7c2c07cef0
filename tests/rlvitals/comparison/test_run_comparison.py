"""Tests of `compare`."""

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
    """Five seeds each, five standard deviations apart, are better, with interval and test."""
    found = compare(seeds("a", 0.0, lr=0.1), seeds("b", 5.0, lr=0.2))
    (versus,) = found.comparisons

    assert [group.name for group in found.groups] == ["lr=0.1", "lr=0.2"]
    assert (versus.verdict, versus.runs, versus.method) == ("better", (5, 5), "exact permutations")
    assert versus.sentences[0].startswith(
        "lr=0.2 is better than lr=0.1: +5.528 in mean reward over the last tenth (95 % interval "
    )
    assert versus.difference.low is not None
    assert versus.difference.low > 0
    assert found.differences == {"lr": {"lr=0.1": 0.1, "lr=0.2": 0.2}}


def test_caveats_state_the_scope_of_the_verdict(seeds: Seeds) -> None:
    """The caveats state the scope of the verdict, and the cause if only one setting differs."""
    found = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 0.0, 3, lr=0.2))

    assert "They do not hold for another budget, environment or metric" in found.limits[0]
    assert found.limits[1] == "As far as recorded, the groups differ only in lr, the likely cause of a difference."
    assert "A difference that is not shown may still exist" in found.limits[2]


def test_runs_of_one_group_are_not_compared(seeds: Seeds) -> None:
    """Runs of one group are not compared, and the first caveat explains why and what to do."""
    runs = seeds("a", 0.0, 2, lr=0.1)
    (said,) = compare(*runs).limits

    assert said.startswith("The settings of these 2 runs are the same except for the seed, so they form one group")
    assert "`--by run`" in said
    assert (
        compare(runs[0], *seeds("b", 0.0, 1, env_id="Two-v0", lr=0.1))
        .limits[0]
        .startswith("The settings of these 2 runs are the same except for the environment")
    )
    assert compare("logs/a-*", by="lr").limits == [
        (
            "These 2 runs form one group, 0.1, so nothing is compared. To form several groups, choose another setting "
            "(`--by NAME`) or name them (`old=PATH new=PATH`)."
        )
    ]
    assert compare(runs[0]).limits[0].startswith("There is only one run, so nothing is compared.")
    assert "one group" not in " ".join([*compare(*runs, by="run").limits, *compare(runs[0]).limits])


def test_runs_with_unknown_settings_are_not_compared(seeds: Seeds, trained: Trained) -> None:
    """Runs with unknown settings are not compared with each other or with other runs, which is the first caveat."""
    unknown = [trained(name, np.linspace(level, level + 1.0, 40)) for name, level in (("b", 1.0), ("c", 9.0))]
    found = compare(*unknown, *seeds("a", 0.0, 3, lr=0.1), seeds("d", 5.0, 3, lr=0.2)[0])

    assert found.groups[-1].name == "settings unknown"
    assert found.groups[-1].settings_unknown == 2
    assert [(one.group, one.baseline) for one in found.comparisons] == [("lr=0.2", "lr=0.1")]
    assert found.limits[0].startswith(
        "The settings of these 2 runs are unknown: b and c. Whether they repeat one experiment is unknown too"
    )


def test_runs_with_unknown_settings_only_give_no_verdict(trained: Trained) -> None:
    """Two runs without a configuration are not seeds of one experiment, but named groups of them can be compared."""
    runs = [trained(name, np.linspace(level, level + 1.0, 40)) for name, level in (("b", 1.0), ("c", 9.0))]
    found = compare(*runs)

    assert ([group.name for group in found.groups], found.comparisons) == (["settings unknown"], [])
    assert len(found.limits) == 1
    assert "`old=PATH new=PATH`" in found.limits[0]
    named = compare(f"old={runs[0].path}", f"new={runs[1].path}")
    assert [one.group for one in named.comparisons] == ["new"]
    assert "The settings of 2 runs are unknown, so no cause can be named" in " ".join(named.limits)


def test_one_run_with_unknown_settings_is_listed_by_name(seeds: Seeds, trained: Trained) -> None:
    found = compare(*seeds("a", 0.0, 2, lr=0.1), trained("b", np.linspace(0.0, 1.0, 40)))

    assert found.limits[0].startswith("The settings of one run are unknown: b. It is not compared with anything.")


def test_a_setting_that_one_group_did_not_record_is_not_a_cause(seeds: Seeds) -> None:
    """A setting that one group did not record is not a known difference."""
    found = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 5.0, 3, lr=0.1, gamma=0.9))

    assert found.limits[1] == "Some groups did not record gamma, so whether they differ in it is unknown."


def test_a_setting_that_some_runs_did_not_record_is_not_a_difference(seeds: Seeds) -> None:
    found = compare([*seeds("a", 0.0, 2, lr=0.1), *seeds("b", 0.0, 2, lr=0.1, gamma=0.9)], seeds("c", 0.0, 2, lr=0.2))

    notes = " ".join([*found.notes, *found.limits])
    assert "did not record gamma, so whether they differ in it is unknown" in notes
    assert "differ in more than the seed" not in notes


@pytest.mark.parametrize("scale", [1.0, -1e-12, 1e140])
def test_rounding_errors_are_not_a_spread(trained: Trained, scale: float) -> None:
    """Rounding errors of means of equal rewards do not give an effect size or a spread."""
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
    """The same seed gives the same result, and another seed gives another."""
    runs = [*seeds("a", 0.0, 6, lr=0.1), *seeds("b", 1.0, 6, lr=0.2)]

    assert compare(runs, seed=1) == compare(runs, seed=1)
    assert compare(runs, seed=1).groups != compare(runs, seed=2).groups


def test_the_seed_reaches_the_test(seeds: Seeds) -> None:
    """The seed determines the drawn permutations and the simulated runs."""
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
    """The sentence does not claim that the groups are the same, and the number of runs needed follows."""
    (versus,) = compare(seeds("a", 0.0, 3, lr=0.1), seeds("b", 0.3, 3, lr=0.2)).comparisons

    assert versus.verdict == "no difference shown"
    assert versus.sentences[0].startswith("3 + 3 runs show no difference between lr=0.2 and lr=0.1")
    assert versus.sentences[0].endswith("This does not prove that they are the same.")
    assert versus.more_runs is not None
    assert "more" in versus.sentences[1]


def test_groups_of_one_run_have_no_verdict(seeds: Seeds) -> None:
    """Groups of one run have no interval and no test, and the sentence explains why."""
    found = compare(seeds("a", 0.0, 1, lr=0.1), seeds("b", 9.0, 1, lr=0.2))
    (versus,) = found.comparisons

    assert versus.verdict == "not enough runs"
    assert (versus.p_value, versus.difference.low) == (None, None)
    assert "Episodes of one run do not replace seeds" in versus.sentences[0]
    assert any("fewer than 2 outcomes" in note for note in found.notes)


def test_a_test_over_episodes_is_refused(seeds: Seeds) -> None:
    """A test over episodes is refused with the reason."""
    with pytest.raises(ComparisonError, match="reports noise as significant in 68 %"):
        compare(seeds("a", 0.0, 2), unit="episode")


def test_groups_of_different_environments_are_not_compared(seeds: Seeds) -> None:
    """Groups in different environments are not compared, and the sentence explains why."""
    runs = [*seeds("a", 0.0, 3, lr=0.1), *seeds("b", 50.0, 3, lr=0.2, env_id="Other-v0")]
    (versus,) = compare(runs).comparisons

    assert versus.verdict == "not comparable"
    assert "different environments cannot be compared" in versus.sentences[0]


def test_crashed_runs_count_as_worst(seeds: Seeds) -> None:
    """Crashed runs are last in ranks and excluded from means, and the notes state it."""
    base = seeds("a", 0.0, 5, lr=0.1)
    runs = [*base, *seeds("b", 3.0, 2, lr=0.2), *seeds("b", 3.0, 3, first=2, lr=0.2, until=0.4, failed=True)]
    found = compare(runs)
    (versus,) = found.comparisons

    assert [group.worst for group in found.groups] == [0, 3]
    assert versus.method == "exact permutations, of ranks"
    assert versus.improvement.estimate is not None
    assert versus.improvement.estimate < 0.5
    assert "3 runs of lr=0.2 and no runs of lr=0.1 ended without an outcome" in " ".join(versus.sentences)
    assert any("failed at 40 % of the horizon" in note and "count as worst" in note for note in found.notes)


def test_a_group_whose_runs_all_failed_is_worse(seeds: Seeds) -> None:
    """A group whose runs all failed is worse by rank and has no difference in means."""
    runs = [*seeds("a", 0.0, 5, lr=0.1), *seeds("b", 9.0, 5, lr=0.2, until=0.3, failed=True)]
    found = compare(runs)
    (versus,) = found.comparisons

    assert (versus.verdict, versus.difference.estimate) == ("worse", None)
    assert "the difference in mean reward over the last tenth is unknown" in versus.sentences[0]
    assert any("no interval and no verdict except by rank: lr=0.2" in note for note in found.notes)


def test_failures_count_on_all_tasks_together(seeds: Seeds) -> None:
    """A configuration whose few survivors are better is not better over two environments if most of its runs fail."""
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


def test_active_runs_are_left_out(seeds: Seeds, monitor: Monitor) -> None:
    """Runs that are still active have no outcome and do not count as failures."""
    runs = seeds("a", 0.0, 3)
    with monitor("live", configuration={"env_id": "Logos-v0"}) as training:
        training.log_episode(0, 1.0, 100, env_step=100)
        found = compare(runs, Run(training.path))

    assert found.runs[-1].standing == "left out"
    assert found.runs[-1].reason == "is still running, at 3 % of the horizon"
    note = "1 of 4 runs has no outcome: live is still running, at 3 % of the horizon. It does not count."
    assert note in found.notes


def test_non_finite_values_are_excluded_and_counted(monitor: Monitor, seeds: Seeds) -> None:
    """A run with NaN at the end has no outcome, and one with NaN before has one."""
    for name, bad in (("early", range(3)), ("late", range(30, 40))):
        with monitor(name, configuration={"env_id": "Logos-v0"}) as training:
            for episode in range(40):
                training.log_episode(episode, math.nan if episode in bad else 1.0, 9, env_step=100 * (episode + 1))
    found = compare(seeds("a", 0.0, 2), Path("logs/early"), Path("logs/late"))

    assert [run.standing for run in found.runs[2:]] == ["counted", "counts as worst"]
    assert found.runs[2].outcomes["final"] == 1.0
    assert "13 values of 2 runs are NaN or infinite. They are excluded from every mean." in found.notes


def test_one_non_finite_value_is_in_the_singular(monitor: Monitor, seeds: Seeds) -> None:
    """The note has the grammar of one value."""
    with monitor("odd", configuration={"env_id": "Logos-v0"}) as training:
        for episode in range(40):
            training.log_episode(episode, math.nan if episode == 2 else 1.0, 9, env_step=100 * (episode + 1))
    found = compare(seeds("a", 0.0, 2), Path("logs/odd"))

    assert "1 value of 1 run is NaN or infinite. It is excluded from every mean." in found.notes


def test_missing_metrics_are_refused(seeds: Seeds) -> None:
    """A metric that no run has, or that does not exist, is refused."""
    runs = seeds("a", 0.0, 2)
    with pytest.raises(ColumnError, match=r"none of the 2 runs has a value of evaluations\.reward"):
        compare(runs, metric="evaluations.reward")
    with pytest.raises(ColumnError, match="there is no metric 'rewards'"):
        compare(runs, metric="rewards")
    with pytest.raises(ColumnError, match=r"reward_parts\.size"):
        compare(runs, metric="reward_parts.size")


def test_many_comparisons_are_corrected(seeds: Seeds) -> None:
    """p-values of four comparisons are adjusted with Holm's method."""
    runs = [run for place in range(5) for run in seeds(f"g{place}", 0.0, 3, lr=place)]
    found = compare(runs).comparisons
    least = min(found, key=lambda versus: versus.p_value or 1.0)

    assert least.adjusted_p == pytest.approx(min(1.0, 4 * (least.p_value or 0.0)))
    assert "4 comparisons" in found[0].sentences[0]
    assert len(compare(runs, every_pair=True).comparisons) == 10


def test_the_same_within_a_margin(seeds: Seeds) -> None:
    """Groups are the same within a margin only if the test shows it."""
    runs = [*seeds("a", 0.0, 5, spread=0.1, lr=0.1), *seeds("b", 0.0, 5, spread=0.1, lr=0.2)]
    (near,), (far,) = (compare(runs, margin=margin).comparisons for margin in (3.0, 0.001))

    assert near.verdict == "the same"
    assert near.sentences[0].startswith("lr=0.2 and lr=0.1 are the same within 3")
    assert far.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"margin": -1.0}, "margin -1.0: use a finite margin above zero"),
        ({"target": math.nan}, "target nan: use a finite mean"),
        ({"level": 0.7}, "between 0 and 0.5"),
        ({"seed": -1}, "at least 0"),
        ({"statistic": "mean"}, "one of final, area, best"),
        ({"references": {"Logos-v0": (0.0, math.inf)}}, "two different finite scores"),
        ({"references": {"Logos-v0": (0.0, 1e-200)}}, "so close that the normalised outcome"),
    ],
)
def test_invalid_options_are_refused(seeds: Seeds, wrong: dict[str, Any], said: str) -> None:
    """Invalid options are refused with the value and the allowed values."""
    with pytest.raises(ComparisonError, match=said):
        compare(seeds("a", 1.0, 3, lr=0.1), seeds("b", 1.0, 3, lr=0.2), **wrong)


@pytest.mark.parametrize("scale", [1e140, 1e300])
def test_huge_outcomes_do_not_stop_it(seeds: Seeds, scale: float) -> None:
    """Outcomes count up to 1e150. Larger ones are infinite because their squares are."""
    found = compare(seeds("a", scale, 5, lr=0.1), seeds("b", 2 * scale, 5, spread=0.1 * scale, lr=0.2))

    assert found.comparisons[0].verdict == ("better" if scale < 1e150 else "no difference shown")
    assert any("NaN or infinite" in note for note in found.notes) == (scale > 1e150)


def test_the_reliability_of_intervals_is_noted_once(seeds: Seeds) -> None:
    """One note states the reliability of intervals for the smallest group, unless all groups have ten runs."""

    def said(count: int) -> list[str]:
        notes = compare(seeds(f"a{count}", 0.0, count, lr=0.1), seeds(f"b{count}", 0.0, 12, lr=0.2)).notes
        return [note.partition(" runs")[0] for note in notes if "interval of a mean" in note]

    assert [said(3), said(7), said(10)] == [["With 2 to 4"], ["With 5 to 9"], []]


def test_unequal_spreads_are_reported(seeds: Seeds) -> None:
    """A sentence warns of unequal spreads, which invalidate the assumption of the test."""
    wide = compare(seeds("a", 0.0, 5, spread=0.01, lr=0.1), seeds("b", 30.0, 5, spread=5.0, lr=0.2)).comparisons[0]
    even = compare(seeds("c", 0.0, 8, lr=0.1), seeds("d", 30.0, 8, lr=0.2)).comparisons[0]

    assert any("The runs of lr=0.2 spread" in sentence for sentence in wide.sentences)
    assert not any("times as widely" in sentence for sentence in even.sentences)


def test_a_comparison_of_many_groups_survives_json(seeds: Seeds) -> None:
    """210 comparisons between 21 groups are adjusted for each other and survive a JSON round trip."""
    runs = [run for place in range(21) for run in seeds(f"g{place}", 0.0, 2, lr=place)]
    found = compare(runs, every_pair=True)

    assert len(found.comparisons) == 210
    assert found.settings is not None
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_several_environments_need_references(seeds: Seeds) -> None:
    """Environments are compared separately without reference scores, and together with them."""
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
    """Runs that never reached the target are censored and counted."""
    found = compare(seeds("a", 0.0, 5, lr=0.1), seeds("b", 5.0, 5, lr=0.2), target=4.0)

    assert [group.target.reached for group in found.groups if group.target] == [0, 5]
    assert found.comparisons[0].target_p is not None
    assert found.comparisons[0].target_p < 0.05
    assert found.groups[0].target is not None
    assert found.groups[0].target.median is None


def test_curves_count_the_contributing_runs(seeds: Seeds) -> None:
    """No curve is extended beyond the end of a run."""
    runs = [*seeds("a", 0.0, 3, lr=0.1), *seeds("a", 0.0, 2, first=3, lr=0.1, until=0.5, failed=True)]
    curve = compare(runs).groups[0].curves["Logos-v0"]

    assert curve.contributing[0] == 5
    assert curve.contributing[-1] == 3


def test_arguments_are_groups(seeds: Seeds, logs: Path) -> None:
    """Patterns and folders, with or without names, form groups, and a run counts once."""
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


def test_lower_can_be_better(seeds: Seeds) -> None:
    """Lower is better if the runs' settings or the caller state it."""
    runs = [*seeds("a", 0.0, lr=0.1, lower_is_better=["reward"]), *seeds("b", 5.0, lr=0.2, lower_is_better=["reward"])]

    assert compare(runs).comparisons[0].verdict == "worse"
    assert compare(runs, higher_is_better=True).comparisons[0].verdict == "better"


def test_a_custom_objective_is_named_without_its_dict(logs: Path) -> None:
    """A size in `extra` is compared by its own name, and the declared direction counts."""
    for place, (name, size) in enumerate([("a", 5.0), ("a", 6.0), ("b", 50.0), ("b", 60.0)]):
        configuration = {"kind": name, "seed": place, "lower_is_better": ["size"]}
        with TrainingMonitor(
            logs, session_name=f"{name}-{place}", configuration=configuration, announce=False
        ) as training:
            for number in range(20):
                training.log_episode(number, 0.0, 1, env_step=number + 1, extra={"size": size + number / 100})
    found = compare(logs, metric="size")

    assert found.metric == "episodes.extra.size"
    assert not found.higher_is_better


def test_a_comparison_survives_json(seeds: Seeds) -> None:
    """A comparison survives a strict JSON round trip."""
    found = compare(seeds("a", 0.0, 2, lr=0.1), seeds("b", 1.0, 1, lr=0.2), target=0.5, margin=1.0)

    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_every_environment_has_its_own_horizon(seeds: Seeds) -> None:
    """A short task does not shorten a long one, and a completed run with a smaller budget is left out."""
    runs = [
        *seeds("long", 0.0, 3),
        *seeds("short", 0.0, 3, env_id="Short-v0", until=0.3),
        *seeds("odd", 0, 1, until=0.4),
    ]
    found = compare(runs)

    assert found.horizons == {"Logos-v0": 4000.0, "Short-v0": 1200.0}
    assert [run.standing for run in found.runs] == ["counted"] * 6 + ["left out"]
    assert "completed at 40 % of the horizon" in found.runs[-1].reason


def test_a_curve_has_no_more_blocks_than_the_runs_have_places(monitor: Monitor, logs: Path) -> None:
    """A curve has no more blocks than the runs have places, because parallel environments share steps."""
    for seed in range(2):
        with monitor(f"s{seed}", configuration={"seed": seed}) as training:
            for number in range(400):
                training.log_episode(number, 1.0 + number % 7, 5, env_step=40 * (number // 8 + 1))
    curve = compare(logs).groups[0].curves[""]

    assert len(curve.places) == 20
    assert set(curve.contributing) == {2}

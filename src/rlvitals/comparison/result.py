"""Result of a comparison: one tree of plain values for the command line, the dashboard and the report."""

from typing import Any, Literal

import msgspec

Statistic = Literal["final", "area", "best"]
Axis = Literal["env_step", "episode", "update", "time"]
Standing = Literal["counted", "counts as worst", "left out"]
Verdict = Literal[
    "better", "worse", "different", "the same", "no difference shown", "not enough runs", "not comparable"
]


class IntervalEstimate(msgspec.Struct, frozen=True):
    """An estimate and its 95 % interval. Values that are unavailable are `None`.

    Attributes:
        estimate: The estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    estimate: float | None
    low: float | None
    high: float | None


class Repeat(msgspec.Struct, frozen=True):
    """The run that a duplicate run repeats, and how the duplicate was recognised.

    Attributes:
        of: Name of the repeated run in this comparison.
        by: `records`: both hold the same records. `seed`: seed, settings and outcome are equal. `values`: all numbers
            are equal.
    """

    of: str
    by: Literal["records", "seed", "values"]


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of one run.

    Attributes:
        run: Name of the run in this comparison.
        path: Path of the run folder.
        group: Name of its group.
        task: Environment from the run's configuration. Empty if the configuration has none.
        seed: Seed from the run's configuration.
        status: Run status: running, completed, failed, preempted, crashed, ...
        standing: Whether the run counts. `counted`: it has an outcome. `counts as worst`: it ended without an outcome,
            so it is last in ranks and excluded from means. `left out`: it is still running, lacks the metric, or
            duplicates another run.
        reason: Why the run is not `counted`. Empty if it is.
        reached: Furthest position on the axis.
        values: Number of values of the metric.
        not_finite: Number of NaN and infinite values, which are ignored.
        outcomes: Values of `final`, `area` and `best`. Statistics without a value are omitted.
        steps_to_target: Position on the axis where the mean first reached the target. `None` if it never did, or if
            there is no target.
        repeats: The run that this run duplicates. `None` if it is not a duplicate.
    """

    run: str
    path: str
    group: str
    task: str
    seed: Any
    status: str
    standing: Standing
    reason: str
    reached: float | None
    values: int
    not_finite: int
    outcomes: dict[str, float]
    steps_to_target: float | None = None
    repeats: Repeat | None = None


class GroupEstimates(msgspec.Struct, frozen=True, kw_only=True):
    """Estimates over the runs of a group and all its tasks.

    Attributes:
        mean: Mean outcome of the runs. With several tasks, the mean of the task means.
        median: Median outcome. One task only.
        iqm: Interquartile mean over all runs of all tasks.
        lowest: Lowest outcome.
        highest: Highest outcome.
        spread: Standard deviation between runs. One task only.
    """

    mean: IntervalEstimate
    median: IntervalEstimate
    iqm: IntervalEstimate
    lowest: float | None
    highest: float | None
    spread: float | None


class GroupCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Learning curve of a group: the mean over the runs that have a value in each block of the axis.

    Attributes:
        places: Upper ends of the blocks on the axis.
        mean: Mean over runs of each run's mean in the block. `None` if no run has a value there.
        low: Lower end of the pointwise 95 % interval. `None` with fewer than 2 runs.
        high: Upper end of the pointwise 95 % interval.
        contributing: Number of runs with a value in the block.
    """

    places: list[float]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    contributing: list[int]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Time to target of a group. Runs that did not reach the target are censored.

    Attributes:
        runs: Number of runs that count.
        reached: Number of runs that reached the target.
        median: Position by which half of the runs had reached the target. `None` if fewer than half did.
        restricted_mean: Mean position. Runs that never reached the target count at the horizon.
    """

    runs: int
    reached: int
    median: float | None
    restricted_mean: IntervalEstimate


class ProfileCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Share of a group's runs with an outcome above each threshold, with a pointwise 95 % interval.

    Attributes:
        thresholds: Thresholds, in units of the metric.
        shares: Share of runs above each threshold, 0 to 1.
        low: Lower ends of the intervals.
        high: Upper ends of the intervals.
    """

    thresholds: list[float]
    shares: list[float]
    low: list[float]
    high: list[float]


class RunGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that count as repetitions of one experiment.

    Attributes:
        name: Name of the group.
        runs: Number of runs.
        counted: Number of runs with an outcome.
        worst: Number of runs that ended without an outcome and count as worst in ranks.
        left_out: Number of runs that do not count.
        tasks: Environments of the runs.
        settings: Settings, package versions and commit that differ between groups. Unknown values are `None`.
        varying: Settings other than the seed that differ within the group, with their values.
        estimates: Estimates for `final`, `area` and `best`.
        curves: Learning curve for each task.
        profile: Performance profile of the compared statistic.
        optimality_gap: Mean shortfall from 1 of the normalised outcomes. `None` without reference scores.
        target: Time to target. `None` if there is no target.
        settings_unknown: Number of runs that recorded no settings, so whether they repeat the same experiment is
            unknown.
        imported: Number of imported runs. Their files can record only some of the settings.
    """

    name: str
    runs: int
    counted: int
    worst: int
    left_out: int
    tasks: list[str]
    settings: dict[str, Any]
    varying: dict[str, list[Any]]
    estimates: dict[str, GroupEstimates]
    curves: dict[str, GroupCurve]
    profile: ProfileCurve | None = None
    optimality_gap: IntervalEstimate | None = None
    target: Reached | None = None
    settings_unknown: int = 0
    imported: int = 0


class RunsNeeded(msgspec.Struct, frozen=True):
    """Number of additional runs per group that would show the difference if it is the observed one.

    `needed` is `None` if more than 200 runs are needed. `chance` is the power with that many more runs if the
    uncertainty of the observed difference is taken into account.

    Attributes:
        needed: Number of additional runs per group.
        chance: Power with that many more runs, 0 to 1.
    """

    needed: int | None
    chance: float | None


class Equivalent(msgspec.Struct, frozen=True):
    """Result of testing whether two groups are the same within a margin.

    Attributes:
        verdict: Verdict of the test.
        margin: Margin, in units of the metric.
        interval: Interval of the difference that the test uses.
        p_value: p-value of a difference that reaches the margin.
    """

    verdict: str
    margin: float
    interval: IntervalEstimate
    p_value: float | None


class SequentialResult(msgspec.Struct, frozen=True):
    """Result of the sequential test: evidence and an interval that hold however often the comparison is repeated.

    Attributes:
        verdict: Verdict of the test.
        e_value: e-value against no difference; a larger value is stronger evidence.
        interval: Difference, with an interval that holds at any time.
    """

    verdict: str
    e_value: float
    interval: IntervalEstimate


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """Comparison of one group with a baseline group.

    Attributes:
        group: Name of the group.
        baseline: Name of the baseline group.
        task: Task of this comparison. Empty for all tasks that both groups share.
        verdict: better, worse, different (if no direction is better), the same, no difference shown, not enough runs or
            not comparable.
        runs: Number of runs with an outcome, in the group and in the baseline.
        difference: Mean outcome of the group minus mean outcome of the baseline.
        relative: Difference relative to the mean of the baseline. `None` if a ratio has no meaning.
        p_value: Two-sided p-value of no difference.
        adjusted_p: p-value adjusted for all comparisons (Holm).
        false_discovery_p: p-value adjusted for the false discovery rate (Benjamini and Hochberg).
        method: Name of the test.
        effect: Effect size (Hedges' g).
        improvement: Probability that a run of the group is better than a run of the baseline. Runs without an outcome
            lose.
        equivalence: Result of the equivalence test. `None` without a margin.
        sequential: Result of the sequential test, for repeated comparisons while runs are added. One task only.
        more_runs: Number of additional runs needed. `None` if a difference is shown.
        target_p: p-value of no difference in the time to target (log-rank test).
        sentences: Conclusions and their limits.
    """

    group: str
    baseline: str
    task: str
    verdict: Verdict
    runs: tuple[int, int]
    difference: IntervalEstimate
    relative: float | None
    p_value: float | None
    adjusted_p: float | None
    false_discovery_p: float | None
    method: str
    effect: IntervalEstimate
    improvement: IntervalEstimate
    equivalence: Equivalent | None
    sequential: SequentialResult | None
    more_runs: RunsNeeded | None
    target_p: float | None
    sentences: list[str]


class PairedItems(msgspec.Struct, frozen=True, kw_only=True):
    """Last evaluations of two groups compared item by item, each item averaged over the runs of a group.

    The unit is the item: the conclusions hold for more items and for these runs.

    Attributes:
        group: Name of the group.
        baseline: Name of the baseline group.
        metric: Compared metric of the items.
        category: Category of the items. Empty for all.
        verdict: Verdict of the comparison.
        items: Number of items compared.
        unshared: Number of items that only one of the two has.
        difference: Mean of the differences.
        improved: Share of items on which the group is better.
        p_value: p-value of no difference.
    """

    group: str
    baseline: str
    metric: str
    category: str
    verdict: str
    items: int
    unshared: int
    difference: IntervalEstimate
    improved: IntervalEstimate
    p_value: float | None


class SettingInfluence(msgspec.Struct, frozen=True, kw_only=True):
    """Effect of one setting on the outcome, over all runs.

    Attributes:
        name: Name of the setting.
        matters: Whether the effect is significant.
        share: Share of the variance between runs that the setting explains, 0 to 1.
        best: Value with the best mean outcome.
        worst: Value with the worst mean outcome.
        difference: Difference between these two means.
        p_value: p-value of no effect.
        adjusted_p: p-value adjusted for all settings.
    """

    name: str
    matters: bool
    share: float
    best: Any
    worst: Any
    difference: IntervalEstimate
    p_value: float
    adjusted_p: float


class SettingsEffect(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with an effect on the outcome, over all runs that count.

    Attributes:
        verdict: Whether any setting has an effect.
        runs: Number of runs.
        influences: Effect of each setting.
        interactions: Pairs of settings whose effects depend on each other.
        advice: Advice, a sentence each.
    """

    verdict: str
    runs: int
    influences: list[SettingInfluence]
    interactions: list[tuple[str, str]]
    advice: list[str]


class Refusal(msgspec.Struct, frozen=True):
    """A folder that could not be opened.

    Attributes:
        path: Path of the folder or file.
        reason: Why it could not be opened.
    """

    path: str
    reason: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Comparison of groups of runs.

    Attributes:
        metric: Compared metric as `stream.field`.
        higher_is_better: Whether higher is better. `None` if no direction is better.
        statistic: `final` (mean over the last tenth), `area` (mean over all of it) or `best` (best block mean).
        axis: Axis along which runs are aligned.
        horizons: End of the comparison on the axis, for each task. Later records are ignored.
        level: Significance level of every test. Intervals have confidence `1 - level`.
        target: Mean of the metric that `steps_to_target` refers to.
        groups: The groups, the baseline first.
        comparisons: Comparison of each group with the baseline, or of every pair.
        runs: Outcome of each run.
        differences: Settings that differ between groups, by setting and group.
        paired: Evaluations compared item by item.
        settings: Effects of settings, if runs of many configurations are compared.
        notes: The rules that applied to these runs, a sentence each.
        refused: Folders that could not be opened.
        limits: Caveats and the scope of the conclusions, a sentence each.
    """

    metric: str
    higher_is_better: bool | None
    statistic: Statistic
    axis: Axis
    horizons: dict[str, float]
    level: float
    target: float | None
    groups: list[RunGroup]
    comparisons: list[Versus]
    runs: list[RunOutcome]
    differences: dict[str, dict[str, Any]]
    paired: list[PairedItems]
    settings: SettingsEffect | None
    notes: list[str]
    refused: list[Refusal]
    limits: list[str] = []

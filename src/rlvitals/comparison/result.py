"""What a comparison comes to: one tree of plain values, for the command line, the dashboard and the report."""

from typing import Any, Literal

import msgspec

Statistic = Literal["final", "area", "best"]
Axis = Literal["env_step", "episode", "update", "time"]
Standing = Literal["counted", "counts as worst", "left out"]
Verdict = Literal[
    "better", "worse", "different", "the same", "no difference shown", "not enough runs", "not comparable"
]


class IntervalEstimate(msgspec.Struct, frozen=True):
    """An estimate and its 95 % interval; `None` where there is none."""

    estimate: float | None
    low: float | None
    high: float | None


class Repeat(msgspec.Struct, frozen=True):
    """Another run that a run is over again, and the sign of it.

    Attributes:
        of: Its name in this comparison.
        by: `records`: they hold the same ones; `seed`: seed, settings and outcome are the same; `values`: all numbers
            are.
    """

    of: str
    by: Literal["records", "seed", "values"]


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to.

    Attributes:
        run: Its name in this comparison.
        path: Its folder.
        group: The group that it is in.
        task: Its environment, as its configuration names it; empty where it does not.
        seed: As its configuration names it.
        status: running, completed, failed, preempted, crashed, ...
        standing: Whether it counts: `counted`; `counts as worst` in ranks, and not in means: it ended without an
            outcome; `left out`: it is still running, does not have the metric, or is another run over again.
        reason: Why it is not simply counted; empty if it is.
        reached: How far along the axis it came.
        values: Its values of the metric.
        not_finite: Values that are NaN or infinite, which are left out.
        outcomes: `final`, `area` and `best`; what it does not have is left out.
        steps_to_target: Where its mean first was at the target; `None` if it never was, or none is asked for.
        repeats: The run that it counts with; `None` if it is a run of its own.
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
    """What the runs of a group come to, over all its tasks.

    Attributes:
        mean: Of the outcomes of its runs (the mean over tasks of each task's mean).
        median: Of the outcomes; one task only.
        iqm: Interquartile mean over all runs of all tasks.
        lowest: The lowest outcome.
        highest: The highest.
        spread: Standard deviation from run to run; one task only.
    """

    mean: IntervalEstimate
    median: IntervalEstimate
    iqm: IntervalEstimate
    lowest: float | None
    highest: float | None
    spread: float | None


class GroupCurve(msgspec.Struct, frozen=True, kw_only=True):
    """A learning curve of a group: at each place the mean over the runs that measured something there.

    Attributes:
        places: Upper ends of the blocks of the axis.
        mean: Mean over runs of each run's mean in the block; `None` where no run measured anything.
        low: Lower end of its 95 % interval, at each place for itself; `None` below 2 runs.
        high: Upper end.
        contributing: Runs that measured something in the block.
    """

    places: list[float]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    contributing: list[int]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How soon a group's runs reach the target. Runs that did not are censored: counted as still on their way.

    Attributes:
        runs: Runs that count.
        reached: Those that reached it.
        median: Place by which half had reached it; `None` where fewer than half did.
        restricted_mean: Mean place, those that never reached it taken at the horizon.
    """

    runs: int
    reached: int
    median: float | None
    restricted_mean: IntervalEstimate


class ProfileCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Share of a group's runs whose outcome is above each threshold, with a 95 % interval at each for itself."""

    thresholds: list[float]
    shares: list[float]
    low: list[float]
    high: list[float]


class RunGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that count as repetitions of one experiment.

    Attributes:
        name: What it is called.
        runs: Runs in it.
        counted: Runs with an outcome.
        worst: Runs that ended without one, and count as worst in ranks.
        left_out: Runs that do not count.
        tasks: The environments of its runs.
        settings: Settings, versions and commit that differ from other groups; `None` where they are unknown.
        varying: Settings, other than the seed, that differ among its own runs, with their values.
        estimates: For `final`, `area` and `best`.
        curves: Its learning curve on each task.
        profile: Of the statistic that is compared.
        optimality_gap: Mean shortfall to 1 of normalised outcomes; `None` without references.
        target: How soon it reaches the target; `None` where none is given.
        settings_unknown: Runs that recorded no settings: whether they repeat the others' experiment is not known.
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


class RunsNeeded(msgspec.Struct, frozen=True):
    """How many further runs of each group would show the difference if it is the one seen; `None`: more than 200.

    `chance` is that of showing it with so many more, with all that the runs at hand leave open.
    """

    needed: int | None
    chance: float | None


class Equivalent(msgspec.Struct, frozen=True):
    """Whether two groups are the same within a margin."""

    verdict: str
    margin: float
    interval: IntervalEstimate
    p_value: float | None


class SequentialResult(msgspec.Struct, frozen=True):
    """What may be said however often one has looked before: evidence, and an interval that holds at all looks."""

    verdict: str
    e_value: float
    interval: IntervalEstimate


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """One group against another.

    Attributes:
        group: The group that is judged.
        baseline: What it is held against.
        task: On which task; empty for all that they share.
        verdict: better, worse (different: neither way is better), the same, no difference shown, not enough runs,
            not comparable.
        runs: Runs with an outcome, of the group and of the baseline.
        difference: Mean outcome of the group less that of the baseline.
        relative: The difference over the size of the baseline's mean; `None` where that has no meaning.
        p_value: Two-sided, of no difference.
        adjusted_p: With all comparisons made taken into account (Holm).
        false_discovery_p: The same, keeping the share of false ones (Benjamini and Hochberg).
        method: How it was tested.
        effect: Hedges' g.
        improvement: Chance that a run of the group is better than one of the baseline; runs without an outcome lose.
        equivalence: Where a margin was given.
        sequential: For those who look again as runs are added; one task only.
        more_runs: What further runs would bring, where no difference is shown.
        target_p: Of no difference in the way to the target (log-rank).
        sentences: What may be concluded, and what not.
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
    """Two groups' last evaluations, item by item: each item's mean over a group's runs.

    The unit is the item: what is concluded holds for further items, and for these runs.
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
    """What one hyper-parameter does to the outcome, over all runs."""

    name: str
    matters: bool
    share: float
    best: Any
    worst: Any
    difference: IntervalEstimate
    p_value: float
    adjusted_p: float


class SettingsEffect(msgspec.Struct, frozen=True, kw_only=True):
    """Which hyper-parameters matter, over all runs that count."""

    verdict: str
    runs: int
    influences: list[SettingInfluence]
    interactions: list[tuple[str, str]]
    advice: list[str]


class Refusal(msgspec.Struct, frozen=True):
    """A folder that could not be opened."""

    path: str
    reason: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Groups of runs held against each other.

    Attributes:
        metric: What was compared, `stream.field`.
        higher_is_better: Which way is better; `None` if neither.
        statistic: `final` (mean over the last tenth), `area` (mean over all of it) or `best` (best hundredth).
        axis: What runs are brought together by.
        horizons: Where on it they are compared, for each task; what comes behind is not looked at.
        level: Of every test; intervals have confidence `1 - level`.
        target: What `steps_to_target` means.
        groups: The groups, the baseline first.
        comparisons: Each group against the baseline (or each pair).
        runs: What each run came to.
        differences: Settings that differ between groups, by name and group.
        paired: Evaluations on the same items.
        settings: Which hyper-parameters matter, where runs of many configurations are compared.
        notes: The rules that were applied to these runs, each a sentence.
        refused: Folders that could not be opened.
        limits: What may not be concluded, and what every conclusion is bound to; each a sentence.
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

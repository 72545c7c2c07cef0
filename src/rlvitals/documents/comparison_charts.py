"""Charts of a comparison: learning curves, differences, performance profiles, and runs as dots."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from rlvitals.comparison import Comparison, IntervalEstimate, RunGroup, RunOutcome, Versus
from rlvitals.comparison.group_estimates import mean_on
from rlvitals.comparison.result import GroupCurve, SettingInfluence
from rlvitals.comparison.wording import AXIS_WORDS, cut, outcome_phrase, signed
from rlvitals.documents import axis_limits
from rlvitals.documents.charts import (
    GROUPS,
    Band,
    Chart,
    CurveChart,
    Estimate,
    IntervalChart,
    Line,
    ReferenceLine,
    Strip,
    Strips,
)
from rlvitals.formatting import count, number, percent
from rlvitals.records.metrics import metric_named
from rlvitals.summary.tones import TONES

MOST_TASKS = 8
"""Maximum number of environments with charts."""
MOST_SMALL = 18
"""Maximum number of groups with a separate learning curve, if one chart cannot hold all groups."""
MOST_ROWS = 40
"""Maximum number of rows of a chart of differences, runs or settings."""

_MOST_DOTS = 150
_LETTERS, _LEAST = 36, 12
"""Approximate width of a row label in characters, and the minimum for the group name."""


def kinds_of(groups: Sequence[RunGroup]) -> dict[str, str]:
    """Return the colour of each group, the same in all charts. With too many groups, only the baseline is distinct."""
    if len(groups) <= len(GROUPS):
        return {group.name: kind for group, kind in zip(groups, GROUPS, strict=False)}
    return {group.name: GROUPS[0] if at else GROUPS[1] for at, group in enumerate(groups)}


def learning_curves(found: Comparison) -> tuple[tuple[CurveChart, ...], bool]:
    """Make the learning curves on each task: all groups in one chart, or each group with the baseline.

    Args:
        found: The comparison.

    Returns:
        The charts, and whether each of them holds all groups.
    """
    together = len(found.groups) <= len(GROUPS)
    charts: list[CurveChart] = []
    for task in list(found.horizons)[:MOST_TASKS]:
        here = [group for group in found.groups if task in group.curves and _has_course(group.curves[task])]
        if not here:
            continue
        at = list(found.horizons).index(task)
        if together:
            kinds = kinds_of(found.groups)
            title = f"Learning curves{f', {task}' if task else ''}"
            charts.append(_learning(found, task, here, [kinds[group.name] for group in here], title, f"learning_{at}"))
            continue
        first, others = here[0], here[1 : 1 + max(1, MOST_SMALL // max(1, len(found.horizons)))]
        # Use one scale, except for groups that would flatten all other curves.
        far = _far_out(task, others)
        limits = axis_limits.of_curves([group.curves[task] for group in (first, *others) if group.name not in far])
        for place, group in enumerate(others):
            title = f"{group.name}{f' on {task}' if len(found.horizons) > 1 else ''}"
            key = f"learning_{at}_{place}"
            pair, kinds_here = [first, group], [GROUPS[1], GROUPS[0]]
            charts.append(_learning(found, task, pair, kinds_here, title, key, None if group.name in far else limits))
    return tuple(charts), together


def differences(found: Comparison, shown: Sequence[Versus]) -> IntervalChart | None:
    """Make the chart of each comparison's difference with its interval, around zero.

    Args:
        found: The comparison.
        shown: Comparisons that the report lists.
    """
    tasks = len({one.task for one in found.comparisons}) > 1
    known = [one for one in shown if one.difference.estimate is not None][:MOST_ROWS]
    if not known:
        return None
    baselines = len({one.baseline for one in found.comparisons}) > 1
    names = [f"{one.group}{f' - {one.baseline}' if baselines else ''}" for one in known]
    rows = tuple(
        _difference(_labelled(name, one.task if tasks else ""), one.difference, TONES[one.verdict])
        for name, one in zip(names, known, strict=True)
    )
    title = "Difference in means" if baselines else f"Difference from {cut(found.comparisons[0].baseline)}"
    ranks = "; if runs count as worst, the verdict compares ranks and the difference excludes these runs"
    note = f"{outcome_phrase(found.statistic, found.metric)}, with {percent(1 - found.level, 3)} intervals"
    note += ranks if any(group.worst for group in found.groups) else ""
    return IntervalChart(
        "differences",
        title,
        metric_named(found.metric).phrase,
        rows,
        axis_limits.around_zero([one.difference for one in known]),
        zero=0.0,
        note=note,
    )


def influences(found: Sequence[SettingInfluence]) -> IntervalChart | None:
    """Make the chart of the effect of each setting: the difference between its best and its worst value.

    Args:
        found: Effects of the settings.
    """
    known = [one for one in found if one.difference.estimate is not None][:MOST_ROWS]
    if not known:
        return None
    rows = tuple(_difference(one.name, one.difference, "good" if one.matters else "quiet") for one in known)
    limits = axis_limits.around_zero([one.difference for one in known])
    return IntervalChart(
        "influences", "Effect of each setting: best minus worst value", "difference", rows, limits, zero=0.0
    )


def profiles(found: Comparison) -> tuple[CurveChart, ...]:
    """Make the performance profiles: the share of each group's runs that are better than each value.

    All groups are in one chart, or each group is drawn with the baseline.

    Args:
        found: The comparison.
    """
    # The profile of a single run is a step with an interval over the whole chart.
    known = [group for group in found.groups if group.profile is not None and group.counted + group.worst > 1]
    if len(found.groups) <= len(GROUPS):
        kinds = kinds_of(found.groups)
        drawn = [_profile(found, known, [kinds[group.name] for group in known], "Performance profiles", "profiles")]
        return tuple(drawn if known else ())
    return tuple(
        _profile(found, [known[0], group], [GROUPS[1], GROUPS[0]], group.name, f"profiles_{place}")
        for place, group in enumerate(known[1 : 1 + MOST_SMALL])
    )


def dots(found: Comparison) -> Iterator[Chart]:
    """Yield a chart for each task with the runs that count as dots, by group."""
    tasks = list(found.horizons)[:MOST_TASKS]
    kinds = kinds_of(found.groups)
    by_group: dict[tuple[str, str], list[RunOutcome]] = {}
    for one in found.runs:
        by_group.setdefault((one.group, one.task), []).append(one)
    for at, task in enumerate(tasks):
        here = [group for group in found.groups if (group.name, task) in by_group][:MOST_ROWS]
        rows = tuple(_strip(found, group, by_group[group.name, task], kinds[group.name], task) for group in here)
        if rows:
            yield Strips(
                key=f"runs_{at}",
                title=f"Runs{f', {task}' if task else ''}",
                axis=metric_named(found.metric).phrase,
                rows=rows,
                limits=axis_limits.of_groups([(row.values, row.mean) for row in rows]),
                worst_is_high=found.higher_is_better is False,
                zero=found.target,
                note="one dot per run; tick: mean, shaded: its 95 % interval, red cross: counts as worst",
            )


def _strip(found: Comparison, group: RunGroup, outcomes: Sequence[RunOutcome], kind: str, task: str) -> Strip:
    every = [(one.outcomes[found.statistic], one.run) for one in outcomes if found.statistic in one.outcomes]
    known = sorted((one for one in every if np.isfinite(one[0])), key=lambda one: one[0])
    lost = [one.run for one in outcomes if one.standing == "counts as worst"]
    # If there are too many, draw an evenly spaced selection that includes the smallest and the largest.
    shown = [
        known[at] for at in sorted({round(at) for at in np.linspace(0, len(known) - 1, min(len(known), _MOST_DOTS))})
    ]
    text = f"n = {count(len(every))}{f' + {count(len(lost))}' if lost else ''}"
    mean = mean_on(found, group, outcomes, task)
    return Strip(
        group.name,
        kind,
        tuple(value for value, _ in shown),
        tuple(name for _, name in shown),
        tuple(lost[:10]),
        (mean.estimate, mean.low, mean.high),
        text if len(shown) == len(every) else f"{text}, {len(shown)} drawn",
    )


def _profile(found: Comparison, groups: Sequence[RunGroup], kinds: Sequence[str], title: str, key: str) -> CurveChart:
    lines: list[Line] = []
    bands: list[Band] = []
    for group, kind in zip(groups, kinds, strict=True):
        if group.profile is not None:
            x, shares, low, high = map(np.array, msgspec.structs.astuple(group.profile))
            lines.append(Line(x, shares, kind, group.name))
            bands.append(Band(x, low, high, "" if bands else "95 % interval", kind))
    return CurveChart(
        key=key,
        title=title,
        unit="share of runs that are better",
        clock=cut(metric_named(found.metric).phrase, 30),
        lines=tuple(lines),
        bands=tuple(bands),
        limits=(0.0, 1.0),
        whole=True,
    )


def _far_out(task: str, groups: Sequence[RunGroup]) -> set[str]:
    """Return the groups whose curves on a task reach far beyond the other curves."""
    tops = {
        group.name: float(np.max(np.abs(known)))
        for group in groups
        if (known := [value for value in group.curves[task].mean if value is not None])
    }
    return {name for name, far in zip(tops, axis_limits.is_far(list(tops.values())), strict=True) if far}


def _has_course(curve: GroupCurve) -> bool:
    return sum(runs > 0 for runs in curve.contributing) > 1


def _learning(
    found: Comparison,
    task: str,
    groups: Sequence[RunGroup],
    kinds: Sequence[str],
    title: str,
    key: str,
    limits: tuple[float, float] | None = None,
) -> CurveChart:
    lines: list[Line] = []
    bands: list[Band] = []
    below: list[Line] = []
    for group, kind in zip(groups, kinds, strict=True):
        columns = msgspec.structs.astuple(group.curves[task])
        x, mean, low, high, runs = (np.array(column, dtype=np.float64) for column in columns)
        lines.append(Line(x, mean, kind, group.name))
        bands.append(Band(x, low, high, "" if bands else "95 % interval, at each place", kind))
        below.append(Line(x, runs, kind, group.name))
    scale = "on a separate scale" if limits is None and len(found.groups) > len(GROUPS) else ""
    least, most = limits or axis_limits.of_curves([group.curves[task] for group in groups])
    outside = any(bool(((band.low < least) | (band.high > most)).any()) for band in bands)
    target = (ReferenceLine(found.target, f"target {number(found.target)}"),) if found.target is not None else ()
    return CurveChart(
        key=key,
        title=title,
        unit=metric_named(found.metric).phrase,
        clock={"env_step": "step", "time": "seconds"}.get(found.axis, found.axis),
        lines=tuple(lines),
        bands=tuple(bands),
        levels=target,
        limits=(least, most),
        whole=True,
        note="; ".join([*([scale] if scale else []), *(["intervals reach beyond"] if outside else [])]),
        about=f"Mean over runs by {AXIS_WORDS[found.axis]}, and the number of runs.",
        below=tuple(below),
    )


def _labelled(name: str, task: str) -> str:
    """Return a row label, with the name of the group shortened so that the environment stays readable."""
    return f"{cut(name, max(_LEAST, _LETTERS - len(task)))}, {task}" if task else name


def _difference(label: str, found: IntervalEstimate, tone: str) -> Estimate:
    ends = "" if found.low is None or found.high is None else f" ({signed(found.low)} to {signed(found.high)})"
    return Estimate(label, found.estimate, found.low, found.high, f"{signed(found.estimate)}{ends}", tone)

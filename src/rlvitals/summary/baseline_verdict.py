"""What the comparisons with baselines mean, in words."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rlvitals.diagnosis import Diagnosis, Finding
from rlvitals.diagnosis.baseline_comparisons import BaselineComparison, deciding, relation_to, shown_worse, unbeaten
from rlvitals.formatting import count, counted, listed, number, percent
from rlvitals.records.metrics import metric_of
from rlvitals.stats.series.course import Course

METRIC_TITLES = "metric_titles"
"""Configuration entry with titles for metrics of evaluated items, such as `{"svg_bytes": "bytes"}`."""
WORSE = "below-baseline"
NOT_BETTER = "not-better-than-baseline"
AT_BOUND = "parameter-at-bound"
GAIN_STOPPED = "gain-stopped"

_DIGITS = 2
_MOST_NAMED = 3
_MOVING = {"improving": "the reward still rose", "declining": "the reward fell"}


def baseline_title(diagnosis: Diagnosis) -> tuple[str, str] | None:
    """Return tone and title of the verdict on a run that evaluated baselines.

    Returns:
        `None` if the comparisons do not decide, or if no rule reports yet that the policy has not passed a baseline.
    """
    every, codes = deciding(diagnosis.baselines), {finding.code for finding in diagnosis.findings}
    worse, level = shown_worse(every), unbeaten(every)
    if worse and WORSE in codes:
        return "watch", f"Worse than {worse[0].label}"
    if level:
        is_shown = NOT_BETTER in codes
        return ("watch", f"{relation_to(level[0]).capitalize()} {level[0].label}") if is_shown else None
    return ("good", f"Better than {_all(every)}") if every else None


def baseline_text(diagnosis: Diagnosis, configuration: Mapping[str, Any], course: Course | None) -> str:
    """Return the gain over the first baseline and what limits it, in one or two sentences. Empty without baselines.

    Args:
        diagnosis: Diagnosis of the run.
        configuration: Configuration of the run. `metric_titles` has titles for the metrics of the items.
        course: Course of the reward, if it was computed.
    """
    every = diagnosis.baselines
    if not every:
        return ""
    first = [one for one in every if one.baseline == every[0].baseline]
    text = f"{_gain_over(first, configuration)} ({first[0].sample})"
    return f"{'; '.join([_capitalised(text), *_limits(diagnosis, configuration, course)])}."


def metric_title(name: str, configuration: Mapping[str, Any]) -> str:
    """Return the title of a metric of evaluated items, in lower case."""
    titles = configuration.get(METRIC_TITLES)
    said = titles.get(name) if isinstance(titles, Mapping) else None
    return said if isinstance(said, str) and said else metric_of("episodes", name).phrase


def _gain_over(first: list[BaselineComparison], configuration: Mapping[str, Any]) -> str:
    """Describe the difference from one baseline: ratios where lower is better, otherwise differences."""
    baseline = first[0].label
    if first[0].found.verdict == "not enough items":
        return f"Too few results to compare with {baseline}"
    titles = {one.metric: metric_title(one.metric, configuration) for one in first}
    shown = [one for one in first if one.found.verdict != "no difference shown"]
    ratios = [_ratio(one, titles[one.metric]) for one in shown if _has_ratio(one)]
    rest = sorted((one for one in shown if not _has_ratio(one)), key=lambda one: one.metric == "reward")
    differences = [f"{_signed(one.found.mean.estimate)} {titles[one.metric]}" for one in rest]
    same = [titles[one.metric] for one in first if one.found.verdict == "no difference shown"]
    if not shown:
        return f"No difference from {baseline} shown"
    over = f"{listed(ratios)} than {baseline}" if ratios else f"{listed(differences)} compared with {baseline}"
    at = f" at {listed(differences)}" if ratios and differences else ""
    return f"{over}{at}{f', no difference in {listed(same)} shown' if same else ''}"


def _limits(diagnosis: Diagnosis, configuration: Mapping[str, Any], course: Course | None) -> Iterator[str]:
    """Yield what keeps the gain from being larger: baselines that are as good, parameters at a bound, no progress."""
    every = deciding(diagnosis.baselines)
    worse, level = shown_worse(every), unbeaten(every)
    found = {finding.code: finding for finding in diagnosis.findings}
    if worse:
        yield f"worse than {_named(worse, configuration)}"
    elif level:
        relation = relation_to(level[0]) if NOT_BETTER in found else "no gain shown over"
        yield f"{relation} {_named(level, configuration)}"
    elif len(every) > 1:
        yield f"better than {_all(every)}"
    if AT_BOUND in found and found[AT_BOUND].evidence:
        yield _at_bound(found[AT_BOUND])
    if GAIN_STOPPED in found:
        since = found[GAIN_STOPPED].since_step
        yield "no gain since the start" if not since else f"no gain since step {count(since)}"
    elif course is not None and course.recent.verdict in _MOVING:
        yield f"{_MOVING[course.recent.verdict]} over the last {counted(course.recent_values, 'episode')}"


def _named(comparisons: list[BaselineComparison], configuration: Mapping[str, Any]) -> str:
    """Name the strongest baseline with the difference from it, and count the others."""
    first, more = comparisons[0], len(comparisons) - 1
    low, high = (_signed(end) for end in first.found.mean[1:])
    title = metric_title(first.metric, configuration)
    also = f" and {counted(more, 'other baseline')}" if more else ""
    return f"{first.label} ({title} {_signed(first.found.mean.estimate)}, 95 %: {low} to {high}){also}"


def _all(every: list[BaselineComparison]) -> str:
    return f"all {count(len(every))} baselines" if len(every) > 1 else every[0].label


def _at_bound(finding: Finding) -> str:
    """Name the parameters at a bound, which are the entries of the evidence."""
    named = [f"`{name}`" for name in finding.evidence]
    verb, whose = ("is", "its") if len(named) == 1 else ("are", "their")
    return f"{listed(named, _MOST_NAMED)} {verb} at the end of {whose} range"


def _has_ratio(one: BaselineComparison) -> bool:
    return one.is_lower_better and math.isfinite(one.found.ratio.estimate)


def _ratio(one: BaselineComparison, title: str) -> str:
    ratio = one.found.ratio.estimate
    is_plural = title.endswith("s") and not title.endswith("ss")
    words = ("fewer", "more") if is_plural else ("lower", "higher")
    return f"{percent(abs(1.0 - ratio))} {words[ratio > 1.0]} {title}"


def _signed(difference: float) -> str:
    return f"{'+' if difference > 0 else ''}{number(difference, _DIGITS)}"


def _capitalised(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"

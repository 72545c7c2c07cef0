"""The sentences that state what a comparison of two groups shows, and its limits."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rlvitals.comparison.result import IntervalEstimate, Versus
from rlvitals.formatting import number, percent
from rlvitals.records.metrics import metric_named

AXIS_WORDS = {"env_step": "environment steps", "episode": "episodes", "update": "updates", "time": "seconds"}
"""Unit of each axis."""
STATISTIC_WORDS = {
    "final": "mean {metric} over the last tenth",
    "area": "mean {metric} over the whole training",
    "best": "best block mean of {metric}",
}


UNKNOWN = "unknown"
"""Text for a setting that a run did not record."""

_UNEQUAL = 3.0
_FEWEST = 2


_LONGEST = 60


def is_known_to_differ(values: Iterable[object]) -> bool:
    """Return whether a setting has at least two known values.

    `None` is an unknown value, which can equal any other value.

    Args:
        values: Value of each run or group. A list holds the values of the runs of a group.
    """
    every = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return len({repr(one) for one in every if one is not None}) > 1


class Said(NamedTuple):
    """Context of a comparison that its sentences need in addition to its numbers.

    Attributes:
        metric: Name of the metric.
        statistic: `final`, `area` or `best`.
        level: Significance level of the verdicts.
        comparisons: Number of comparisons made.
        without: Number of runs without an outcome, in the group and in the baseline.
        tasks: Environments of the group and of the baseline.
        normalised: Whether outcomes are normalised by reference scores.
        wider: Ratio of the standard deviation of the group's outcomes to that of the baseline's, if the smaller group
            has few runs. Otherwise 1.
    """

    metric: str
    statistic: str
    level: float
    comparisons: int
    without: tuple[int, int]
    tasks: tuple[list[str], list[str]]
    normalised: bool
    wider: float = 1.0


def outcome_phrase(statistic: str, metric: str) -> str:
    """Return the outcome of a run as a phrase, such as `mean reward over the last tenth`."""
    return STATISTIC_WORDS[statistic].format(metric=metric_named(metric).phrase)


def sentences_of(versus: Versus, said: Said) -> list[str]:
    """Return the conclusions from one comparison, the verdict first."""
    return [sentence for part in (_verdict, _failures, _future, _sweep, _again) for sentence in part(versus, said)]


def short(value: float | None) -> str:
    """Format a number for a sentence."""
    return UNKNOWN if value is None else number(value)


def p_text(value: float | None) -> str:
    """Format a p-value."""
    return number(value, 2)


def cut(text: str, most: int = _LONGEST) -> str:
    """Shorten a name to at most `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def signed(value: float | None) -> str:
    """Format a difference with its sign."""
    return ("+" if value is not None and value >= 0 else "") + short(value)


def _between(interval: IntervalEstimate, confidence: float) -> str:
    if interval.low is None:
        return "no interval: outcomes do not vary within a group"
    return f"{percent(confidence, 10)} interval {signed(interval.low)} to {signed(interval.high)}"


def _difference(versus: Versus, said: Said) -> str:
    """Describe the difference in means. It has no interval if a group has fewer than two outcomes."""
    what = outcome_phrase(said.statistic, said.metric)
    if versus.difference.estimate is None:
        return f"the difference in {what} is unknown because a group has no run with an outcome"
    differs = f"{signed(versus.difference.estimate)} in {what}"
    if versus.difference.low is None and min(versus.runs) < _FEWEST:
        return f"{differs} (no interval: a group has only one run with an outcome)"
    return f"{differs} ({_between(versus.difference, 1.0 - said.level)})"


def _verdict(versus: Versus, said: Said) -> Iterator[str]:
    mine, theirs = versus.group, versus.baseline
    what = outcome_phrase(said.statistic, said.metric)
    where = f" on {versus.task}" if versus.task and (len(said.tasks[0]) > 1 or len(said.tasks[1]) > 1) else ""
    runs = f"{versus.runs[0] + said.without[0]} + {versus.runs[1] + said.without[1]} runs"
    if versus.verdict == "not comparable":
        yield (
            f"{mine} ran in {_listed(said.tasks[0])} and {theirs} ran in {_listed(said.tasks[1])}. Values "
            f"of {metric_named(said.metric).phrase} in different environments cannot be compared."
        )
        return
    if versus.verdict == "not enough runs":
        yield (
            f"{runs} are too few to compare {mine} with {theirs}{where}: a group with fewer than 2 outcomes shows no "
            "spread between seeds, so the observed difference can be chance. Episodes of one run do not replace seeds: "
            "a test over episodes reports noise as significant in most cases. Train at least 3 seeds of each."
        )
        return
    p_value = f"p = {p_text(versus.p_value)} ({versus.method}"
    if said.comparisons > 1:
        p_value += f"; {p_text(versus.adjusted_p)} adjusted for {said.comparisons} comparisons"
    difference = _difference(versus, said)
    if versus.verdict in {"better", "worse", "different"}:
        word = "different from" if versus.verdict == "different" else f"{versus.verdict} than"
        yield f"{mine} is {word} {theirs}{where}: {difference}; {p_value}), {runs}."
    elif versus.verdict == "the same" and versus.equivalence is not None:
        yield (
            f"{mine} and {theirs} are the same{where} within {short(versus.equivalence.margin)}: "
            f"{signed(versus.difference.estimate)} in {what} "
            f"({_between(versus.equivalence.interval, 1 - 2 * said.level)})."
        )
    else:
        yield (
            f"{runs} show no difference between {mine} and {theirs}{where}: {difference}; {p_value}). This does not "
            "prove that they are the same."
        )
        if versus.equivalence is not None:
            yield f"Equivalence within {short(versus.equivalence.margin)}: {versus.equivalence.verdict}."


def _failures(versus: Versus, said: Said) -> Iterator[str]:
    if not any(said.without) or versus.verdict == "not comparable":
        return
    yield (
        f"{_count(said.without[0])} of {versus.group} and {_count(said.without[1])} of {versus.baseline} ended without "
        "an outcome. The rank test counts them as worst. The difference in means excludes them."
    )


def _future(versus: Versus, _: Said) -> Iterator[str]:
    further = versus.more_runs
    if further is None or further.chance is None:
        return
    if further.needed is None:
        yield (
            "Even 200 more runs of each group would not give a power of 80 % if the true difference is the observed "
            "one. If a difference this small does not matter, test whether the groups are the same within a margin."
        )
    else:
        plural = "run" if further.needed == 1 else "runs"
        yield (
            f"A power of 80 % takes about {further.needed} more {plural} of each group if the true difference is the "
            f"observed one. With the uncertainty of that difference, their power is {percent(further.chance)}."
        )


def _sweep(versus: Versus, said: Said) -> Iterator[str]:
    chance = versus.improvement
    if chance.estimate is None or chance.low is None or versus.verdict not in {"better", "worse"}:
        return
    yield (
        f"A run of {versus.group} is better than a run of {versus.baseline} with a probability of "
        f"{percent(chance.estimate)} (95 % interval {percent(chance.low)} to {percent(chance.high or 0.0)})."
    )
    if versus.method.startswith(("Student's t", "Welch's t")):
        yield (
            "With this few runs, the test assumes roughly normal outcomes: a permutation test has too few permutations"
            f"{' for this many comparisons' if said.comparisons > 1 else ''}."
        )
    ratio = max(said.wider, 1.0 / said.wider) if said.wider > 0.0 else math.inf
    if ratio >= _UNEQUAL and not any(said.without):
        wide, narrow = (versus.group, versus.baseline)[:: 1 if said.wider > 1.0 else -1]
        spreads = f"spread {ratio:.0f} times as widely as those" if math.isfinite(ratio) else "spread, unlike those"
        yield (
            f"The runs of {wide} {spreads} of {narrow}. With this few runs, a test of means then has more false "
            "positives than its level states (up to 15 % instead of 5 % for normal outcomes, up to 25 % for skewed "
            "ones)."
        )


def _again(versus: Versus, said: Said) -> Iterator[str]:
    seen = versus.sequential
    if seen is None or versus.verdict not in {"better", "worse", "different"} or any(said.without):
        return
    if seen.verdict == "not decided yet":
        yield (
            "If you added runs because an earlier check was inconclusive, this result does not hold yet: the "
            f"sequential test has evidence {short(seen.e_value)} and needs {1 / said.level:.0f}."
        )


def _count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs or 'no'} runs"


def _listed(names: list[str]) -> str:
    known = [name or "an unnamed environment" for name in names]
    return ", ".join(known)

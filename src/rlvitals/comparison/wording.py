"""What may be concluded, and what not, in words."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rlvitals.comparison.result import IntervalEstimate, Versus
from rlvitals.formatting import count, number, percent
from rlvitals.records.metrics import metric_named

AXIS_WORDS = {"env_step": "environment steps", "episode": "episodes", "update": "updates", "time": "seconds"}
"""What each axis counts."""
STATISTIC_WORDS = {
    "final": "the mean {metric} over the last tenth",
    "area": "the mean {metric} over the whole training",
    "best": "the best stretch of {metric}",
}


UNKNOWN = "unknown"
"""How a setting is shown that a run did not record."""

_UNEQUAL = 3.0
_FEWEST = 2


_LONGEST = 60


def is_known_to_differ(values: Iterable[object]) -> bool:
    """Whether a setting has two values; `None` is an unknown one, which may be the same as any other.

    Args:
        values: The value of each run or group; a list holds those of a group's runs.
    """
    every = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return len({repr(one) for one in every if one is not None}) > 1


class Said(NamedTuple):
    """What the words depend on beside the numbers.

    Attributes:
        metric: The metric's name.
        statistic: `final`, `area` or `best`.
        level: Of the verdicts.
        comparisons: How many were made.
        without: Runs without an outcome, of the group and of the baseline.
        tasks: Environments of the group and of the baseline.
        normalised: Whether outcomes lie between references.
        wider: How many times as widely the group's outcomes spread as the baseline's, where these are few; else 1.
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
    """What a run comes to, in a sentence: `the mean reward over the last tenth`."""
    return STATISTIC_WORDS[statistic].format(metric=metric_named(metric).phrase)


def sentences_of(versus: Versus, said: Said) -> list[str]:
    """What may be concluded from one comparison, the verdict first."""
    return [sentence for part in (_verdict, _failures, _future, _sweep, _again) for sentence in part(versus, said)]


def short(value: float | None) -> str:
    """A number in a sentence."""
    return UNKNOWN if value is None else number(value)


def p_text(value: float | None) -> str:
    """Format a p value, in a sentence or on its own."""
    return number(value, 2)


def cut(text: str, most: int = _LONGEST) -> str:
    """A name, as far as there is room for it."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def signed(value: float | None) -> str:
    """Format a difference with its sign."""
    return ("+" if value is not None and value >= 0 else "") + short(value)


def _between(interval: IntervalEstimate, confidence: float) -> str:
    if interval.low is None:
        return "without an interval: the runs of a group do not differ among themselves"
    return f"{percent(confidence, 10)} interval {signed(interval.low)} to {signed(interval.high)}"


def _difference(versus: Versus, said: Said) -> str:
    """How far the means are apart; where a group has no outcome, or one, there is less to say."""
    what = outcome_phrase(said.statistic, said.metric)
    if versus.difference.estimate is None:
        return f"by how much {what} differs is unknown, as a group has no run with an outcome"
    differs = f"{what} differs by {signed(versus.difference.estimate)}"
    if versus.difference.low is None and min(versus.runs) < _FEWEST:
        return f"{differs} (without an interval: a group has one run with an outcome)"
    return f"{differs} ({_between(versus.difference, 1.0 - said.level)})"


def _verdict(versus: Versus, said: Said) -> Iterator[str]:
    mine, theirs = versus.group, versus.baseline
    what = outcome_phrase(said.statistic, said.metric)
    where = f" on {versus.task}" if versus.task and (len(said.tasks[0]) > 1 or len(said.tasks[1]) > 1) else ""
    runs = f"{versus.runs[0] + said.without[0]} + {versus.runs[1] + said.without[1]} runs"
    if versus.verdict == "not comparable":
        yield (
            f"{mine} ran in {_listed(said.tasks[0])} and {theirs} in {_listed(said.tasks[1])}: "
            f"{metric_named(said.metric).phrase} of different environments cannot be compared, and nothing is "
            "concluded."
        )
        return
    if versus.verdict == "not enough runs":
        yield (
            f"{runs} cannot tell {mine} from {theirs}{where}: a group with fewer than 2 outcomes shows no spread "
            "between seeds, and the difference seen may be that of two seeds. Episodes of one run are no substitute: a "
            "test over them calls noise significant in most cases. Train at least 3 seeds of each."
        )
        return
    p_value = f"p = {p_text(versus.p_value)}, {versus.method}"
    if said.comparisons > 1:
        p_value += f"; {p_text(versus.adjusted_p)} with all {said.comparisons} comparisons taken into account"
    difference = _difference(versus, said)
    if versus.verdict in {"better", "worse", "different"}:
        word = "different from" if versus.verdict == "different" else f"{versus.verdict} than"
        yield f"{mine} is {word} {theirs}{where}: {difference}; {p_value}; {runs}."
    elif versus.verdict == "the same" and versus.equivalence is not None:
        yield (
            f"{mine} and {theirs} are the same{where} within {short(versus.equivalence.margin)}: {what} differs by "
            f"{signed(versus.difference.estimate)} ({_between(versus.equivalence.interval, 1 - 2 * said.level)})."
        )
    else:
        yield (
            f"{runs} cannot tell {mine} from {theirs}{where}: {difference}; {p_value}. That is no "
            "proof that they are the same."
        )
        if versus.equivalence is not None:
            yield f"Within {short(versus.equivalence.margin)}: {versus.equivalence.verdict}."


def _failures(versus: Versus, said: Said) -> Iterator[str]:
    if not any(said.without) or versus.verdict == "not comparable":
        return
    yield (
        f"{_count(said.without[0])} of {versus.group} and {_count(said.without[1])} of {versus.baseline} ended without "
        "an outcome. They are last in the test, which is of ranks; the difference of means is of the other runs alone."
    )


def _future(versus: Versus, _: Said) -> Iterator[str]:
    further = versus.more_runs
    if further is None or further.chance is None:
        return
    if further.needed is None:
        yield (
            "Not even 200 more runs of each would tell them apart with a chance of 80 % if the true difference is the "
            "one seen: if so small a difference does not matter, ask whether they are the same within a margin."
        )
    else:
        plural = "run" if further.needed == 1 else "runs"
        yield (
            f"About {further.needed} more {plural} of each would tell them apart, with a chance of 80 % if the true "
            f"difference is the one seen, and of {percent(further.chance)} with all that these runs leave open."
        )


def _sweep(versus: Versus, said: Said) -> Iterator[str]:
    chance = versus.improvement
    if chance.estimate is None or chance.low is None or versus.verdict not in {"better", "worse"}:
        return
    yield (
        f"A run of {versus.group} is better than one of {versus.baseline} with a chance of "
        f"{percent(chance.estimate)} (at least {percent(chance.low)}, "
        f"at most {percent(chance.high or 0.0)})."
    )
    if versus.method.startswith(("Student's t", "Welch's t")):
        yield (
            "So few runs are tested as if outcomes were roughly normal: with so few ways to deal them to two groups, "
            f"no permutation test can decide{' so many comparisons' if said.comparisons > 1 else ''}."
        )
    ratio = max(said.wider, 1.0 / said.wider) if said.wider > 0.0 else math.inf
    if ratio >= _UNEQUAL and not any(said.without):
        wide, narrow = (versus.group, versus.baseline)[:: 1 if said.wider > 1.0 else -1]
        spreads = f"spread {ratio:.0f} times as widely as those" if math.isfinite(ratio) else "spread, unlike those"
        yield (
            f"The runs of {wide} {spreads} of {narrow}: then a test of so few runs names a difference of means more "
            "often than it says (in place of 5 % in up to 15 % for normal outcomes, up to 25 % for skewed ones)."
        )


def _again(versus: Versus, said: Said) -> Iterator[str]:
    seen = versus.sequential
    if seen is None or versus.verdict not in {"better", "worse", "different"} or any(said.without):
        return
    if seen.verdict == "not decided yet":
        yield (
            "If you added runs because an earlier look had not decided it, this does not hold yet: the test that may "
            f"be looked at again and again has evidence {short(seen.e_value)} of the "
            f"{1 / said.level:.0f} that are needed."
        )


def _count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs or 'no'} runs"


def listed(names: Sequence[str], most: int | None = None) -> str:
    """List names in a sentence: `a, b and c`.

    Args:
        names: The names.
        most: How many are named; the others are counted: `a, b and 3 more`.
    """
    left = [] if most is None or len(names) <= most else [f"{count(len(names) - most)} more"]
    kept = [*names[:most], *left]
    return " and ".join(filter(None, (", ".join(kept[:-1]), *kept[-1:])))


def _listed(names: list[str]) -> str:
    known = [name or "an environment without a name" for name in names]
    return ", ".join(known)

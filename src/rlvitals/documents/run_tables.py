"""Tables of a run's report, with every number of the summary."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from rlvitals.comparison import IntervalEstimate
from rlvitals.documents.document import Cell, Span, Table, Toned, table_of, toned
from rlvitals.formatting import ABSENT, NOT_REPORTED, count, counted, format_value, number, percent
from rlvitals.records import Evaluation
from rlvitals.records.metrics import metric_of
from rlvitals.summary.custom_metrics import CustomMetric
from rlvitals.summary.levels import Level
from rlvitals.summary.measures import WINDOW, ChangeEstimate, Measured, Range, TrendEstimate
from rlvitals.summary.run_summary import End, RunSummary, Speed
from rlvitals.summary.successes import GroupRate, Mix, Successes

OUTCOMES = tuple(metric_of("episodes", name).short_label for name in ("reward", "quality_improvement"))
"""Titles of the last columns of every table of groups."""
_MOST_EVALUATIONS = 50
_SCREEN = 12


Ranged = Range | IntervalEstimate
"""An estimate and its interval, of a run or of a comparison."""


def levels_table(summary: RunSummary) -> Table:
    """Tabulate the level of each episode quantity: first, recent and overall. Medians are marked.

    Args:
        summary: Summary of the run.
    """
    levels = summary.overview.levels
    longest = max(level.window for level in levels.values())
    earlier = max(level.first_window for level in levels.values()) or longest
    rows: list[tuple[Cell, ...]] = []
    for name, level in levels.items():
        is_rate, found = name == "success", summary.measures.get(name)
        text = percent if is_rate else value
        rows.append(
            (
                level_label(name, level),
                text(level.first),
                text(level.center),
                interval(level, shares=is_rate),
                text(_over_all(summary, name, level)),
                value(found.convergence.best if found else None),
            )
        )
    over = "whole run" if summary.window is None else f"last {count(summary.window)}"
    titles = ("mean of", f"first {count(earlier)}", f"last {count(longest)}", "95 % interval", over, "best eighth")
    return Table(titles, tuple(rows))


def level_label(name: str, level: Level) -> str:
    """Return the title of a level, with its average if that is not the mean."""
    label = metric_of("episodes", name).label
    return label if level.median is None else f"{label} ({level.average})"


def _over_all(summary: RunSummary, name: str, level: Level) -> float | None:
    """Return the same average as that of a level, over all summarised episodes."""
    if name == "success":
        return summary.success.rate.estimate if summary.success.rate else None
    found = summary.measures.get(name)
    if found is None:
        return None
    return found.mean.estimate if level.median is None else found.median


def evaluation_table(evaluations: Sequence[Evaluation]) -> Table:
    """Tabulate the last evaluations."""
    columns: dict[str, Callable[[Evaluation], Cell]] = {
        "policy": lambda one: one.policy or "agent",
        "step": lambda one: count(one.env_step),
        "episode": lambda one: count(one.episode),
        "reward": lambda one: value(one.reward),
        "std": lambda one: value(one.reward_std),
        "quality": lambda one: value(one.quality),
        "success": lambda one: percent(one.success_rate, 3),
        "length": lambda one: value(one.length),
        "episodes": lambda one: count(one.episodes),
    }
    last = evaluations[-_MOST_EVALUATIONS:]
    sparse = columns.keys() - {"policy", "step", "reward"}
    caption = f"Last {counted(len(last), 'evaluation')}"
    return table_of(last, columns, sparse=sparse, caption=caption, folded=len(last) > _SCREEN)


def spread_table(
    measures: Mapping[str, Measured], stream: str, recent: int = WINDOW, *, values: str | None = None
) -> Table:
    """Tabulate the distribution of each quantity of a stream.

    Args:
        measures: Quantities by name.
        stream: Stream of the quantities.
        recent: Number of last values in the recent mean.
        values: Name of the records in the caption. By default, the name of the stream.
    """
    recent = min([recent, max((found.counts.total for found in measures.values()), default=recent)])
    columns: dict[str, Callable[[tuple[str, Measured]], Cell]] = {
        "": lambda row: metric_of(stream, row[0]).label,
        "mean": lambda row: value(row[1].mean.estimate),
        "std": lambda row: value(row[1].std),
        "min": lambda row: value(row[1].min),
        "5 %": lambda row: value(row[1].quantiles["0.05"]),
        "median": lambda row: value(row[1].median),
        "95 %": lambda row: value(row[1].quantiles["0.95"]),
        "max": lambda row: value(row[1].max),
        "IQM": lambda row: value(row[1].iqm),
        f"mean of last {recent}": lambda row: _recent(row[1]),
        "95 % interval": lambda row: interval(row[1].recent),
        "missing": lambda row: flagged(row[1].counts.missing, "quiet"),
        "non-finite": lambda row: flagged(row[1].counts.total - row[1].counts.finite - row[1].counts.missing, "bad"),
    }
    return table_of(measures.items(), columns, caption=f"Distribution over the {values or stream}", folded=True)


def _recent(found: Measured) -> Cell:
    """Format the recent mean, with the number of values that it ignores."""
    if not found.recent_not_finite:
        return value(found.recent.estimate)
    return Toned(f"{number(found.recent.estimate)} ({count(found.recent_not_finite)} non-finite)", "bad")


def trend_table(measures: Mapping[str, Measured], stream: str, *, values: str | None = None) -> Table:
    """Tabulate the trend, convergence and change points of each quantity of a stream.

    Args:
        measures: Quantities by name.
        stream: Stream of the quantities.
        values: Name of the records in the caption. By default, the name of the stream.
    """
    recent = max((found.recent_values for found in measures.values()), default=0)
    columns: dict[str, Callable[[tuple[str, Measured]], Cell]] = {
        "": lambda row: metric_of(stream, row[0]).label,
        "trend": lambda row: toned(row[1].trend.verdict),
        "change": lambda row: value(row[1].trend.change.estimate),
        "95 % interval": lambda row: interval(row[1].trend.change),
        "effect size (std)": lambda row: _effect_size(row[1].trend),
        f"trend of last {count(recent)}": lambda row: toned(row[1].recent_trend.verdict),
        "convergence": lambda row: toned(row[1].convergence.status),
        "since": lambda row: count(row[1].convergence.since),
        "level": lambda row: value(row[1].convergence.level.estimate),
        "change points": lambda row: _change_points(row[1].change_points),
    }
    texts = {"trend", f"trend of last {count(recent)}", "convergence", "change points"}
    caption = f"Trends over the {values or stream}; since and change points are positions in {stream}"
    return table_of(measures.items(), columns, texts=texts, caption=caption, folded=True)


def _effect_size(trend: TrendEstimate) -> Cell:
    return Toned("no noise", "quiet") if trend.is_without_noise else value(trend.effect_size, 2)


def _change_points(changes: ChangeEstimate) -> str:
    named = {"improves": changes.began, "best": changes.peak, "regresses": changes.regressed}
    return ", ".join(f"{name} at {count(at)}" for name, at in named.items() if at is not None) or ABSENT


def custom_table(metrics: Mapping[str, CustomMetric], most: int) -> Table:
    """Tabulate the first `most` custom metrics."""
    columns: dict[str, Callable[[tuple[str, CustomMetric]], Cell]] = {
        "": lambda row: row[0],
        "last": lambda row: value(row[1].last),
        "mean": lambda row: value(row[1].mean),
        "min": lambda row: value(row[1].min),
        "max": lambda row: value(row[1].max),
        "values": lambda row: count(row[1].values),
        "non-finite": lambda row: flagged(row[1].not_finite, "bad"),
    }
    return table_of(itertools.islice(metrics.items(), most), columns, sparse={"non-finite"})


def flagged(many: int, tone: str) -> Cell:
    """Format a count. A non-zero count has a tone."""
    return Toned(count(many), tone) if many else Toned(ABSENT, "quiet")


def group_table(groups: Iterable[GroupRate], title: str) -> Table:
    """Tabulate episodes by category or difficulty."""
    columns: dict[str, Callable[[GroupRate], Cell]] = {
        title: lambda group: ABSENT if group.name is None else group.name,
        "episodes": lambda group: count(group.episodes),
        "success": _of_reported,
        "95 % interval": lambda group: interval(group.rate, shares=True),
        f"mean {OUTCOMES[0]}": lambda group: value(group.reward),
        f"mean {OUTCOMES[1]}": lambda group: value(group.quality_improvement),
    }
    groups = list(groups)
    for name in dict.fromkeys(name for group in groups for name in group.objectives):
        columns[f"median {metric_of('episodes', name).short_label}"] = partial(_objective, name)
    sparse = [f"mean {outcome}" for outcome in OUTCOMES]
    return table_of(groups, columns, sparse=sparse, caption=f"By {title}, over the whole run")


def _objective(name: str, group: GroupRate) -> Cell:
    return value(group.objectives.get(name))


def end_table(summary: RunSummary) -> Table:
    """Tabulate why episodes ended, for an output without charts."""
    columns: dict[str, Callable[[End], Cell]] = {
        "termination reason": lambda end: NOT_REPORTED if end.reason is None else end.reason,
        "episodes": lambda end: count(end.episodes),
        "share": lambda end: percent(end.share),
    }
    return table_of(summary.ends, columns)


def _of_reported(group: GroupRate) -> str:
    share = percent(group.rate.estimate, 3)
    return share if group.known in {0, group.episodes} else f"{share} of {count(group.known)}"


def success_facts(found: Successes, window: int | None = None) -> Iterator[tuple[str, Cell]]:
    """List the success facts.

    Args:
        found: Successes of the run.
        window: Number of last episodes that they cover. `None` for the whole run.
    """
    if found.rate is not None:
        reported = "episodes" if found.known == found.episodes else f"that reported it, of {count(found.episodes)}"
        over = "Over the run" if window is None else f"Last {count(found.episodes)}"
        yield over, f"{rate(found.rate)}: {count(found.total)} of {count(found.known)} {reported}"
    if found.recent is not None and (window is None or found.episodes > WINDOW):
        is_whole = found.recent_known >= min(WINDOW, found.episodes)
        yield f"Last {WINDOW}{'' if is_whole else f', {count(found.recent_known)} reported'}", rate(found.recent)
    for what, mix in (("Change of the reward", found.reward_mix), ("Change of success", found.success_mix)):
        if mix is not None:
            yield what, _mix(mix)
    if found.target is not None:
        target = found.target
        when = f" after {counted(target.episodes, 'episode')}" if target.episodes is not None else ""
        held = "" if target.status != "reached" else ", and held" if target.held else ", and lost again"
        yield f"Reward {number(target.target)}", f"{target.status}{when}{held} (mean of {target.window} episodes)"


def speed_facts(speed: Speed) -> Iterator[tuple[str, str]]:
    """List the speed and the resources used."""
    memory, steps = metric_of("system", "memory"), metric_of("system", "env_steps_per_second")
    for name, metric, value in (
        ("Episode duration", metric_of("episodes", "duration"), speed.episode_seconds),
        ("Steps", steps, speed.steps_per_second),
        ("Steps, recent", steps, speed.recent_steps_per_second),
        ("Episodes", metric_of("system", "episodes_per_minute"), speed.episodes_per_minute),
        ("Memory", memory, speed.memory),
        ("Peak memory", memory, speed.memory_peak),
        ("Peak GPU memory", metric_of("system", "gpu_memory"), speed.gpu_memory_peak),
        ("CPU", metric_of("system", "cpu_percent"), speed.cpu_percent),
    ):
        if value is not None:
            yield name, format_value(metric, value, with_unit=True)


def around_zero(difference: Ranged) -> Span:
    """Draw a difference and its interval against zero."""
    value, low, high = difference.estimate, difference.low, difference.high
    ends = [abs(end) for end in (value, low, high) if end]
    limit = max((end for end in ends if math.isfinite(end)), default=1.0)
    return Span(value, low, high, limit, interval(difference))


def value(measured: float | None, digits: int = 4) -> Cell:
    """Format a measured value. A non-finite value has the tone `bad`."""
    if measured is None:
        return Toned(ABSENT, "quiet")
    text = number(measured, digits)
    return text if math.isfinite(measured) else Toned(text, "bad")


def interval(found: Ranged | Level, *, shares: bool = False) -> str:
    """Format both ends of an interval."""
    if found.low is None or found.high is None:
        return ABSENT
    if shares:
        return f"{percent(found.low, 3)} to {percent(found.high, 3)}"
    return f"{number(found.low)} to {number(found.high)}"


def within(found: Ranged, *, shares: bool = False) -> str:
    """Format an interval in brackets after its estimate. Empty if there is none."""
    ends = interval(found, shares=shares)
    return "" if ends == ABSENT else f" ({ends})"


def rate(found: Range) -> str:
    """Format a share with its interval."""
    return f"{percent(found.estimate, 3)}{within(found, shares=True)}"


def _mix(found: Mix) -> str:
    parts = [
        f"{name} {number(part.estimate, 3)}{within(part)}"
        for name, part in (("within categories", found.within), ("from the mix of categories", found.mix))
        if part.estimate is not None
    ]
    return f"{found.verdict}: {', '.join(parts)}" if parts else found.verdict

"""The tables and the curve of a run's portrait. Each is `None` where there is nothing to show."""

import math
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from rlvitals.documents.run_tables import OUTCOMES
from rlvitals.records.metrics import metric_of, panel
from rlvitals.render.terminal import BAD, LABEL, STYLES, number_text, plain_table
from rlvitals.render.terminal_text import (
    NOT_REPORTED,
    count,
    escape_control,
    format_time,
    number,
    percent,
    reported_share,
    sparkline,
)
from rlvitals.summary.history import RECENT_UPDATES, EpisodeGroup, History, Measure, MetricHistory, Stretch

_MOST_GROUPS = 12


def curve(history: History) -> Text | None:
    """The reward over the run; where it was not finite stands out."""
    points = history.curve
    if not points:
        return None
    one, many = ("a value", "values") if history.reward_source else ("an episode", "episodes")
    means = [point.mean for point in points if point.mean is not None]
    line = Text()
    heights = [math.nan if point.mean is None else point.mean for point in points]
    for block, point in zip(sparkline(heights), points, strict=True):
        line.append(block, BAD if point.not_finite else "green")
    each = round(history.rewards / len(points))
    line.append(f"\nfrom {number(min(means))} to {number(max(means))}" if means else "\nno finite reward", LABEL)
    line.append(f", a column is {count(each)} {many}" if each > 1 else f", a column is {one}", LABEL)
    bad = sum(point.not_finite for point in points)
    return line.append(f", {count(bad)} not finite", BAD) if bad else line


def stretches(history: History) -> Table | None:
    """What episodes were like at first, at last, at best and in all; or the values that stand for their rewards."""
    found = history.stretches
    if not found:
        return None
    one, many = ("value", "values") if history.reward_source else ("episode", "episodes")
    titles = {"first_tenth": "first tenth", "last_tenth": "last tenth", "whole_run": "all"}
    columns = list(found.values())
    table = plain_table("", *(titles.get(name, f"best {count(at.end - at.first)}") for name, at in found.items()))
    table.add_row(f"from {one}", *(count(stretch.first) for stretch in columns))
    table.add_row(many, *(count(stretch.end - stretch.first) for stretch in columns))
    for metric in panel("episodes", "outcome"):
        measures = [stretch.measures.get(metric.name) for stretch in columns]
        if any(measures):
            table.add_row(metric.title, *map(_mean, measures))
        if any(measures) and metric.name == "reward":
            table.add_row("  spread", *(number_text(measure.std if measure else None) for measure in measures))
        if any(measure and measure.not_finite for measure in measures):
            table.add_row("  not finite", *(_bad(measure.not_finite if measure else 0) for measure in measures))
    if any(stretch.success_reported for stretch in columns):
        table.add_row(metric_of("episodes", "success").title, *map(_success, columns))
    return table


def categories(groups: list[EpisodeGroup], episodes: int) -> Table | None:
    """What episodes were like by category."""
    return _groups("category", groups, episodes) if any(group.name is not None for group in groups) else None


def ends(groups: list[EpisodeGroup]) -> Table | None:
    """How episodes ended, where that was reported; shares are of the episodes that reported it."""
    told = [group for group in groups if group.name is not None]
    if not told:
        return None
    table = _groups("end", told, sum(group.episodes for group in told))
    silent = sum(group.episodes for group in groups if group.name is None)
    if table is not None and silent:
        table.add_row(NOT_REPORTED, count(silent))
    return table


def metrics(found: Mapping[str, MetricHistory], updates: int) -> Table | None:
    """The metrics of the policy updates."""
    if not found:
        return None
    table = plain_table("", "first", f"mean of last {min(updates, RECENT_UPDATES)}", "last", "not finite")
    for name, metric in found.items():
        bad = f"{count(metric.not_finite)}, since step {count(metric.not_finite_since)}" if metric.not_finite else "-"
        table.add_row(
            metric_of("updates", name).label,
            number_text(metric.first),
            number_text(metric.recent),
            number_text(metric.last),
            Text(bad, BAD if metric.not_finite else LABEL),
        )
    return table


def evaluations(rows: list[dict[str, Any]]) -> Table | None:
    """The last evaluations."""
    if not rows:
        return None
    table = plain_table("policy", "step", "episode", "reward", "spread", "quality", "success", "episodes")
    for row in rows:
        table.add_row(
            escape_control(row.get("policy", "agent")),
            count(row.get("env_step")),
            count(row.get("episode")),
            number_text(row.get("reward")),
            number_text(row.get("reward_std")),
            number_text(row.get("quality")),
            percent(row.get("success_rate")),
            count(row.get("episodes")),
        )
    return table


def events(rows: list[dict[str, Any]]) -> Table | None:
    """The last events and notes."""
    if not rows:
        return None
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=LABEL, no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        severity = row.get("severity", "info")
        style = STYLES.get(severity, "") if severity != "info" else ""
        said = row["message"] if severity == "info" else f"{severity}: {row['message']}"
        grid.add_row(format_time(row["time"])[:19], escape_control(row["kind"]), Text(escape_control(said), style))
    return grid


def _groups(title: str, groups: list[EpisodeGroup], episodes: int) -> Table | None:
    if not groups:
        return None
    table = plain_table(title, "episodes", "share", "success", *OUTCOMES)
    for group in groups[:_MOST_GROUPS]:
        table.add_row(
            escape_control("-" if group.name is None else group.name),
            count(group.episodes),
            percent(group.episodes / episodes),
            reported_share(group.success_rate, group.success_reported, group.episodes),
            number_text(group.reward),
            number_text(group.quality_improvement),
        )
    if len(groups) > _MOST_GROUPS:
        rest = groups[_MOST_GROUPS:]
        number_of_rest = sum(group.episodes for group in rest)
        table.add_row(f"{count(len(rest))} more", count(number_of_rest), percent(number_of_rest / episodes))
    return table


def _success(stretch: Stretch) -> str:
    return reported_share(stretch.success_rate, stretch.success_reported, stretch.end - stretch.first)


def _mean(measure: Measure | None) -> Text:
    if measure is None:
        return number_text(None)
    return number_text(math.nan if measure.mean is None else measure.mean)


def _bad(number_of: int) -> Text:
    return Text(count(number_of), BAD if number_of else LABEL)

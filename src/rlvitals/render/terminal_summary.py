"""The account of a run, drawn for a terminal."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rlvitals.documents.run_tables import OUTCOMES, interval, speed_facts
from rlvitals.records.metrics import metric_of
from rlvitals.render.terminal import BAD, LABEL, TITLE, facts_grid, number_text, plain_table, status_text
from rlvitals.render.terminal_text import (
    ABSENT,
    NOT_REPORTED,
    count,
    escape_control,
    format_any,
    number,
    percent,
    sparkline,
)
from rlvitals.summary.baselines import Paired
from rlvitals.summary.measures import WINDOW, Going, Measured, Range
from rlvitals.summary.run_summary import RunSummary
from rlvitals.summary.successes import GroupRate, Mix, Successes

_INDENT = 2
_VERDICTS = {
    "improving": "green",
    "converged": "green",
    "better": "green",
    "declining": BAD,
    "worse": BAD,
    "not enough data": LABEL,
}
_MOST_EFFECTS = 12


def print_summary(screen: Console, summary: RunSummary) -> None:
    """Print the account of a run."""
    overview, life = summary.overview, summary.overview.life
    about = f"{count(summary.episodes)} episodes, {count(summary.updates)} updates"
    steps = "" if overview.env_step is None else f", {count(overview.env_step)} steps"
    end = "" if summary.window is None else f", the last {count(summary.window)}"
    screen.print(
        Text.assemble((escape_control(life.run_id), TITLE), "  ", status_text(life.status), f"  {about}{steps}{end}")
    )
    for title, body in _sections(summary):
        if body is not None:
            screen.print()
            screen.print(Text(title, TITLE))
            screen.print(Padding.indent(body, _INDENT))


def _sections(summary: RunSummary) -> Iterator[tuple[str, RenderableType | None]]:
    source = summary.overview.reward_source
    title = f"Reward: {source}" if source else "Episodes"
    recent = summary.overview.levels["reward"].window if source else WINDOW
    yield title, _spread("episodes", summary.measures, recent)
    yield "Trends", _course("episodes", summary.measures)
    yield "Success" if summary.success.known else "Types and target", _success(summary.success)
    yield "By type", _groups(summary.success.by_category, "type")
    yield "By difficulty", _groups(summary.success.by_difficulty, "difficulty")
    yield "How episodes ended", _ends(summary)
    yield "Updates", _spread("updates", summary.metrics)
    yield "Trends", _course("updates", summary.metrics)
    yield "Speed", facts_grid(speed_facts(summary.speed))
    yield "Against baselines, item by item", _baselines(summary.baselines)
    if summary.exploration is not None:
        yield from _exploration(summary.exploration)


def _spread(stream: str, measures: Mapping[str, Measured], recent: int = WINDOW) -> Table | None:
    if not measures:
        return None
    table = plain_table(
        "", "mean", "spread", "median", "IQM", "5 % to 95 %", f"last {recent}", "95 % interval", "not said", "bad"
    )
    for name, found in measures.items():
        kinds = found.counts
        bad = kinds.nan + kinds.positive_infinity + kinds.negative_infinity
        table.add_row(
            metric_of(stream, name).label,
            number_text(found.mean.estimate),
            number_text(found.std),
            number_text(found.median),
            number_text(found.iqm),
            f"{number(found.quantiles['0.05'])} to {number(found.quantiles['0.95'])}",
            number_text(found.recent.estimate),
            _interval(found.recent),
            Text(count(kinds.missing) if kinds.missing else ABSENT, LABEL),
            Text(count(bad) if bad else ABSENT, BAD if bad else LABEL),
        )
    return table


def _course(stream: str, measures: Mapping[str, Measured]) -> Table | None:
    if not measures:
        return None
    table = plain_table(
        "",
        "trend",
        "change",
        "95 % interval",
        "effect size",
        "recent trend",
        "course",
        "since",
        "level",
        "change points",
    )
    for name, found in measures.items():
        turns = {"began": found.turns.began, "peak": found.turns.peak, "lost": found.turns.regressed}
        table.add_row(
            metric_of(stream, name).label,
            _verdict(found.going.verdict),
            number_text(found.going.change.estimate),
            _interval(found.going.change),
            _in_noise(found.going),
            _verdict(found.recent_going.verdict),
            _verdict(found.rest.status),
            count(found.rest.since),
            number_text(found.rest.level.estimate),
            Text(", ".join(f"{what} at {count(at)}" for what, at in turns.items() if at is not None) or ABSENT),
        )
    return table


def _in_noise(going: Going) -> Text:
    return Text("no noise", LABEL) if going.is_without_noise else number_text(going.in_noise, 2)


def _success(found: Successes) -> Table | None:
    facts = list(_successes(found))
    return facts_grid(facts) if facts else None


def _successes(found: Successes) -> Iterator[tuple[str, str | Text]]:
    if found.rate is not None:
        yield "rate", f"{_rate(found.rate)}: {count(found.total)} of {count(found.known)} {_reporting(found)}"
    if found.recent is not None:
        reported = (
            "" if found.recent_known >= min(WINDOW, found.episodes) else f", {count(found.recent_known)} reported"
        )
        yield f"last {WINDOW}{reported}", _rate(found.recent)
    heights = [math.nan if block.rate.estimate is None else block.rate.estimate for block in found.over_time]
    if heights:
        yield "over time", f"{sparkline(heights)}  from {percent(heights[0], 3)} to {percent(heights[-1], 3)}"
    for what, mix in (("reward", found.reward_mix), ("success", found.success_mix)):
        if mix is not None:
            yield f"{what} and types", _mix(mix)
    if found.target is not None:
        target = found.target
        when = f" after {count(target.episodes)} episodes" if target.episodes is not None else ""
        held = "" if target.status != "reached" else ", and held" if target.held else ", and lost again"
        yield f"reward {number(target.target)}", f"{target.status}{when}{held} (mean of {target.window})"


def _reporting(found: Successes) -> str:
    return "episodes" if found.known == found.episodes else f"that reported it, of {count(found.episodes)} episodes"


def _rate(found: Range) -> str:
    return f"{percent(found.estimate, 3)} ({_interval(found, percent=True)})"


def _mix(found: Mix) -> str:
    parts = [
        f"{name} {number(part.estimate, 3)} ({_interval(part).plain})"
        for name, part in (("by skill", found.within), ("by the mix", found.mix))
        if part.estimate is not None
    ]
    return f"{found.verdict}: {', '.join(parts)}" if parts else found.verdict


def _groups(groups: list[GroupRate], title: str) -> Table | None:
    if not groups:
        return None
    table = plain_table(title, "episodes", "success", "95 % interval", *OUTCOMES)
    for group in groups:
        table.add_row(
            escape_control(ABSENT if group.name is None else group.name),
            count(group.episodes),
            _of_reported(group),
            _interval(group.rate, percent=True),
            number_text(group.reward),
            number_text(group.quality_improvement),
        )
    return table


def _of_reported(group: GroupRate) -> str:
    said = percent(group.rate.estimate, 3)
    return said if group.known in {0, group.episodes} else f"{said} of {count(group.known)}"


def _ends(summary: RunSummary) -> Table | None:
    if not summary.ends:
        return None
    table = plain_table("reason", "episodes", "share")
    for end in summary.ends:
        table.add_row(
            escape_control(NOT_REPORTED if end.reason is None else end.reason), count(end.episodes), percent(end.share)
        )
    return table


def _baselines(found: list[Paired]) -> Table | None:
    if not found:
        return None
    table = plain_table("metric", "against", "verdict", "difference", "95 % interval", "items better", "items", "p")
    for pair in found:
        table.add_row(
            escape_control(pair.metric),
            escape_control(pair.baseline),
            _verdict(pair.verdict),
            number_text(pair.difference.estimate),
            _interval(pair.difference),
            percent(pair.improved.estimate, 3),
            count(pair.items),
            number_text(pair.p_value, 2),
        )
    return table


def _exploration(found: Mapping[str, Any]) -> Iterator[tuple[str, RenderableType | None]]:
    tried = found["combinations"]
    table = plain_table("parameter", "tried from", "to", "covered", "values", "at a bound", "over time")
    narrowing = {entry["name"]: entry["verdict"] for entry in found["narrowing"]}
    bounds = {entry["name"]: entry["verdict"] for entry in found["at_bounds"]}
    for entry in found["ranges"]:
        table.add_row(
            escape_control(entry["name"]),
            number_text(entry["low"]),
            number_text(entry["high"]),
            percent(entry["occupied"]),
            count(entry["distinct"]),
            _verdict(bounds.get(entry["name"], ABSENT)),
            escape_control(narrowing.get(entry["name"], ABSENT)),
        )
    yield f"Parameters: {count(tried['distinct'])} combinations in {count(tried['rows'])} episodes", table
    silent: list[str] = []
    for finding in found["findings"]:
        kind = "all types" if finding["category"] is None else finding["category"]
        outcome = metric_of("episodes", finding["outcome"]).phrase
        drivers = _drivers(finding["drivers"], finding)
        if drivers is None:
            silent.append(f"{outcome} ({kind}: {finding['drivers']['verdict']})")
        else:
            yield f"What drives {outcome}: {escape_control(kind)}", drivers
    yield "Nothing is shown to drive", Text(escape_control(", ".join(silent)), LABEL) if silent else None


def _drivers(drivers: Mapping[str, Any], finding: Mapping[str, Any]) -> Table | None:
    named = [effect for effect in drivers["effects"] if effect["drives"]]
    pairs = [pair for pair in drivers["interactions"] if pair["interacts"]]
    if not named and not pairs:
        return None
    table = plain_table("", "shape", "best at", "share", "p")
    for effect in named[:_MOST_EFFECTS]:
        table.add_row(
            escape_control(effect["name"]),
            effect["shape"],
            escape_control(format_any(effect["best"])),
            percent(effect["share"]),
            number_text(effect["adjusted_p"], 2),
        )
    for pair in pairs[:_MOST_EFFECTS]:
        table.add_row(
            escape_control(f"{pair['first']} with {pair['second']}"),
            "together",
            escape_control(", ".join(map(format_any, pair["best"]))),
            percent(pair["share"]),
            number_text(pair["adjusted_p"], 2),
        )
    where = finding["region"]["where"]
    if where and finding["region"]["verdict"] == "better":
        table.caption = escape_control(
            "best region: " + ", ".join(f"{name} {format_any(at)}" for name, at in where.items())
        )
    return table


def _interval(found: Range, *, percent: bool = False) -> Text:
    if found.low is None or found.high is None:
        return Text(ABSENT, LABEL)
    return Text(interval(found, shares=percent))


def _verdict(said: str) -> Text:
    return Text(said, BAD if said.startswith("pinned") else _VERDICTS.get(said, ""))

"""The tables of a report: every number of the summary, as cells."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from rlvitals.documents.document import Block, Cell, Prose, Span, Table, Toned
from rlvitals.formatting import ABSENT, NOT_REPORTED, count, format_any, format_value, number, percent
from rlvitals.records.metrics import metric_of
from rlvitals.summary.baselines import Paired
from rlvitals.summary.measures import WINDOW, Going, Measured, Range
from rlvitals.summary.run_summary import RunSummary, Speed
from rlvitals.summary.successes import GroupRate, Mix, Successes

_TONES = {
    "improving": "good",
    "converged": "good",
    "better": "good",
    "declining": "bad",
    "worse": "bad",
    "different": "watch",
    "the same": "neutral",
    "no difference shown": "quiet",
    "not shown to be the same": "quiet",
    "not decided yet": "quiet",
    "not the same": "watch",
    "not enough runs": "watch",
    "not comparable": "watch",
    "not enough data": "quiet",
}
OUTCOMES = tuple(metric_of("episodes", name).short_label for name in ("reward", "quality_improvement"))
"""Titles of the columns that every table of groups ends with."""
_MOST_EFFECTS = 12


class Ranged(Protocol):
    """An estimate and its interval, whoever found it."""

    @property
    def estimate(self) -> float | None:
        """The estimate."""

    @property
    def low(self) -> float | None:
        """The lower end."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def spread_table(
    measures: Mapping[str, Measured], stream: str, recent: int = WINDOW, *, values: str | None = None
) -> Table:
    """How each quantity of a stream is spread.

    Args:
        measures: The quantities.
        stream: Their stream.
        recent: How many of the last values their recent level is taken over.
        values: What the caption calls them; by default as their stream.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, found in measures.items():
        kinds = found.counts
        bad = kinds.nan + kinds.positive_infinity + kinds.negative_infinity
        rows.append(
            (
                metric_of(stream, name).label,
                value(found.mean.estimate),
                value(found.std),
                value(found.min),
                value(found.quantiles["0.05"]),
                value(found.median),
                value(found.quantiles["0.95"]),
                value(found.max),
                value(found.iqm),
                _recent(found),
                interval(found.recent),
                Toned(count(kinds.missing) if kinds.missing else ABSENT, "quiet"),
                Toned(count(bad), "bad") if bad else Toned(ABSENT, "quiet"),
            )
        )
    recent = min([recent, max((found.counts.total for found in measures.values()), default=recent)])
    titles = (
        "", "mean", "spread", "least", "5 %", "median", "95 %", "most", "IQM", f"last {recent}", "95 % interval",
        "not said", "not finite",
    )  # fmt: skip
    return Table(titles, tuple(rows), caption=f"How the {values or stream} are spread", folded=True)


def _recent(found: Measured) -> Cell:
    """The recent mean, with how many values it ignores."""
    if not found.recent_not_finite:
        return value(found.recent.estimate)
    return Toned(f"{number(found.recent.estimate)} ({count(found.recent_not_finite)} not finite)", "bad")


def course_table(measures: Mapping[str, Measured], stream: str, *, values: str | None = None) -> Table:
    """Where each quantity of a stream goes: trend, rest, turns.

    Args:
        measures: The quantities.
        stream: Their stream.
        values: What the caption calls them; by default as their stream.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, found in measures.items():
        turns = {"began": found.turns.began, "peak": found.turns.peak, "lost": found.turns.regressed}
        rows.append(
            (
                metric_of(stream, name).label,
                judged(found.going.verdict),
                value(found.going.change.estimate),
                interval(found.going.change),
                _in_noise(found.going),
                judged(found.recent_going.verdict),
                judged(found.rest.status),
                Toned(count(found.rest.since), "" if found.rest.since is not None else "quiet"),
                value(found.rest.level.estimate),
                ", ".join(f"{turn} at {count(at)}" for turn, at in turns.items() if at is not None) or ABSENT,
            )
        )
    titles = (
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
    return Table(titles, tuple(rows), texts=(0, 1, 5, 6, 9), caption=f"Trends of the {values or stream}", folded=True)


def _in_noise(going: Going) -> Cell:
    return Toned("no noise", "quiet") if going.is_without_noise else value(going.in_noise, 2)


def group_table(groups: Iterable[GroupRate], title: str) -> Table:
    """Episodes by type, or by difficulty."""
    rows = tuple(
        (
            ABSENT if group.name is None else group.name,
            count(group.episodes),
            _of_reported(group),
            interval(group.rate, shares=True),
            value(group.reward),
            value(group.quality_improvement),
        )
        for group in groups
    )
    titles = (title, "episodes", "success", "95 % interval", *OUTCOMES)
    return Table(titles, rows, caption=f"By {title}")


def end_table(summary: RunSummary) -> Table:
    """Why episodes ended."""
    rows = tuple(
        (NOT_REPORTED if end.reason is None else end.reason, count(end.episodes), percent(end.share))
        for end in summary.ends
    )
    return Table(("ended by", "episodes", "share"), rows, caption="How episodes ended")


def recent_reported(found: Successes) -> str:
    """How many of the last episodes reported success or failure, where some did not."""
    is_whole = found.recent_known >= min(WINDOW, found.episodes)
    return "" if is_whole else f", {count(found.recent_known)} reported"


def _of_reported(group: GroupRate) -> str:
    said = percent(group.rate.estimate, 3)
    return said if group.known in {0, group.episodes} else f"{said} of {count(group.known)}"


def success_facts(found: Successes, window: int | None = None) -> Iterator[tuple[str, Cell]]:
    """What there is to say of successes.

    Args:
        found: The successes.
        window: Of how many of the last episodes they are; `None` for the whole run.
    """
    if found.rate is not None:
        reported = "episodes" if found.known == found.episodes else f"that reported it, of {count(found.episodes)}"
        over = "Over the run" if window is None else f"Last {count(found.episodes)}"
        yield over, f"{rate(found.rate)}: {count(found.total)} of {count(found.known)} {reported}"
    if found.recent is not None and (window is None or found.episodes > WINDOW):
        yield f"Last {WINDOW}{recent_reported(found)}", rate(found.recent)
    for what, mix in (("Reward and types", found.reward_mix), ("Success and types", found.success_mix)):
        if mix is not None:
            yield what, _mix(mix)
    if found.target is not None:
        target = found.target
        when = f" after {count(target.episodes)} episodes" if target.episodes is not None else ""
        held = "" if target.status != "reached" else ", and held" if target.held else ", and lost again"
        yield f"Reward {number(target.target)}", f"{target.status}{when}{held} (mean of {target.window} episodes)"


def speed_facts(speed: Speed) -> Iterator[tuple[str, str]]:
    """How fast it went, and what it took."""
    memory, steps = metric_of("system", "memory"), metric_of("system", "env_steps_per_second")
    for name, metric, value in (
        ("An episode", metric_of("episodes", "duration"), speed.episode_seconds),
        ("Steps", steps, speed.steps_per_second),
        ("Lately", steps, speed.recent_steps_per_second),
        ("Episodes", metric_of("system", "episodes_per_minute"), speed.episodes_per_minute),
        ("Memory", memory, speed.memory),
        ("Memory at most", memory, speed.memory_peak),
        ("GPU memory at most", metric_of("system", "gpu_memory"), speed.gpu_memory_peak),
        ("CPU", metric_of("system", "cpu_percent"), speed.cpu_percent),
    ):
        if value is not None:
            yield name, format_value(metric, value, with_unit=True)


def baseline_table(found: Iterable[Paired]) -> Table:
    """The policy against baselines, item by item: each difference with its interval, drawn against zero."""
    rows: list[tuple[Cell, ...]] = [
        (
            pair.metric,
            pair.baseline,
            judged(pair.verdict),
            value(pair.difference.estimate),
            around_zero(pair.difference),
            interval(pair.difference),
            f"{count(pair.better)} / {count(pair.ties)} / {count(pair.worse)}",
            count(pair.items),
            value(pair.p_value, 2),
        )
        for pair in found
    ]
    titles = (
        "metric", "against", "verdict", "difference", "around zero", "95 % interval",
        "better / equal / worse", "items", "p",
    )  # fmt: skip
    return Table(titles, tuple(rows), texts=(0, 1, 2, 4), caption="The last evaluation against baselines, item by item")


def around_zero(difference: Ranged) -> Span:
    """A difference and its interval, drawn against zero."""
    value, low, high = difference.estimate, difference.low, difference.high
    ends = [abs(end) for end in (value, low, high) if end]
    limit = max((end for end in ends if math.isfinite(end)), default=1.0)
    return Span(value, low, high, limit, interval(difference))


def exploration_blocks(found: Mapping[str, Any]) -> Iterator[Block]:
    """What was tried, and what it does."""
    narrowing = {entry["name"]: entry["verdict"] for entry in found["narrowing"]}
    bounds = {entry["name"]: entry["verdict"] for entry in found["at_bounds"]}
    rows: list[tuple[Cell, ...]] = []
    for entry in found["ranges"]:
        name, at = entry["name"], bounds.get(entry["name"], ABSENT)
        rows.append(
            (
                name,
                value(_known(entry["low"])),
                value(_known(entry["high"])),
                percent(entry["occupied"]),
                count(entry["distinct"]),
                Toned(at, "bad") if at.startswith("pinned") else at,
                narrowing.get(name, ABSENT),
            )
        )
    titles = ("parameter", "from", "to", "covered", "values", "at a bound", "over time")
    tried = found["combinations"]
    caption = f"{count(tried['distinct'])} combinations in {count(tried['rows'])} episodes"
    yield Table(titles, tuple(rows), texts=(0, 5, 6), caption=caption)
    silent: list[str] = []
    for finding in found["findings"]:
        kind = "all types" if finding["category"] is None else finding["category"]
        what = f"{metric_of('episodes', finding['outcome']).title}, {kind}"
        table = _drivers(finding, what)
        if table is None:
            silent.append(f"{what} ({finding['drivers']['verdict']})")
            continue
        yield table
        region = finding["region"]
        if region["where"] and region["verdict"] == "better":
            where = ", ".join(f"{name} {format_any(at)}" for name, at in region["where"].items())
            yield Prose(f"Best region for {what}: {where}: mean {number(region['mean'])} there.")
    if silent:
        yield Prose(f"Nothing is shown to drive {'; '.join(silent)}.", "quiet")


def _drivers(finding: Mapping[str, Any], what: str) -> Table | None:
    named = [effect for effect in finding["drivers"]["effects"] if effect["drives"]]
    pairs = [pair for pair in finding["drivers"]["interactions"] if pair["interacts"]]
    if not named and not pairs:
        return None
    rows: list[tuple[Cell, ...]] = [
        (
            effect["name"],
            effect["shape"],
            format_any(effect["best"]),
            percent(effect["share"]),
            value(effect["adjusted_p"], 2),
        )
        for effect in named[:_MOST_EFFECTS]
    ]
    rows += [
        (
            f"{pair['first']} with {pair['second']}",
            "together",
            ", ".join(map(format_any, pair["best"])),
            percent(pair["share"]),
            value(pair["adjusted_p"], 2),
        )
        for pair in pairs[:_MOST_EFFECTS]
    ]
    titles = ("parameter", "shape", "best at", "explains", "p")
    return Table(titles, tuple(rows), texts=(0, 1, 2), caption=f"What drives {what[:1].lower()}{what[1:]}")


def value(said: float | None, digits: int = 4) -> Cell:
    """A measured value; what is not finite stands out."""
    if said is None:
        return Toned(ABSENT, "quiet")
    text = number(said, digits)
    return text if math.isfinite(said) else Toned(text, "bad")


def interval(found: Ranged, *, shares: bool = False) -> str:
    """Both ends of an interval."""
    if found.low is None or found.high is None:
        return ABSENT
    if shares:
        return f"{percent(found.low, 3)} to {percent(found.high, 3)}"
    return f"{number(found.low)} to {number(found.high)}"


def rate(found: Range) -> str:
    """A share with its interval."""
    return f"{percent(found.estimate, 3)} ({interval(found, shares=True)})"


def judged(said: str) -> Cell:
    """A verdict in its tone."""
    return Toned(said, _TONES[said]) if said in _TONES else said


def _mix(found: Mix) -> str:
    parts = [
        f"{name} {number(part.estimate, 3)} ({interval(part)})"
        for name, part in (("by skill", found.within), ("by the mix", found.mix))
        if part.estimate is not None
    ]
    return f"{found.verdict}: {', '.join(parts)}" if parts else found.verdict


def _known(said: float) -> float | None:
    return None if math.isnan(said) else said

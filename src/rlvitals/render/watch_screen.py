"""The vital signs on a screen: from a state and a size to what is printed, and nothing else."""

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rlvitals.diagnosis import Finding
from rlvitals.records import Evaluation, Event
from rlvitals.records.metrics import metric_of, panel
from rlvitals.render.terminal import BAD, LABEL, STYLES, TITLE, TONES, number_text, status_text
from rlvitals.render.terminal_charts import thinned
from rlvitals.render.terminal_document import colored_health
from rlvitals.render.terminal_text import (
    ABSENT,
    count,
    escape_control,
    format_age,
    format_duration,
    format_time,
    format_value,
    number,
    percent,
    sparkline,
)
from rlvitals.summary.levels import Level, level_text
from rlvitals.summary.vital_signs import VitalMetric, Vitals

_WIDE = 72
"""From so many columns on there is room for intervals and healthy ranges."""
_WIDEST = 100
_MOST_FINDINGS = 3
_MOST_EVENTS = 8
_FEWEST_EVENTS = 2
_SPARK = 60
_NARROWEST_SPARK = 8
_FIXED_WIDE, _FIXED_NARROW = 52, 34
"""Columns that a table of vital signs needs beside its curves."""
_LONGEST_BAR = 92


def drawn(vitals: Vitals, width: int, height: int | None = None, *, keys: str = "") -> RenderableType:
    """Draw the vital signs.

    Args:
        vitals: The run, as it stands.
        width: Columns of the screen.
        height: Lines of the screen: in a low one findings are short, and events as many as fit. `None` where it has no
            end.
        keys: What is said in the last line of what the keys do.
    """
    width = min(width, _WIDEST)
    above = _above(vitals, width, short=False)
    below = [Text(keys, LABEL, no_wrap=True)] if keys else []
    if height is None:
        return Group(*above, *_events(vitals, _MOST_EVENTS), *below)
    room = height - len(below) - 1
    if _tall(above, width) + _FEWEST_EVENTS > room:
        above = _above(vitals, width, short=True)
    if _tall(above, width) > room:
        above = [part for part in above if not isinstance(part, Text) or part.plain]  # without the empty lines
    return Group(*above, *_events(vitals, room - _tall(above, width) - 1), *below)


def _above(vitals: Vitals, width: int, *, short: bool) -> list[RenderableType]:
    return [
        _head(vitals, width),
        *_progress(vitals, width),
        *_verdict(vitals, width, short=short),
        *_levels(vitals, width),
        *_metrics(vitals, width),
        *([] if short else _evaluation(vitals.evaluation)),
    ]


def _head(vitals: Vitals, width: int) -> Text:
    state = vitals.state
    line = Text.assemble((escape_control(state.run_id), TITLE), "  ", status_text(state.status))
    line.append("  ").append_text(colored_health(vitals.diagnosis.health))
    if vitals.is_open:
        line.append(f"  last record {format_age(max(0.0, vitals.now - state.updated))}", LABEL)
    elif width >= _WIDE:
        ended = format_age(vitals.now - state.updated)
        line.append(f"  duration {format_duration(state.duration)}, ended {ended}", LABEL)
    return line


def _progress(vitals: Vitals, width: int) -> Iterator[RenderableType]:
    overview = vitals.overview
    if overview.progress is not None:
        long = min(width, _LONGEST_BAR)
        done = round(long * overview.progress)
        yield Text.assemble(("━" * done, STYLES["running"]), ("━" * (long - done), LABEL), no_wrap=True)
    steps = f"{count(overview.env_step)} steps"
    if overview.goal:
        steps = f"{count(overview.env_step)} of {number(overview.goal)} steps ({percent(overview.progress)})"
    parts = [steps]
    if overview.seconds_left is not None:
        parts.append(f"{format_duration(overview.seconds_left)} left")
    speed, when = (overview.recent_steps_per_second, " recently") if vitals.is_open else (overview.steps_per_second, "")
    if speed is not None:
        parts.append(f"{number(speed, 3)} steps/s{when}")
    parts += [f"{count(overview.episodes)} episodes", f"{count(overview.updates)} updates"]
    if vitals.memory is not None:
        parts.append(f"{number(vitals.memory)} MiB")
    yield Text(" · ".join(parts))
    if vitals.read_error:
        yield Text(f"cannot be read at present: {escape_control(vitals.read_error)}", BAD)
    if vitals.failure:
        yield Text(escape_control(vitals.failure), BAD)
    if vitals.state.dropped_records:
        lost = ", ".join(f"{where} {count(many)}" for where, many in vitals.state.dropped_records.items())
        yield Text(f"records lost: {escape_control(lost)}", BAD)


def _verdict(vitals: Vitals, width: int, *, short: bool) -> Iterator[RenderableType]:
    verdict, diagnosis = vitals.overview.verdict, vitals.diagnosis
    yield Text("")
    if verdict is not None and not (diagnosis.alarms and verdict.title == diagnosis.alarms[0].title):
        yield Text.assemble(
            ("● ", TONES[verdict.tone]), (escape_control(verdict.title), TITLE), f"  {escape_control(verdict.text)}"
        )
    if not diagnosis.is_judged:
        yield Text(f"Not judged yet: {escape_control(diagnosis.evidence_text)}.", LABEL)
    for finding in diagnosis.findings[:_MOST_FINDINGS]:
        yield from _finding(finding, width, short=short)
    more = len(diagnosis.findings) - _MOST_FINDINGS
    if more > 0:
        yield Text(f"and {more} more: rlvitals check {escape_control(vitals.state.run_id)}", LABEL)


def _finding(finding: Finding, width: int, *, short: bool) -> Iterator[RenderableType]:
    since = "" if finding.since_step is None else f"  since step {count(finding.since_step)}"
    yield Text.assemble(
        ("● ", STYLES.get(finding.severity, "")),
        (escape_control(finding.title), TITLE),
        (f"  {finding.severity}{since}" + (f"  {finding.code}" if width >= _WIDE else ""), LABEL),
    )
    if not short:
        yield Padding.indent(Text(escape_control(finding.cause)), 2)
        yield Padding.indent(Text.assemble(("try: ", LABEL), escape_control(finding.advice)), 2)


def _levels(vitals: Vitals, width: int) -> Iterator[RenderableType]:
    levels = vitals.overview.levels
    if not levels:
        return
    is_wide = width >= _WIDE
    recent = max(level.window for level in levels.values())
    table = _table(f"last {recent}", "now", *(["95 % interval"] if is_wide else []), "over the run")
    for name, level in levels.items():
        interval = [_interval(name, level)] if is_wide else []
        style = BAD if level.not_finite else ""
        title = metric_of("episodes", name).title
        table.add_row(title, Text(level_text(name, level), style), *interval, _curve(vitals.sparks[name], width))
    yield Text("")
    yield table


def _interval(name: str, level: Level) -> Text:
    if level.low is None or level.high is None:
        return Text(ABSENT, LABEL)
    metric = metric_of("episodes", name)
    return Text(f"{format_value(metric, level.low)} to {format_value(metric, level.high)}", LABEL)


def _metrics(vitals: Vitals, width: int) -> Iterator[RenderableType]:
    if not vitals.metrics:
        return
    is_wide = width >= _WIDE
    table = _table("last update", "now", *(["healthy"] if is_wide else []), "over the run")
    for metric in vitals.metrics:
        known = metric_of("updates", metric.name)
        healthy = [_healthy(metric)] if is_wide else []
        table.add_row(
            known.title if is_wide else known.short_label,
            _value(metric, 4 if is_wide else 3),
            *healthy,
            _curve(metric.spark, width),
        )
    yield Text("")
    yield table


def _value(metric: VitalMetric, digits: int) -> Text:
    said = number_text(metric.last, digits)
    if metric.is_healthy is False and said.style != BAD:
        said.stylize(STYLES["warning"])
    return said


def _healthy(metric: VitalMetric) -> Text:
    if metric.high is None:
        return Text(ABSENT, LABEL)
    low = "" if metric.low is None else f"{number(metric.low)} to "
    return Text(f"{low or 'at most '}{number(metric.high)}", LABEL)


def _curve(spark: tuple[float | None, ...], width: int) -> Text:
    """The curve in what room there is; stretches that hold what is not finite stand out."""
    room = width - (_FIXED_WIDE if width >= _WIDE else _FIXED_NARROW)
    line = Text(
        sparkline(thinned(spark, max(_NARROWEST_SPARK, min(_SPARK, room)))), "cyan", no_wrap=True, overflow="crop"
    )
    line.highlight_regex("!+", BAD)
    return line


def _evaluation(evaluation: Evaluation | None) -> Iterator[RenderableType]:
    if evaluation is None:
        return
    said = [
        f"{metric.short_label} {format_value(metric, value)}"
        for metric in panel("evaluations", "evaluation")
        if (value := getattr(evaluation, metric.name)) is not None
    ]
    whose = escape_control(evaluation.policy) if evaluation.policy else "agent"
    at = "" if evaluation.env_step is None else f" at step {count(evaluation.env_step)}"
    yield Text("")
    yield Text.assemble(("last evaluation  ", LABEL), f"{whose}{at}: {', '.join(said) or ABSENT}")


def _events(vitals: Vitals, room: int) -> Iterator[RenderableType]:
    shown = vitals.events[-min(_MOST_EVENTS, room) :] if room > 0 else ()
    if not shown:
        return
    yield Text("")
    for event in shown:
        yield _event(event)


def _event(event: Event) -> Text:
    line = Text.assemble((f"{format_time(event.time)[11:19]} ", LABEL), no_wrap=True, overflow="ellipsis")
    if event.severity not in {None, "info"}:
        line.append(f"{event.severity}: ", STYLES.get(str(event.severity), ""))
    return line.append(" ".join(escape_control(event.message).split()))


def _tall(parts: list[RenderableType], width: int) -> int:
    """Lines that the parts take at that width."""
    paper = Console(width=width, file=io.StringIO())
    return sum(len(paper.render_lines(part)) for part in parts)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for place, title in enumerate(titles):
        is_text = place in {0, len(titles) - 1}
        table.add_column(title, justify="left" if is_text else "right", no_wrap=True, style=LABEL if place == 0 else "")
    return table

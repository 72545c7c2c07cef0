"""The vital signs of a run as blocks, for `rlvitals watch`."""

from collections.abc import Iterator

from rlvitals.documents.document import (
    Block,
    Cell,
    Facts,
    FindingsBlock,
    Prose,
    Spark,
    Statement,
    Statements,
    Table,
    Toned,
    finding_note,
    next_text,
)
from rlvitals.documents.findings_section import dropped_blocks
from rlvitals.documents.run_tables import interval, level_label, value
from rlvitals.formatting import ABSENT, count, counted, format_duration, format_value, number, percent
from rlvitals.records import Evaluation
from rlvitals.records.metrics import metric_of, panel
from rlvitals.summary.levels import level_text
from rlvitals.summary.tones import TONES
from rlvitals.summary.vital_signs import VitalMetric, Vitals
from rlvitals.text_escaping import escape_control

_MOST_FINDINGS = 3


def status_blocks(vitals: Vitals) -> Iterator[Block]:
    """State the progress and any failure."""
    overview = vitals.overview
    goal = f" of {number(overview.goal)}" if overview.goal else ""
    done = f" ({percent(overview.progress)})" if overview.goal else ""
    when = " recently" if overview.is_open else ""
    parts = [
        "" if overview.env_step is None else f"{count(overview.env_step)}{goal} steps{done}",
        "" if overview.seconds_left is None else f"{format_duration(overview.seconds_left)} left",
        "" if overview.speed is None else f"{number(overview.speed, 3)} steps/s{when}",
        counted(overview.episodes, "episode"),
        "" if overview.updates is None else counted(overview.updates, "update"),
        "" if vitals.memory is None else f"{number(vitals.memory)} MiB",
    ]
    yield Prose(" · ".join(filter(None, parts)))
    if vitals.read_error:
        yield Prose(f"Cannot be read now: {vitals.read_error}", "bad")
    if vitals.failure and overview.verdict is None:
        yield Prose(escape_control(vitals.failure), "bad")  # on one line, whatever it contains
    yield from dropped_blocks(vitals.diagnosis.findings[:_MOST_FINDINGS], vitals.state.dropped_records)


def verdict_blocks(vitals: Vitals, *, short: bool) -> Iterator[Block]:
    """State the verdict, unless the first finding repeats it, and list the findings.

    Args:
        vitals: Vital signs of the run.
        short: Whether to list findings by title only.
    """
    verdict, diagnosis = vitals.overview.verdict, vitals.diagnosis
    findings, more = diagnosis.findings[:_MOST_FINDINGS], len(diagnosis.findings) - _MOST_FINDINGS
    if verdict is not None and not (diagnosis.alarms and verdict.title == diagnosis.alarms[0].title):
        yield Statements((Statement("Verdict", verdict.title, verdict.tone, (escape_control(verdict.text),)),))
    if not diagnosis.is_judged:
        yield Prose(f"Not judged yet: {diagnosis.evidence_text}.", "quiet")
    if findings and short:
        titles = [(one.severity, f"{one.title}, {finding_note(one, ())}") for one in findings]
        yield Facts(tuple((severity, Toned(text, TONES[severity])) for severity, text in titles))
        yield Prose(next_text(verdict) if verdict is not None else "")
    elif findings:
        yield FindingsBlock(findings, diagnosis.health.deductions, brief=True)
    if more > 0:
        yield Prose(f"and {more} more: run `rlvitals check {vitals.state.run_id}`", "quiet")


def number_blocks(vitals: Vitals) -> Iterator[Table]:
    """Tabulate the recent levels of the episodes and the metrics of the last update, with their curves."""
    levels = vitals.overview.levels
    if levels:
        rows = tuple(
            (
                level_label(name, level) if level.median is not None else metric_of("episodes", name).title,
                Toned(level_text(name, level), "bad" if level.not_finite else ""),
                interval(level, shares=name == "success"),
                Spark(vitals.sparks[name]),
            )
            for name, level in levels.items()
        )
        recent = max(level.window for level in levels.values())
        titles = (f"last {recent}", "now", "95 % interval", "over the run")
        yield Table(titles, rows, texts=(0, 3), spare=frozenset({"95 % interval"}))
    if vitals.metrics:
        metrics = tuple((metric_of("updates", one.name).title, *_now(one), Spark(one.spark)) for one in vitals.metrics)
        titles = ("last update", "now", "healthy", "over the run")
        yield Table(titles, metrics, texts=(0, 3), spare=frozenset({"healthy"}))


def evaluation_blocks(evaluation: Evaluation | None) -> Iterator[Facts]:
    """State the last evaluation on one line."""
    if evaluation is not None:
        said = [
            f"{metric.short_label} {format_value(metric, value)}"
            for metric in panel("evaluations", "evaluation")
            if (value := getattr(evaluation, metric.name)) is not None
        ]
        at = "" if evaluation.env_step is None else f" at step {count(evaluation.env_step)}"
        yield Facts((("last evaluation", f"{evaluation.policy or 'agent'}{at}: {', '.join(said) or ABSENT}"),))


def _now(metric: VitalMetric) -> tuple[Cell, Cell]:
    """Format the last value and the healthy range."""
    if metric.low is None or metric.high is None:
        return value(metric.last), ABSENT
    last = Toned(number(metric.last), "watch") if metric.is_healthy is False else value(metric.last)
    return last, f"{number(metric.low)} to {number(metric.high)}"

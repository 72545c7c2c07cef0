"""A report as Markdown (GitHub's kind): curves as figures beside it, or as lines of text where there are none."""

import math
import re
from collections.abc import Callable, Iterator, Sequence

from rlvitals.documents.charts import GROUPS, Chart, CurveChart, IntervalChart, Strips
from rlvitals.documents.document import (
    Block,
    Bullets,
    Cell,
    Charts,
    Code,
    Document,
    Facts,
    FindingsBlock,
    Link,
    Pictures,
    Prose,
    Span,
    Spark,
    Statements,
    Table,
    Toned,
    finding_facts,
    finding_note,
    health_text,
)
from rlvitals.documents.run_curves import numbered
from rlvitals.formatting import ABSENT, count, number, sparkline
from rlvitals.stats.series.down_sampling import sparks
from rlvitals.text_escaping import escape_control

_LAYOUT = "\n\t"
_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_MOST_VALUES = 20
_FENCE = re.compile(r"`{3,}")
_MARKS = {"critical": "\u2716", "warning": "\u26a0", "info": "\u2139"}

Figure = Callable[[Chart], str | None]
"""Draws a chart into a file beside the report, and says its path from there."""


def text(document: Document, figure: Figure | None = None) -> str:
    """Write a report as Markdown.

    Args:
        document: The report.
        figure: Draws charts; without it they are lines of text.
    """
    return "\n".join([*_lines(document, figure), "", "---", "", plain(document.foot), ""])


def plain(words: str) -> str:
    """A recorded text that is to be read as it is: neither markup nor HTML."""
    words = " ".join(escape_control(words, keep=_LAYOUT).split())
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", words.replace("&", "&amp;"))
    escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")
    return f"\\{escaped}" if escaped[:1] in {"#", "-", "+", "="} and escaped != ABSENT else escaped


def _lines(document: Document, figure: Figure | None) -> Iterator[str]:
    verdict = document.verdict
    yield f"# {plain(document.title)}"
    yield ""
    yield f"{plain(document.kind)}: **{plain(document.status)}**"
    yield ""
    health = health_text(document.health)
    score = f" Health **{health.removeprefix('health ')}**." if health else ""
    yield f"> **{plain(verdict.title)}.** {plain(verdict.text)}{score}"
    yield ""
    if document.key_facts:
        titles, values, notes = zip(*document.key_facts, strict=True)
        yield from _rows(titles, [tuple(f"**{plain(value)}**" for value in values), tuple(map(plain, notes))], set())
        yield ""
    for section in document.sections:
        if section.title:
            yield f"## {plain(section.title)}"
            yield ""
        for what in section.blocks:
            yield from _block(what, figure)
            yield ""


def _block(what: Block, figure: Figure | None) -> Iterator[str]:
    match what:
        case Prose() | Bullets() | Facts() | Statements():
            yield from _text(what)
        case Table():
            yield from _table(what)
        case Charts():
            yield from _charts(what, figure)
        case FindingsBlock():
            yield from _findings(what)
        case Pictures():
            yield f"{count(len(what.pictures))} pictures were logged: see the HTML report, or the run's artifacts."
        case Code():
            yield from _code(what)


def _text(what: Prose | Bullets | Facts | Statements) -> Iterator[str]:
    match what:
        case Prose():
            yield plain(what.text)
        case Bullets():
            yield from (f"- {plain(text)}" for text in what.texts)
        case Facts():
            yield from (f"- {plain(name)}: {_cell(value)}" for name, value in what.rows)
        case Statements():
            for one in what.statements:
                yield f"- **{plain(one.title)}**: **{plain(one.word)}**. {plain(' '.join(one.sentences))}".rstrip()


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"**{plain(table.caption)}**"
        yield ""
    yield from _rows(table.titles, [tuple(map(_cell, row)) for row in table.rows], set(table.texts))


def _code(code: Code) -> Iterator[str]:
    if code.caption:
        yield f"{plain(code.caption)}:"
        yield ""
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCE.findall(code.text))])
    yield f"{fence}text\n{escape_control(code.text, keep=_LAYOUT)}\n{fence}"


def _rows(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]], texts: set[int]) -> Iterator[str]:
    yield f"| {' | '.join(plain(title) for title in titles)} |"
    yield f"|{'|'.join('---' if at in texts else '--:' for at in range(len(titles)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _cell(cell: Cell) -> str:
    match cell:
        case Toned():
            return f"**{plain(cell.text)}**" if cell.tone in {"bad", "watch"} else plain(cell.text)
        case Spark():
            return f"`{sparkline(cell.values)}`" if cell.values else ABSENT
        case Span():
            return plain(cell.text)
        case Link():
            return plain(cell.text)
        case _:
            return plain(cell)


def _charts(charts: Charts, figure: Figure | None) -> Iterator[str]:
    drawn = [] if figure is None else [(chart, figure(chart)) for chart in charts.charts]
    for chart, path in drawn:
        if path is not None:
            yield f"![{plain(chart.title)}]({path})"
    shown = {chart.key for chart, path in drawn if path is not None}
    curves = [chart for chart in charts.charts if isinstance(chart, CurveChart) and chart.key not in shown]
    rows = [row for chart in curves for row in _courses(chart)]
    if rows:
        yield from _rows(("", "means over the run", "first mean", "last mean", "not finite"), rows, {0, 1})
    for chart in charts.charts:
        if isinstance(chart, IntervalChart) and chart.key not in shown:
            yield f"**{plain(chart.title)}**"
            yield ""
            bars = [
                (plain(row.label), f"`{_bar(row.value)}`" if chart.share else "", plain(row.text)) for row in chart.rows
            ]
            yield from _rows(("", "", chart.axis), bars, {0, 1})
            yield ""
        if isinstance(chart, Strips) and chart.key not in shown:
            yield f"**{plain(chart.title)}**"
            yield ""
            said = [(plain(row.label), plain(row.text), _values(row.values)) for row in chart.rows]
            yield from _rows(("", "", chart.axis), said, {0, 1, 2})
            yield ""


def _courses(chart: CurveChart) -> Iterator[tuple[str, ...]]:
    """A curve in a line of text; one a group where several are held against each other."""
    unit = f" ({plain(chart.unit)})" if chart.unit else ""
    grouped = [line for line in chart.lines if line.kind in GROUPS]
    for line in grouped:
        found = tuple(value if value is not None and math.isfinite(value) else None for value in sparks(line.y))
        yield f"{plain(chart.title)}{unit}: {plain(line.label)}", f"`{sparkline(found)}`", *_ends(found), ABSENT
    if not grouped:
        spark = f"`{sparkline(chart.spark)}`"
        yield f"{plain(chart.title)}{unit}", spark, *_ends(chart.spark), plain(chart.note) or ABSENT


def _ends(values: Sequence[float | None]) -> tuple[str, str]:
    known = [value for value in values if value is not None]
    return (number(known[0]), number(known[-1])) if known else (ABSENT, ABSENT)


def _values(values: Sequence[float]) -> str:
    shown = ", ".join(number(value) for value in sorted(values)[:_MOST_VALUES])
    return f"{shown}, and {count(len(values) - _MOST_VALUES)} more" if len(values) > _MOST_VALUES else shown or ABSENT


def _bar(share: float | None, width: int = 20) -> str:
    filled = 0 if share is None else round(width * min(1.0, max(0.0, share)))
    return "\u2588" * filled + "\u2591" * (width - filled)


def _findings(found: FindingsBlock) -> Iterator[str]:
    for label, finding in numbered(found.findings):
        yield (
            f"{label}. {_MARKS.get(finding.severity, '')} **{plain(finding.title)}** "
            f"({plain(finding.severity)}; {finding_note(finding, found.deductions)}; "
            f"`{escape_control(finding.code).replace('`', '')}`)"
        )
        yield ""
        yield f"   {plain(finding.cause)}"
        for name, said in finding_facts(finding):
            if said:
                yield f"   - {name}: {plain(said)}"
        yield ""

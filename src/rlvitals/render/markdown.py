"""Reports as GitHub Markdown, with curves as separate figures or as sparklines."""

import re
from collections.abc import Callable, Iterator, Sequence

from rlvitals.documents.chart_tables import chart_tables
from rlvitals.documents.charts import Chart
from rlvitals.documents.document import (
    CODE,
    Block,
    Bullets,
    Cell,
    Charts,
    Code,
    Document,
    Drawing,
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
    next_text,
)
from rlvitals.documents.run_curves import numbered
from rlvitals.formatting import ABSENT, counted, sparkline
from rlvitals.text_escaping import escape_control

_LAYOUT = "\n\t"
_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_FENCE = re.compile(r"`{3,}")
_MARKS = {"critical": "\u2716", "warning": "\u26a0", "info": "\u2139"}

Figure = Callable[[Chart], str]
"""Function that draws a chart to a file and returns its path relative to the report."""


def text(document: Document, figure: Figure | None = None) -> str:
    """Return a report as Markdown.

    Args:
        document: Report to render.
        figure: Function that draws a chart to a file; `None` to write charts as tables with sparklines.
    """
    return "\n".join([*_lines(document, figure), "", "---", "", plain(document.foot), ""])


def plain(text: str) -> str:
    """Escape a recorded text so that it is neither Markdown nor HTML."""
    return _line(text, _escaped)


def _words(text: str) -> str:
    """Escape running text and keep text between backticks as code."""
    return _line(
        text,
        lambda line: "".join(
            f"`{part}`" if place % 2 else _escaped(part) for place, part in enumerate(CODE.split(line))
        ),
    )


def _line(text: str, escape: Callable[[str], str]) -> str:
    """Return a text as one line that starts neither a heading nor a list."""
    escaped = escape(" ".join(escape_control(text, keep=_LAYOUT).split()))
    return f"\\{escaped}" if escaped[:1] in {"#", "-", "+", "="} and escaped != ABSENT else escaped


def _escaped(text: str) -> str:
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", text.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _lines(document: Document, figure: Figure | None) -> Iterator[str]:
    verdict = document.verdict
    yield f"# {plain(document.title)}"
    yield ""
    yield f"{plain(document.kind)}: **{plain(document.status)}**"
    yield ""
    health = health_text(document.health)
    score = f" Health **{health.removeprefix('health ')}**." if health else ""
    yield f"> **{plain(verdict.title)}.** {_words(verdict.text)}{score}"
    if verdict.next:
        yield ">"
        yield f"> {_words(next_text(verdict))}"
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


def _block(what: Block, figure: Figure | None) -> Iterator[str]:  # noqa: C901 - one branch per kind of block
    match what:
        case Prose():
            yield _words(what.text)
        case Bullets():
            yield from (f"- {_words(text)}" for text in what.texts)
        case Facts():
            yield from (f"- {plain(name)}: {_cell(value)}" for name, value in what.rows)
        case Statements():
            for one in what.statements:
                yield f"- **{plain(one.title)}**: **{plain(one.word)}**. {_words(' '.join(one.sentences))}".rstrip()
        case Table():
            yield from _table(what)
        case Charts():
            yield from _charts(what, figure)
        case FindingsBlock():
            yield from _findings(what)
        case Pictures():
            yield f"{counted(len(what.pictures), 'image')} logged. See the HTML report or the run's artifacts."
        case Code():
            yield from _code(what)


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
        case Drawing():
            return ABSENT if cell.text == ABSENT else f"`{cell.text}`"
        case Span() | Link():
            return plain(cell.text)
        case _:
            return plain(cell)


def _charts(charts: Charts, figure: Figure | None) -> Iterator[str]:
    if figure is not None:
        yield from (f"![{plain(chart.title)}]({figure(chart)})" for chart in charts.charts)
        return
    for place, table in enumerate(chart_tables(charts.charts)):
        if place:
            yield ""
        yield from _table(table)


def _findings(found: FindingsBlock) -> Iterator[str]:
    for label, finding in numbered(found.findings):
        yield (
            f"{label}. {_MARKS.get(finding.severity, '')} **{plain(finding.title)}** "
            f"({plain(finding.severity)}; {finding_note(finding, found.deductions)}; "
            f"`{escape_control(finding.code).replace('`', '')}`)"
        )
        yield ""
        yield f"   {_words(finding.cause)}"
        for name, said in finding_facts(finding):
            if said:
                yield f"   - {name}: {_words(said)}"
        yield ""

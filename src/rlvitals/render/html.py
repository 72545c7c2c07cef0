"""Reports as self-contained HTML pages without scripts, in which every recorded text is escaped."""

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files
from itertools import groupby

from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.health import Health
from rlvitals.documents.charts import Chart, CurveChart, legend
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
    Section,
    Span,
    Spark,
    Statement,
    Statements,
    Table,
    Toned,
    facts_text,
    finding_facts,
    finding_note,
    next_text,
)
from rlvitals.documents.run_curves import numbered
from rlvitals.documents.run_images import RunImage
from rlvitals.formatting import count
from rlvitals.render.svg import STYLE, draw, interval, spark
from rlvitals.render.svg_primitives import said
from rlvitals.summary.verdict import Verdict

PAGE_STYLE = STYLE + (files("rlvitals.render") / "report.css").read_text(encoding="utf-8")
WIDE = 900
_SHORT = 18
"""Maximum number of characters in a cell that does not wrap."""
_LONG = 6
"""Number of findings or conclusions that are shown open; the remaining ones are folded."""


def page(document: Document) -> str:
    """Return a report as a complete HTML page.

    Its `Content-Security-Policy` allows only its own style sheet, identified by a digest, and embedded images. No
    script can run and nothing is loaded.

    Args:
        document: Report to render.
    """
    digest = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    contents = "".join(
        f'<a href="#{said(section.key)}">{said(section.title)}</a>' for section in document.sections if section.title
    )
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{said(policy)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f'<meta name="description" content="{said(f"{document.verdict.title}. {document.verdict.text}")}">\n',
            f"<title>{said(document.title)}, {said(document.status)} - rlvitals</title>\n",
            f"<style>{PAGE_STYLE}</style>\n</head>\n",
            '<body class="rlvitals">\n<main>\n',
            head(document),
            f'<nav aria-label="Contents">{contents}</nav>\n' if len(document.sections) > 1 else "",
            *(part(section) for section in document.sections),
            f"<footer>{said(document.foot)}</footer>\n</main>\n</body>\n</html>\n",
        ]
    )


def head(document: Document) -> str:
    """Return the header of a report: kind, title, status, verdict and key figures."""
    facts = "".join(
        f'<div><dt>{said(name)}</dt><dd>{said(value)}</dd><dd class="note">{said(note)}</dd></div>'
        for name, value, note in document.key_facts
    )
    keys = f'<dl class="keys">{facts}</dl>' if facts else ""
    return (
        f'<header><p class="kind">{said(document.kind)}</p><h1>{said(document.title)} '
        f'<span class="status status-{_word(document.status)}">{said(document.status)}</span></h1>\n'
        f"{_verdict(document.verdict, document.health)}\n{keys}</header>\n"
    )


def _verdict(verdict: Verdict, health: Health | None) -> str:
    score = ""
    if health is not None and health.score is None:
        score = '<p class="score not-judged"><b>-</b><span>health<br>not judged</span></p>'
    elif health is not None:
        score = (
            f'<p class="score"><b>{health.score}</b><span> of 100<br>health</span>'
            f'<meter min="0" max="100" low="50" high="80" optimum="100" value="{health.score}">{health.score}</meter>'
            "</p>"
        )
    text = "".join(f"<p>{_words(line)}</p>" for line in verdict.text.split("\n"))
    if verdict.next:
        text += f'<p class="next">{_words(next_text(verdict))}</p>'
    return (
        f'<div class="verdict verdict-{_word(verdict.tone)}">{score}<div><p class="title">{said(verdict.title)}</p>'
        f"{text}</div></div>"
    )


def part(section: Section) -> str:
    """Return a section as HTML."""
    lead = f'<p class="lead">{said(section.lead)}</p>' if section.lead else ""
    title = f"<h2>{said(section.title)}</h2>" if section.title else ""
    return f'<section id="{said(section.key)}">{title}{lead}{"".join(map(block, section.blocks))}</section>\n'


def block(what: Block) -> str:  # noqa: PLR0911 - one branch per kind of block
    """Return a block of a section as HTML."""
    match what:
        case Prose():
            return f'<p class="{_word(what.tone or "prose")}">{_words(what.text)}</p>'
        case Bullets():
            return f'<ul class="points">{"".join(f"<li>{_words(text)}</li>" for text in what.texts)}</ul>'
        case Facts():
            rows = "".join(f"<div><dt>{said(name)}</dt><dd>{_cell(value)}</dd></div>" for name, value in what.rows)
            return f'<dl class="facts">{rows}</dl>'
        case Table():
            return _table(what)
        case Charts():
            return _charts(what)
        case FindingsBlock():
            return _findings(what)
        case Statements():
            items = "".join(_statement(one, opened=len(what.statements) <= _LONG) for one in what.statements)
            return f'<ol class="findings">{items}</ol>'
        case Pictures():
            return _pictures(what.pictures)
        case Code():
            return _code(what)


def _words(text: str) -> str:
    """Return running text as HTML, with text between backticks as code."""
    return CODE.sub(r"<code>\1</code>", said(text))


def _code(code: Code) -> str:
    if code.folded:
        return _folding(said(code.caption), f"<pre>{said(code.text)}</pre>")
    caption = f"<figcaption>{said(code.caption)}</figcaption>" if code.caption else ""
    return f'<figure class="code">{caption}<pre>{said(code.text)}</pre></figure>'


def _table(table: Table) -> str:
    texts = set(table.texts)
    kinds = ["text" if at in texts else "number" for at in range(len(table.titles))]
    titles = "".join(
        f'<th scope="col" class="{kind}">{said(title)}</th>' for kind, title in zip(kinds, table.titles, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f'<td class="{kind}{_short(cell)}">{_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    body = f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>'
    if table.folded:
        return _folding(said(table.caption), body)
    caption = f"<h3>{said(table.caption)}</h3>" if table.caption else ""
    return f"{caption}{body}"


def _short(cell: Cell) -> str:
    """Return the class of a cell that does not wrap, also in print."""
    text = cell if isinstance(cell, str) else cell.text if isinstance(cell, Toned) else ""
    return " short" if len(text) <= _SHORT else ""


def _cell(cell: Cell) -> str:
    match cell:
        case Toned():
            return f'<span class="tone-{_word(cell.tone)}">{said(cell.text)}</span>'
        case Spark():
            return spark(cell.values)
        case Span():
            return interval(cell)
        case Drawing():
            return f'<code class="tone-{_word(cell.tone)}">{said(cell.text)}</code>'
        case Link():
            return f'<a href="{said(cell.to)}">{said(cell.text)}</a>' if _is_beside(cell.to) else said(cell.text)
        case _:
            return said(cell)


def _charts(charts: Charts) -> str:
    figures = "".join(_figure(chart, wide=charts.wide) for chart in charts.charts)
    return f'<div class="charts{" one" if charts.wide else ""}">{figures}</div>'


def _figure(chart: Chart, *, wide: bool) -> str:
    unit = f' <span class="unit">{said(chart.unit)}</span>' if isinstance(chart, CurveChart) and chart.unit else ""
    about = f' title="{said(chart.about)}"' if isinstance(chart, CurveChart) and chart.about else ""
    drawing = f'<div class="narrow">{draw(chart)}</div>'
    drawing = f'<div class="wide">{draw(chart, width=WIDE)}</div>{drawing}' if wide else draw(chart)
    note = ""
    if isinstance(chart, CurveChart) and chart.note:
        note = f'<span class="{"aside" if chart.below else "bad aside"}">{said(chart.note)}</span>'
    return f"<figure><figcaption{about}>{said(chart.title)}{unit}{note}</figcaption>{_key(chart)}{drawing}</figure>"


def _key(chart: Chart) -> str:
    """Return the legend of a chart, which explains each line and shade."""
    if not isinstance(chart, CurveChart):
        return f'<p class="key">{said(chart.note)}</p>' if chart.note else ""
    spans = "".join(f'<span class="key-{kind}">{said(label)}</span>' for kind, label in legend(chart))
    return f'<p class="key">{spans}</p>'


def _findings(found: FindingsBlock) -> str:
    items = "".join(
        _finding(label, finding, finding_note(finding, found.deductions), opened=place < _LONG)
        for place, (label, finding) in enumerate(numbered(found.findings))
    )
    return f'<ol class="findings">{items}</ol>'


def _finding(label: str, finding: Finding, note: str, *, opened: bool) -> str:
    facts = "".join(
        f"<div><dt>{name}</dt><dd>{_words(text)}</dd></div>" for name, text in finding_facts(finding) if text
    )
    summary = (
        f'<span class="number">{label}</span> <b>{said(finding.title)}</b> '
        f'<span class="severity">{said(finding.severity)}</span> '
        f'<span class="since">{note}; <code>{said(finding.code)}</code></span>'
    )
    body = _folding(summary, f"<p>{_words(finding.cause)}</p><dl>{facts}</dl>", opened=opened)
    return f'<li class="finding finding-{_word(finding.severity)}">{body}</li>'


def _statement(statement: Statement, *, opened: bool) -> str:
    tone = _word(statement.tone)
    text = "".join(f"<p>{_words(sentence)}</p>" for sentence in statement.sentences)
    summary = f'<b>{said(statement.title)}</b> <span class="verdict-word tone-{tone}">{said(statement.word)}</span>'
    return f'<li class="finding finding-{tone}">{_folding(summary, text, opened=opened)}</li>'


def _folding(summary: str, body: str, *, opened: bool = False) -> str:
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def _pictures(pictures: Iterable[RunImage]) -> str:
    steps = []
    for step, group in groupby(pictures, key=lambda picture: picture.env_step):
        rows = "" if step is None else f"<h3>Step {count(step)}</h3>"
        # Show the images of a group side by side, even if others were logged between them.
        together = sorted(group, key=lambda picture: picture.group)
        for name, series in groupby(together, key=lambda picture: picture.group):
            label = f'<p class="quiet">{said(name)}</p>' if name else ""
            rows += f'{label}<div class="pictures">{"".join(map(_picture, series))}</div>'
        steps.append(f"<div>{rows}</div>")
    return f'<div class="steps">{"".join(steps)}</div>'


def _picture(picture: RunImage) -> str:
    # In an `img` element, no browser lets an SVG run scripts or load resources.
    data = base64.b64encode(picture.content).decode()
    facts = facts_text(picture.facts)
    note = f'<span class="unit">{said(facts)}</span>' if facts else ""
    return (
        f'<figure><img src="data:{picture.media};base64,{data}" alt="{said(picture.title)}">'
        f"<figcaption>{said(picture.title)} {note}</figcaption></figure>"
    )


def _is_beside(path: str) -> bool:
    """Return whether a link points to a file in or below the folder of the report."""
    return not path.startswith(("/", "\\")) and ":" not in path.partition("/")[0]


def _word(text: str) -> str:
    """Return a text reduced to characters that are valid in a class name."""
    return "".join(one for one in text if one.isascii() and one.isalnum()) or "other"

"""Contents of a report in order, independent of its output as a page, text or print."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, TypeVar

from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.health import Deduction, Health
from rlvitals.documents.charts import Chart
from rlvitals.documents.run_images import RunImage
from rlvitals.formatting import ABSENT, count, format_any, format_time, percent
from rlvitals.records.metrics import metric_named, metric_of
from rlvitals.summary.tones import TONES
from rlvitals.summary.verdict import Verdict

CODE = re.compile("`([^`]+)`")
"""Code in running text: the text between backticks."""


class Toned(NamedTuple):
    """A text with a tone: good, watch, bad, neutral or quiet, or the colour of a group of runs (`charts.GROUPS`)."""

    text: str
    tone: str


class Spark(NamedTuple):
    """A curve the size of a word."""

    values: tuple[float | None, ...]


class Span(NamedTuple):
    """An interval around an estimate, drawn against zero. `limit` is the edge of the drawing."""

    value: float | None
    low: float | None
    high: float | None
    limit: float
    text: str


class Drawing(NamedTuple):
    """Characters that form a drawing, including spaces, with a tone."""

    text: str
    tone: str = ""


class Link(NamedTuple):
    """A text that links to a file next to the report."""

    text: str
    to: str


Cell = str | Toned | Spark | Span | Drawing | Link


class Prose(NamedTuple):
    """Running text."""

    text: str
    tone: str = ""


class Facts(NamedTuple):
    """Names with their values."""

    rows: tuple[tuple[str, Cell], ...]


class Table(NamedTuple):
    """A table.

    Attributes:
        titles: Titles of the columns. Columns outside `texts` hold numbers and are right-aligned.
        rows: Cells by row.
        texts: Indices of the text columns.
        caption: Caption.
        folded: Whether the table is hidden until the reader opens it. It is always printed.
        spare: Titles of columns that a narrow screen omits.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    texts: tuple[int, ...] = (0,)
    caption: str = ""
    folded: bool = False
    spare: frozenset[str] = frozenset()


Item = TypeVar("Item")


def table_of(
    items: Iterable[Item],
    columns: Mapping[str, Callable[[Item], Cell]],
    *,
    texts: Collection[str] = (),
    sparse: Collection[str] = (),
    caption: str = "",
    folded: bool = False,
) -> Table:
    """Make a table with one row per item.

    Args:
        items: Items to show.
        columns: Title of each column, and the function that makes an item's cell.
        texts: Titles of the text columns, in addition to the first column.
        sparse: Titles of the columns to omit if every cell is absent.
        caption: As in `Table`.
        folded: As in `Table`.
    """
    rows = tuple(tuple(cell(item) for cell in columns.values()) for item in items)
    places = tuple(place for place, title in enumerate(columns) if place == 0 or title in texts)
    empty = {
        title
        for title, *cells in zip(columns, *rows, strict=True)
        if title in sparse and {cell.text if isinstance(cell, Toned) else cell for cell in cells} <= {ABSENT}
    }
    return chosen(Table(tuple(columns), rows, places, caption, folded), columns.keys() - empty)


class Charts(NamedTuple):
    """Charts side by side. A wide chart has a separate line."""

    charts: tuple[Chart, ...]
    wide: bool = False


class FindingsBlock(NamedTuple):
    """Findings, the most likely cause first.

    Attributes:
        findings: The findings.
        deductions: Health points that each finding costs.
        brief: Whether to show only cause and advice of each finding.
    """

    findings: tuple[Finding, ...]
    deductions: tuple[Deduction, ...]
    brief: bool = False


class Statement(NamedTuple):
    """A conclusion, as a verdict and in sentences.

    Attributes:
        title: Subject of the conclusion.
        word: The verdict.
        tone: Tone of the verdict.
        sentences: Explanation in sentences.
    """

    title: str
    word: str
    tone: str
    sentences: tuple[str, ...]


class Statements(NamedTuple):
    """Conclusions, one below the other. If there are many, each is folded."""

    statements: tuple[Statement, ...]


class Bullets(NamedTuple):
    """Independent sentences."""

    texts: tuple[str, ...]


class Pictures(NamedTuple):
    """Pictures in rows."""

    pictures: tuple[RunImage, ...]


class Code(NamedTuple):
    """Fixed-width text, shown as it is. `folded` as in `Table`."""

    text: str
    caption: str = ""
    folded: bool = False


Block = Prose | Bullets | Facts | Table | Charts | FindingsBlock | Statements | Pictures | Code


class Section(NamedTuple):
    """A part of a report.

    Attributes:
        key: Anchor.
        title: Heading.
        lead: Introduction of one or two sentences.
        blocks: Contents.
        brief: Contents in the short document. By default, the blocks that are not folded.
    """

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    brief: tuple[Block, ...] | None = None


class Document(NamedTuple):
    """A report.

    Attributes:
        title: Name of the run.
        kind: Kind of the report.
        status: Status of the run.
        verdict: Verdict, for readers who read nothing else.
        key_facts: Key numbers, each as name, value and explanation.
        sections: Sections of the report.
        foot: Program and time that made the report.
        health: Health of the run, if the report is about one.
    """

    title: str
    kind: str
    status: str
    verdict: Verdict
    key_facts: tuple[tuple[str, str, str], ...]
    sections: tuple[Section, ...]
    foot: str
    health: Health | None = None


def toned(word: str) -> Cell:
    """Give a status, a severity or a verdict its tone."""
    return Toned(word, TONES[word]) if word in TONES else word


def charts_of(*charts: Chart | None) -> Charts:
    """Put charts side by side; a single one is wide."""
    drawn = tuple(chart for chart in charts if chart is not None)
    return Charts(drawn, wide=len(drawn) == 1)


def filled(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Drop empty blocks, then sections without blocks."""

    def kept(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(block for block in blocks if (block.rows if isinstance(block, Table) else block[0]))

    found = (
        section._replace(blocks=kept(section.blocks), brief=None if section.brief is None else kept(section.brief))
        for section in sections
    )
    return tuple(section for section in found if section.blocks)


def foot(made: float) -> str:
    """Return the last line of a report: program version and time.

    Args:
        made: Time of the report (UTC, seconds since 1970).
    """
    return f"Made by {release('rlvitals')} on {format_time(made)}. Times are in this machine's time zone."


def release(package: str) -> str:
    """Name a package with its installed version."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # run from a source folder
        return package


def health_text(health: Health | None) -> str:
    """Format the health of a run. Empty for a report that is not about a run."""
    if health is None:
        return ""
    return "health not judged" if health.score is None else f"health {health.score} of 100"


def next_text(verdict: Verdict) -> str:
    """Format the advice of a verdict. Empty without advice."""
    return f"Next: {verdict.next}" if verdict.next else ""


def finding_note(finding: Finding, deductions: Iterable[Deduction]) -> str:
    """Format the onset of a finding, its confidence and its cost in health points."""
    since = "from the start" if finding.since_step is None else f"since step {count(finding.since_step)}"
    cost = "".join(f", {loss.points} health points" for loss in deductions if loss.code == finding.code)
    return f"{since}; confidence {percent(finding.confidence)}{cost}"


def chosen(table: Table, titles: Collection[str]) -> Table:
    """Select columns of a table, in the order of the table.

    Args:
        table: The table.
        titles: Titles of the columns. Unknown titles are ignored.
    """
    kept = [place for place, title in enumerate(table.titles) if title in titles]
    return table._replace(
        titles=tuple(table.titles[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
        texts=tuple(new for new, place in enumerate(kept) if place in table.texts),
    )


def brief_of(document: Document) -> Document:
    """Shorten a document to the brief contents of its sections.

    Args:
        document: The full document.
    """
    sections = [section._replace(blocks=_brief_blocks(section)) for section in document.sections]
    return document._replace(sections=tuple(section for section in sections if section.blocks))


def _brief_blocks(section: Section) -> tuple[Block, ...]:
    if section.brief is not None:
        return section.brief
    return tuple(block for block in section.blocks if not (isinstance(block, Table | Code) and block.folded))


def finding_facts(finding: Finding, *, brief: bool = False) -> Iterator[tuple[str, str]]:
    """Yield label and text for the lines below a finding's cause. Empty texts are not shown."""
    yield "Try", finding.advice
    if brief:
        return
    evidence = {name: value for name, value in finding.evidence.items() if value != finding.cause}
    yield "Evidence", facts_text(evidence, finding.series)
    yield "Metrics", ", ".join(metric_named(one).title for one in finding.series)
    yield "Also causes", ", ".join(f"{symptom.title} ({symptom.code})" for symptom in finding.symptoms)
    yield "Source", finding.source


def facts_text(facts: Mapping[str, object], series: Collection[str] = ()) -> str:
    """Format named values in one line.

    Args:
        facts: Values by name.
        series: Metrics that the names can refer to, as `stream.field`.
    """
    streams = {field: stream for stream, _, field in (one.partition(".") for one in series)}
    return ", ".join(
        f"{metric_of(streams.get(name, ''), name).phrase} {format_any(value)}" for name, value in facts.items()
    )

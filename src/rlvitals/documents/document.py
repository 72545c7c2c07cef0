"""What a report says, in the order in which it says it, before it becomes a page, a text or a print."""

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
"""Code in running text: what stands between backticks."""


class Toned(NamedTuple):
    """A text with a tone: good, watch, bad, neutral or quiet; or that of a group of runs (`charts.GROUPS`)."""

    text: str
    tone: str


class Spark(NamedTuple):
    """A curve in the size of a word."""

    values: tuple[float | None, ...]


class Span(NamedTuple):
    """An interval around an estimate, drawn against zero; `limit` is the edge of the drawing."""

    value: float | None
    low: float | None
    high: float | None
    limit: float
    text: str


class Drawing(NamedTuple):
    """Characters that draw something, spaces among them, and a tone."""

    text: str
    tone: str = ""


class Link(NamedTuple):
    """A text that leads to a file beside the report."""

    text: str
    to: str


Cell = str | Toned | Spark | Span | Drawing | Link


class Prose(NamedTuple):
    """Running text."""

    text: str
    tone: str = ""


class Facts(NamedTuple):
    """Names, and what is said of each."""

    rows: tuple[tuple[str, Cell], ...]


class Table(NamedTuple):
    """A table.

    Attributes:
        titles: Of the columns. All but those in `texts` are numbers, and stand on the right.
        rows: Cells in rows.
        texts: Which columns are texts, by their place.
        caption: What it is.
        folded: Whether it is shown only when it is asked for; on paper it always is.
        spare: Titles of columns that a narrow screen leaves out.
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
        items: The items.
        columns: Title of each column, and the function that makes an item's cell.
        texts: Titles of the columns that are texts, apart from the first, which always is.
        sparse: Titles of the columns to leave out if every cell is absent.
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
    """Charts side by side; the wide one has a line of its own."""

    charts: tuple[Chart, ...]
    wide: bool = False


class FindingsBlock(NamedTuple):
    """What is wrong, the likeliest cause first.

    Attributes:
        findings: The findings.
        deductions: The points that each costs.
        brief: Whether only the cause and the advice of each are shown.
    """

    findings: tuple[Finding, ...]
    deductions: tuple[Deduction, ...]
    brief: bool = False


class Statement(NamedTuple):
    """What is concluded of something, in a word and in sentences.

    Attributes:
        title: Of what.
        word: The verdict.
        tone: Its tone.
        sentences: What that means.
    """

    title: str
    word: str
    tone: str
    sentences: tuple[str, ...]


class Statements(NamedTuple):
    """Conclusions, one under another; where they are many, each is folded."""

    statements: tuple[Statement, ...]


class Bullets(NamedTuple):
    """Sentences that stand each for itself."""

    texts: tuple[str, ...]


class Pictures(NamedTuple):
    """Pictures in rows."""

    pictures: tuple[RunImage, ...]


class Code(NamedTuple):
    """A text of a fixed width, as it was typed; `folded` as with a table."""

    text: str
    caption: str = ""
    folded: bool = False


Block = Prose | Bullets | Facts | Table | Charts | FindingsBlock | Statements | Pictures | Code


class Section(NamedTuple):
    """A part of a report.

    Attributes:
        key: Its anchor.
        title: Its heading.
        lead: What it is about, in a sentence or two.
        blocks: What it holds.
        brief: What it holds in the short document; by default the blocks that are not folded.
    """

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...]
    brief: tuple[Block, ...] | None = None


class Document(NamedTuple):
    """A report.

    Attributes:
        title: The run's name.
        kind: What it is a report of.
        status: What the run is called.
        verdict: What somebody should know who reads nothing else.
        key_facts: A few numbers, each with what it is.
        sections: The rest.
        foot: Who made it, and when.
        health: The health of the run, where it is about one.
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
    """Drop the blocks that hold nothing, then the sections without blocks."""

    def kept(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(block for block in blocks if (block.rows if isinstance(block, Table) else block[0]))

    found = (
        section._replace(blocks=kept(section.blocks), brief=None if section.brief is None else kept(section.brief))
        for section in sections
    )
    return tuple(section for section in found if section.blocks)


def foot(made: float) -> str:
    """Write the last line of a report: who made it, and when.

    Args:
        made: When it was made (UTC, seconds since 1970).
    """
    return f"Made by {release('rlvitals')} on {format_time(made)}. Moments are in this machine's time zone."


def release(package: str) -> str:
    """Name a package with its installed version."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # run from a folder of sources
        return package


def health_text(health: Health | None) -> str:
    """The health of a run in words; empty for a report that is about none."""
    if health is None:
        return ""
    return "health not judged" if health.score is None else f"health {health.score} of 100"


def finding_note(finding: Finding, deductions: Iterable[Deduction]) -> str:
    """State since when a finding holds, how sure it is and what it costs in health."""
    since = "from the start" if finding.since_step is None else f"since step {count(finding.since_step)}"
    cost = "".join(f", {loss.points} health points" for loss in deductions if loss.code == finding.code)
    return f"{since}; {percent(finding.confidence)} sure{cost}"


def chosen(table: Table, titles: Collection[str]) -> Table:
    """Those columns of a table, in its order.

    Args:
        table: The table.
        titles: Titles of the columns; one that the table does not have is passed over.
    """
    kept = [place for place, title in enumerate(table.titles) if title in titles]
    return table._replace(
        titles=tuple(table.titles[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
        texts=tuple(new for new, place in enumerate(kept) if place in table.texts),
    )


def brief_of(document: Document) -> Document:
    """Shorten a document to what its sections hold in brief.

    Args:
        document: The whole document.
    """
    sections = [section._replace(blocks=_brief_blocks(section)) for section in document.sections]
    return document._replace(sections=tuple(section for section in sections if section.blocks))


def _brief_blocks(section: Section) -> tuple[Block, ...]:
    if section.brief is not None:
        return section.brief
    return tuple(block for block in section.blocks if not (isinstance(block, Table | Code) and block.folded))


def finding_facts(finding: Finding, *, brief: bool = False) -> Iterator[tuple[str, str]]:
    """What stands under a finding's cause; a text that is empty says nothing."""
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
        facts: The values, by name.
        series: The metrics that they may be values of, as `stream.field`.
    """
    streams = {field: stream for stream, _, field in (one.partition(".") for one in series)}
    return ", ".join(
        f"{metric_of(streams.get(name, ''), name).phrase} {format_any(value)}" for name, value in facts.items()
    )

"""Documents on a terminal, in colour and fitted to its width. In a pipe, lines are not folded."""

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.text import Text

from rlvitals.diagnosis.health import Health
from rlvitals.documents.document import (
    Block,
    Bullets,
    Charts,
    Code,
    Document,
    Facts,
    FindingsBlock,
    Pictures,
    Prose,
    Section,
    Statements,
    Table,
    finding_facts,
    finding_note,
    health_text,
    next_text,
)
from rlvitals.documents.run_curves import numbered
from rlvitals.formatting import count
from rlvitals.render.terminal import BAD, LABEL, STYLES, TITLE, TONES, readable, status_text
from rlvitals.render.terminal_charts import drawn
from rlvitals.render.terminal_tables import captioned, cell_text, facts_grid
from rlvitals.text_escaping import escape_control

_INDENT = 2
_HEALTH = ((80, "bold green"), (50, "yellow"), (0, BAD))


def print_document(screen: Console, document: Document) -> None:
    """Print a document.

    Args:
        screen: Console to print on.
        document: Document to print.
    """
    print_head(screen, document)
    for section in document.sections:
        print_section(screen, section)


def print_head(screen: Console, document: Document) -> None:
    """Print the header of a document: title, status, verdict and key facts."""
    verdict, health = document.verdict, document.health
    title, status = Text(escape_control(document.title), TITLE), status_text(document.status)
    _print(screen, Text.assemble(title, "  ", status, "  ", (escape_control(document.kind), LABEL)), indent=0)
    screen.print()
    line = Text.assemble(("● ", TONES[verdict.tone]), (escape_control(verdict.title), TITLE))
    _print(screen, line if health is None else line.append("  ").append_text(colored_health(health)), indent=0)
    for text in filter(None, (*verdict.text.splitlines(), next_text(verdict))):
        _print(screen, _running(text, "", screen.width))
    if document.key_facts:
        screen.print()
        values = max(len(said) for _, said, _ in document.key_facts)
        rows = [
            (
                name,
                Text.assemble(
                    (escape_control(said), TITLE), " " * (values - len(said)), (f"  {escape_control(note)}", LABEL)
                ),
            )
            for name, said, note in document.key_facts
        ]
        _print(screen, facts_grid(rows, screen.width - _INDENT))


def print_section(screen: Console, section: Section) -> None:
    """Print a section unless it is empty."""
    if not section.blocks:
        return
    screen.print()
    if section.title:
        _print(screen, Text(escape_control(section.title), TITLE), indent=0)
    print_blocks(screen, section.blocks)


def print_blocks(screen: Console, blocks: Iterable[Block]) -> None:
    """Print blocks, separated by empty lines."""
    for part in laid_out(blocks, screen.width - _INDENT):
        _print(screen, part)


def laid_out(blocks: Iterable[Block], width: int) -> list[RenderableType]:
    """Lay out blocks, separated by empty lines except between paragraphs of running text."""
    parts: list[RenderableType] = []
    before: Block | None = None
    for block in blocks:
        if before is not None and not (isinstance(block, Prose) and isinstance(before, Prose)):
            parts.append(Text(""))
        parts += _block(block, width)
        before = block
    return parts


def colored_health(health: Health) -> Text:
    """Return the health in its colour."""
    score = health.score
    style = LABEL if score is None else next(style for least, style in _HEALTH if score >= least)
    name, _, words = health_text(health).partition(" ")
    return Text.assemble((f"{name} ", LABEL), (words, style))


def _print(screen: Console, part: RenderableType, indent: int = _INDENT) -> None:
    """Print a part with an indent and without Rich's trailing spaces."""
    for line in screen.render_lines(part, screen.options.update(width=max(1, screen.width - indent)), pad=False):
        text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
        text.rstrip()
        screen.print(Text(" " * indent if text.plain else "").append_text(text), soft_wrap=True)


def _block(what: Block, width: int) -> Iterator[RenderableType]:  # noqa: C901 - one branch per kind of block
    match what:
        case Table():
            yield from captioned(what, width)
        case Charts():
            yield from drawn(what, width)
        case FindingsBlock():
            yield from _findings(what, width)
        case Statements():
            yield from _statements(what, width)
        case Code():
            if what.caption:
                yield Text(escape_control(what.caption), LABEL)
            # Mark each line, because a recorded multi-line message could imitate other output.
            yield facts_grid([("|", Text(escape_control(line))) for line in what.text.splitlines()], width)
        case Prose():
            yield _running(what.text, what.tone, width)
        case Bullets():
            yield facts_grid([("-", _plain(text)) for text in what.texts], width)
        case Facts():
            yield facts_grid([(name, cell_text(said)) for name, said in what.rows], width)
        case Pictures():
            yield from _pictures(what, width)


def _running(text: str, tone: str, width: int) -> RenderableType:
    """Lay out a paragraph of running text."""
    return Constrain(_plain(text, TONES.get(tone, "")), readable(width))


def _plain(text: str, style: str = "") -> Text:
    return Text(escape_control(" ".join(text.split())), style)


def _statements(what: Statements, width: int) -> Iterator[RenderableType]:
    for place, one in enumerate(what.statements):
        if place:
            yield Text("")
        yield Text.assemble(
            (escape_control(one.title), TITLE), "  ", (escape_control(one.word), TONES.get(one.tone, ""))
        )
        yield from (Padding.indent(_running(text, "", width - _INDENT), _INDENT) for text in one.sentences)


def _findings(what: FindingsBlock, width: int) -> Iterator[RenderableType]:
    for place, (label, finding) in enumerate(numbered(what.findings)):
        if place:
            yield Text("")
        title = Text.assemble(
            (f"{label}. ", LABEL),
            (finding.severity, STYLES.get(finding.severity, "")),
            "  ",
            (escape_control(finding.title), TITLE),
        )
        about = Text(escape_control(f"{finding.code}, {finding_note(finding, what.deductions)}"), LABEL)
        if title.cell_len + 2 + about.cell_len <= readable(width):
            yield Text.assemble(title, "  ", about)
        else:
            yield title
            yield Padding.indent(about, _INDENT)
        yield Padding.indent(_running(finding.cause, "", width - _INDENT), _INDENT)
        facts = [(name, _plain(said)) for name, said in finding_facts(finding, brief=what.brief) if said]
        yield Padding.indent(facts_grid(facts, width - _INDENT), _INDENT)


def _pictures(what: Pictures, width: int) -> Iterator[RenderableType]:
    """List the titles of pictures, which a terminal cannot show."""
    for picture in what.pictures:
        step = "" if picture.env_step is None else f", step {count(picture.env_step)}"
        group = f" ({picture.group})" if picture.group else ""
        yield _running(f"{picture.title}{group}{step}", "", width)

"""Tests of documents on a terminal."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from rlvitals import Comparison, RunReader
from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.health import Deduction, Health
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.document import (
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    FindingsBlock,
    Pictures,
    Prose,
    Section,
    Statement,
    Statements,
    Toned,
    brief_of,
)
from rlvitals.documents.run_data import run_data
from rlvitals.documents.run_images import RunImage
from rlvitals.documents.run_report import run_document
from rlvitals.render.terminal_document import colored_health, print_blocks, print_document, print_section
from rlvitals.runs import Run
from rlvitals.summary.verdict import Verdict

WIDTHS = (40, 80, 100, 1_000)
FINDING = Finding(
    code="entropy-collapse",
    severity="critical",
    title="The policy no longer explores",
    confidence=0.9,
    since_step=2_000,
    cause="It is certain.",
    advice="Raise ent_coef.",
    source="A paper.",
    series=("updates.entropy",),
    evidence={"entropy": 0.01},
)


def printed(document: Document, width: int = 100) -> str:
    """Return a document as printed."""
    screen = Console(width=width, file=io.StringIO(), color_system=None)
    print_document(screen, document)
    return str(screen.file.getvalue())  # type: ignore[attr-defined]


def lines_of(*blocks: Block, width: int = 100) -> list[str]:
    """Return the lines of blocks."""
    screen = Console(width=width, file=io.StringIO(), color_system=None)
    print_blocks(screen, blocks)
    return str(screen.file.getvalue()).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_of_any_kind_is_printed(odd: RunReader, width: int) -> None:
    """No line has control characters or trailing spaces or is wider than the screen, at any width."""
    document = run_document(run_data(Run(odd.path)))
    for text in (printed(document, width), printed(brief_of(document), width)):
        assert document.title in text.replace("\n", "")
        assert all(sign.isprintable() for line in text.splitlines() for sign in line)
        assert max(map(len, text.splitlines())) <= width
        assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_of_any_kind_is_printed(compared_odd: Comparison, width: int) -> None:
    """No line has control characters or is wider than the screen, at any width."""
    document = comparison_document(compared_odd, None, "", 0.0)
    for text in (printed(document, width), printed(brief_of(document), width)):
        assert all(sign.isprintable() for line in text.splitlines() for sign in line)
        assert max(map(len, text.splitlines())) <= width


@pytest.fixture(params=[(2, False), (9, True)])
def compared_odd(request: pytest.FixtureRequest, compared: Callable[..., Comparison]) -> Comparison:
    """Two ordinary groups, and nine groups with unusual values."""
    many, odd = request.param
    groups = {f"group {place}": [1.0 * place, 1.5 * place, None] for place in range(many)}
    return compared(groups, odd=odd, everything=not odd)


def test_the_verdict_is_at_the_top() -> None:
    """The key facts follow with their notes."""
    facts = (("reward", "0.5", "last 100"), ("steps", "1,000", "10 %"))
    text = printed(Document("run", "logos", "completed", Verdict("good", "Converged", "It is level."), facts, (), ""))

    assert text.splitlines() == [
        "run  completed  logos",
        "",
        "● Converged",
        "  It is level.",
        "",
        "  reward  0.5    last 100",
        "  steps   1,000  10 %",
    ]


def test_health_is_a_number_or_not_judged() -> None:
    """A run without a verdict never shows 100."""
    assert colored_health(Health(score=80, status="warning")).plain == "health 80 of 100"
    assert colored_health(Health(score=None, status="not judged")).plain == "health not judged"


def test_a_finding_has_its_cause_and_advice() -> None:
    """The brief form has only these."""
    whole = lines_of(FindingsBlock((FINDING,), (Deduction("entropy-collapse", "training_stability", 48, ""),)))
    brief = lines_of(FindingsBlock((FINDING,), (), brief=True))

    assert whole == [
        "  1. critical  The policy no longer explores",
        "    entropy-collapse, since step 2,000; confidence 90 %, 48 health points",
        "    It is certain.",
        "    Try       Raise ent_coef.",
        "    Evidence  entropy 0.01",
        "    Metrics   Entropy",
        "    Source    A paper.",
    ]
    title = "  1. critical  The policy no longer explores"
    assert brief[0] == f"{title}  entropy-collapse, since step 2,000; confidence 90 %"
    assert brief[1:] == ["    It is certain.", "    Try  Raise ent_coef."]


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (Prose("one\ntwo"), ["  one two"]),
        (Bullets(("one", "two")), ["  -  one", "  -  two"]),
        (Facts((("a", "1"), ("longer", Toned("2", "bad")))), ["  a       1", "  longer  2"]),
        (Code("x = 1\n  y = 2", "What ran"), ["  What ran", "  |  x = 1", "  |    y = 2"]),
        (
            Statements((Statement("a against b", "better", "good", ("It is.",)),)),
            ["  a against b  better", "    It is."],
        ),
        (Pictures((RunImage("trace", "logo 1", "image/png", b"", 1_000, {}),)), ["  trace (logo 1), step 1,000"]),
    ],
)
def test_every_kind_of_block_is_printed(block: Block, lines: list[str]) -> None:
    """Each block has a text form."""
    assert lines_of(block) == lines


def test_running_text_takes_a_hundred_columns_or_one_line_in_a_pipe() -> None:
    """Wide lines are hard to read, and `grep` needs whole lines."""
    text = Prose(" ".join(["word"] * 60))

    assert max(map(len, lines_of(text, width=300))) <= 102
    assert len(lines_of(text, width=1_000)) == 1


def test_a_section_without_blocks_is_omitted() -> None:
    """Its title is not printed either."""
    screen = Console(file=io.StringIO())
    print_section(screen, Section("key", "Title", "", ()))

    assert screen.file.getvalue() == ""  # type: ignore[attr-defined]


def test_recorded_text_is_escaped() -> None:
    """Control characters are escaped in every position."""
    bad = "x\x1b[2J"
    blocks: tuple[Block, ...] = (Prose(bad), Bullets((bad,)), Facts(((bad, bad),)), Code(bad, bad))
    document = Document(
        bad, bad, bad, Verdict("bad", bad, bad), ((bad, bad, bad),), (Section("k", bad, "", blocks),), ""
    )

    assert "\x1b" not in printed(document)
    assert printed(document).count("x\\x1b[2J") == 15

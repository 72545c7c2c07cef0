"""Tests of the full and the short form of documents."""

from collections.abc import Callable

from rlvitals.documents.document import (
    Bullets,
    Cell,
    Charts,
    Code,
    Document,
    Facts,
    Prose,
    Section,
    Table,
    Toned,
    brief_of,
    chosen,
    filled,
    table_of,
    toned,
)
from rlvitals.formatting import ABSENT
from rlvitals.summary.verdict import Verdict

OPEN, FOLDED = Table(("a",), (("1",),)), Table(("b",), (("2",),), folded=True)


def document(*sections: Section) -> Document:
    """Return a document with these sections."""
    return Document("run", "", "", Verdict("good", "", ""), (), sections, "")


def test_a_section_in_brief_omits_folded_blocks() -> None:
    """A section in brief omits folded blocks, unless it defines its brief contents."""
    whole = document(
        Section("one", "", "", (OPEN, FOLDED, Code("x", folded=True))),
        Section("two", "", "", (OPEN, FOLDED), (FOLDED, Prose("short"))),
    )

    assert [section.blocks for section in brief_of(whole).sections] == [(OPEN,), (FOLDED, Prose("short"))]


def test_a_section_without_brief_contents_is_omitted() -> None:
    """A section without brief contents is omitted with its title."""
    whole = document(
        Section("one", "", "", (OPEN,), ()), Section("two", "", "", (FOLDED,)), Section("three", "", "", (OPEN,))
    )

    assert [section.key for section in brief_of(whole).sections] == ["three"]


def test_columns_are_selected_by_title() -> None:
    """Columns are selected in the order of the table, and text columns stay text columns."""
    table = Table(("a", "b", "c", "d"), (("1", "2", "3", "4"),), texts=(0, 3), caption="what")

    assert chosen(table, {"d", "b", "e"}) == Table(("b", "d"), (("2", "4"),), texts=(1,), caption="what")


def test_empty_blocks_and_sections_are_omitted() -> None:
    """Empty blocks and sections without blocks are omitted."""
    empty = (Table(("a",), ()), Charts(()), Facts(()), Bullets(()), Prose(""))
    sections = (Section("one", "", "", (*empty, OPEN), empty), Section("two", "", "", empty, (OPEN,)))

    assert filled(sections) == (Section("one", "", "", (OPEN,), ()),)


def test_a_sparse_column_without_values_is_omitted() -> None:
    """A sparse column without values is omitted, but the first column always stays."""
    columns: dict[str, Callable[[int], Cell]] = {
        "a": lambda _: ABSENT,
        "b": lambda _: Toned(ABSENT, "quiet"),
        "c": lambda _: ABSENT,
        "d": str,
    }

    assert table_of([1, 2], columns, texts={"d"}, sparse={"b", "d"}) == Table(
        ("a", "c", "d"), ((ABSENT, ABSENT, "1"), (ABSENT, ABSENT, "2")), texts=(0, 2)
    )


def test_a_status_and_a_verdict_have_their_tones() -> None:
    """Statuses and verdicts have a tone, and other words do not."""
    assert [toned(word) for word in ("failed", "better", "completed")] == [
        Toned("failed", "bad"),
        Toned("better", "good"),
        "completed",
    ]

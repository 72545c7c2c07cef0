"""What a document holds, in full and in brief."""

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
    """A document of sections."""
    return Document("run", "", "", Verdict("good", "", ""), (), sections, "")


def test_a_section_in_brief_holds_what_is_not_folded() -> None:
    """Unless it says what it holds in brief."""
    whole = document(
        Section("one", "", "", (OPEN, FOLDED, Code("x", folded=True))),
        Section("two", "", "", (OPEN, FOLDED), (FOLDED, Prose("short"))),
    )

    assert [section.blocks for section in brief_of(whole).sections] == [(OPEN,), (FOLDED, Prose("short"))]


def test_a_section_without_anything_in_brief_is_left_out() -> None:
    """Its title too."""
    whole = document(
        Section("one", "", "", (OPEN,), ()), Section("two", "", "", (FOLDED,)), Section("three", "", "", (OPEN,))
    )

    assert [section.key for section in brief_of(whole).sections] == ["three"]


def test_columns_are_chosen_by_their_titles() -> None:
    """In the table's order; which are texts goes with them."""
    table = Table(("a", "b", "c", "d"), (("1", "2", "3", "4"),), texts=(0, 3), caption="what")

    assert chosen(table, {"d", "b", "e"}) == Table(("b", "d"), (("2", "4"),), texts=(1,), caption="what")


def test_what_holds_nothing_is_left_out() -> None:
    """A block without items or text, and a section without blocks."""
    empty = (Table(("a",), ()), Charts(()), Facts(()), Bullets(()), Prose(""))
    sections = (Section("one", "", "", (*empty, OPEN), empty), Section("two", "", "", empty, (OPEN,)))

    assert filled(sections) == (Section("one", "", "", (OPEN,), ()),)


def test_a_sparse_column_needs_a_value() -> None:
    """Every other column stays, and so does the first one."""
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
    """Any other word has none."""
    assert [toned(word) for word in ("failed", "better", "completed")] == [
        Toned("failed", "bad"),
        Toned("better", "good"),
        "completed",
    ]

"""The description of records from which everything else works."""

import pytest

from rlvitals.records import STREAMS, Episode, Event, Record, Scalars
from rlvitals.records.schema import Column, Field, column_names, fields


def test_a_kind_describes_itself() -> None:
    """Every field is there with what it holds, in the order of the columns of a sealed segment."""

    assert fields(Scalars) == (
        Field("time", Column.NUMBER, required=True),
        Field("writer", Column.COUNT, required=False),
        Field("step", Column.COUNT, required=True),
        Field("category", Column.TEXT, required=True),
        Field("values", Column.VALUES, required=True),
        Field("env_step", Column.COUNT, required=False),
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("reward", Column.NUMBER),
        ("quality_final", Column.NUMBER),
        ("env_index", Column.COUNT),
        ("success", Column.FLAG),
        ("category", Column.TEXT),
        ("reward_parts", Column.NUMBERS),
        ("algorithm", Column.NUMBERS),
        ("parameters", Column.VALUES),
        ("info", Column.TREE),
    ],
)
def test_an_episode_has_every_sort_of_column(name: str, column: Column) -> None:
    """A field's column is what its annotation says, optional or not."""

    assert {field.name: field.column for field in fields(Episode)}[name] is column


@pytest.mark.parametrize("kind", STREAMS.values(), ids=STREAMS)
def test_names_are_those_of_the_fields(kind: type[Record]) -> None:
    """A column is called as its field is."""

    assert column_names(kind) == kind.__struct_fields__


def test_only_flat_dicts_become_structs() -> None:
    """A tree stays JSON in a sealed segment: its shape is nobody's business."""

    assert [field.name for field in fields(Event) if field.column.is_dict] == []
    assert [field.name for field in fields(Episode) if field.column.is_dict] == [
        "reward_parts",
        "parameters",
        "algorithm",
        "extra",
    ]

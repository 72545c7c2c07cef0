"""Schema of the records."""

import pytest

from rlvitals.records import STREAMS, Episode, Event, Record, Scalars
from rlvitals.records.schema import Column, Field, column_names, fields


def test_fields_lists_the_columns_of_a_kind() -> None:
    """Every field has its type, in the column order of a sealed segment."""

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
        ("attempts", Column.ROWS),
        ("info", Column.TREE),
    ],
)
def test_an_episode_has_every_type_of_column(name: str, column: Column) -> None:
    """The annotation of a field, optional or not, determines its column."""

    assert {field.name: field.column for field in fields(Episode)}[name] is column


@pytest.mark.parametrize("kind", STREAMS.values(), ids=STREAMS)
def test_names_are_those_of_the_fields(kind: type[Record]) -> None:
    """The name of a column is the name of its field."""

    assert column_names(kind) == kind.__struct_fields__


def test_only_flat_dicts_become_structs() -> None:
    """A tree stays JSON in a sealed segment, because its structure is arbitrary."""

    assert [field.name for field in fields(Event) if field.column.is_dict] == []
    assert [field.name for field in fields(Episode) if field.column.is_dict] == [
        "reward_parts",
        "parameters",
        "algorithm",
        "extra",
    ]

"""Kinds of record."""

import pytest

from rlvitals.records import STREAM_OF, STREAMS, Episode, Record


def test_every_kind_has_one_stream() -> None:
    """There is a one-to-one mapping between the six kinds and the six streams."""

    assert list(STREAMS) == ["episodes", "updates", "evaluations", "system", "scalars", "events"]
    assert {STREAM_OF[kind]: kind for kind in STREAM_OF} == STREAMS


@pytest.mark.parametrize("kind", STREAMS.values(), ids=STREAMS)
def test_every_kind_has_a_time_and_a_writer(kind: type[Record]) -> None:
    """All records have a time and a writer, which is 1 by default."""

    assert kind.__struct_fields__[:2] == ("time", "writer")
    assert Record(time=1.0).writer == 1


def test_a_record_is_immutable() -> None:
    """Assigning to a field of a record raises an error."""

    record = Episode(time=1.0, episode=1, reward=2.0, length=3)
    with pytest.raises(AttributeError, match="immutable"):
        record.reward = 4.0  # type: ignore[misc]


def test_a_missing_field_is_none() -> None:
    """A field that the caller left out is None, not zero."""

    assert Episode(time=1.0, episode=1, reward=2.0, length=3).quality_final is None

"""The kinds of record."""

import pytest

from rlvitals.records import STREAM_OF, STREAMS, Episode, Record


def test_every_kind_has_one_stream() -> None:
    """Six kinds, six folders, one to one."""

    assert list(STREAMS) == ["episodes", "updates", "evaluations", "system", "scalars", "events"]
    assert {STREAM_OF[kind]: kind for kind in STREAM_OF} == STREAMS


@pytest.mark.parametrize("kind", STREAMS.values(), ids=STREAMS)
def test_every_kind_says_when_and_by_whom(kind: type[Record]) -> None:
    """All records have a time and a writer, which is the first unless a run was resumed."""

    assert kind.__struct_fields__[:2] == ("time", "writer")
    assert Record(time=1.0).writer == 1


def test_a_record_cannot_be_changed() -> None:
    """What was recorded stays so, whoever holds it."""

    record = Episode(time=1.0, episode=1, reward=2.0, length=3)
    with pytest.raises(AttributeError, match="immutable"):
        record.reward = 4.0  # type: ignore[misc]


def test_what_is_not_said_is_none() -> None:
    """A field that its caller left out is absent, not zero."""

    assert Episode(time=1.0, episode=1, reward=2.0, length=3).quality_final is None

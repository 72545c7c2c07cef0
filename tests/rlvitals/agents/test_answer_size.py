"""Limits on the size of an answer."""

import json

import pytest

from rlvitals.agents.answer_size import AnswerSizeError, shortened


def test_a_short_answer_is_whole() -> None:
    """Nothing is changed and there is no note."""
    assert shortened({"rows": [1, 2]}) == ({"rows": [1, 2]}, [])


def test_long_lists_are_shortened_to_the_same_length() -> None:
    """Parallel curves stay aligned, and each list is named with its length."""
    document = {"curves": {"mean": list(range(400)), "low": list(range(400))}, "name": "a"}

    cut, notes = shortened(document, most=1_500)
    assert len(cut["curves"]["mean"]) == len(cut["curves"]["low"]) < 400
    assert len(json.dumps(cut)) <= 1_500
    assert notes == [f"curves.{name}: only the first 100 of 400 entries" for name in ("low", "mean")]


def test_a_long_text_is_shortened() -> None:
    """The note names the text, also in a list."""
    cut, notes = shortened({"events": [{"message": "x" * 5_000}]}, most=3_000)

    assert len(cut["events"][0]["message"]) == 2_003
    assert notes == ["events[].message: only the first 2,000 of 5,000 characters"]


def test_notes_are_limited() -> None:
    """Many shortened parts are counted."""
    _, notes = shortened({f"text-{at}": "x" * (300 + at) for at in range(60)}, most=20_000)

    assert (len(notes), notes[-1]) == (21, "40 more parts were shortened")


def test_an_answer_with_too_many_keys_is_refused() -> None:
    """Keys are never left out, so that a document stays valid."""
    with pytest.raises(AnswerSizeError, match="the limit is 1,000"):
        shortened({f"key-{at}": at for at in range(1_000)}, most=1_000)

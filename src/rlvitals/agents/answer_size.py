"""Limits on the size of an answer: long lists and texts are shortened, and the answer names them."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from rlvitals.errors import RlvitalsError

MOST_CHARACTERS = 60_000
"""Maximum size of an answer as JSON, in characters."""
_LIMITS = ((1_000, 50_000), (200, 10_000), (100, 4_000), (50, 2_000), (20, 1_000), (10, 500), (5, 200))
"""Maximum lengths of a list and of a text, tried in this order until the answer fits."""
_MOST_NOTES = 20


class AnswerSizeError(RlvitalsError):
    """An answer that is too large although its lists and texts were shortened."""


class ShortenedAnswer(NamedTuple):
    """A document that fits, and a sentence for each part that was shortened."""

    document: Any
    notes: list[str]


def shortened(document: Any, most: int = MOST_CHARACTERS) -> ShortenedAnswer:
    """Shorten the lists and texts of a document until it fits. All lists have the same limit, so curves stay aligned.

    Args:
        document: Plain values.
        most: Maximum size in characters.

    Raises:
        AnswerSizeError: The document does not fit, because it has too many keys.
    """
    if _size(document) <= most:
        return ShortenedAnswer(document, [])
    for items, characters in _LIMITS:
        cut = _cut(document, items, characters)
        if _size(cut) <= most:
            notes = sorted(set(_notes(document, "", items, characters)))
            more = [f"{len(notes) - _MOST_NOTES} more parts were shortened"] if len(notes) > _MOST_NOTES else []
            return ShortenedAnswer(cut, [*notes[:_MOST_NOTES], *more])
    raise AnswerSizeError(
        f"the answer has {_size(document):,} characters, and {_size(cut):,} with short lists; the limit is {most:,}. "
        "Ask for less, for example for a few columns with SQL."
    )


def _size(document: Any) -> int:
    return len(json.dumps(document, ensure_ascii=False))


def _cut(part: Any, items: int, characters: int) -> Any:
    match part:
        case dict():
            return {key: _cut(value, items, characters) for key, value in part.items()}
        case list():
            return [_cut(value, items, characters) for value in part[:items]]
        case str() if len(part) > characters:
            return f"{part[:characters]}..."
        case _:
            return part


def _notes(part: Any, place: str, items: int, characters: int) -> Iterator[str]:
    match part:
        case dict():
            for key, value in part.items():
                yield from _notes(value, f"{place}.{key}" if place else str(key), items, characters)
        case list():
            if len(part) > items:
                yield f"{place}: only the first {items} of {len(part):,} entries"
            for value in part[:items]:
                yield from _notes(value, f"{place}[]", items, characters)
        case str() if len(part) > characters:
            yield f"{place}: only the first {characters:,} of {len(part):,} characters"

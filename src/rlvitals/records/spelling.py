"""Misspelled metric names: finding the known name that a caller probably meant."""

import difflib
from functools import lru_cache

from rlvitals.records.kinds import Episode, Evaluation, PolicyUpdate, Record
from rlvitals.records.schema import column_names
from rlvitals.records.synonyms import EVALUATION_SYNONYMS, SYNONYMS

_CUTOFF = 0.82
"""Minimum similarity (difflib's ratio) between two spellings of one word."""
_WHOLE_CUTOFF = 0.9
"""Minimum similarity between whole names, if an underscore is missing."""
_SHORTEST = 4
"""Minimum length of a word, in letters, to tell a misspelling from another word."""
_MAX_NAMES = 4_096

_ALIASES: dict[type[Record], frozenset[str]] = {
    PolicyUpdate: frozenset({*SYNONYMS, "entropy_loss", "ent_coef", "entropy_coef"}),
    Evaluation: frozenset({*EVALUATION_SYNONYMS}),
    Episode: frozenset(),
}
_OTHER_WORDS = frozenset({"mean", "median", "min", "max", "std", "var", "sum", "coef", "actor", "critic", "ratio"})
"""Words of metric names that resemble a known word but are correct (`value_median`, `value_mean`)."""


@lru_cache(_MAX_NAMES)
def nearest_name(name: str, kind: type[Record]) -> str | None:
    """Find the known name that a name misspells.

    Names are compared word by word. A custom metric that contains or extends a known name (`loss_aux`, `entropy_coef`,
    `old_approx_kl`, `advantage_max`) is not a misspelling.

    Args:
        name: Name that is not a field.
        kind: Record class for which the name was passed.

    Returns:
        The nearest name of a field or synonym. `None` if no name is similar.
    """
    known = {*column_names(kind), *_ALIASES[kind]}
    if name in known or any(character.isdigit() for character in name):
        return None
    spelled = name.lower().replace("-", "_").replace(" ", "_")
    near = [other for other in sorted(known) if _misspells(spelled, other)]
    matches = difflib.get_close_matches(spelled, near, n=1, cutoff=0.0)
    return matches[0] if matches else None


def _misspells(name: str, known: str) -> bool:
    if name == known or name.replace("_", "") == known.replace("_", ""):
        return True
    words, known_words = name.split("_"), known.split("_")
    if len(words) == len(known_words):
        return all(map(_same_word, words, known_words))
    joined = known.replace("_", "")
    return "_" not in name and len(joined) > 2 * _SHORTEST and _ratio(name, joined) >= _WHOLE_CUTOFF


def _same_word(word: str, known: str) -> bool:
    if word == known:
        return True
    if len(known) < _SHORTEST or word in _OTHER_WORDS or _is_plural(word, known):
        return False
    return sorted(word) == sorted(known) or _ratio(word, known) >= _CUTOFF


def _is_plural(word: str, known: str) -> bool:
    if word in {f"{known}s", f"{known}es"}:
        return True
    return known == f"{word}s" and not known.endswith("ss")


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()

"""Dicts that a training loop hands to a `log_*` call: read, joined and emptied, whatever type they really have."""

from collections.abc import Mapping
from typing import Any

from rlvitals.errors import RecordError
from rlvitals.records.coercion import DICT_WANTED, shown


def dict_of(name: str, given: Any, episode: Any) -> dict[str, Any]:
    """Copy a dict of an episode.

    Args:
        name: Name of the argument, for the error.
        given: The value of the argument.
        episode: Episode number, for the error.

    Raises:
        RecordError: It is not a dict, or its entries cannot be read.
    """
    try:
        if isinstance(given, Mapping):
            return dict(given)
    except Exception as error:  # noqa: BLE001 - a foreign type may raise anything
        why = f"cannot be read ({type(error).__name__}: {error})"
    else:
        why = "must be a dict"
    number = episode if type(episode) is int else shown(episode)
    raise RecordError(f"Episode {number}: {name} {why}, got {shown(given)}; {DICT_WANTED}")


def joined(first: Any, then: Any) -> Any:
    """Merge two dicts, either of which may be `None`. A value that is not a dict is returned: the record refuses it."""
    both: dict[str, Any] = {}
    for given in (first, then):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            return given
        try:
            both |= dict(given)
        except Exception:  # noqa: BLE001 - a foreign type may raise anything
            return given
    return both


def filled(given: Any) -> Any:
    """Replace an empty dict by `None`, which is absent; the length of any other type is not asked for."""
    return None if isinstance(given, Mapping) and not given else given


def difference(final: Any, initial: Any) -> Any:
    """Subtract two numbers; `None` where one of them is not a number, which the record then refuses."""
    try:
        return final - initial
    except Exception:  # noqa: BLE001 - a foreign type may raise anything
        return None

"""Reading and merging of the dicts passed to `log_*` calls, which can be of any type."""

from collections.abc import Mapping
from typing import Any

from rlvitals.errors import RecordError
from rlvitals.records.coercion import DICT_WANTED, shown


def dict_of(name: str, given: Any, episode: Any) -> dict[str, Any]:
    """Copy a dict passed with an episode.

    Args:
        name: Argument name, for the error message.
        given: Argument value.
        episode: Episode number, for the error message.

    Raises:
        RecordError: The value is not a dict, or its entries cannot be read.
    """
    try:
        if isinstance(given, Mapping):
            return dict(given)
    except Exception as error:  # noqa: BLE001 - a foreign type can raise anything
        why = f"cannot be read ({type(error).__name__}: {error})"
    else:
        why = "must be a dict"
    number = episode if type(episode) is int else shown(episode)
    raise RecordError(f"Episode {number}: {name} {why}, got {shown(given)}; {DICT_WANTED}")


def joined(first: Any, then: Any) -> Any:
    """Merge two dicts or `None`s. A value that is not a dict is returned unchanged, and the record rejects it."""
    both: dict[str, Any] = {}
    for given in (first, then):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            return given
        try:
            both |= dict(given)
        except Exception:  # noqa: BLE001 - a foreign type can raise anything
            return given
    return both


def filled(given: Any) -> Any:
    """Replace an empty dict with `None`, which marks a missing field. Other types are returned unchanged."""
    return None if isinstance(given, Mapping) and not given else given


def difference(final: Any, initial: Any) -> Any:
    """Subtract two numbers. Returns `None` if one is not a number; the record then rejects that value."""
    try:
        return final - initial
    except Exception:  # noqa: BLE001 - a foreign type can raise anything
        return None

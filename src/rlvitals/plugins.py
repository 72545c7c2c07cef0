"""Discovery of plug-ins by entry point. The plug-ins of rlvitals itself are found in the same way."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from rlvitals.errors import RlvitalsError

T = TypeVar("T")


@cache
def offered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name. They are searched once; each plug-in is loaded when it is created."""
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> list[str]:
    """Return the names of all installed plug-ins of a group, sorted."""
    return sorted(offered(group))


def make(group: str, name: str, *, role: type[T], noun: str, error: type[RlvitalsError]) -> T:
    """Create a plug-in.

    Args:
        group: Entry-point group.
        name: Name of the plug-in.
        role: Class that the plug-in must be an instance of.
        noun: Noun for such a plug-in in messages, such as "sink".
        error: Exception class to raise if the plug-in cannot be created.

    Returns:
        The plug-in.

    Raises:
        RlvitalsError: No plug-in has that name, or it cannot be created; the cause is attached. An error of rlvitals
            that the plug-in raises, such as for a missing extra, is passed on.
    """
    if name not in offered(group):
        raise error(f"unknown {noun} {name!r}. Installed {noun}s: {', '.join(names(group)) or 'none'}.")
    try:
        made = offered(group)[name].load()()
    except RlvitalsError:
        raise
    except Exception as cause:
        raise error(f"cannot create the {noun} {name!r}: {type(cause).__name__}: {cause}") from cause
    if not isinstance(made, role):
        raise error(f"{name!r} returned a {type(made).__name__}; must be an {group}.{role.__name__}")
    return made

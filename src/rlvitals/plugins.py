"""What installed packages offer by entry point: the one way in which ours and others' plug-ins are found."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from rlvitals.errors import RlvitalsError

T = TypeVar("T")


@cache
def offered(group: str) -> dict[str, EntryPoint]:
    """The plug-ins of a group, by their names. They are looked for once, and loaded when they are made."""
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> list[str]:
    """The names of all plug-ins of a group that are installed."""
    return sorted(offered(group))


def make(group: str, name: str, *, role: type[T], noun: str, error: type[RlvitalsError]) -> T:
    """Make a plug-in.

    Args:
        group: Its entry-point group.
        name: Its name.
        role: The class that it must be of.
        noun: What such a plug-in is called.
        error: What is raised if it cannot be made.

    Raises:
        RlvitalsError: There is none of that name, or it cannot be made; the cause is attached. Errors of ours that it
            raises, such as for a missing extra, are passed on.
    """
    if name not in offered(group):
        raise error(f"there is no {noun} {name!r}: installed are {', '.join(names(group)) or 'none'}")
    try:
        made = offered(group)[name].load()()
    except RlvitalsError:
        raise
    except Exception as cause:
        raise error(f"the {noun} {name!r} cannot be made: {type(cause).__name__}: {cause}") from cause
    if not isinstance(made, role):
        raise error(f"{name!r} made a {type(made).__name__}, which is no {group}.{role.__name__}")
    return made

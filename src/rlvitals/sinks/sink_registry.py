"""Sinks by name: ours and those of other packages, found by the same entry point."""

from collections.abc import Callable, Iterable

from rlvitals import plugins
from rlvitals.errors import SinkError
from rlvitals.sinks.sink import Sink
from rlvitals.sinks.sink_context import SinkContext, introduce

GROUP = "rlvitals.sinks"
"""Entry-point group in which a package offers its sinks: `name = "module:Class"`."""


SinkLike = str | Sink | Callable[[], Sink]
"""What names a sink: the sink itself, something that returns one, or the name of an installed one."""


def sink_names() -> list[str]:
    """The names of all sinks that are installed."""
    return plugins.names(GROUP)


def make_sink(what: SinkLike, context: SinkContext | None = None) -> Sink:
    """Make a sink of whatever names one.

    Args:
        what: A sink, something that returns one, or the name of one that an installed package offers.
        context: The run, which the sink is told of if it wants to know.

    Raises:
        SinkError: There is no such sink, or it cannot be made; the cause is attached.
    """
    if isinstance(what, str) and what not in plugins.offered(GROUP):
        raise SinkError(f"there is no sink {what!r}: installed are {', '.join(sink_names()) or 'none'}")
    try:
        made = _made(what)
        if isinstance(made, Sink) and context is not None:
            introduce(made, context)
    except Exception as error:
        raise SinkError(f"the sink {what!r} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Sink):
        raise SinkError(f"{what!r} made a {type(made).__name__}, which is no rlvitals.sinks.Sink")
    return made


def make_sinks(wanted: Iterable[SinkLike], context: SinkContext) -> tuple[list[Sink], list[str]]:
    """Make several sinks; those that cannot be made are left out.

    Returns:
        The sinks, and one error message for each that could not be made.
    """
    made: list[Sink] = []
    refused: list[str] = []
    for what in wanted:
        try:
            made.append(make_sink(what, context))
        except SinkError as error:
            refused.append(str(error))
    return made, refused


def _made(what: SinkLike) -> object:
    if isinstance(what, Sink):
        return what
    return plugins.offered(GROUP)[what].load()() if isinstance(what, str) else what()

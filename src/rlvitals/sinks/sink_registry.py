"""Sinks by name: built-in sinks and those of other packages, found through the same entry-point group."""

from collections.abc import Callable, Iterable

from rlvitals import plugins
from rlvitals.errors import SinkError
from rlvitals.sinks.sink import Sink
from rlvitals.sinks.sink_context import SinkContext, introduce

GROUP = "rlvitals.sinks"
"""Entry-point group in which packages register sinks: `name = "module:Class"`."""


SinkLike = str | Sink | Callable[[], Sink]
"""A sink, a callable that returns a sink, or the name of an installed sink."""


def sink_names() -> list[str]:
    """Return the names of all installed sinks."""
    return plugins.names(GROUP)


def make_sink(what: SinkLike, context: SinkContext | None = None) -> Sink:
    """Create a sink.

    Args:
        what: A sink, a callable that returns a sink, or the name of an installed sink.
        context: Description of the run, passed to sinks that use it; or `None`.

    Raises:
        SinkError: The name is unknown, or the sink cannot be created. The cause is attached.
    """
    if isinstance(what, str) and what not in plugins.offered(GROUP):
        raise SinkError(f"unknown sink {what!r}. Installed sinks: {', '.join(sink_names()) or 'none'}.")
    try:
        made = _made(what)
        if isinstance(made, Sink) and context is not None:
            introduce(made, context)
    except Exception as error:
        raise SinkError(f"cannot create the sink {what!r}: {type(error).__name__}: {error}") from error
    if not isinstance(made, Sink):
        raise SinkError(f"{what!r} returned a {type(made).__name__}; must be an rlvitals.sinks.Sink")
    return made


def make_sinks(wanted: Iterable[SinkLike], context: SinkContext) -> tuple[list[Sink], list[str]]:
    """Create several sinks. Sinks that cannot be created are omitted.

    Args:
        wanted: Sinks, callables that return a sink, or names of installed sinks.
        context: Description of the run.

    Returns:
        The sinks, and one error message for each sink that could not be created.
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

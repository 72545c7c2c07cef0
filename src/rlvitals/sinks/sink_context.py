"""What a sink may know of the run that it serves."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.sink import Sink, SinkWrapper


class SinkContext(NamedTuple):
    """The run that a sink serves.

    Attributes:
        path: The run's folder, in the folder of all runs.
        artifacts: The folder for files that are no records; a sink makes one of its own in it.
        run_id: The run's unique name.
        project: What the run belongs to.
        configuration: Gives the settings of the training as they stand. They may grow after the beginning: an adapter
            adds hyper-parameters when it sees the algorithm.
        resumed: Whether the run had been begun before.
    """

    path: Path
    artifacts: Path
    run_id: str
    project: str
    configuration: Callable[[], dict[str, Any]]
    resumed: bool


class RunSink(Sink):
    """A sink that wants to know the run.

    Order:
        `begin` is called once, before the first record, by the thread that makes the monitor. It should only take note:
        what takes time (a network, a large import) belongs to the first `write`, which keeps no training waiting. A
        sink that is used without a monitor may never be told.
    """

    @abstractmethod
    def begin(self, context: SinkContext) -> None:
        """Take note of the run."""


def introduce(sink: Sink, context: SinkContext) -> None:
    """Tell a sink of the run, if it wants to know; what wraps others passes the word on."""
    if isinstance(sink, RunSink):
        sink.begin(context)
    elif isinstance(sink, SinkWrapper):
        introduce(sink.to, context)
    elif isinstance(sink, FanOut):
        for each in sink.sinks:
            introduce(each, context)

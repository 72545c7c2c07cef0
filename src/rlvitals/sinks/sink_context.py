"""Information about the run that is passed to sinks."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.sink import Sink, SinkWrapper


class SinkContext(NamedTuple):
    """The run whose records a sink receives.

    Attributes:
        path: Path of the run folder, inside the folder of runs.
        artifacts: Folder for files other than records. A sink creates its own folder in it.
        run_id: Unique name of the run.
        project: Project name of the run, or an empty string.
        configuration: Callback that returns the current training configuration. Settings can be added during the run:
            an adapter adds the hyperparameters when it first sees the algorithm.
        resumed: Whether the run was resumed.
    """

    path: Path
    artifacts: Path
    run_id: str
    project: str
    configuration: Callable[[], dict[str, Any]]
    resumed: bool


class RunSink(Sink):
    """Base class of sinks that use information about the run.

    Order:
        `begin` is called once, before the first record, by the thread that creates the monitor. It should only store
        the context. Slow work (a network connection, a large import) belongs in the first `write`, which does not
        block the training. Without a monitor, `begin` is not called.
    """

    @abstractmethod
    def begin(self, context: SinkContext) -> None:
        """Receive information about the run.

        Args:
            context: Description of the run.
        """


def introduce(sink: Sink, context: SinkContext) -> None:
    """Call `begin` of a sink, or of the sinks that it wraps. Other sinks are skipped.

    Args:
        sink: Any sink.
        context: Description of the run.
    """
    if isinstance(sink, RunSink):
        sink.begin(context)
    elif isinstance(sink, SinkWrapper):
        introduce(sink.to, context)
    elif isinstance(sink, FanOut):
        for each in sink.sinks:
            introduce(each, context)

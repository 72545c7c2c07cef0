"""Where records also go while training."""

from rlvitals.sinks.background import Background
from rlvitals.sinks.base import Sink, SinkWrapper
from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.isolated import Isolated
from rlvitals.sinks.memory import MemorySink
from rlvitals.sinks.registry import make_sink, sink_names
from rlvitals.sinks.terminal import TerminalSink

__all__ = [
    "Background",
    "FanOut",
    "Isolated",
    "MemorySink",
    "Sink",
    "SinkWrapper",
    "TerminalSink",
    "make_sink",
    "sink_names",
]

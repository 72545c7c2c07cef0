"""Sinks: further destinations of the records while a run is recorded."""

from rlvitals.sinks.background import Background
from rlvitals.sinks.callable_sink import CallableSink
from rlvitals.sinks.csv_sink import CsvSink
from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.isolated import Isolated
from rlvitals.sinks.logging_sink import LoggingSink
from rlvitals.sinks.memory_sink import MemorySink
from rlvitals.sinks.mlflow_sink import MlflowSink
from rlvitals.sinks.prometheus_sink import PrometheusSink
from rlvitals.sinks.sink import Sink, SinkWrapper
from rlvitals.sinks.sink_context import RunSink, SinkContext
from rlvitals.sinks.sink_registry import SinkLike, make_sink, make_sinks, sink_names
from rlvitals.sinks.tensorboard_sink import TensorBoardSink
from rlvitals.sinks.terminal_sink import TerminalSink
from rlvitals.sinks.wandb_sink import WandbSink

__all__ = [
    "Background",
    "CallableSink",
    "CsvSink",
    "FanOut",
    "Isolated",
    "LoggingSink",
    "MemorySink",
    "MlflowSink",
    "PrometheusSink",
    "RunSink",
    "Sink",
    "SinkContext",
    "SinkLike",
    "SinkWrapper",
    "TensorBoardSink",
    "TerminalSink",
    "WandbSink",
    "make_sink",
    "make_sinks",
    "sink_names",
]

"""Where records also go while training."""

from rlvitals.sinks.background import Background
from rlvitals.sinks.base import Sink, SinkWrapper
from rlvitals.sinks.callback import CallableSink
from rlvitals.sinks.context import RunSink, SinkContext
from rlvitals.sinks.csv import CsvSink
from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.isolated import Isolated
from rlvitals.sinks.logging import LoggingSink
from rlvitals.sinks.memory import MemorySink
from rlvitals.sinks.mlflow import MlflowSink
from rlvitals.sinks.prometheus import PrometheusSink
from rlvitals.sinks.registry import SinkLike, make_sink, make_sinks, sink_names
from rlvitals.sinks.tensorboard import TensorBoardSink
from rlvitals.sinks.terminal import TerminalSink
from rlvitals.sinks.wandb import WandbSink

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

"""What can be said of a training, and how it is written down."""

from rlvitals.records.codec import Codec, codec_of, line_of
from rlvitals.records.kinds import (
    STREAM_OF,
    STREAMS,
    Episode,
    Evaluation,
    Event,
    PolicyUpdate,
    Record,
    Scalars,
    SystemSample,
)
from rlvitals.records.metric import Metric
from rlvitals.records.metrics import METRICS, metric

__all__ = [
    "METRICS",
    "STREAMS",
    "STREAM_OF",
    "Codec",
    "Episode",
    "Evaluation",
    "Event",
    "Metric",
    "PolicyUpdate",
    "Record",
    "Scalars",
    "SystemSample",
    "codec_of",
    "line_of",
    "metric",
]

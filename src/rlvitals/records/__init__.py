"""Record types of a training run, their validation and their encoding."""

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

"""What can be said of a training, and how it is written down."""

from rlvitals.records.codec import Codec, codec_of
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

__all__ = [
    "STREAMS",
    "STREAM_OF",
    "Codec",
    "Episode",
    "Evaluation",
    "Event",
    "PolicyUpdate",
    "Record",
    "Scalars",
    "SystemSample",
    "codec_of",
]

"""Documents with the last records of a stream: lines of `rlvitals tail --json`, and one document for agents."""

from typing import Any, Literal

import msgspec

StreamName = Literal["episodes", "updates", "evaluations", "system", "scalars", "events"]


class LastRecords(msgspec.Struct, frozen=True):
    """The last records of a stream.

    Attributes:
        run_id: Name of the run.
        stream: Name of the stream.
        records: Records, oldest first. Each is a line of `tail --json`, which `rlvitals schema tail` describes.
    """

    run_id: str
    stream: StreamName
    records: list[dict[str, Any]]

"""Sink that stores the best episode in `<run>/artifacts/best.json`."""

from pathlib import Path

import msgspec

from rlvitals.errors import ClosedError
from rlvitals.records import Episode, Record
from rlvitals.sinks import RunSink, SinkContext


class BestSink(RunSink):
    """Sink that writes the episode with the highest reward each time there is a better one.

    Args:
        path: Output file, by default `best.json` in the run's artifact folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._best: Episode | None = None
        self._closed = False

    def begin(self, context: SinkContext) -> None:
        """Use the artifact folder of the run if no file was given."""
        if self._path is None:
            self._path = context.artifacts / "best.json"

    def write(self, record: Record) -> None:
        """Store an episode if it is the best one; ignore other records.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        # With this order of operands, an episode with a NaN reward is never the best.
        if isinstance(record, Episode) and record.reward > (self._best.reward if self._best else float("-inf")):
            self._best = record
            (self._path or Path("best.json")).write_bytes(msgspec.json.encode(record))

    def close(self) -> None:
        """Close the sink. The file is kept."""
        self._closed = True

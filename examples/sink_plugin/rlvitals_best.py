"""Keeps the best episode so far: `<run>/artifacts/best.json`."""

from pathlib import Path

import msgspec

from rlvitals.errors import ClosedError
from rlvitals.records import Episode, Record
from rlvitals.sinks import RunSink, SinkContext


class BestSink(RunSink):
    """Writes the episode with the highest reward, whenever there is a better one.

    Args:
        path: The file; by default `best.json` among the run's artifacts.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._best: Episode | None = None
        self._closed = False

    def begin(self, context: SinkContext) -> None:
        """Take the run's folder, if no file was given."""
        if self._path is None:
            self._path = context.artifacts / "best.json"

    def write(self, record: Record) -> None:
        """Look at an episode; whatever else comes is passed over.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        # Told this way round, an episode whose reward is NaN is never the best.
        if isinstance(record, Episode) and record.reward > (self._best.reward if self._best else float("-inf")):
            self._best = record
            (self._path or Path("best.json")).write_bytes(msgspec.json.encode(record))

    def close(self) -> None:
        """Take no more; the file stays."""
        self._closed = True

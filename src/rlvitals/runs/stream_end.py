"""Reading of the last records of a stream and of later additions."""

from typing import Any

from rlvitals.runs.folder import RunFolder, is_abandoned, rewinds_of
from rlvitals.runs.follower import Follower
from rlvitals.runs.queries import last_records


class StreamEnd(Follower):
    """Cursor that follows a stream from its end without reading the whole stream.

    Args:
        run: Run to read.
        stream: Stream name.
    """

    def __init__(self, run: RunFolder, stream: str) -> None:
        super().__init__(run.layout, stream)
        self._run = run

    def last(self, count: int) -> list[Any]:
        """Move to the end of the stream and return at most `count` last records before it."""
        segments = self._layout.segments(self._stream)
        if not segments:
            return []
        newest = segments[-1]
        self._number = newest.number
        if newest.sealed:
            self._offset = -1
            return last_records(self._run, self._stream, count)
        rewinds = rewinds_of(self._run.header)
        fresh = [record for record in self._new_lines(newest) if not is_abandoned(record, rewinds)]
        kept = fresh[max(0, len(fresh) - count) :]
        return last_records(self._run, self._stream, count - len(kept), before=newest.number) + kept

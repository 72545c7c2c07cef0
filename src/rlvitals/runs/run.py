"""Reading of a live or finished run."""

from typing import TYPE_CHECKING

from rlvitals.runs.folder import RunFolder, checked_stream
from rlvitals.runs.verification import Verification, verify

if TYPE_CHECKING:
    from rlvitals.runs.answer import Answer
    from rlvitals.runs.stream import Stream


class Run(RunFolder):
    """A run folder, opened for reading. It keeps no file open, and reads include the new records of a live writer.

    Args:
        path: Run folder.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
    """

    @property
    def episodes(self) -> "Stream":
        """The episodes, as columns."""
        return self.stream("episodes")

    @property
    def updates(self) -> "Stream":
        """The policy updates, as columns."""
        return self.stream("updates")

    @property
    def evaluations(self) -> "Stream":
        """The evaluations, as columns."""
        return self.stream("evaluations")

    @property
    def system(self) -> "Stream":
        """The system samples, as columns."""
        return self.stream("system")

    @property
    def scalars(self) -> "Stream":
        """The custom metrics, as columns."""
        return self.stream("scalars")

    @property
    def events(self) -> "Stream":
        """The events, as columns."""
        return self.stream("events")

    def stream(self, name: str, *, abandoned: bool = False) -> "Stream":
        """Return a stream, as columns.

        Args:
            name: Stream name: `episodes`, `updates`, `evaluations`, `system`, `scalars` or `events`.
            abandoned: Whether to include records of branches that a rewind abandoned.

        Raises:
            RunFormatError: The stream is unknown.
        """
        from rlvitals.runs.stream import Stream  # noqa: PLC0415 - a trainer needs no database

        return Stream(self, checked_stream(name), abandoned=abandoned)

    def verify(self) -> Verification:
        """Read every record and compare every segment with its checksum. Nothing is changed.

        Other reads do not compare checksums, so that they stay fast.

        Raises:
            RunFormatError: The header is missing or damaged.
            OSError: A file cannot be read.
        """
        return verify(self)

    def sql(self, question: str) -> "Answer":
        """Run a SQL query. Each stream is a table, and dict entries are columns such as `parameters.gamma`.

        Raises:
            QueryError: The query is invalid, or is not read-only.
            RunFormatError: A segment is damaged.
        """
        from rlvitals.runs.answer import query  # noqa: PLC0415 - a trainer needs no database

        return query(self, question)

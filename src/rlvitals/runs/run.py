"""A run, as its readers see it: live or finished, the same."""

from typing import TYPE_CHECKING

from rlvitals.runs.folder import RunFolder, checked_stream
from rlvitals.runs.verification import Verification, verify

if TYPE_CHECKING:
    from rlvitals.runs.answer import Answer
    from rlvitals.runs.stream import Stream


class Run(RunFolder):
    """One run folder, opened for reading. It holds no file open, and sees what a live writer adds.

    Args:
        path: The run's folder.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, is damaged, or is of a newer format.
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
        """The samples of the machine's load, as columns."""
        return self.stream("system")

    @property
    def scalars(self) -> "Stream":
        """The user's own metrics, as columns."""
        return self.stream("scalars")

    @property
    def events(self) -> "Stream":
        """What happened once, as columns."""
        return self.stream("events")

    def stream(self, name: str, *, abandoned: bool = False) -> "Stream":
        """A stream, as columns.

        Args:
            name: `episodes`, `updates`, `evaluations`, `system`, `scalars` or `events`.
            abandoned: Whether records of branches that a rewind left behind are given too.

        Raises:
            RunFormatError: There is no such stream.
        """
        from rlvitals.runs.stream import Stream  # noqa: PLC0415 - a trainer needs no database

        return Stream(self, checked_stream(name), abandoned=abandoned)

    def verify(self) -> Verification:
        """Read every record, and compare every segment with its checksum; changes nothing.

        Reading a run compares no checksums, so that it stays quick.

        Raises:
            RunFormatError: The header is gone or damaged.
            OSError: A file cannot be read.
        """
        return verify(self)

    def sql(self, question: str) -> "Answer":
        """Answer a question in SQL, in which each stream is a table, and an entry of a dict `parameters.gamma`.

        Raises:
            QueryError: The question is wrong, or is more than a question.
            RunFormatError: A segment is damaged.
        """
        from rlvitals.runs.answer import query  # noqa: PLC0415 - a trainer needs no database

        return query(self, question)

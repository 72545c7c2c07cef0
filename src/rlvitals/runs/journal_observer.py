"""What the appending side of a stream tells its owner."""

from pathlib import Path


class JournalObserver:
    """What a journal tells its owner; the owner overrides what it wants to know."""

    def began(self, path: Path, error: OSError) -> None:
        """The journal cannot write to a file, and keeps lines in memory."""

    def ended(self, path: Path, lost: int) -> None:
        """The journal writes again; so many lines were lost since it began to fail."""

    def restored(self, path: Path) -> None:
        """A file had been removed from its place, and is there again with all that it held."""

    def unsafe(self, path: Path, error: OSError) -> None:
        """Lines are written, but cannot be forced to the disk."""

    def safe(self, path: Path) -> None:
        """Lines can be forced to the disk again."""

    def dropped(self, path: Path, lines: int) -> None:
        """The system dropped so many lines that it had taken, as the disk did not: they are lost."""

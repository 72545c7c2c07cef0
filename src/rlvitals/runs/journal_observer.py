"""Observer interface for failures of a journal."""

from pathlib import Path


class JournalObserver:
    """Observer of a journal. Subclasses override the methods that they need; the default methods do nothing."""

    def began(self, path: Path, error: OSError) -> None:
        """Handle the start of a write failure. The journal keeps lines in memory."""

    def ended(self, path: Path, lost: int) -> None:
        """Handle the end of a write failure, with the number of lines lost since it started."""

    def restored(self, path: Path) -> None:
        """Handle the restoration of a removed file with its whole content."""

    def unsafe(self, path: Path, error: OSError) -> None:
        """Handle a sync failure. Lines are written, but cannot be synced to the disk."""

    def safe(self, path: Path) -> None:
        """Handle the end of a sync failure."""

    def dropped(self, path: Path, lines: int) -> None:
        """Handle lost lines: the operating system accepted them, but could not write them to the disk."""

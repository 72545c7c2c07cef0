"""Layout of a run folder. This module is the only one that builds its paths.

LOG_DIR/<run_id>/
  run.json                 header
  episodes/000001.parquet  sealed segment
  episodes/000002.jsonl    open segment, one record per line
  episodes/000002.torn     torn tail that was truncated from a segment
  updates/ evaluations/ system/ scalars/ events/ artifacts/
  writer.lock              lock and heartbeat of the writer
  SHA256SUMS               checksums of the unsealed segments, written when the run is closed
  requests/                requests to the recording process (`runs.request_files`), if there ever was one
"""

import itertools
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from rlvitals.errors import RunExistsError, RunNameError
from rlvitals.files.regular_files import is_folder, make_folder
from rlvitals.records import STREAMS
from rlvitals.runs.durability import force_folder, make_durable_folder

FORMAT = "rlvitals-run"
FORMAT_VERSION = 1

HEADER = "run.json"
LOCK = "writer.lock"
SUMS = "SHA256SUMS"
ARTIFACTS = "artifacts"
REQUESTS = "requests"

OPEN = ".jsonl"
SEALED = ".parquet"
TORN = ".torn"

_LEAST_STREAMS = 3
"""Number of folders with stream names that identify a run. Other folders can have one or two (`events`, `system`)."""
_MAX_NAME = 100
PROPOSED_NAME = 80
"""Maximum length of a name that `valid_name` changes. A number can be appended to it."""
_MAX_NAME_BYTES = 240
"""File systems allow 255 bytes, and a number can be appended to the name."""
_SEGMENT = re.compile(r"(\d{6,})(\.jsonl|\.parquet)")
_UNUSUAL = re.compile(r"[^\w.+=@ -]+")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')


class Segment(NamedTuple):
    """One file of a stream."""

    number: int
    path: Path

    @property
    def sealed(self) -> bool:
        """Whether the segment is sealed: it is Parquet and does not change."""
        return self.path.suffix == SEALED


class Layout(NamedTuple):
    """The paths of one run."""

    path: Path

    @property
    def header(self) -> Path:
        """The path of the header."""
        return self.path / HEADER

    @property
    def lock(self) -> Path:
        """The path of the writer lock."""
        return self.path / LOCK

    @property
    def sums(self) -> Path:
        """The path of the checksums of unsealed segments."""
        return self.path / SUMS

    @property
    def artifacts(self) -> Path:
        """The folder of images and other artifacts."""
        return self.path / ARTIFACTS

    @property
    def requests(self) -> Path:
        """The folder of requests to the recording process."""
        return self.path / REQUESTS

    def stream(self, name: str) -> Path:
        """Return the folder of one stream."""
        return self.path / name

    def make(self) -> None:
        """Create the folders. Existing folders are kept.

        Raises:
            IrregularFileError: The path of a folder is a link or a file.
            OSError: A folder cannot be created, or its name might not be on the disk.
        """
        make_durable_folder(self.path)
        for name in (*STREAMS, ARTIFACTS):
            make_folder(self.path / name)
        force_folder(self.path)

    def segments(self, stream: str) -> list[Segment]:
        """Return the segments of a stream, in their order.

        A crash between the last two steps of sealing leaves a segment in both forms. The sealed one is used.
        """
        return segments_in(self.stream(stream))


def is_headless(names: Collection[str]) -> bool:
    """Return whether a folder without a header has the folders of a run: its header was removed or not copied.

    Args:
        names: Names of its subfolders.
    """
    return sum(name in STREAMS for name in names) >= _LEAST_STREAMS


def segments_in(folder: Path) -> list[Segment]:
    """Return the segments in the folder of a stream, in their order. The list is empty if the folder does not exist.

    Only regular files in a folder that is not a link are segments. `irregular_in` lists the other paths.
    """
    found: dict[int, Segment] = {}
    for name, regular in _named_segments(folder):  # ".parquet" sorts after ".jsonl", so the sealed segment wins
        if regular:
            number = _number(name)
            found[number] = Segment(number, folder / name)
    return [found[number] for number in sorted(found)]


def irregular_in(folder: Path) -> list[Path]:
    """Return the paths that have the name of a segment but are not regular files, such as links or named pipes."""
    return [folder / name for name, regular in _named_segments(folder) if not regular]


def _named_segments(folder: Path) -> list[tuple[str, bool]]:
    """Return the names that have the form of a segment name, sorted, each with whether it is a regular file."""
    if not is_folder(folder):
        return []
    try:
        with os.scandir(folder) as entries:
            named = [entry for entry in entries if _number(entry.name)]
            return sorted((entry.name, entry.is_file(follow_symlinks=False)) for entry in named)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _number(name: str) -> int:
    """Return the number in a segment name, or 0 if the name is not a segment name."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else 0


def segment_path(folder: Path, number: int, suffix: str = OPEN) -> Path:
    """Return the path of a segment."""
    return folder / f"{number:06d}{suffix}"


def claim_folder(log_dir: Path, name: str) -> Path:
    """Create the folder of a new run. Creating it claims the name atomically, also against other processes.

    Args:
        log_dir: Folder of runs. It is created if it is missing.
        name: Run name. If it is taken, a number is appended.

    Returns:
        The folder of the run.

    Raises:
        RunExistsError: A file that is not a folder has the name.
        OSError: The folder cannot be created.
    """
    make_durable_folder(log_dir)
    for number in itertools.count(1):
        path = log_dir / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            if not path.is_dir():
                raise RunExistsError(f"{path} exists and is not a folder. Choose another run name.") from None
        else:
            force_folder(log_dir)
            return path
    raise AssertionError("itertools.count ends")


def checked_name(name: str) -> str:
    """Check that a run name is a valid folder name on any file system, and return it.

    Raises:
        RunNameError: The name is not valid.
    """
    if not isinstance(name, str):
        raise RunNameError(f"a run name must be a string, got {name!r:.60} ({type(name).__name__})")
    if not name or len(name) > _MAX_NAME or name != name.strip() or name.startswith(".") or name.endswith("."):
        raise RunNameError(
            f"run name {name!r:.120} is not valid. Use 1 to {_MAX_NAME} characters that do not start or end with a dot "
            "or a space."
        )
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        raise RunNameError(
            f"run name {name!r:.120} is longer than {_MAX_NAME_BYTES} bytes in UTF-8. Use a shorter name."
        )
    forbidden = _FORBIDDEN.search(name)
    if forbidden:
        raise RunNameError(
            f"run name {name!r} contains {forbidden[0]!r}, which is not allowed. Use letters, digits, . _ -"
        )
    return name


def valid_name(wanted: str) -> str:
    """Return a text that is a valid run name, or a similar name for any other text."""
    try:
        return checked_name(wanted)
    except RunNameError:
        similar = _UNUSUAL.sub("-", wanted)[:PROPOSED_NAME].encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
        return similar.strip(" .-") or "run"

"""Where everything of a run is kept: the one place that knows paths.

LOG_DIR/<run_id>/
  run.json                 the header
  episodes/000001.parquet  a sealed segment
  episodes/000002.jsonl    the open segment: one record a line
  episodes/000002.torn     what was cut off a torn segment, kept aside
  updates/ evaluations/ system/ scalars/ events/ artifacts/
  writer.lock              who writes, and when last heard of
  SHA256SUMS               checksums of the segments that stayed lines, once the run is closed
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

OPEN = ".jsonl"
SEALED = ".parquet"
TORN = ".torn"

_LEAST_STREAMS = 3
"""Folders with the names of streams, of which other folders may have one or two (`events`, `system`)."""
_MAX_NAME = 100
_MAX_NAME_BYTES = 240
"""File systems take 255 bytes; a number may come behind the name."""
_SEGMENT = re.compile(r"(\d{6,})(\.jsonl|\.parquet)")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')


class Segment(NamedTuple):
    """One file of a stream."""

    number: int
    path: Path

    @property
    def sealed(self) -> bool:
        """Whether it is Parquet, and never changes again."""
        return self.path.suffix == SEALED


class Layout(NamedTuple):
    """The paths of one run."""

    path: Path

    @property
    def header(self) -> Path:
        """The header's file."""
        return self.path / HEADER

    @property
    def lock(self) -> Path:
        """The file that the writer holds."""
        return self.path / LOCK

    @property
    def sums(self) -> Path:
        """The file with the checksums of segments that stayed lines."""
        return self.path / SUMS

    @property
    def artifacts(self) -> Path:
        """The folder of pictures and other files."""
        return self.path / ARTIFACTS

    def stream(self, name: str) -> Path:
        """The folder of one stream."""
        return self.path / name

    def make(self) -> None:
        """Make the folders; those that exist are left alone.

        Raises:
            IrregularFileError: A link stands in a folder's place.
            OSError: A folder cannot be made, or its name may not be on the disk.
        """
        make_durable_folder(self.path)
        for name in (*STREAMS, ARTIFACTS):
            make_folder(self.path / name)
        force_folder(self.path)

    def segments(self, stream: str) -> list[Segment]:
        """The segments of a stream, in their order.

        A crash between the two last steps of sealing leaves a segment twice; the sealed one counts.
        """
        return segments_in(self.stream(stream))


def is_headless(names: Collection[str]) -> bool:
    """Whether a folder that has no header holds what only a run does: a copy was cut off, or the header was removed.

    Args:
        names: Of the folders in it.
    """
    return sum(name in STREAMS for name in names) >= _LEAST_STREAMS


def segments_in(folder: Path) -> list[Segment]:
    """The segments in a stream's folder, in their order; none if there is no such folder.

    Only regular files are segments, and only in a folder that is not a link: `irregular_in` lists the rest.
    """
    found: dict[int, Segment] = {}
    for name, regular in _named_segments(folder):  # ".parquet" sorts behind ".jsonl", and so wins
        if regular:
            number = _number(name)
            found[number] = Segment(number, folder / name)
    return [found[number] for number in sorted(found)]


def irregular_in(folder: Path) -> list[Path]:
    """List what has the name of a segment and is not a regular file: links, named pipes, devices, folders."""
    return [folder / name for name, regular in _named_segments(folder) if not regular]


def _named_segments(folder: Path) -> list[tuple[str, bool]]:
    """What has the name of a segment, by name, and whether it is a regular file."""
    if not is_folder(folder):
        return []
    try:
        with os.scandir(folder) as entries:
            named = [entry for entry in entries if _number(entry.name)]
            return sorted((entry.name, entry.is_file(follow_symlinks=False)) for entry in named)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _number(name: str) -> int:
    """The number of a segment, by its name; 0 if it is not the name of one."""
    match = _SEGMENT.fullmatch(name)
    return int(match[1]) if match else 0


def segment_path(folder: Path, number: int, suffix: str = OPEN) -> Path:
    """The path of a segment."""
    return folder / f"{number:06d}{suffix}"


def claim_folder(log_dir: Path, name: str) -> Path:
    """Make the folder of a new run: making it is what claims the name, also against other processes.

    Args:
        log_dir: The folder of runs; it is made if it is not there.
        name: The run's name; if it is taken, a number is put behind it.

    Raises:
        RunExistsError: Something that is no folder has the name.
        OSError: The folder cannot be made.
    """
    make_durable_folder(log_dir)
    for number in itertools.count(1):
        path = log_dir / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            if not path.is_dir():
                raise RunExistsError(f"{path} is in the way, and is not a folder: choose another name") from None
        else:
            force_folder(log_dir)
            return path
    raise AssertionError("itertools.count ends")


def checked_name(name: str) -> str:
    """Check that a run's name can be the name of a folder on any file system.

    Raises:
        RunNameError: It cannot.
    """
    if not isinstance(name, str):
        raise RunNameError(f"a run's name must be text, got {name!r:.60} ({type(name).__name__})")
    if not name or len(name) > _MAX_NAME or name != name.strip() or name.startswith(".") or name.endswith("."):
        raise RunNameError(
            f"run name {name!r:.120}: use 1 to {_MAX_NAME} characters that neither start nor end with a dot or a space"
        )
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        raise RunNameError(f"run name {name!r:.120}: more than {_MAX_NAME_BYTES} bytes in UTF-8")
    forbidden = _FORBIDDEN.search(name)
    if forbidden:
        raise RunNameError(
            f"run name {name!r}: the character {forbidden[0]!r} is not allowed; use letters, digits, . _ -"
        )
    return name

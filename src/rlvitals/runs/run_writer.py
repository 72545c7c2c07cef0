"""Writing of a complete run, such as an imported or a generated one.

The run is written to a hidden folder, which is renamed when it is complete. Readers never see an incomplete run.
"""

import contextlib
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rlvitals.errors import RunError
from rlvitals.files.regular_files import origin_of_aside
from rlvitals.records import STREAM_OF, STREAMS, Record, line_of
from rlvitals.runs.checksum import write_sums
from rlvitals.runs.durability import exchange, force_folder, put_in_place
from rlvitals.runs.header import Header, read_header, write_header
from rlvitals.runs.journal import SEAL_RECORDS
from rlvitals.runs.layout import HEADER, LOCK, SUMS, Layout, checked_name, claim_folder, segment_path
from rlvitals.runs.lock import process_started
from rlvitals.runs.run import Run

_SMALL = 1_000
"""Number of records below which the last segment of a stream is not sealed."""
_REPLACED = {*STREAMS, HEADER, LOCK, SUMS}
"""Names of the files and folders of a run that a new run replaces."""


class RunWriter:
    """Writer of a run that is invisible to readers until it is finished.

    Args:
        log_dir: Folder of runs. It is created if it is missing.
        name: Run name. If it is taken when the run is finished, a number is appended.
        seal_records: Number of records in a segment.

    Raises:
        RunNameError: The name is not a valid folder name.
        RunError: The folder cannot be created.
    """

    def __init__(self, log_dir: Path, name: str, *, seal_records: int = SEAL_RECORDS) -> None:
        self.counts: Counter[str] = Counter()
        self._digest = hashlib.blake2b(digest_size=16)
        self._log_dir = log_dir
        self._name = checked_name(name)
        self._seal_records = seal_records
        self._open: dict[str, BinaryIO] = {}
        self._has_replaced = False
        self._layout = Layout(log_dir / f".{name}.{os.getpid()}.tmp")
        with _write_errors(log_dir):
            if self._layout.path.exists():  # left by a killed process with the same ID
                shutil.rmtree(self._layout.path)
            self._layout.make()

    def write(self, record: Record) -> None:
        """Write the next record of its stream.

        Raises:
            RunError: The record cannot be written.
        """
        stream = STREAM_OF[type(record)]
        with _write_errors(self._log_dir):
            if self.counts[stream] % self._seal_records == 0:
                self._rotate(stream)
            line = line_of(record)
            self._open[stream].write(line)
        self._digest.update(line)
        self.counts[stream] += 1

    @property
    def digest(self) -> str:
        """Digest of the records in the order in which they were written."""
        return self._digest.hexdigest()

    def finish(self, header: Header, *, replacing: Path | None = None) -> Run:
        """Complete the run and make it visible.

        Args:
            header: Header of the run. Its `run_id` is set to the final name.
            replacing: Run folder to replace. The new run gets its name, its artifacts and its other files that are not
                records. Readers see the old or the new run.

        Returns:
            The run, opened for reading.

        Raises:
            RunError: The run cannot be written.
        """
        with _write_errors(self._log_dir):
            for stream in list(self._open):
                self._close(stream, worth=_SMALL)
            place = claim_folder(self._log_dir, self._name) if replacing is None else replacing
            header.run_id = place.name
            write_sums(self._layout)
            write_header(self._layout, header)
            if replacing is None:
                put_in_place(self._layout.path, place)
            else:
                exchange(self._layout.path, place)
                self._has_replaced = True
                _move_others(self._layout.path, place)
                shutil.rmtree(self._layout.path, ignore_errors=True)
        return Run(place)

    def give_up(self) -> None:
        """Remove the unfinished run. Does nothing after `finish`."""
        for file in self._open.values():
            file.close()
        if not self._has_replaced:  # otherwise the folder has the files of the earlier run
            shutil.rmtree(self._layout.path, ignore_errors=True)

    def _rotate(self, stream: str) -> None:
        if stream in self._open:
            self._close(stream)
        number = self.counts[stream] // self._seal_records + 1
        self._open[stream] = segment_path(self._layout.stream(stream), number).open("wb")

    def _close(self, stream: str, *, worth: int = 0) -> None:
        """Close the last segment of a stream, and seal it if the stream has at least `worth` records."""
        with self._open.pop(stream) as file:
            file.flush()
            os.fsync(file.fileno())
        force_folder(Path(file.name).parent)
        if self.counts[stream] >= worth:
            from rlvitals.runs.sealing import seal  # noqa: PLC0415 - loads duckdb

            seal(Path(file.name))


def _move_others(old: Path, new: Path) -> None:
    """Move the files of a replaced run that are not its records, such as artifacts and notes, to the new run."""
    for entry in sorted(old.iterdir()):
        if entry.name not in _REPLACED:
            with contextlib.suppress(FileNotFoundError):
                (new / entry.name).rmdir()  # the empty folder of artifacts
            entry.rename(new / entry.name)
    force_folder(new)


def restore_exchanged(log_dir: Path) -> None:
    """Rename the runs back that a process killed during `exchange` renamed.

    Only file systems that cannot exchange folders atomically need this.

    Args:
        log_dir: Folder of runs. It can be missing.
    """
    for aside in sorted(log_dir.glob(".*.tmp")):
        origin = origin_of_aside(aside)
        if origin is None or os.path.lexists(origin[0]) or process_started(origin[1]) is not None:
            continue
        with contextlib.suppress(OSError, RunError):
            if read_header(aside).run_id == origin[0].name:  # not an incomplete run with a similar name
                aside.rename(origin[0])


@contextlib.contextmanager
def _write_errors(log_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write a run to {log_dir}: {error.strerror or error}; choose another folder") from error

"""The journal of one stream."""

import contextlib
import errno
import itertools
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from rlvitals.errors import ClosedError
from rlvitals.records import Episode
from rlvitals.runs import journal as journal_module
from rlvitals.runs.folder import records_in
from rlvitals.runs.journal import Journal
from rlvitals.runs.layout import segments_in
from rlvitals.testing.manual_clock import ManualClock

Line = Callable[..., bytes]
OpenJournal = Callable[..., Journal]
FullDisk = Callable[[int], AbstractContextManager[None]]


def _episodes(folder: Path) -> list[int]:
    return [record.episode for segment in segments_in(folder) for record in records_in(segment, Episode)]


def test_a_line_is_written_when_append_returns(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """Nothing is buffered, so that another process can read the line immediately."""
    journal = open_journal()
    for number in range(3):
        journal.append(line(number))
        assert _episodes(folder)[-1] == number


def test_a_full_segment_is_reported_and_the_next_is_started(
    open_journal: OpenJournal, line: Line, folder: Path
) -> None:
    """Each segment except the last has `seal_records` records and is passed to `on_rotated` once."""
    journal = open_journal(seal_records=4)
    full: list[Path] = []
    journal.on_rotated = full.append
    for number in range(10):
        journal.append(line(number))

    assert [path.name for path in full] == ["000001.jsonl", "000002.jsonl"]
    assert [path.read_bytes().count(b"\n") for path in sorted(folder.iterdir())] == [4, 4, 2]
    assert journal.appended == journal.count_taken() == 10


def test_a_writer_starts_a_new_segment(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """A writer does not append to the segment of a previous writer, which can be in the process of being sealed."""
    for number in range(3):
        journal = open_journal()
        journal.append(line(number))
        journal.close()

    assert sorted(path.name for path in folder.iterdir()) == ["000001.jsonl", "000002.jsonl", "000003.jsonl"]
    assert _episodes(folder) == [0, 1, 2]


def test_a_journal_without_lines_leaves_no_file(open_journal: OpenJournal, folder: Path) -> None:
    """The folder of a stream without records stays empty."""
    open_journal().close()

    assert list(folder.iterdir()) == []


def test_an_empty_segment_is_reused(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """A kill immediately after the start of a segment leaves no gap in the segment numbers."""
    (folder / "000001.jsonl").write_bytes(line(0))
    (folder / "000002.jsonl").touch()
    journal = open_journal()
    journal.append(line(1))

    assert journal.path.name == "000002.jsonl"


def test_a_closed_journal_refuses_lines(open_journal: OpenJournal, line: Line) -> None:
    """A closed journal can be closed again, but writing to it raises an error."""
    journal = open_journal()
    journal.close()
    journal.close()

    with pytest.raises(ClosedError):
        journal.append(line(0))


# ---------------------------------------------------------------------- torn tails


def test_a_segment_truncated_at_any_byte_of_its_last_record_is_repaired(
    open_journal: OpenJournal, line: Line, folder: Path
) -> None:
    """Only the incomplete record is missing. Its bytes are kept in a `.torn` file, and the next writer continues."""
    whole = b"".join(line(number) for number in range(3))
    last = line(3, extra={"größe": "🦊"}, info={"a": [1, {"b": None}]})
    for cut in range(len(last) + 1):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "000001.jsonl").write_bytes(whole + last[:cut])
        journal = open_journal()
        journal.append(line(4))
        journal.close()

        torn = 0 < cut < len(last)
        assert _episodes(folder) == ([0, 1, 2, 4] if cut < len(last) else [0, 1, 2, 3, 4])
        assert journal.torn_bytes == (cut if torn else 0)
        assert (folder / "000001.torn").exists() == torn
        assert not torn or (folder / "000001.torn").read_bytes() == last[:cut] + b"\n"


def test_trailing_zeros_are_truncated(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """A power cut can leave blocks of zeros if a file has grown before its content was written."""
    (folder / "000001.jsonl").write_bytes(line(0) + b"\x00" * 4096)

    journal = open_journal()
    journal.append(line(1))

    assert journal.torn_bytes == 4096
    assert _episodes(folder) == [0, 1]


# ---------------------------------------------------------------------- write failures


def test_a_full_disk_leaves_no_torn_or_duplicate_line(
    open_journal: OpenJournal,
    line: Line,
    folder: Path,
    clock: ManualClock,
    full_disk: FullDisk,
) -> None:
    """The disk can be full at any byte of a line. When there is space again, each waiting line is written once, in
    order."""
    size = len(line(0))
    for room in range(2 * size + 1):
        journal = open_journal()
        with full_disk(room):
            for number in range(3):
                journal.append(line(number))
        clock.advance(1.0)
        journal.recover()
        journal.append(line(3))
        journal.close()

        assert _episodes(folder) == [0, 1, 2, 3]
        assert journal.path.read_bytes() == b"".join(line(number) for number in range(4))
        assert journal.lost == 0
        journal.path.unlink()


def test_a_write_failure_is_reported_once_when_it_starts_and_once_when_it_ends(
    open_journal: OpenJournal, line: Line, clock: ManualClock, messages: list[str], full_disk: FullDisk
) -> None:
    """Further failed lines and retries are not reported."""
    journal = open_journal()
    with full_disk(0):
        for number in range(50):
            journal.append(line(number))
            clock.advance(0.5)
            journal.recover()
    failing = journal.failing
    clock.advance(1.0)
    journal.recover()

    assert isinstance(failing, OSError)
    assert journal.failing is None
    assert messages == ["began 000001.jsonl: File too large", "ended 000001.jsonl: 0 lost"]


def test_the_backlog_is_bounded_and_dropped_lines_are_counted(
    open_journal: OpenJournal,
    line: Line,
    folder: Path,
    clock: ManualClock,
    messages: list[str],
    full_disk: FullDisk,
) -> None:
    """The oldest lines are dropped first, and every record is written, waiting or counted as lost."""
    journal = open_journal(backlog_lines=5)
    counted: list[int] = []
    with full_disk(0):
        for number in range(12):
            journal.append(line(number))
            counted.append(journal.count_taken())
    waiting, lost = journal.waiting, journal.lost
    clock.advance(1.0)
    journal.append(line(12))

    assert counted == list(range(1, 13))
    assert (waiting, lost) == (5, 7)
    assert _episodes(folder) == [8, 9, 10, 11, 12]
    assert journal.lost == 8
    assert messages[-1] == "ended 000001.jsonl: 8 lost"


def test_lines_that_cannot_be_written_on_close_are_counted_as_lost(
    open_journal: OpenJournal, line: Line, full_disk: FullDisk
) -> None:
    """A closed journal has no waiting lines."""
    journal = open_journal()
    with full_disk(0):
        journal.append(line(0))
        journal.append(line(1))
        journal.close()

    assert (journal.lost, journal.waiting) == (2, 0)


def test_a_link_at_the_path_of_the_next_segment_is_not_followed(
    open_journal: OpenJournal, line: Line, folder: Path, tmp_path: Path
) -> None:
    """The journal continues its current segment and loses no line."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    journal = open_journal(seal_records=1)
    (folder / "000002.jsonl").symlink_to(outside)
    for number in range(3):
        journal.append(line(number))

    assert (journal.appended, journal.waiting, journal.lost) == (3, 0, 0)
    assert journal.path.read_bytes() == line(0) + line(1) + line(2)
    assert outside.read_bytes() == b"mine"


@pytest.mark.parametrize("sync_always", [False, True])
def test_lines_are_written_on_file_systems_without_fsync(
    open_journal: OpenJournal, line: Line, messages: list[str], sync_always: bool
) -> None:
    """An unsupported fsync is reported once and loses no record. Here the file is /dev/null, which has no fsync."""
    journal = open_journal(sync_always=sync_always)
    _put_under("/dev/null", journal.path)
    for number in range(6):
        journal.append(line(number))
        journal.sync()

    assert (journal.waiting, journal.lost, journal.appended) == (0, 0, 6)
    assert messages == ["unsafe 000001.jsonl: Invalid argument"]


def _put_under(device: str, path: Path) -> None:
    """Replace an open file of this process with a device."""
    fd = os.open(device, os.O_RDWR)
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if entry.readlink() == path:
                os.dup2(fd, int(entry.name))
    os.close(fd)


class FailingForce:
    """`fsync` that fails a number of times and then succeeds, like a kernel that has dropped pages."""

    def __init__(self, times: int, dropping: Callable[[int], None] = lambda _: None, error: int = errno.EIO) -> None:
        self.left = times
        self._dropping = dropping
        self._error = error

    def __call__(self, fd: int) -> None:
        if stat.S_ISREG(os.fstat(fd).st_mode) and self.left:
            self.left -= 1
            self._dropping(fd)
            raise OSError(self._error, os.strerror(self._error))


@pytest.fixture
def fail_to_force(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FailingForce]:
    """Function that makes the next syncs of files in this process fail."""

    def made(*options: Any) -> FailingForce:
        failing = FailingForce(*options)
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, failing)
        return failing

    return made


def _drop_all_pages(fd: int) -> None:
    path = Path(f"/proc/self/fd/{fd}")
    path.write_bytes(b"\0" * path.stat().st_size)


@pytest.mark.parametrize("sync_always", [False, True])
def test_a_segment_that_could_not_be_synced_is_rewritten(
    open_journal: OpenJournal,
    line: Line,
    folder: Path,
    messages: list[str],
    fail_to_force: Callable[..., FailingForce],
    sync_always: bool,
) -> None:
    """The rewritten segment is a new file, because the kernel can mark the old one as written. Later lines go into the
    next segment."""
    journal = open_journal(sync_always=sync_always)
    before = journal.path.stat().st_ino
    fail_to_force(1)
    journal.append(line(0))
    journal.sync()
    journal.append(line(1))
    journal.sync()

    assert (folder / "000001.jsonl").stat().st_ino != before
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == [line(0), line(1)]
    assert messages == ["unsafe 000001.jsonl: Input/output error", "safe 000002.jsonl"]


def test_a_sync_failure_lasts_until_the_segment_is_rewritten(
    open_journal: OpenJournal, line: Line, folder: Path, messages: list[str], fail_to_force: Callable[..., FailingForce]
) -> None:
    """Repeated failures do not start further segments, and the segment stays unsafe until it is on the disk."""
    journal = open_journal()
    fail_to_force(6)
    unsafe: list[bool] = []
    for number in range(8):
        journal.append(line(number))
        journal.sync()
        unsafe.append(journal.failing is not None and journal.is_unsafe(folder / "000001.jsonl"))

    assert unsafe == sorted(unsafe, reverse=True)
    assert (unsafe[0], unsafe[-1], journal.failing) == (True, False, None)
    assert [message.split()[0] for message in messages] == ["unsafe", "safe"]
    assert (_episodes(folder), len(list(folder.iterdir()))) == (list(range(8)), 3)


def test_lines_that_the_kernel_dropped_are_rewritten_from_memory(
    open_journal: OpenJournal, line: Line, folder: Path, fail_to_force: Callable[..., FailingForce]
) -> None:
    """On some file systems, these lines read as zeros after a failed `fsync`."""
    journal = open_journal()
    journal.append(line(0))
    journal.append(line(1))
    fail_to_force(1, _drop_all_pages)
    journal.sync()
    journal.append(line(2))

    assert (_episodes(folder), journal.lost) == ([0, 1, 2], 0)


def test_dropped_lines_that_are_not_in_memory_are_counted_as_lost(
    open_journal: OpenJournal,
    line: Line,
    folder: Path,
    fail_to_force: Callable[..., FailingForce],
) -> None:
    """Memory is bounded, so lines that are not in memory and cannot be read back are lost."""
    journal = open_journal(backlog_lines=3)
    for number in range(5):
        journal.append(line(number))
    fail_to_force(1, _drop_all_pages)
    journal.sync()

    assert _episodes(folder) == [2, 3, 4]
    assert (journal.lost, journal.appended, journal.count_taken()) == (2, 3, 5)


def test_a_rewritten_segment_is_unsafe_until_its_name_is_on_the_disk(
    open_journal: OpenJournal, line: Line, folder: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync of the folder can fail too. Until it succeeds, a power cut could restore the old file."""
    journal = open_journal()
    journal.append(line(0))
    failures = iter([True, False, True])  # the segment, then its copy, then the folder

    def force(_: int) -> None:
        if next(failures, False):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, force)
    unsafe = []
    for _ in range(3):
        journal.sync()
        unsafe.append(journal.is_unsafe(folder / "000001.jsonl"))

    assert unsafe == [True, False, False]
    assert (_episodes(folder), messages[-1]) == ([0], "safe 000002.jsonl")


def test_closing_rewrites_a_segment_that_could_not_be_synced(
    open_journal: OpenJournal, line: Line, folder: Path, fail_to_force: Callable[..., FailingForce]
) -> None:
    """There are no retries after the journal is closed."""
    journal = open_journal()
    journal.append(line(0))
    before = journal.path.stat().st_ino
    fail_to_force(1)
    journal.close()

    assert (folder / "000001.jsonl").stat().st_ino != before
    assert (_episodes(folder), journal.failing) == ([0], None)


def test_a_segment_that_cannot_be_synced_on_close_stays_unsafe(
    open_journal: OpenJournal, line: Line, folder: Path, fail_to_force: Callable[..., FailingForce]
) -> None:
    """The segment is readable, but must not be sealed."""
    journal = open_journal()
    journal.append(line(0))
    fail_to_force(100)
    journal.close()

    assert isinstance(journal.failing, OSError)
    assert journal.is_unsafe(folder / "000001.jsonl")
    assert _episodes(folder) == [0]


def test_a_removed_file_is_restored_with_its_content(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """The content exists as long as the descriptor is open, and is copied through it."""
    journal = open_journal()
    journal.append(line(0))
    journal.path.unlink()
    journal.append(line(1))
    journal.recover()
    journal.append(line(2))

    assert _episodes(folder) == [0, 1, 2]
    assert sorted(path.name for path in folder.iterdir()) == ["000001.jsonl"]


def test_a_removed_folder_is_created_again(open_journal: OpenJournal, line: Line, folder: Path) -> None:
    """The run folder above it is created too."""
    journal = open_journal()
    journal.append(line(0))
    shutil.rmtree(folder.parent)
    journal.append(line(1))
    journal.recover()

    assert _episodes(folder) == [0, 1]


def test_records_are_kept_while_a_removed_folder_cannot_be_created(
    open_journal: OpenJournal, line: Line, folder: Path, messages: list[str]
) -> None:
    """A file at the path of the folder is reported once. When it is removed, all records are written."""
    journal = open_journal()
    journal.append(line(0))
    shutil.rmtree(folder)
    folder.touch()
    for number in range(1, 4):
        journal.append(line(number))
        journal.recover()
    failing = journal.failing
    folder.unlink()
    journal.recover()

    assert _episodes(folder) == [0, 1, 2, 3]
    assert isinstance(failing, OSError)
    assert journal.failing is None
    assert [message.split()[0] for message in messages] == ["began", "ended"]


def test_a_foreign_file_at_the_path_of_a_segment_is_not_overwritten(
    open_journal: OpenJournal, line: Line, folder: Path
) -> None:
    """The lines of the journal are counted as lost."""
    journal = open_journal()
    journal.append(line(0))
    journal.path.unlink()
    journal.path.write_bytes(line(77))
    journal.append(line(1))
    journal.recover()
    journal.close()

    assert _episodes(folder) == [77]
    assert journal.lost == 2


def test_a_descriptor_that_other_code_closed_is_reopened(
    open_journal: OpenJournal, line: Line, folder: Path, clock: ManualClock
) -> None:
    """Code that daemonizes a process closes all open descriptors."""
    journal = open_journal()
    journal.append(line(0))
    os.close(journal._fd)
    journal.append(line(1))
    clock.advance(1.0)
    journal.recover()
    journal.append(line(2))

    assert _episodes(folder) == [0, 1, 2]


# ---------------------------------------------------------------------- threads and signals


@pytest.mark.parametrize("seal_records", [1, 3, 100_000])
def test_concurrent_threads_lose_no_line(
    open_journal: OpenJournal, line: Line, folder: Path, seal_records: int
) -> None:
    """The lines of each thread are whole and in order."""
    per_thread = 60 if seal_records < 100 else 400
    journal = open_journal(seal_records=seal_records)

    def log(thread: int) -> None:
        for number in range(per_thread):
            journal.append(line(number, env_index=thread))
            if number % 16 == 0:
                journal.recover()

    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(8)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that the threads interleave at every point
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            journal.sync()
    finally:
        sys.setswitchinterval(usual)

    found: dict[int | None, list[int]] = {}
    for segment in segments_in(folder):
        for record in records_in(segment, Episode):
            found.setdefault(record.env_index, []).append(record.episode)
    assert found == {thread: list(range(per_thread)) for thread in range(8)}


@contextlib.contextmanager
def _interrupted(at: int, handler: Callable[[], None]) -> Iterator[list[int]]:
    """Call a function once, before a given line of the journal code, like a signal handler but reproducibly.

    Yields:
        A list that stays empty if that line is not reached.
    """
    left = [at]
    called: list[int] = []

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != journal_module.__file__:
            return None
        if event == "line" and not called:
            left[0] -= 1
            if left[0] < 0:
                called.append(at)
                sys.settrace(None)
                handler()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield called
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("options", [{}, {"seal_records": 1}, {"seal_records": 3}, {"sync_always": True}])
def test_a_signal_handler_can_log_while_its_thread_is_inside_append(
    open_journal: OpenJournal, line: Line, folder: Path, options: dict[str, int]
) -> None:
    """A signal before any line of the code causes no deadlock, lost line or duplicate line."""
    number = 0
    for at in itertools.count():
        journal = open_journal(**options)
        full: list[Path] = []
        journal.on_rotated = full.append
        with _interrupted(at, lambda journal=journal: journal.append(line(90))) as called:  # type: ignore[misc]
            for number in range(4):
                journal.append(line(number))
        journal.close()

        found = _episodes(folder)
        assert sorted(found) == [0, 1, 2, 3, *([90] * len(called))]
        assert [number for number in found if number != 90] == [0, 1, 2, 3]
        assert journal.path not in full
        assert len(full) == len(set(full))
        shutil.rmtree(folder)
        folder.mkdir()
        if not called:
            break
    assert at > 20


@pytest.mark.parametrize("options", [{}, {"seal_records": 1}, {"seal_records": 3}, {"sync_always": True}])
def test_an_interrupt_inside_append_affects_only_its_own_line(
    open_journal: OpenJournal, line: Line, folder: Path, options: dict[str, int]
) -> None:
    """Ctrl-C can arrive before or after the line is written. All other lines are written once."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    for at in itertools.count():
        journal = open_journal(**options)
        kept: list[int] = []
        cut = [-1]
        with _interrupted(at, interrupt) as called:
            for number in range(4):
                try:
                    journal.append(line(number))
                except KeyboardInterrupt:
                    cut = [number]
                else:
                    kept.append(number)
        journal.close()

        found = _episodes(folder)
        assert found in (kept, sorted([*kept, *cut]))
        shutil.rmtree(folder)
        folder.mkdir()
        if not called:
            break
    assert at > 20


@pytest.mark.parametrize("options", [{}, {"seal_records": 1}, {"sync_always": True}])
def test_a_signal_handler_can_close_while_its_thread_is_inside_append(
    open_journal: OpenJournal, line: Line, folder: Path, options: dict[str, int]
) -> None:
    """A job that receives a termination signal can close its run and exit."""

    def end(journal: Journal) -> None:
        journal.close()
        raise SystemExit

    for at in itertools.count():
        journal = open_journal(**options)
        kept: list[int] = []
        with _interrupted(at, lambda journal=journal: end(journal)) as called, contextlib.suppress(SystemExit):  # type: ignore[misc]
            for number in range(3):
                journal.append(line(number))
                kept.append(number)
        journal.close()

        assert _episodes(folder) in (kept, [*kept, len(kept)])
        shutil.rmtree(folder)
        folder.mkdir()
        if not called:
            break
    assert at > 15

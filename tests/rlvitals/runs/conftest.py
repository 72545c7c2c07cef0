"""Fixtures with runs, segments and journals."""

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rlvitals.records import Episode, codec_of
from rlvitals.runs.header import Header, Writer, write_header
from rlvitals.runs.journal import Journal
from rlvitals.runs.journal_observer import JournalObserver
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import host_name
from rlvitals.testing.manual_clock import ManualClock


class Noted(JournalObserver):
    """Observer that records its notifications as text."""

    def __init__(self, messages: list[str]) -> None:
        self._messages = messages

    def began(self, path: Path, error: OSError) -> None:
        self._messages.append(f"began {path.name}: {error.strerror}")

    def ended(self, path: Path, lost: int) -> None:
        self._messages.append(f"ended {path.name}: {lost} lost")

    def restored(self, path: Path) -> None:
        self._messages.append(f"restored {path.name}")

    def unsafe(self, path: Path, error: OSError) -> None:
        self._messages.append(f"unsafe {path.name}: {error.strerror}")

    def safe(self, path: Path) -> None:
        self._messages.append(f"safe {path.name}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def messages() -> list[str]:
    """Notifications of the journals."""
    return []


@contextlib.contextmanager
def _limited(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Context manager that limits the file size of this process: the kernel writes part of a line, then fails."""
    return _limited


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A run with one writer and no records."""
    made = Layout(tmp_path / "run")
    made.make()
    writer = Writer(writer=1, started=1.0, host=host_name(), pid=os.getpid())
    write_header(made, Header(run_id="run", started=1.0, writers=[writer]))
    return made


@pytest.fixture
def folder(layout: Layout) -> Path:
    """The folder of the episodes stream."""
    return layout.stream("episodes")


@pytest.fixture
def line() -> Callable[..., bytes]:
    """Function that encodes an episode as a line."""

    def made(episode: int, **values: object) -> bytes:
        return codec_of(Episode).pack({"time": 1.0, "episode": episode, "reward": 0.5, "length": 3, **values})[1]

    return made


@pytest.fixture
def open_journal(folder: Path, clock: ManualClock, messages: list[str]) -> Iterator[Callable[..., Journal]]:
    """Function that opens journals of the episodes stream, which are closed after the test."""
    opened: list[Journal] = []

    def made(**options: object) -> Journal:
        journal = Journal(folder, codec_of(Episode).unpack, clock=clock, observer=Noted(messages), **options)  # type: ignore[arg-type]
        opened.append(journal)
        return journal

    yield made
    for journal in opened:
        journal.close()

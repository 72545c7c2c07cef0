"""Runs, segments and journals to break."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlvitals.records import Episode, codec_of
from rlvitals.runs.header import Header, Writer, write_header
from rlvitals.runs.journal import Journal, Trouble
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import host_name
from rlvitals.testing.clock import ManualClock


class Noted(Trouble):
    """Trouble, written down."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def began(self, path: Path, error: OSError) -> None:
        self.messages.append(f"began {path.name}: {error.strerror}")

    def ended(self, path: Path, lost: int) -> None:
        self.messages.append(f"ended {path.name}: {lost} lost")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A run of one writer, without any record."""
    made = Layout(tmp_path / "run")
    made.make()
    writer = Writer(writer=1, started=1.0, host=host_name(), pid=os.getpid())
    write_header(made, Header(run_id="run", started=1.0, writers=[writer]))
    return made


@pytest.fixture
def folder(layout: Layout) -> Path:
    """The folder of the episodes."""
    return layout.stream("episodes")


@pytest.fixture
def line() -> Callable[..., bytes]:
    """Makes the line of an episode."""

    def made(episode: int, **values: object) -> bytes:
        return codec_of(Episode).pack({"time": 1.0, "episode": episode, "reward": 0.5, "length": 3, **values})[1]

    return made


@pytest.fixture
def open_journal(folder: Path, clock: ManualClock, noted: Noted) -> Iterator[Callable[..., Journal]]:
    """Opens journals of the episodes, and closes them after the test."""
    opened: list[Journal] = []

    def made(**options: object) -> Journal:
        journal = Journal(folder, codec_of(Episode).unpack, clock=clock, trouble=noted, **options)  # type: ignore[arg-type]
        opened.append(journal)
        return journal

    yield made
    for journal in opened:
        journal.close()

"""How far a command is that takes long: on standard error, where that is a terminal."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rlvitals.render.terminal import make_screen


class Show(Protocol):
    """Shows how far it is."""

    def __call__(self, done: int, total: int | None) -> None:
        """Take how many records are done, and of how many, if that is known."""


@contextlib.contextmanager
def shown_progress(what: str) -> Iterator[Show]:
    """Show a bar while something is done.

    Args:
        what: What is done, in a few words.

    Yields:
        A function that takes how many records are done, and of how many, if that is known.
    """
    screen = make_screen(to_stderr=True)
    if not screen.is_terminal:
        yield lambda done, total: None  # noqa: ARG005 - nobody is looking
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

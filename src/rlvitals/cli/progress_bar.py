"""Progress bar of a long command, shown on standard error if that is a terminal."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rlvitals.render.terminal import make_screen


class Show(Protocol):
    """Callback that shows the progress."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show the number of processed records and the total number, or `None` if that is unknown."""


@contextlib.contextmanager
def shown_progress(what: str) -> Iterator[Show]:
    """Show a progress bar during a task.

    Args:
        what: Short description of the task.

    Yields:
        A callback that takes the number of processed records and the total number (`None` if unknown).
    """
    screen = make_screen(to_stderr=True)
    if not screen.is_terminal:
        yield lambda done, total: None  # noqa: ARG005 - no terminal, so no bar
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

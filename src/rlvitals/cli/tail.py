"""`rlvitals tail [RUN]`: the last records of a stream, and those that follow."""

import contextlib
import enum
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from rlvitals.cli.record_lines import RecordLines
from rlvitals.cli.run_arguments import LOGS, Folder, RunName, open_named
from rlvitals.records.json_encoding import strict_json
from rlvitals.render.terminal import make_screen, status_text
from rlvitals.render.terminal_text import escape_control
from rlvitals.runs import Run
from rlvitals.runs.folder import is_abandoned, rewinds_of
from rlvitals.runs.follower import Follower
from rlvitals.runs.queries import last_records
from rlvitals.summary.status import OPEN

POLL_S = 0.5


class StreamOption(enum.StrEnum):
    """The streams of a run."""

    EPISODES = "episodes"
    UPDATES = "updates"
    EVALUATIONS = "evaluations"
    SYSTEM = "system"
    SCALARS = "scalars"
    EVENTS = "events"


AsLines = Annotated[bool, typer.Option("--json", help="Print each record as a line of strict JSON.")]
Wanted = Annotated[StreamOption, typer.Option(help="Which records.")]
Count = Annotated[int, typer.Option("-n", "--number", min=0, help="How many of the last records.")]
Follow = Annotated[
    bool | None,
    typer.Option(
        "--follow/--no-follow",
        "-f",
        help="Go on for ever, or end at once. By default: go on for as long as the run is open.",
        show_default=False,
    ),
]


def tail(
    run: RunName = None,
    *,
    stream: Wanted = StreamOption.EPISODES,
    number: Count = 10,
    follow: Follow = None,
    folder: Folder = LOGS,
    as_json: AsLines = False,
) -> None:
    """Print the last records of a run, and what follows.

    What is recorded while the run is open is printed as it comes, until the run is over or Ctrl-C is pressed. The
    columns are those that the first records printed have values for; --json prints all there is.
    """
    opened = open_named(run, folder)
    show = _print_json if as_json else _print_lines(stream)
    waits = 0
    begun = False

    def wait() -> None:
        nonlocal waits
        waits += 1
        time.sleep(POLL_S)

    with contextlib.suppress(KeyboardInterrupt):
        for records in followed(opened, stream, number, wait=None if follow is False else wait, forever=bool(follow)):
            if records:
                show(records)
            elif not begun and number:
                make_screen(to_stderr=True).print(f"{escape_control(opened.run_id)} has no {stream} yet")
            begun = True
        if waits and not as_json:
            make_screen(to_stderr=True).print(
                f"{escape_control(opened.run_id)} is over:", status_text(opened.vitality().status)
            )


def followed(
    run: Run, stream: str, count: int, *, wait: Callable[[], None] | None, forever: bool = False
) -> Iterator[list[Any]]:
    """The last records of a stream, then again and again those that are new.

    Args:
        run: The run.
        stream: The stream's name.
        count: How many of the last records.
        wait: Is called between two looks; `None` to end after the last records.
        forever: Whether to go on when the run is over: it may be resumed.
    """
    if wait is None:
        yield last_records(run, stream, count)
        return
    end = _End(run, stream)
    yield end.last(count)
    while True:
        # Asked before the look, so that what was recorded before the end is seen.
        over = not forever and run.vitality().status not in OPEN
        yield end.read()
        if over:
            return
        wait()


class _End(Follower):
    """A follower that begins at the end of a stream, however long the stream is."""

    def __init__(self, run: Run, stream: str) -> None:
        super().__init__(run.layout, stream)
        self._run = run

    def last(self, count: int) -> list[Any]:
        """Go to the end; the last records on the way there."""
        segments = self._layout.segments(self._stream)
        if not segments:
            return []
        newest = segments[-1]
        self._number = newest.number
        if newest.sealed:
            self._offset = -1
            return last_records(self._run, self._stream, count)
        rewinds = rewinds_of(self._run.header)
        fresh = [record for record in self._new_lines(newest) if not is_abandoned(record, rewinds)]
        kept = fresh[max(0, len(fresh) - count) :]
        return last_records(self._run, self._stream, count - len(kept), before=newest.number) + kept


def _print_json(records: list[Any]) -> None:
    sys.stdout.write("".join(strict_json(record).decode() + "\n" for record in records))
    sys.stdout.flush()


def _print_lines(stream: str) -> Callable[[list[Any]], None]:
    screen = make_screen()
    lines = RecordLines(stream)

    def show(records: list[Any]) -> None:
        for line in lines.of(records):
            screen.print(line, soft_wrap=True)

    return show

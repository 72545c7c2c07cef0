"""`rlvitals tail [RUN]`: the last records of a stream, followed by new ones."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from rlvitals.cli.record_lines import RecordLines
from rlvitals.cli.run_arguments import LOGS, Folder, RunName, open_named
from rlvitals.outputs.tail_output import StreamName
from rlvitals.records.json_encoding import strict_json
from rlvitals.render.terminal import make_screen, status_text
from rlvitals.runs.follower import polled
from rlvitals.runs.queries import last_records
from rlvitals.runs.stream_end import StreamEnd
from rlvitals.text_escaping import escape_control

_WAIT_S = 0.5

AsLines = Annotated[bool, typer.Option("--json", help="Print each record as one line of strict JSON.")]
Wanted = Annotated[StreamName, typer.Option(help="Print the records of this stream.")]
Count = Annotated[int, typer.Option("-n", "--number", min=0, help="Print this many of the last records.")]
Follow = Annotated[
    bool | None,
    typer.Option(
        "--follow/--no-follow",
        "-f",
        help="Follow the run until Ctrl-C, or exit immediately. Default: follow while the run is open.",
    ),
]


def tail(
    run: RunName = None,
    *,
    stream: Wanted = "episodes",
    number: Count = 10,
    follow: Follow = None,
    folder: Folder = LOGS,
    as_json: AsLines = False,
) -> None:
    """Print the last records of a run and follow new ones.

    While the run is open, new records are printed as they arrive. Press Ctrl-C to stop. The columns are the fields
    that have values in the first records printed; --json prints every field.
    """
    opened = open_named(run, folder)
    name, notices = escape_control(opened.run_id), make_screen(to_stderr=True)
    show, end = _print_json if as_json else _print_lines(stream), StreamEnd(opened, stream)
    has_waited = False

    def wait(_: float) -> None:
        nonlocal has_waited
        has_waited = True
        time.sleep(_WAIT_S)

    with contextlib.suppress(KeyboardInterrupt):
        records = last_records(opened, stream, number) if follow is False else end.last(number)
        show(records)
        if number and not records:
            notices.print(f"{name} has no {stream} yet")
        if follow is not False:
            for records in polled(opened, end.read, wait, forever=bool(follow)):
                show(records)
        if has_waited and not as_json:
            notices.print(f"{name} has ended:", status_text(opened.vitality().status))


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

"""`rlvitals watch [RUN]`: live view of a run in the terminal."""

import contextlib
import select
import shlex
import sys
import tempfile
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from rlvitals.adapters.event_mirror import EventMirror
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.errors import RunFormatError
from rlvitals.formats.importers.event_files import trainings_with_events
from rlvitals.formatting import count, listed
from rlvitals.outputs.watch_output import watched_run
from rlvitals.recording.ticker import Ticker
from rlvitals.render.terminal import make_screen, print_json
from rlvitals.render.watch_screen import drawn
from rlvitals.runs import Run
from rlvitals.runs.catalogue import run_folders
from rlvitals.summary.vital_signs import Observer, Vitals

_KEYS = "Press q or Ctrl-C to close this view; training continues."
_QUIT = {"q", "Q", "\x03", "\x04", ""}
_IN_A_PIPE_S = 60.0
_ON_A_SCREEN_S = 1.0
_RESIZED_S = 0.25
_SHOWN = 5
"""Number of trainings that an error names."""

Interval = Annotated[
    float | None,
    typer.Option(min=0.1, help="Update at this interval in seconds. Default: 1 on a terminal, 60 in a pipe."),
]
Once = Annotated[bool, typer.Option("--once", help="Print the current state and exit.")]


def watch(
    run: RunName = None,
    *,
    interval: Interval = None,
    once: Once = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Show a live view of a run in the terminal.

    A run that has ended is shown once. In a pipe, a plain block is printed at each interval. RUN can also be a folder
    with TensorBoard's event files.
    """
    with _source(run, folder) as opened:
        _show(Observer(opened), interval, once=once, as_json=as_json)


@contextlib.contextmanager
def _source(name: str | None, folder: Path) -> Iterator[Run]:
    """Yield the run of a name. A folder with TensorBoard's event files is copied as it grows."""
    training = None if name is None else _training_at(Path(name))
    if training is None:
        yield open_named(name, folder)
        return
    with tempfile.TemporaryDirectory(prefix="rlvitals-watch-") as home:
        mirror = EventMirror(training.absolute(), Path(home))
        while mirror.poll():
            pass
        ticker = Ticker(mirror.poll, _ON_A_SCREEN_S, "mirror")
        try:
            yield Run(mirror.path)
        finally:
            ticker.stop()
            mirror.close()


def _training_at(place: Path) -> Path | None:
    """Return the training with event files at or below a path. `None` for a run, or without event files.

    Raises:
        RunFormatError: There are several trainings below the path.
    """
    if not place.is_dir() or any(run_folders(place)):
        return None
    trainings = trainings_with_events(place)
    if len(trainings) > 1 and place not in trainings:
        raise RunFormatError(
            f"{place} contains {count(len(trainings))} trainings: {listed([*map(str, trainings)], _SHOWN)}. Name one "
            f"of them (`rlvitals watch {shlex.quote(str(trainings[0]))}`), or show all of them with "
            f"`rlvitals ui {shlex.quote(str(place))}`"
        )
    return place if place in trainings else next(iter(trainings), None)


def _show(observer: Observer, interval: float | None, *, once: bool, as_json: bool) -> None:
    first = observer.observe()
    screen = make_screen()
    if as_json:
        print_json(watched_run(first))
    elif once or not first.is_open:
        screen.print(drawn(first, screen.width))
    elif screen.is_terminal:
        last = _show_live(screen, observer, first, interval or _ON_A_SCREEN_S)
        # Rich clears the live screen, so leave the last state above the prompt.
        screen.print(drawn(last, screen.width))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            for vitals in observed(observer, first, lambda _: time.sleep(interval or _IN_A_PIPE_S)):
                screen.print(drawn(vitals, screen.width))
                screen.print()


def observed(observer: Observer, first: Vitals, wait: Callable[[Vitals], object]) -> Iterator[Vitals]:
    """Yield observations of a run until the run has ended.

    Args:
        observer: Observer of the run.
        first: First observation, which the caller has already made.
        wait: Function that waits between two observations; it gets the last observation.
    """
    yield first
    vitals = first
    while vitals.is_open:
        wait(vitals)
        vitals = observer.observe()
        yield vitals


def _show_live(screen: Console, observer: Observer, first: Vitals, interval_s: float) -> Vitals:
    """Show the run on the full screen until it has ended or the user quits. Return the last observation."""
    vitals, live = first, Live(console=screen, screen=True, auto_refresh=False)

    def draw(vitals: Vitals) -> None:
        live.update(drawn(vitals, screen.width, screen.height, keys=_KEYS), refresh=True)

    def wait(vitals: Vitals) -> None:
        until, size = time.monotonic() + interval_s, screen.size
        while (left := until - time.monotonic()) > 0:
            if pressed(min(left, _RESIZED_S)):
                raise KeyboardInterrupt
            if screen.size != size:
                size = screen.size
                draw(vitals)

    with contextlib.suppress(KeyboardInterrupt), _keys() as pressed, live:
        for vitals in observed(observer, first, wait):
            draw(vitals)
    return vitals


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits up to a number of seconds and returns whether a quit key was pressed.

    The terminal is in cbreak mode meanwhile, so that keys need no Return.
    """
    if not sys.stdin.isatty():

        def slept(seconds: float) -> bool:
            time.sleep(seconds)
            return False

        yield slept
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield lambda seconds: bool(select.select([sys.stdin], [], [], seconds)[0]) and sys.stdin.read(1) in _QUIT
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

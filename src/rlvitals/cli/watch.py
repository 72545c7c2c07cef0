"""`rlvitals watch [RUN]`: the vital signs of a run in a terminal, live."""

import contextlib
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.render.terminal import make_screen, print_json
from rlvitals.render.watch_screen import drawn
from rlvitals.summary.vital_signs import Observer, Vitals, plain

_KEYS = "q or Ctrl-C ends the watching, not the training"
_QUIT = {"q", "Q", "\x03", "\x04", ""}
_IN_A_PIPE_S = 60.0
_ON_A_SCREEN_S = 1.0
_RESIZED_S = 0.25

Interval = Annotated[
    float | None, typer.Option(min=0.1, help="Seconds between two looks; by default 1 on a terminal, 60 in a pipe.")
]
Once = Annotated[bool, typer.Option("--once", help="Look once, and end.")]


def watch(
    run: RunName = None,
    *,
    interval: Interval = None,
    once: Once = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Show the vital signs of a run, live.

    A run that is over is shown once. In a pipe a plain block is printed now and then.
    """
    observer = Observer(open_named(run, folder))
    first = observer.observe()
    screen = make_screen()
    if as_json:
        print_json(plain(first))
    elif once or not first.is_open:
        screen.print(drawn(first, screen.width))
    elif screen.is_terminal:
        last = _show_live(screen, observer, first, interval or _ON_A_SCREEN_S)
        # What was last seen stays above the prompt, as the live screen is gone.
        screen.print(drawn(last, screen.width))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            for vitals in observed(observer, first, lambda _: time.sleep(interval or _IN_A_PIPE_S)):
                screen.print(drawn(vitals, screen.width))
                screen.print()


def observed(observer: Observer, first: Vitals, wait: Callable[[Vitals], object]) -> Iterator[Vitals]:
    """Observe a run again and again, until it is over.

    Args:
        observer: Reads the run.
        first: What it has read already.
        wait: Waits between two observations; its argument is the last one.
    """
    yield first
    vitals = first
    while vitals.is_open:
        wait(vitals)
        vitals = observer.observe()
        yield vitals


def _show_live(screen: Console, observer: Observer, first: Vitals, interval_s: float) -> Vitals:
    """Show the run on the whole screen until it is over or the user ends it; return what was shown last."""
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
    """Gives a function that waits so many seconds for a key that ends; keys are seen without the return key."""
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

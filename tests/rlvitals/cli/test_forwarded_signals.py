"""Signals that reach the command of `rlvitals run`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from rlvitals.cli.forwarded_signals import ForwardedSignals

COUNTING = """
import os, signal, sys
told = os.open(sys.argv[1], os.O_WRONLY)
def tell(number, _):
    os.write(told, signal.Signals(number).name.encode() + b"\\n")
for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    signal.signal(getattr(signal, name), tell)
signal.signal(signal.SIGUSR1, lambda *_: sys.exit())
os.write(told, b"%d\\n" % os.getppid())
while True:
    signal.pause()
"""

SHELLS = {"first of its session": 'exec "$@" </dev/null', "in a shell": 'trap : INT QUIT; "$@" </dev/null; true'}


pytestmark = pytest.mark.usefixtures("default_signals")


class Terminal(NamedTuple):
    """A terminal in which `rlvitals run` runs a command, and what this command writes."""

    process: "subprocess.Popen[bytes]"
    told: IO[bytes]

    def press(self, key: bytes) -> None:
        """Send a key."""
        assert self.process.stdin is not None
        self.process.stdin.write(key)
        self.process.stdin.flush()


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """Terminal with a command whose standard input is another file."""
    os.mkfifo(tmp_path / "told")
    spawn = "import pty, sys; pty.spawn(sys.argv[1:])"
    run = [sys.executable, "-m", "rlvitals", "run", "--", sys.executable, "-c", COUNTING, str(tmp_path / "told")]
    command = [sys.executable, "-c", spawn, "sh", "-c", SHELLS[request.param], "sh", *run]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process,
        (tmp_path / "told").open("rb") as told,
    ):
        yield Terminal(process, told)
        process.kill()


def signals_until_end(terminal: Terminal, parent: int) -> list[bytes]:
    """Return the signals that the command received. A later one of another kind ends it."""
    first = terminal.told.readline()
    os.kill(parent, signal.SIGUSR1)
    return [line.strip() for line in (first, *terminal.told)]


@pytest.mark.parametrize(("key", "name"), [(b"\x03", b"SIGINT"), (b"\x1c", b"SIGQUIT")])
def test_a_key_of_the_terminal_reaches_the_command_once(terminal: Terminal, key: bytes, name: bytes) -> None:
    """The terminal sends the signal to both processes."""
    parent = int(terminal.told.readline())
    terminal.press(key)

    assert signals_until_end(terminal, parent) == [name]


@pytest.mark.parametrize("terminal", ["first of its session"], indirect=True)
def test_the_end_of_the_terminal_reaches_the_command(terminal: Terminal) -> None:
    """It reaches the first process of the session only."""
    parent = int(terminal.told.readline())
    terminal.process.kill()

    assert signals_until_end(terminal, parent) == [b"SIGHUP"]


def test_a_signal_before_the_start_reaches_the_command() -> None:
    text = "import signal; signal.pause()"
    with ForwardedSignals() as signals:
        signal.raise_signal(signal.SIGTERM)
        child = subprocess.Popen([sys.executable, "-c", text])
        signals.send_to(child)

        assert child.wait() == -signal.SIGTERM


def test_an_ignored_signal_stays_ignored() -> None:
    """As with `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ForwardedSignals():
            handler = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert handler is signal.SIG_IGN

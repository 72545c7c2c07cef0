"""Signals that reach the command of `rlvitals run`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

from rlvitals.cli.forwarded_signals import ForwardedSignals

COUNTING = """
import os, signal, sys
for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    signal.signal(getattr(signal, name), lambda number, _: os.write(1, signal.Signals(number).name.encode() + b"\\n"))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit())
print(os.getppid(), flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def terminal() -> Iterator["subprocess.Popen[bytes]"]:
    """Terminal in which `rlvitals run` runs a command that prints its signals, with standard input redirected."""
    spawn = "import pty, sys; pty.spawn(sys.argv[1:])"
    run = [sys.executable, "-m", "rlvitals", "run", "--", sys.executable, "-c", COUNTING]
    command = [sys.executable, "-c", spawn, "sh", "-c", 'exec "$@" </dev/null', "sh", *run]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@pytest.mark.parametrize(("key", "name"), [(b"\x03", b"SIGINT"), (b"\x1c", b"SIGQUIT")])
def test_a_key_of_the_terminal_reaches_the_command_once(
    terminal: "subprocess.Popen[bytes]", key: bytes, name: bytes
) -> None:
    """The terminal sends the signal to both processes. A later signal of another kind comes after a second one."""
    keys, screen = pipes(terminal)
    parent = int(screen.readline())
    keys.write(key)
    keys.flush()
    first = next(line for line in screen if name in line)
    os.kill(parent, signal.SIGUSR1)

    assert [line for line in [first, *screen] if name in line] == [first]


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

"""Signals that `rlvitals run` passes on to the command that it runs."""

import os
import signal
import subprocess
from types import FrameType, TracebackType
from typing import Any, Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_KEYS = ("SIGINT", "SIGQUIT")
"""Signals that a terminal sends for a key."""


class ForwardedSignals:
    """Context in which the signals of this process reach a child, which alone decides what they do.

    Signals that arrive before the child has started reach it at its start. A signal that this process ignores, as with
    `nohup`, is ignored by the child too.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}
        self._had_terminal = False

    def __enter__(self) -> Self:
        self._had_terminal = _foreground_group() is not None
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def send_to(self, child: "subprocess.Popen[bytes]") -> None:
        """Send the signals to a child, also those that have arrived already."""
        self._child = child
        for number in self._early:
            self._send(number)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._has_reached_child(number):
            return
        if self._child is None:
            self._early.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        if self._child is not None:
            self._child.send_signal(number)

    def _has_reached_child(self, number: int) -> bool:
        """Return whether the terminal sent a signal, which then reached every process of the foreground group."""
        group = _foreground_group()
        if group is None:
            # The terminal has hung up. This reaches the first process of the session, and all others when it ends.
            is_hangup = self._had_terminal and signal.Signals(number).name == "SIGHUP"
            return is_hangup and os.getsid(0) != os.getpid()
        return signal.Signals(number).name in _KEYS and group == os.getpgrp()


def _foreground_group() -> int | None:
    """Return the foreground process group of the controlling terminal, or `None` without one.

    Standard input can be another file or another terminal.
    """
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return None
    finally:
        os.close(terminal)

"""Status and failure of a run, derived from the exception that ended it. Handles exceptions with broken methods."""

import functools
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, FunctionType, MethodType
from typing import Any

from rlvitals.runs import header as headers
from rlvitals.runs.header import Failure

_MOST_MESSAGE = 2_000
_MOST_TRACEBACK = 20_000
_PREEMPTING = ("SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
"""Signals that request the end of a program. A program that ends in their handlers was preempted."""


class Terminated(BaseException):
    """Represents the signal that ended the process.

    Args:
        name: Signal name, such as `SIGTERM`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"terminated by {name}")
        self.name = name


def ending_of(error: BaseException | None) -> tuple[str, Failure | None]:
    """Return the final status of a run and its failure. Never raises, because that would hide the user's exception.

    Args:
        error: Exception that ended the program, or `None`. A `SystemExit` with code 0 or without a code is a success.
            An exception raised in the handler of a terminating signal means that the run was preempted.

    Returns:
        The status, and the failure or `None`.
    """
    if error is None:
        return headers.COMPLETED, None
    name = error.name if isinstance(error, Terminated) else signal_behind(_frames_of(error))
    if name is not None:
        return headers.PREEMPTED, Failure(type=name, message=f"terminated by {name}")
    if isinstance(error, SystemExit) and (error.code is None or (isinstance(error.code, int) and error.code == 0)):
        return headers.COMPLETED, None
    return headers.FAILED, failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """Describe an exception. Never raises.

    Args:
        error: The exception. Its text can be unprintable, and its `__str__` can raise.
    """
    return Failure(
        type=_text(lambda: type(error).__name__, "an exception")[:_MOST_MESSAGE],
        message=_text(lambda: str(error), "the message is unavailable: __str__ raised")[:_MOST_MESSAGE],
        traceback=_text(lambda: "".join(traceback.format_exception(error)), "")[-_MOST_TRACEBACK:]
        or _text(lambda: "".join(traceback.format_tb(error.__traceback__)), "")[-_MOST_TRACEBACK:],
    )


def signal_behind(frames: Iterable[FrameType]) -> str | None:
    """Return the terminating signal whose handler runs in one of the frames, or `None`."""
    handlers = {_code_of(signal.getsignal(number)): number for number in _preempting()}
    handlers.pop(None, None)
    if not handlers:
        return None
    return next((handlers[frame.f_code].name for frame in frames if frame.f_code in handlers), None)


def stack() -> Iterator[FrameType]:
    """Yield the frames of the calling thread, innermost first."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect` would read source files
    while frame is not None:
        yield frame
        frame = frame.f_back


def _frames_of(error: BaseException) -> Iterator[FrameType]:
    return (frame for frame, _ in traceback.walk_tb(error.__traceback__))


def _preempting() -> Iterator[signal.Signals]:
    return (signal.Signals(number) for name in _PREEMPTING if (number := getattr(signal, name, None)) is not None)


def _code_of(handler: Any) -> object:
    """Return the code object of a handler: a function, a method, a `functools.partial` or a callable object."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if callable(handler) and not isinstance(handler, FunctionType | MethodType):
        handler = type(handler).__call__
    return getattr(getattr(handler, "__func__", handler), "__code__", None)


def _text(make: Callable[[], object], otherwise: str) -> str:
    """Return text that can be written to a file: NULs and lone surrogates (invalid in UTF-8) are escaped."""
    try:
        text = str(make())
        return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    except BaseException:  # noqa: BLE001 - a user-defined `__str__` can raise anything
        return otherwise

"""The `SystemExit` that ends the interpreter, which its exit handlers are not told of."""

import _sitebuiltins
import dis
import functools
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from rlvitals.recording.failure import Terminated, signal_behind, stack


class _Mark:
    """Lives as long as the exception that carries it."""


class ExitWatch:
    """Finds the `SystemExit` that ends the interpreter.

    It wraps `sys.exit`, `exit` and `quit` while it is installed. Not every `SystemExit` ends the program, because some
    are caught. The two are told apart by the moment at which the exception is thrown away: at the end no Python code
    of the main thread is running any more.

    A bare `raise SystemExit(3)` does not pass here, and leaves no trace that an exit handler could find.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[Any, str], tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self._noted: tuple[weakref.ref[_Mark], BaseException, FrameType] | None = None
        self._ended: BaseException | None = None

    def install(self) -> None:
        """Wrap the functions; nothing if that has been done."""
        if not self._places:
            for owner, name in ((sys, "exit"), (_sitebuiltins.Quitter, "__call__")):
                original = getattr(owner, name)
                wrapped = self._noting(original)
                setattr(owner, name, wrapped)
                self._places[owner, name] = original, wrapped

    def remove(self) -> None:
        """Put the functions back, except where somebody has wrapped them since: there the wrapper passes through."""
        for (owner, name), (original, wrapped) in self._places.items():
            if getattr(owner, name) is wrapped:
                setattr(owner, name, original)
        self._places.clear()

    def error(self) -> BaseException | None:
        """The exception that ends the interpreter, as far as is known; to be asked by an exit handler."""
        if self._ended is None and self._noted is not None:
            mark, noted, program = self._noted
            # Something may still hold it: a frame in its own traceback, or a program that caught it and went on.
            if mark() is not None and not _has_returned(program):
                return noted
        return self._ended

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def noted(*args: Any, **kwargs: Any) -> Any:
            try:
                return original(*args, **kwargs)
            except SystemExit as error:
                self._note(error)
                raise

        return noted

    def _note(self, error: SystemExit) -> None:
        if not self._places or threading.current_thread() is not threading.main_thread():
            return
        # An exception cannot be referred to weakly, but what it carries can.
        mark = error._rlvitals_mark = _Mark()  # type: ignore[attr-defined]  # noqa: SLF001
        frames = list(stack())
        signal = signal_behind(frames)
        ended = SystemExit(error.code) if signal is None else Terminated(signal)
        self._noted = weakref.ref(mark, lambda _: self._thrown_away(ended)), ended, frames[-1]

    def _thrown_away(self, ended: BaseException) -> None:
        caller = sys._getframe(1).f_back  # noqa: SLF001 - behind the callback: who throws the exception away
        if caller is None and threading.current_thread() is threading.main_thread():
            self._ended = ended


def _has_returned(frame: FrameType) -> bool:
    """Whether the last that a frame did was to return: a frame that an exception ended stands where that came out."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")

"""Detection of the `SystemExit` that ends the interpreter, which Python does not pass to exit handlers."""

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
    """An object that lives as long as the exception that holds it."""


class ExitWatch:
    """Detector of the `SystemExit` that ends the interpreter.

    It wraps `sys.exit`, `exit` and `quit` while it is installed. Some programs catch `SystemExit` and continue, so the
    exception alone does not prove that the program ends. The detector therefore checks when the exception is destroyed:
    if the program ends, no Python code is running in the main thread at that moment.

    A bare `raise SystemExit(3)` bypasses the wrapped functions and leaves no trace for an exit handler.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[Any, str], tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self._noted: tuple[weakref.ref[_Mark], BaseException, FrameType] | None = None
        self._ended: BaseException | None = None

    def install(self) -> None:
        """Wrap the functions, unless they are wrapped already."""
        if not self._places:
            for owner, name in ((sys, "exit"), (_sitebuiltins.Quitter, "__call__")):
                original = getattr(owner, name)
                wrapped = self._noting(original)
                setattr(owner, name, wrapped)
                self._places[owner, name] = original, wrapped

    def remove(self) -> None:
        """Restore the functions. A function that other code has wrapped since stays; its wrapper then has no effect."""
        for (owner, name), (original, wrapped) in self._places.items():
            if getattr(owner, name) is wrapped:
                setattr(owner, name, original)
        self._places.clear()

    def error(self) -> BaseException | None:
        """Return the exception that ends the interpreter, or `None` if it is unknown. Call it from an exit handler."""
        if self._ended is None and self._noted is not None:
            mark, noted, program = self._noted
            # The exception is still referenced: by a frame in its own traceback, or by a program that caught it.
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
        # Exceptions do not support weak references, but their attributes can.
        mark = error._rlvitals_mark = _Mark()  # type: ignore[attr-defined]  # noqa: SLF001
        frames = list(stack())
        signal = signal_behind(frames)
        ended = SystemExit(error.code) if signal is None else Terminated(signal)
        self._noted = weakref.ref(mark, lambda _: self._thrown_away(ended)), ended, frames[-1]

    def _thrown_away(self, ended: BaseException) -> None:
        caller = sys._getframe(1).f_back  # noqa: SLF001 - the frame that destroys the exception
        if caller is None and threading.current_thread() is threading.main_thread():
            self._ended = ended


def _has_returned(frame: FrameType) -> bool:
    """Return whether the last instruction of a frame was a return. After an exception, it is the one that raised."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")

"""The exit code with which the interpreter ends, which its exit handlers are not told."""

import _sitebuiltins
import functools
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any


class _Mark:
    """Lives as long as the exception that carries it."""

    def __init__(self, code: Any) -> None:
        self.code = code


class ExitWatch:
    """Notes the `SystemExit` that ends the interpreter: it wraps `sys.exit`, `exit` and `quit` while it is installed.

    Most exceptions of that kind that are raised also end the program, but some are caught. The two are told apart by
    the moment at which the exception is thrown away: at the end no Python code of the main thread is running any more.

    A bare `raise SystemExit(3)` does not pass here, and leaves no trace that an exit handler could find.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[Any, str], tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self._alive: weakref.ref[_Mark] | None = None
        self._ended: SystemExit | None = None

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

    def error(self) -> SystemExit | None:
        """The `SystemExit` that ends the interpreter, as far as is known; to be asked by an exit handler."""
        if self._ended is not None:
            return self._ended
        # Something still holds the exception, for example a frame that is in its own traceback.
        mark = None if self._alive is None else self._alive()
        return None if mark is None else SystemExit(mark.code)

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
        if self._places and threading.current_thread() is threading.main_thread():
            mark = _Mark(error.code)
            error._rlvitals_mark = mark  # type: ignore[attr-defined]  # noqa: SLF001 - what cannot be weakly referred to
            code = error.code
            self._alive = weakref.ref(mark, lambda _: self._thrown_away(code))

    def _thrown_away(self, code: Any) -> None:
        frame = sys._getframe(1)  # noqa: SLF001 - the only way to see who is running
        if frame.f_back is None and threading.current_thread() is threading.main_thread():
            self._ended = SystemExit(code)

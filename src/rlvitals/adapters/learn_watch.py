"""Notices that a training loop was left without announcing its end, as by an interrupt in a notebook."""

import gc
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple

from rlvitals.recording.ticker import Ticker

_INTERVAL_S = 0.1

Left = Callable[[BaseException | None], object]
"""Takes the exception that left the loop, if it is known."""


class Loop(NamedTuple):
    """One call of a training loop.

    Attributes:
        thread: The identifier of its thread.
        frame: The address of its frame; `None` if it was not found. Another loop may have it later.
        code: The code of its frame.
        model: The address of its model.
        call: What tells this call from the next.
    """

    thread: int
    frame: int | None
    code: object
    model: int
    call: object


class LearnWatch:
    """Looks a few times a second whether a model's loop is still on the stack of its thread.

    An exception that leaves a training loop tells no callback, and a notebook keeps all objects alive. The watch begins
    when it is made, in the thread of the loop; it keeps neither the model nor the frame alive.

    Args:
        model: The object whose method is the loop.
        left: Is called once, as a rule in another thread, when the loop was left before `end`.
        call: What tells one call of the loop from the next; all watches of one call have the same.
        interval_s: Seconds between two looks.
    """

    def __init__(self, model: object, left: Left, *, call: object = None, interval_s: float = _INTERVAL_S) -> None:
        self.loop = Loop(threading.get_ident(), *_frame_of(model), id(model), call)
        self._model = weakref.ref(model)
        self._left = left
        self._over = self._was_missed = False
        for other in list(_watches):
            other.make_way(self.loop)
        _watches.add(self)
        self._ticker = None if self.loop.frame is None else Ticker(self.check, interval_s, "learn")

    def end(self) -> None:
        """Stop watching: the loop has announced its end. May be called again."""
        self._over = True
        _watches.discard(self)
        if self._ticker is not None:
            self._ticker.stop()

    def check(self) -> None:
        """Tell if the loop has been left; at the second look where the exception is not known at the first."""
        if self._over or self._is_running():
            return
        error = self._error()
        if error is not None or self._was_missed:
            self._give_up(error)
        self._was_missed = True

    def make_way(self, later: Loop) -> None:
        """Tell that the loop has been left if another one begins in its thread that is not within it."""
        if (
            later.thread == self.loop.thread
            and later != self.loop
            and (later.frame == self.loop.frame or not self._is_running())
        ):
            self._give_up(self._error())

    def _give_up(self, error: BaseException | None) -> None:
        if not self._over:
            self.end()
            self._left(error)

    def _is_running(self) -> bool:
        """Whether the loop is on the stack of its thread, or of something that is suspended there."""
        running = sys._current_frames().get(self.loop.thread)  # noqa: SLF001 - the only way to see another thread's stack
        return self._is_below(running) or any(map(self._is_below, _suspended()))

    def _is_below(self, frame: FrameType | None) -> bool:
        return any(id(one) == self.loop.frame and one.f_code is self.loop.code for one in _callers(frame))

    def _error(self) -> BaseException | None:
        """The exception that its thread handles at this moment, or that the interpreter showed last, if it is ours."""
        handled = sys._current_exceptions().get(self.loop.thread)  # noqa: SLF001
        known = handled[1] if isinstance(handled, tuple) else handled  # a tuple before Python 3.12
        candidates = (known, getattr(sys, "last_exc", None), getattr(sys, "last_value", None))
        return next((one for one in candidates if came_from(one, self._model())), None)


_watches: weakref.WeakSet[LearnWatch] = weakref.WeakSet()


def came_from(error: object, model: object | None) -> bool:
    """Whether an exception came out of a method of a model, rather than out of anything else."""
    if model is None or not isinstance(error, BaseException):
        return False
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_locals.get("self") is model for frame, _ in frames)


def _frame_of(model: object) -> tuple[int | None, object]:
    """The outermost frame of a method of the model, by its address, and its code."""
    loop: FrameType | None = None
    for frame in _callers(sys._getframe(1)):  # noqa: SLF001 - `inspect` would read source files
        if frame.f_locals.get("self") is model:
            loop = frame
    return (None, None) if loop is None else (id(loop), loop.f_code)


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _suspended() -> Iterator[FrameType | None]:
    """The frames of suspended greenlets, which are on no thread's stack: a browser's driver may run a whole loop so."""
    greenlet = getattr(sys.modules.get("greenlet"), "greenlet", None)
    if greenlet is not None:
        yield from (one.gr_frame for one in gc.get_objects() if issubclass(type(one), greenlet))

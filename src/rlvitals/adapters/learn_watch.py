"""Detection of a training loop that stops without calling its end callback, for example after a notebook interrupt."""

import gc
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple, TypeVar

from rlvitals.recording.ticker import Ticker

_INTERVAL_S = 0.5

T = TypeVar("T")

Left = Callable[[BaseException | None], object]
"""Callback that receives the exception that ended the loop, or `None` if it is unknown."""


class Loop(NamedTuple):
    """One call of a training loop.

    Attributes:
        thread: Identifier of its thread.
        frame: Address of its frame. `None` if it was not found. A later loop can reuse the address.
        code: Code object of its frame.
        model: Address of its model.
        call: Value that identifies the call.
    """

    thread: int
    frame: int | None
    code: object
    model: int
    call: object


class LearnWatch:
    """Checks twice per second whether a model's training loop is still on the stack of its thread.

    An exception that leaves a training loop triggers no callback, and a notebook keeps all objects alive. The watch
    starts on construction, in the thread of the loop. It holds no strong reference to the model or the frame.

    Args:
        model: Object whose method is the loop.
        left: Function to call once if the loop was left before `end`, usually in another thread.
        call: Value that identifies the call of the loop. All watches of one call share it.
        interval_s: Seconds between two checks.
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
        """Stop watching, because the loop has ended normally. Can be called repeatedly."""
        self._over = True
        _watches.discard(self)
        if self._ticker is not None:
            self._ticker.stop()

    def check(self) -> None:
        """Report if the loop has been left. If the exception is unknown, report at the second check."""
        if self._over or self._is_running():
            return
        error = self._error()
        if error is not None or self._was_missed:
            self._give_up(error)
        self._was_missed = True

    def make_way(self, later: Loop) -> None:
        """Report that the loop has been left if another loop starts in its thread outside of it."""
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
        """Return whether the loop is on the stack of its thread, or of a suspended greenlet."""
        running = sys._current_frames().get(self.loop.thread)  # noqa: SLF001 - the only access to another thread's stack
        return self._is_below(running) or any(map(self._is_below, _suspended()))

    def _is_below(self, frame: FrameType | None) -> bool:
        return any(id(one) == self.loop.frame and one.f_code is self.loop.code for one in _callers(frame))

    def _error(self) -> BaseException | None:
        """Return the exception that the thread handles now or the interpreter showed last, if it left this loop."""
        handled = sys._current_exceptions().get(self.loop.thread)  # noqa: SLF001
        known = handled[1] if isinstance(handled, tuple) else handled  # a tuple before Python 3.12
        candidates = (known, getattr(sys, "last_exc", None), getattr(sys, "last_value", None))
        return next((one for one in candidates if came_from(one, self._model())), None)


_watches: weakref.WeakSet[LearnWatch] = weakref.WeakSet()


def came_from(error: object, model: object | None) -> bool:
    """Return whether an exception was raised through a method of a model."""
    if model is None or not isinstance(error, BaseException):
        return False
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_locals.get("self") is model for frame, _ in frames)


def caller_of(kind: type[T]) -> T | None:
    """Return the innermost object of a class that has a method on the stack of this thread."""
    owners = (frame.f_locals.get("self") for frame in _callers(sys._getframe(1)))  # noqa: SLF001 - as in `_frame_of`
    return next((owner for owner in owners if isinstance(owner, kind)), None)


def _frame_of(model: object) -> tuple[int | None, object]:
    """Return the address and code of the outermost frame of a method of the model."""
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
    """Yield the frames of suspended greenlets, which are on no thread's stack.

    A browser driver can run a loop in one.
    """
    greenlet = getattr(sys.modules.get("greenlet"), "greenlet", None)
    if greenlet is not None:
        yield from (one.gr_frame for one in gc.get_objects() if issubclass(type(one), greenlet))

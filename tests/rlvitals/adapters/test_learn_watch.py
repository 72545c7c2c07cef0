"""Watching a training loop."""

import contextlib
import sys
import threading
from collections.abc import Callable

import pytest

from rlvitals.adapters.learn_watch import LearnWatch, came_from

LONG_S = 30.0
NEVER_S = 3600.0


class Model:
    """Model with a training loop."""

    def __init__(self) -> None:
        self.left: list[BaseException | None] = []

    def watch(self, call: object = None, interval_s: float = NEVER_S) -> LearnWatch:
        return LearnWatch(self, self.left.append, call=call, interval_s=interval_s)

    def learn(self, work: Callable[[LearnWatch], object], call: object = None) -> LearnWatch:
        watch = self.watch(call)
        work(watch)
        return watch


def interrupt(_: LearnWatch) -> None:
    raise KeyboardInterrupt


def test_a_running_loop_is_not_reported() -> None:
    """Checks from another thread do not report a running loop."""
    model = Model()

    def look(watch: LearnWatch) -> None:
        for _ in range(3):
            looking = threading.Thread(target=watch.check)
            looking.start()
            looking.join(LONG_S)

    model.learn(look).end()
    assert model.left == []


def test_a_loop_that_was_left_is_reported_once() -> None:
    """The report comes at the second check, because the exception can become known in between."""
    model = Model()
    watch = model.learn(lambda _: None)
    watch.check()
    once = list(model.left)
    for _ in range(3):
        watch.check()

    assert (once, model.left) == ([], [None])


def test_a_normal_end_is_not_reported() -> None:
    """A loop that calls `end` and returns is not reported."""
    model = Model()
    watch = model.learn(LearnWatch.end)
    for _ in range(3):
        watch.check()

    assert model.left == []


def test_an_exception_that_is_being_handled_is_reported_immediately() -> None:
    """An `except` block, which can save the model for minutes, does not delay the report."""
    model = Model()
    kept: list[LearnWatch] = []

    def interrupted(watch: LearnWatch) -> None:
        kept.append(watch)
        raise KeyboardInterrupt

    handled: list[BaseException] = []
    try:
        model.learn(interrupted)
    except KeyboardInterrupt as error:
        handled.append(error)
        looking = threading.Thread(target=kept[0].check)
        looking.start()
        looking.join(LONG_S)

    assert model.left == handled


def test_an_exception_that_a_notebook_shows_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception is reported even though it keeps alive a frame that is on no stack."""
    model = Model()
    kept: list[LearnWatch] = []

    def fail(watch: LearnWatch) -> None:
        kept.append(watch)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        model.learn(fail)
    monkeypatch.setattr(sys, "last_value", raised.value, raising=False)
    kept[0].check()

    assert model.left == [raised.value]


def test_an_unrelated_exception_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that was shown before the loop began is not its cause."""
    model = Model()
    monkeypatch.setattr(sys, "last_value", RuntimeError("of another cell"), raising=False)
    watch = model.learn(lambda _: None)
    watch.check()
    watch.check()

    assert model.left == [None]


def test_the_next_loop_in_a_thread_ends_the_previous_watch() -> None:
    """The next loop reports the previous one immediately, even at the same frame address. A nested loop does not."""
    outer, inner, later = Model(), Model(), Model()
    watch = outer.learn(lambda _: inner.learn(LearnWatch.end))
    within = list(outer.left)
    later.learn(LearnWatch.end)

    assert (within, outer.left) == ([], [None])
    watch.end()


def test_two_watches_of_one_call_coexist() -> None:
    """Two callbacks of one call do not end each other's watch, but the next call of the loop does."""
    model = Model()

    def watch_too(_: LearnWatch) -> None:
        model.watch(call=1).end()

    first = model.learn(watch_too, call=1)
    assert model.left == []
    model.learn(LearnWatch.end, call=2)
    assert model.left == [None]
    first.end()


def test_the_watch_checks_automatically() -> None:
    """The watch runs its checks in a separate thread."""
    told = threading.Event()

    class Interrupted:
        def learn(self) -> None:
            LearnWatch(self, lambda _: told.set(), interval_s=0.001)
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        Interrupted().learn()

    assert told.wait(LONG_S)


def test_a_loop_that_cannot_be_found_is_not_watched() -> None:
    """A loop that is not on the stack when the watch begins is not watched."""
    model = Model()
    watch = LearnWatch(model, model.left.append)

    assert (watch.loop.frame, watch._ticker) == (None, None)


def test_an_exception_comes_from_the_model_whose_method_raised_it() -> None:
    """An exception is attributed to the model whose method raised it, and not to another model."""
    one, other = Model(), Model()
    with pytest.raises(KeyboardInterrupt) as raised:
        one.learn(interrupt)

    assert (came_from(raised.value, one), came_from(raised.value, other), came_from(None, one)) == (True, False, False)

"""The watch over a training loop."""

import contextlib
import sys
import threading
from collections.abc import Callable

import pytest

from rlvitals.adapters.learn_watch import LearnWatch, came_from

LONG_S = 30.0
NEVER_S = 3600.0


class Model:
    """Has a loop."""

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


def test_a_loop_that_runs_is_not_left() -> None:
    """Also when another thread looks."""
    model = Model()

    def look(watch: LearnWatch) -> None:
        for _ in range(3):
            looking = threading.Thread(target=watch.check)
            looking.start()
            looking.join(LONG_S)

    model.learn(look).end()
    assert model.left == []


def test_a_loop_that_is_gone_is_told_once() -> None:
    """At the second look, as its exception may come to be known between the two."""
    model = Model()
    watch = model.learn(lambda _: None)
    watch.check()
    once = list(model.left)
    for _ in range(3):
        watch.check()

    assert (once, model.left) == ([], [None])


def test_an_end_that_was_announced_is_not_told() -> None:
    """The loop calls `end` itself, and returns."""
    model = Model()
    watch = model.learn(LearnWatch.end)
    for _ in range(3):
        watch.check()

    assert model.left == []


def test_the_exception_that_is_being_handled_is_told_at_once() -> None:
    """As a notebook's or a script's `except` does, which may save the model for minutes."""
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


def test_the_exception_that_a_notebook_shows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps the frame alive, which is on no stack any more."""
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


def test_an_exception_of_something_else_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was shown before the loop began."""
    model = Model()
    monkeypatch.setattr(sys, "last_value", RuntimeError("of another cell"), raising=False)
    watch = model.learn(lambda _: None)
    watch.check()
    watch.check()

    assert model.left == [None]


def test_the_next_loop_in_the_thread_ends_the_watch_over_the_one_before() -> None:
    """At once, though its frame has the address of the one that is gone; a loop within it does not."""
    outer, inner, later = Model(), Model(), Model()
    watch = outer.learn(lambda _: inner.learn(LearnWatch.end))
    within = list(outer.left)
    later.learn(LearnWatch.end)

    assert (within, outer.left) == ([], [None])
    watch.end()


def test_two_watches_over_one_call_stay() -> None:
    """Two callbacks in one list; over the next call of the same loop the old one ends."""
    model = Model()

    def watch_too(_: LearnWatch) -> None:
        model.watch(call=1).end()

    first = model.learn(watch_too, call=1)
    assert model.left == []
    model.learn(LearnWatch.end, call=2)
    assert model.left == [None]
    first.end()


def test_it_looks_by_itself() -> None:
    """In a thread of its own."""
    told = threading.Event()

    class Interrupted:
        def learn(self) -> None:
            LearnWatch(self, lambda _: told.set(), interval_s=0.001)
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        Interrupted().learn()

    assert told.wait(LONG_S)


def test_a_loop_that_cannot_be_found_is_not_watched() -> None:
    """What is not on the stack when the watch begins cannot be missed later."""
    model = Model()
    watch = LearnWatch(model, model.left.append)

    assert (watch.loop.frame, watch._ticker) == (None, None)


def test_an_exception_comes_from_the_model_whose_method_raised_it() -> None:
    """And from no other."""
    one, other = Model(), Model()
    with pytest.raises(KeyboardInterrupt) as raised:
        one.learn(interrupt)

    assert (came_from(raised.value, one), came_from(raised.value, other), came_from(None, one)) == (True, False, False)

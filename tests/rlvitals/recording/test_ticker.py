"""A function that is called at an interval."""

import logging
import threading

import pytest

from rlvitals.recording.ticker import Ticker


def test_an_error_is_said_once_and_the_ticking_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the function raises."""
    third = threading.Event()
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        if len(calls) == 3:
            third.set()
        raise RuntimeError("again")

    with caplog.at_level(logging.ERROR):
        ticker = Ticker(fail, 0.001, "test")
        assert third.wait(30)
        ticker.stop()

    assert len(caplog.records) == 1


def test_nothing_is_called_after_a_stop() -> None:
    """A call that is under way is waited for."""
    begun, go_on = threading.Event(), threading.Event()
    ended: list[int] = []

    def work() -> None:
        begun.set()
        go_on.wait(30)
        ended.append(1)

    ticker = Ticker(work, 0.001, "test")
    assert begun.wait(30)
    go_on.set()
    ticker.stop()
    count = len(ended)

    assert count >= 1
    assert not ticker._thread.is_alive()
    assert len(ended) == count


def test_a_ticker_may_stop_itself() -> None:
    """A function that closes what it is called by does not wait for itself."""
    stopped = threading.Event()

    def stop() -> None:
        ticker.stop()
        stopped.set()

    ticker = Ticker(stop, 0.01, "test")

    assert stopped.wait(30)
    ticker._thread.join(30)
    assert not ticker._thread.is_alive()

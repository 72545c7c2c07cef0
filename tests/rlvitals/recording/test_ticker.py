"""Periodic calls of a function."""

import logging
import threading

import pytest

from rlvitals.recording.ticker import Ticker


def test_an_error_is_logged_once_and_the_calls_continue(caplog: pytest.LogCaptureFixture) -> None:
    """A function that raises each time is called again, and only its first error is logged."""
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
    """Stopping waits for a call that is running."""
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


def test_a_ticker_can_stop_itself() -> None:
    """A function that stops its own ticker does not wait for itself."""
    stopped = threading.Event()

    def stop() -> None:
        ticker.stop()
        stopped.set()

    ticker = Ticker(stop, 0.01, "test")

    assert stopped.wait(30)
    ticker._thread.join(30)
    assert not ticker._thread.is_alive()

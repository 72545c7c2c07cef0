"""Threads of the tools of the server, which end with the client that called them."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from rlvitals.runs.interruption import stop_reading

T = TypeVar("T")

_POLL_S = 0.05
_calls: set[threading.Thread] = set()


async def in_thread(call: Callable[[], T]) -> T:
    """Call a function that blocks in a new thread. If the task is cancelled, stop its reads without waiting for it.

    A thread of a pool would be used again, but a stopped thread is refused further reads.

    Args:
        call: Function to call.

    Returns:
        The result of the function.
    """
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()
    thread = threading.Thread(target=_work, args=(call, answer), name="rlvitals-tool", daemon=True)
    _calls.add(thread)
    thread.start()
    try:
        return await asyncio.wrap_future(answer)
    except asyncio.CancelledError:
        threading.Thread(target=_stop, args=(thread,), name="rlvitals-stop", daemon=True).start()
        raise


def wait_for_calls(timeout_s: float) -> bool:
    """Wait until no call is running, and return whether that is so.

    Args:
        timeout_s: Maximum wait in seconds.
    """
    until = time.monotonic() + timeout_s
    for thread in list(_calls):
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in list(_calls))


def _work(call: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again in the task
        answer.set_exception(error)
    finally:
        _calls.discard(threading.current_thread())


def _stop(thread: threading.Thread) -> None:
    """Interrupt the reads of a thread until it ends, because one interruption between two queries has no effect."""
    while thread.is_alive():
        stop_reading(thread)
        thread.join(_POLL_S)

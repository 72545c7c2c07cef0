"""Interruption of reads by other threads."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rlvitals.errors import ReadInterruptedError
from rlvitals.runs.interruption import reading, stop_reading, time_limit
from rlvitals.runs.sql_columns import connected

LONG_S = 30.0
ENDLESS = "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b"


def stopped(work: Callable[[], Any]) -> list[BaseException]:
    """Run a function in a thread, stop the thread's reads until it ends, and return the errors that it raised."""
    raised: list[BaseException] = []
    begun = threading.Event()

    def guarded() -> None:
        begun.set()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test must see any error
            raised.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    assert begun.wait(LONG_S)
    for _ in range(int(LONG_S / 0.05)):
        if not thread.is_alive():
            break
        stop_reading(thread)
        thread.join(0.05)
    assert not thread.is_alive()
    return raised


def test_a_query_is_interrupted() -> None:
    """A query without end raises an error when its thread is stopped."""

    def ask() -> None:
        with connected() as tables:
            tables.execute(ENDLESS).fetchall()

    assert [type(error) for error in stopped(ask)] == [ReadInterruptedError]


def test_a_query_is_interrupted_after_a_time_limit() -> None:
    """The thread can read again afterwards."""
    with time_limit(0.05) as is_over, pytest.raises(ReadInterruptedError), connected() as tables:
        tables.execute(ENDLESS).fetchall()
    with time_limit(LONG_S) as is_over_again, connected() as tables:
        rows = tables.execute("SELECT 1").fetchall()

    assert (is_over.is_set(), is_over_again.is_set(), rows) == (True, False, [(1,)])


def test_a_query_that_follows_an_interrupted_one_is_interrupted_too() -> None:
    """A thread that ignores the first interruption is interrupted again in its second query."""
    asked: list[int] = []

    def ask_again_and_again() -> None:
        while True:
            try:
                with connected() as tables:
                    asked.append(1)
                    tables.execute(ENDLESS).fetchall()
            except ReadInterruptedError:
                if len(asked) > 1 or not asked:
                    raise
                asked.append(2)

    assert [type(error) for error in stopped(ask_again_and_again)] == [ReadInterruptedError]


def test_other_threads_can_still_read() -> None:
    """Only the stopped thread is refused further reads."""

    def wait() -> None:
        while True:
            with reading():
                pass

    stopped(wait)
    with connected() as tables:
        assert tables.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "work",
    [
        "with connected() as tables: tables.execute(ENDLESS).fetchall()",
        "while True:\n    with connected() as tables: tables.execute('SELECT count(*) FROM range(1000000)').fetchall()",
        "while True: list(ask_nothing())",
    ],
)
def test_the_interpreter_exits_while_a_daemon_thread_reads(work: str) -> None:
    """The return of the thread from DuckDB does not abort the process or delay its exit."""
    program = f"""
import contextlib, threading
import rlvitals
from rlvitals.runs.sql_columns import connected

ENDLESS = {ENDLESS!r}
begun = threading.Event()

def ask_nothing():
    with connected() as tables:
        begun.set()
        yield tables.execute("SELECT 1").fetchall()

def work():
    begun.set()
{textwrap.indent(work, "    ")}

threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
threading.excepthook = lambda _: None
for thread in threads:
    thread.start()
begun.wait()
with connected() as tables:
    tables.execute("SELECT 1").fetchall()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_exit_waits_for_a_stopped_thread() -> None:
    """A thread whose reads were stopped can end its work before the interpreter is finalised."""
    program = """
    import threading
    from rlvitals.runs.interruption import stop_reading

    def work():
        threading.main_thread().join()  # returns when the interpreter begins to exit
        print("done", flush=True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    stop_reading(thread)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")

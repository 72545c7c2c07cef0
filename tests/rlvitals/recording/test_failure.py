"""How a run ended, from the exception that ended it."""

import functools
import signal
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from rlvitals.recording.failure import Terminated, ending_of, failure_of


class UnprintableError(Exception):
    """Cannot be made a text."""

    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


class QuittingError(Exception):
    """Does worse than raise when it is asked."""

    def __str__(self) -> str:
        raise SystemExit(9)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError("a\ud800b\0c"), "RuntimeError", "a\\ud800b\\x00c"),
        (UnprintableError(), "UnprintableError", "its text cannot be read: __str__ raised"),
        (QuittingError(), "QuittingError", "its text cannot be read: __str__ raised"),
        (RuntimeError("x" * 10_000), "RuntimeError", "x" * 2_000),
        (ExceptionGroup("two", [ValueError("a"), UnprintableError()]), "ExceptionGroup", "two (2 sub-exceptions)"),
    ],
)
def test_any_exception_can_be_described(error: BaseException, kind: str, message: str) -> None:
    """In text that a file can hold, whatever the exception does when it is asked."""
    failure = failure_of(error)

    assert (failure.type, failure.message) == (kind, message)
    assert f"{failure.type}{failure.message}{failure.traceback}".encode()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ("completed", None)),
        (SystemExit(), ("completed", None)),
        (SystemExit(0), ("completed", None)),
        (SystemExit(3), ("failed", "SystemExit: 3")),
        (SystemExit([1]), ("failed", "SystemExit: [1]")),
        (SystemExit(""), ("failed", "SystemExit: ")),
        (KeyboardInterrupt(), ("failed", "KeyboardInterrupt: ")),
        (Terminated("SIGXCPU"), ("preempted", "SIGXCPU: terminated by SIGXCPU")),
    ],
)
def test_the_status_follows_from_the_exception(error: BaseException | None, expected: tuple[str, str | None]) -> None:
    """As the exit code of the process does, for codes of any type."""
    status, failure = ending_of(error)

    assert (status, failure and f"{failure.type}: {failure.message}") == expected


@pytest.fixture
def _sigterm() -> Iterator[None]:
    """Puts the handler back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class Handler:
    """A handler of signals that is an object, with a method as well."""

    def __call__(self, number: int, _: FrameType | None) -> None:
        raise SystemExit(number)

    def method(self, number: int, frame: FrameType | None) -> None:
        self(number, frame)

    def of_a_partial(self, _: str, number: int, frame: FrameType | None) -> None:
        self(number, frame)


@pytest.mark.usefixtures("_sigterm")
@pytest.mark.parametrize(
    "handler",
    [Handler(), Handler().method, functools.partial(Handler().of_a_partial, "a"), functools.partial(Handler())],
    ids=["object", "method", "partial", "partial of an object"],
)
def test_a_handler_may_be_anything_that_can_be_called(handler: Callable[[int, FrameType | None], None]) -> None:
    """What comes out of it is a preemption all the same."""
    signal.signal(signal.SIGTERM, handler)
    with pytest.raises(SystemExit) as raised:
        signal.raise_signal(signal.SIGTERM)

    assert ending_of(raised.value)[0] == "preempted"


@pytest.mark.usefixtures("_sigterm")
@pytest.mark.parametrize("error", [SystemExit(0), SystemExit(143), RuntimeError("time is up")])
def test_what_comes_out_of_the_handler_of_a_terminating_signal_is_a_preemption(error: BaseException) -> None:
    """Whichever way the user's own handler ends the program."""

    def handler(_: int, __: FrameType | None) -> None:
        raise error

    signal.signal(signal.SIGTERM, handler)
    with pytest.raises(type(error)) as raised:
        signal.raise_signal(signal.SIGTERM)

    status, failure = ending_of(raised.value)
    assert (status, failure and failure.type) == ("preempted", "SIGTERM")

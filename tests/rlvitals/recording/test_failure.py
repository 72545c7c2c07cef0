"""Status and failure of a run, derived from the exception that ended it."""

import functools
import signal
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from rlvitals.recording.failure import Terminated, ending_of, failure_of


class UnprintableError(Exception):
    """An exception that cannot be converted to text."""

    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


class QuittingError(Exception):
    """An exception whose `__str__` raises `SystemExit`."""

    def __str__(self) -> str:
        raise SystemExit(9)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError("a\ud800b\0c"), "RuntimeError", "a\\ud800b\\x00c"),
        (UnprintableError(), "UnprintableError", "the message is unavailable: __str__ raised"),
        (QuittingError(), "QuittingError", "the message is unavailable: __str__ raised"),
        (RuntimeError("x" * 10_000), "RuntimeError", "x" * 2_000),
        (ExceptionGroup("two", [ValueError("a"), UnprintableError()]), "ExceptionGroup", "two (2 sub-exceptions)"),
    ],
)
def test_any_exception_can_be_described(error: BaseException, kind: str, message: str) -> None:
    """The description can be written to a file, even if the methods of the exception raise."""
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
    """The status matches the exit code of the process, for codes of any type."""
    status, failure = ending_of(error)

    assert (status, failure and f"{failure.type}: {failure.message}") == expected


@pytest.fixture
def _sigterm() -> Iterator[None]:
    """Restore the signal handler after the test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class Handler:
    """A signal handler as a callable object, and as a method."""

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
def test_a_handler_can_be_any_callable(handler: Callable[[int, FrameType | None], None]) -> None:
    """An exception raised in any kind of handler means that the run was preempted."""
    signal.signal(signal.SIGTERM, handler)
    with pytest.raises(SystemExit) as raised:
        signal.raise_signal(signal.SIGTERM)

    assert ending_of(raised.value)[0] == "preempted"


@pytest.mark.usefixtures("_sigterm")
@pytest.mark.parametrize("error", [SystemExit(0), SystemExit(143), RuntimeError("time is up")])
def test_an_exception_from_the_handler_of_a_terminating_signal_is_a_preemption(error: BaseException) -> None:
    """The run is preempted for any exception with which a user-defined handler ends the program."""

    def handler(_: int, __: FrameType | None) -> None:
        raise error

    signal.signal(signal.SIGTERM, handler)
    with pytest.raises(type(error)) as raised:
        signal.raise_signal(signal.SIGTERM)

    status, failure = ending_of(raised.value)
    assert (status, failure and failure.type) == ("preempted", "SIGTERM")

"""A description of the exception that ended a run, whatever that exception does when it is asked."""

import traceback
from collections.abc import Callable

from rlvitals.runs.header import Failure

_MOST_MESSAGE = 2_000
_MOST_TRACEBACK = 20_000


def failure_of(error: BaseException) -> Failure:
    """Describe the exception that ended a run. Raises nothing, because that would replace the user's exception.

    Args:
        error: The exception. Its text may be unprintable, or cannot be made at all.
    """
    return Failure(
        type=_text(lambda: type(error).__name__, "an exception")[:_MOST_MESSAGE],
        message=_text(lambda: str(error), "its text cannot be read: __str__ raised")[:_MOST_MESSAGE],
        traceback=_text(lambda: "".join(traceback.format_exception(error)), "")[-_MOST_TRACEBACK:]
        or _text(lambda: "".join(traceback.format_tb(error.__traceback__)), "")[-_MOST_TRACEBACK:],
    )


def is_success(error: BaseException | None) -> bool:
    """Whether a program that ends in this way has ended well: without an exception, or by `sys.exit` with 0 or None."""
    if not isinstance(error, SystemExit):
        return error is None
    return error.code is None or (isinstance(error.code, int) and error.code == 0)


def _text(make: Callable[[], object], otherwise: str) -> str:
    """Make a text that a file can hold: without NULs, and without lone surrogates, which have no UTF-8."""
    try:
        text = str(make())
        return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    except BaseException:  # noqa: BLE001 - `__str__` is the user's, and may raise anything
        return otherwise

"""Posting of JSON to a webhook URL, which is itself a secret."""

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import Any

import msgspec

from rlvitals.sinks.alerts.alert_sink import DeliveryError

TIMEOUT_S = 10.0
_LONGEST_WAIT_S = 3_600.0
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Secret:
    """A text that is not shown by accident in a message, a log, a traceback or a debugger."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<secret>"

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """Return the secret text."""
        return self._text

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")


def setting(given: str | None, variable: str) -> str:
    """Return an argument, or the value of an environment variable if it is `None`, or an empty string.

    Args:
        given: Value of the argument, or `None`.
        variable: Name of the environment variable.
    """
    return given if given is not None else os.environ.get(variable, "").strip()


def is_temporary(status: int) -> bool:
    """Return whether a request with this HTTP status of the response can succeed later."""
    return status in _TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Webhook:
    """A URL that accepts JSON by POST. It is a secret, because anyone who has it can post.

    Args:
        url: URL, `https://...` or `http://...`.
        wanted: Instruction for providing the URL, for error messages.
        timeout_s: Maximum wait for each response of the server, in seconds, above 0.

    Raises:
        ValueError: The URL is missing or invalid (the message does not repeat it), or `timeout_s` is not above 0.
    """

    def __init__(self, url: str, *, wanted: str, timeout_s: float = TIMEOUT_S) -> None:
        if not url:
            raise ValueError(f"the webhook URL is missing: {wanted}")
        if not timeout_s > 0.0:
            raise ValueError(f"timeout_s={timeout_s}: must be a number of seconds above 0")
        try:
            parts = urllib.parse.urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if (
            not host
            or parts.scheme not in {"http", "https"}
            or not url.isascii()
            or not url.isprintable()
            or " " in url
        ):
            raise ValueError(
                f"the webhook URL is invalid; must be https:// or http:// with a host and a path: {wanted}"
            )
        self._url = Secret(url)
        self._timeout_s = timeout_s
        self.host = host
        # Only these handlers: the default opener of urllib also reads files, and sends the message on after a redirect.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)

    def __repr__(self) -> str:
        return f"<Webhook at {self.host}>"

    def post(self, payload: Any) -> None:
        """Send a value as JSON.

        Args:
            payload: Value that msgspec can encode.

        Raises:
            DeliveryError: The server is unreachable, or rejected the message. The error excludes the URL, and the
                response, which can repeat it.
        """
        request = urllib.request.Request(  # noqa: S310 - the scheme has been checked
            self._url.reveal(),
            data=msgspec.json.encode(payload),
            headers={"Content-Type": "application/json", "User-Agent": "rlvitals"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return
        except urllib.error.HTTPError as error:
            refusal = self._refusal(error)
            error.close()
        except TimeoutError:
            refusal = DeliveryError(f"{self.host} did not respond within {self._timeout_s:g} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            refusal = DeliveryError(f"{self.host} cannot be reached: {_why(error)}")
        # Outside the handlers, so that no traceback leads to an exception with the URL.
        raise refusal

    def _refusal(self, error: urllib.error.HTTPError) -> DeliveryError:
        phrase = HTTPStatus(error.code).phrase if error.code in set(HTTPStatus) else "an unknown status"
        wait = _seconds(error.headers.get("Retry-After"))
        return DeliveryError(
            f"{self.host} responded with {error.code} ({phrase})", again=is_temporary(error.code), retry_s=wait
        )


def _why(error: Exception) -> str:
    """Return the reason reported by the system. The message of a urllib exception can include the URL."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "no response in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "")
    except ValueError:  # missing, or a date
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S) if seconds == seconds else None  # noqa: PLR0124 - not NaN

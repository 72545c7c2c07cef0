"""Posting JSON to an address that is itself a secret."""

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
    """A text that nobody sees by chance: not in a message, a log, a traceback or a debugger's list of attributes."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<secret>"

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written to a file")


def setting(given: str | None, variable: str) -> str:
    """A setting that was given, or else that of an environment variable; empty if there is neither."""
    return given if given is not None else os.environ.get(variable, "").strip()


class Webhook:
    """An address that takes JSON by POST. It is a secret: whoever knows it may post.

    Args:
        url: The address, `https://...` or `http://...`.
        wanted: What to give if there is none, for the message.
        timeout_s: Longest wait for each answer of the server.

    Raises:
        ValueError: There is no address, or it is none; the message does not repeat it.
    """

    def __init__(self, url: str, *, wanted: str, timeout_s: float = TIMEOUT_S) -> None:
        if not url:
            raise ValueError(f"a webhook needs its address: {wanted}")
        if not timeout_s > 0.0:
            raise ValueError(f"timeout_s={timeout_s}: seconds, more than 0")
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
                f"a webhook's address is https:// or http://, a host and a path; this one is not: {wanted}"
            )
        self._url = Secret(url)
        self._timeout_s = timeout_s
        self.host = host
        # Only these: urllib's own opener would read files and follow a redirect, with what the message says, anywhere.
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

        Raises:
            DeliveryError: The server cannot be reached, or did not take it. The message says neither the address nor
                anything of the answer, which may repeat it.
        """
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
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
            refusal = DeliveryError(f"{self.host} did not answer in {self._timeout_s:g} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            refusal = DeliveryError(f"{self.host} cannot be reached: {_why(error)}")
        # Outside of the handlers, so that no traceback leads to an exception that holds the address.
        raise refusal

    def _refusal(self, error: urllib.error.HTTPError) -> DeliveryError:
        again = error.code in _TRY_AGAIN or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
        phrase = HTTPStatus(error.code).phrase if error.code in set(HTTPStatus) else "an unknown status"
        wait = _seconds(error.headers.get("Retry-After"))
        return DeliveryError(f"{self.host} answered {error.code} ({phrase})", again=again, retry_s=wait)


def _why(error: Exception) -> str:
    """The reason, as the system words it: an exception of urllib's own may repeat the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "it did not answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "")
    except ValueError:  # none, or a date
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S) if seconds == seconds else None  # noqa: PLR0124 - not NaN

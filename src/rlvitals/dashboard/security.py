"""Access control: which requests are answered, and what a browser may do with the answer.

The pages show what others wrote (names, notes, configurations, pictures) on a machine where other pages are open too.
So three things are checked before anything is read: the request names this server by one of its own host names (a
foreign name could be pointed at it: DNS rebinding), it comes from its own pages, and it has the token.
"""

import hmac
import ipaddress
import urllib.parse
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "rlvitals_token"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For pictures of a run: opened alone, they run no script, load nothing and have no origin."""

_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
_MOST_HEADERS = 100
_LARGEST_HEADERS = 1 << 15
_LONGEST_QUERY = 1 << 18
"""Bytes: the keys of a thousand runs are in one address."""
_MOST_PARAMETERS = 1_100
_LONGEST_PATH = 1 << 12
_PAGES = frozenset({"/", "/run", "/compare"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD"})


class Guard:
    """Refuses what may not be requested, and adds the security headers to every response.

    Args:
        app: The application.
        hosts: Host names that requests may use, besides those of the loopback.
        token: The token, in a cookie, in `Authorization: Bearer` or once in `?token=`; `None` for none.
        any_address: Whether requests may use any IP address as host, as the server listens on all of them.
        close: Called when the server ends.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] = (),
        token: str | None = None,
        any_address: bool = False,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self.close = close
        self._hosts = _LOOPBACK | {host.lower().strip("[]") for host in hosts}
        self._token = token
        self._any_address = any_address and token is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _headers_refusal(scope) or self._refusal(scope, headers)
        if refusal is None and self._token is not None:
            shown = _shown_token(scope) if scope["path"] in _PAGES else None
            if shown is not None and self._is_token(shown):
                await self._keep_token(scope, send, shown)
                return
            if shown is not None:
                refusal = 401, "this token is not the server's: use the address that it printed"
            elif not self._has_token(headers):
                refusal = 401, "a token is needed: open the address that the server printed"
        # Without a token, a request costs nothing and learns nothing.
        refusal = refusal or _size_refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        await self._app(scope, receive, _sealed(send))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if scope["method"] not in _READING:
            return 405, "this server can only be read"
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_own(host):
            return 403, "this host name is not the server's: use the address that it printed"
        origin = headers.get("origin")
        if origin is not None and urllib.parse.urlsplit(origin).netloc.lower() != host.lower():
            return 403, "other sites may not ask this server"
        site = headers.get("sec-fetch-site", "none")
        is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if site not in {"none", "same-origin"} and not (is_link and not scope["path"].startswith("/api/")):
            return 403, "other sites may not ask this server"
        return None

    def _is_own(self, host: str) -> bool:
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None or "@" in host or "/" in host:
            return False
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address  # who points a foreign name at it does not come by number

    def _has_token(self, headers: Headers) -> bool:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return True
        return self._is_token(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), (self._token or "").encode())

    async def _keep_token(self, scope: Scope, send: Send, token: str) -> None:
        """Put the token into a cookie, and show the same page without it in the address."""
        query = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rest = urllib.parse.urlencode([(name, value) for name, value in query if name != "token"])
        cookie = f"{COOKIE}={urllib.parse.quote(token)}; Path=/; HttpOnly; SameSite=Lax"
        target = scope["path"] + (f"?{rest}" if rest else "")
        await _answer(send, 303, "", {"location": target, "set-cookie": cookie})


def _headers_refusal(scope: Scope) -> tuple[int, str] | None:
    """Bound the headers, before any of them is read."""
    headers = scope["headers"]
    if len(headers) > _MOST_HEADERS:
        return 431, f"{len(headers)} headers are more than the {_MOST_HEADERS} that this server reads"
    size = sum(len(name) + len(value) for name, value in headers)
    if size > _LARGEST_HEADERS:
        return 431, f"{size} bytes of headers are more than the {_LARGEST_HEADERS} that this server reads"
    return None


def _size_refusal(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Bound the address and the body, before any of them is parsed."""
    if len(scope["path"]) > _LONGEST_PATH:
        return 414, f"the path has {len(scope['path'])} characters, and {_LONGEST_PATH} at most are read"
    query: bytes = scope["query_string"]
    if len(query) > _LONGEST_QUERY:
        return 414, f"the query has {len(query)} bytes, and {_LONGEST_QUERY} at most are read: ask for fewer runs"
    if (many := query.count(b"&") + 1) > _MOST_PARAMETERS:
        return 414, f"the query has {many} parameters, and {_MOST_PARAMETERS} at most are read: ask for fewer runs"
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0":
        return 413, "this server reads no body: put the parameters into the address"
    return None


def _shown_token(scope: Scope) -> str | None:
    query: bytes = scope["query_string"]
    if b"token=" not in query or _size_refusal(scope, Headers()) is not None:
        return None
    return urllib.parse.parse_qs(query.decode("latin-1")).get("token", [None])[0]


def _sealed(send: Send) -> Send:
    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                if name not in headers:
                    headers[name] = value
            if "server" in headers:
                del headers["server"]
        await send(message)

    return sealed


async def _answer(send: Send, status: int, reason: str, more: dict[str, str] | None = None) -> None:
    body = reason.encode() + b"\n" if reason else b""
    fields = {**_HEADERS, "content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), **(more or {})}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

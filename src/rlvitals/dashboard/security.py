"""Access control of the dashboard: checks of requests, and security headers of responses.

The pages show untrusted content (names, notes, configurations, pictures), and the browser can have other sites open.
Three checks run before any data is read. The host name of the request must belong to this server, which prevents DNS
rebinding. The request must come from the dashboard's own pages. It must carry the token if there is one.
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
"""Policy for the pictures of a run. A picture opened on its own runs no script, loads nothing and has no origin."""

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
"""Maximum size in bytes, enough for the keys of a thousand runs."""
_MOST_PARAMETERS = 1_100
_LONGEST_PATH = 1 << 12
_PAGES = frozenset({"/", "/run", "/compare"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD"})


class Guard:
    """Middleware that refuses forbidden requests and adds security headers to every response.

    Args:
        app: Application to protect.
        hosts: Host names that requests can use in addition to the loopback names.
        token: Token that a request carries in a cookie, in `Authorization: Bearer` or once in `?token=`; `None` to
            require no token.
        any_address: Whether requests can use any IP address as host, because the server listens on all addresses.
        close: Function called when the server shuts down.
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
        """Handle one request."""
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
                refusal = 401, "wrong token: open the address that the server printed"
            elif not self._has_token(headers):
                refusal = 401, "token required: open the address that the server printed"
        # Check sizes after the token, so that an unauthorised request costs little and learns nothing.
        refusal = refusal or _size_refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        await self._app(scope, receive, _sealed(send))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if scope["method"] not in _READING:
            return 405, "this server is read-only: use GET or HEAD"
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_own(host):
            return 403, "unknown host name: open the address that the server printed"
        origin = headers.get("origin")
        if origin is not None and urllib.parse.urlsplit(origin).netloc.lower() != host.lower():
            return 403, "requests from other sites are refused"
        site = headers.get("sec-fetch-site", "none")
        is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if site not in {"none", "same-origin"} and not (is_link and not scope["path"].startswith("/api/")):
            return 403, "requests from other sites are refused"
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
        return self._any_address  # DNS rebinding uses a name, never an IP address

    def _has_token(self, headers: Headers) -> bool:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return True
        return self._is_token(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), (self._token or "").encode())

    async def _keep_token(self, scope: Scope, send: Send, token: str) -> None:
        """Store the token in a cookie and redirect to the same address without it."""
        query = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rest = urllib.parse.urlencode([(name, value) for name, value in query if name != "token"])
        cookie = f"{COOKIE}={urllib.parse.quote(token)}; Path=/; HttpOnly; SameSite=Lax"
        target = scope["path"] + (f"?{rest}" if rest else "")
        await _answer(send, 303, "", {"location": target, "set-cookie": cookie})


def _headers_refusal(scope: Scope) -> tuple[int, str] | None:
    """Check the number and size of the headers before they are parsed."""
    headers = scope["headers"]
    if len(headers) > _MOST_HEADERS:
        return 431, f"the request has {len(headers)} headers, but at most {_MOST_HEADERS} are allowed"
    size = sum(len(name) + len(value) for name, value in headers)
    if size > _LARGEST_HEADERS:
        return 431, f"the request has {size} bytes of headers, but at most {_LARGEST_HEADERS} are allowed"
    return None


def _size_refusal(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Check the size of the address and the body before they are parsed."""
    if len(scope["path"]) > _LONGEST_PATH:
        return 414, f"the path has {len(scope['path'])} characters, but at most {_LONGEST_PATH} are allowed"
    query: bytes = scope["query_string"]
    if len(query) > _LONGEST_QUERY:
        return 414, f"the query has {len(query)} bytes, but at most {_LONGEST_QUERY} are allowed: select fewer runs"
    if (many := query.count(b"&") + 1) > _MOST_PARAMETERS:
        return 414, f"the query has {many} parameters, but at most {_MOST_PARAMETERS} are allowed: select fewer runs"
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0":
        return 413, "request bodies are not accepted: put the parameters into the address"
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

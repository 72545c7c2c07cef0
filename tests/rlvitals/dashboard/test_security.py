"""Tests of the access control and of the security headers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rlvitals.dashboard.security import COOKIE, Guard

TOKEN = "a-token-of-some-length"  # noqa: S105 - a token of the tests


def asked(
    path: str = "/api/v1/runs",
    query: str = "",
    method: str = "GET",
    *,
    guard: dict[str, Any] | None = None,
    **said: Any,
) -> tuple[int, dict[str, str]]:
    """Return status and headers of the response to a request with these headers."""
    headers = {"host": "127.0.0.1:8765"} | {name.replace("_", "-"): value for name, value in said.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    # Use a separate thread, because Playwright in other tests occupies the event loop of this thread.
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: asyncio.run(Guard(app, **(guard or {}))(scope, None, send)))  # type: ignore[arg-type]
        asked.result()
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:8765", "LOCALHOST"])
def test_loopback_names_are_accepted(host: str) -> None:
    """Any port is accepted, because the server can be reached through a tunnel."""
    assert asked(host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "",
        "[::1",
        "10.0.0.1",
    ],
)
def test_a_foreign_host_name_is_refused(host: str) -> None:
    """DNS rebinding uses a foreign name."""
    assert asked(host=host)[0] == 403


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
    ],
)
def test_requests_from_other_sites_are_refused(said: dict[str, Any]) -> None:
    """Scripts, pictures, frames and links of other sites cannot use the API."""
    assert asked(**said)[0] == 403


def test_own_pages_and_links_to_pages_are_accepted() -> None:
    """A link from another site can open a page, but not in a frame."""
    assert asked(origin="http://127.0.0.1:8765", sec_fetch_site="same-origin")[0] == 200
    link: dict[str, Any] = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert asked("/run", **link)[0] == 200
    assert asked("/run", **{**link, "sec_fetch_dest": "iframe"})[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_methods_other_than_get_and_head_are_refused(method: str) -> None:
    """The server is read-only."""
    assert asked(method=method)[0] == 405


def test_a_configured_token_is_required() -> None:
    """The token is accepted in a header or a cookie, and a wrong one is refused."""
    guard = {"token": TOKEN}

    assert asked(guard=guard)[0] == 401
    assert asked(guard=guard, authorization=f"Bearer {TOKEN}")[0] == 200
    assert asked(guard=guard, cookie=f"other=1; {COOKIE}={TOKEN}")[0] == 200
    assert asked(guard=guard, authorization=f"Bearer {TOKEN}x")[0] == 401
    assert asked(guard=guard, cookie=f"{COOKIE}=ü")[0] == 401
    assert asked("/static/app.js", guard=guard)[0] == 401


def test_a_token_in_the_address_becomes_a_cookie() -> None:
    """The token stays out of the browser history, and scripts cannot read it."""
    status, headers = asked("/run", f"run=a%2Fb&token={TOKEN}&x=time", guard={"token": TOKEN})

    assert (status, headers["location"]) == (303, "/run?run=a%2Fb&x=time")
    assert f"{COOKIE}={TOKEN}" in headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(headers["set-cookie"].split("; "))
    assert asked("/run", "token=wrong", guard={"token": TOKEN})[0] == 401


def test_ip_addresses_are_accepted_only_when_listening_on_all_addresses() -> None:
    """Host names must be known in any case."""
    everywhere = {"token": TOKEN, "any_address": True, "hosts": ["trainer.lan"]}
    shown: dict[str, Any] = {"authorization": f"Bearer {TOKEN}"}

    assert asked(guard=everywhere, host="10.1.2.3:8765", **shown)[0] == 200
    assert asked(guard=everywhere, host="trainer.lan:8765", **shown)[0] == 200
    assert asked(guard=everywhere, host="evil.example", **shown)[0] == 403
    assert asked(guard={"any_address": True}, host="10.1.2.3")[0] == 403


def test_every_response_has_security_headers() -> None:
    """Refusals have them too."""
    for _, headers in (asked(), asked(host="evil.example")):
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


@pytest.mark.parametrize(
    ("asked_for", "status"),
    [
        ({"query": "run=" + "a" * 480_000}, 414),
        ({"query": "&".join(["field=a"] * 5_000)}, 414),
        ({"query": "&" * 5_000}, 414),
        ({"path": "/" + "a" * 100_000}, 414),
        ({"cookie": "a=b; " * 20_000}, 431),
        ({f"x_{number}": "1" for number in range(200)}, 431),
        ({"content_length": "5"}, 413),
        ({"transfer_encoding": "chunked"}, 413),
    ],
)
def test_oversized_requests_are_refused_before_parsing(asked_for: dict[str, Any], status: int) -> None:
    """Address, headers and body are limited."""
    assert asked(**asked_for)[0] == status


def test_a_thousand_runs_can_be_compared() -> None:
    """Their long names fit into the query."""
    assert asked(query="&".join(f"run=night%2F{'r' * 80}-{number:04}" for number in range(1_000)))[0] == 200


@pytest.mark.parametrize("path", ["/", "/run", "/api/v1/compare"])
def test_without_the_token_the_address_is_not_parsed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response to a long address is that a token is required."""

    def parse(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("urllib.parse.parse_qs", parse)
    monkeypatch.setattr("urllib.parse.parse_qsl", parse)
    guard = {"token": TOKEN}

    assert asked(path, "run=" + "a" * 480_000, guard=guard)[0] == 401
    assert asked(path, f"token={TOKEN}&" + "run=a&" * 80_000, guard=guard)[0] == 401
    assert asked(path, "run=a", guard=guard)[0] == 401

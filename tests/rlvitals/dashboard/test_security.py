"""Who may ask, and what a browser may do with the answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rlvitals.dashboard.security import COOKIE, Guard

TOKEN = "a-token-of-some-length"  # noqa: S105 - opens nothing


def asked(
    path: str = "/api/v1/runs",
    query: str = "",
    method: str = "GET",
    *,
    guard: dict[str, Any] | None = None,
    **said: Any,
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request with some headers."""
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

    # In a thread of its own: a browser that other tests drive holds this thread's event loop.
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: asyncio.run(Guard(app, **(guard or {}))(scope, None, send)))  # type: ignore[arg-type]
        asked.result()
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:8765", "LOCALHOST"])
def test_the_loopback_is_its_own(host: str) -> None:
    """By any port: it may be reached through a tunnel."""
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
def test_a_foreign_name_is_refused(host: str) -> None:
    """It was pointed at this machine by another site."""
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
def test_another_site_may_not_ask_the_api(said: dict[str, Any]) -> None:
    """Neither by a script nor by a picture, a frame or a link."""
    assert asked(**said)[0] == 403


def test_its_own_pages_may_ask_and_a_link_may_lead_to_a_page() -> None:
    """A link from elsewhere opens a page, and nothing else."""
    assert asked(origin="http://127.0.0.1:8765", sec_fetch_site="same-origin")[0] == 200
    link: dict[str, Any] = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert asked("/run", **link)[0] == 200
    assert asked("/run", **{**link, "sec_fetch_dest": "iframe"})[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(method: str) -> None:
    """There is nothing to write to."""
    assert asked(method=method)[0] == 405


def test_a_token_is_needed_where_there_is_one() -> None:
    """By a header, by a cookie; a wrong one is none."""
    guard = {"token": TOKEN}

    assert asked(guard=guard)[0] == 401
    assert asked(guard=guard, authorization=f"Bearer {TOKEN}")[0] == 200
    assert asked(guard=guard, cookie=f"other=1; {COOKIE}={TOKEN}")[0] == 200
    assert asked(guard=guard, authorization=f"Bearer {TOKEN}x")[0] == 401
    assert asked(guard=guard, cookie=f"{COOKIE}=ü")[0] == 401
    assert asked("/static/app.js", guard=guard)[0] == 401


def test_a_token_in_the_address_becomes_a_cookie() -> None:
    """So that it stays in no history, and no script can read it."""
    status, headers = asked("/run", f"run=a%2Fb&token={TOKEN}&x=time", guard={"token": TOKEN})

    assert (status, headers["location"]) == (303, "/run?run=a%2Fb&x=time")
    assert f"{COOKIE}={TOKEN}" in headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(headers["set-cookie"].split("; "))
    assert asked("/run", "token=wrong", guard={"token": TOKEN})[0] == 401


def test_by_number_it_is_asked_for_only_where_it_listens_everywhere() -> None:
    """And a name only where it is one of its own."""
    everywhere = {"token": TOKEN, "any_address": True, "hosts": ["trainer.lan"]}
    shown: dict[str, Any] = {"authorization": f"Bearer {TOKEN}"}

    assert asked(guard=everywhere, host="10.1.2.3:8765", **shown)[0] == 200
    assert asked(guard=everywhere, host="trainer.lan:8765", **shown)[0] == 200
    assert asked(guard=everywhere, host="evil.example", **shown)[0] == 403
    assert asked(guard={"any_address": True}, host="10.1.2.3")[0] == 403


def test_every_answer_is_sealed() -> None:
    """No script but its own, none inline, no frame, no guessing of types; also where it refuses."""
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
def test_what_is_too_much_is_refused_before_it_is_parsed(asked_for: dict[str, Any], status: int) -> None:
    """Address, headers and body."""
    assert asked(**asked_for)[0] == status


def test_a_thousand_runs_may_be_compared() -> None:
    """With the longest names that are likely."""
    assert asked(query="&".join(f"run=night%2F{'r' * 80}-{number:04}" for number in range(1_000)))[0] == 200


@pytest.mark.parametrize("path", ["/", "/run", "/api/v1/compare"])
def test_without_the_token_nothing_of_an_address_is_parsed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is, the answer is that a token is needed."""

    def parse(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("urllib.parse.parse_qs", parse)
    monkeypatch.setattr("urllib.parse.parse_qsl", parse)
    guard = {"token": TOKEN}

    assert asked(path, "run=" + "a" * 480_000, guard=guard)[0] == 401
    assert asked(path, f"token={TOKEN}&" + "run=a&" * 80_000, guard=guard)[0] == 401
    assert asked(path, "run=a", guard=guard)[0] == 401

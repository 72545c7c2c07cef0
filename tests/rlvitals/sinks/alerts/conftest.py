"""Local servers that receive alerts."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rlvitals.records import Event

SECRET = "T0KEN-abc123"  # noqa: S105 - not a real secret


class WebServer(ThreadingHTTPServer):
    """Server that accepts JSON by POST, and responds as configured."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.answer_headers: dict[str, str] = {}
        self.silent = threading.Event()
        self.woken = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.silent.is_set():
            self.server.woken.wait(10.0)
            return
        self.server.bodies.append(
            json.loads(body, parse_constant=lambda word: pytest.fail(f"{word} is not valid JSON"))
        )
        self.server.headers.append(dict(self.headers))
        self.send_response(self.server.status, SECRET)
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - name required by `http.server`

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """Web server that is accessed without a proxy."""
    monkeypatch.setenv("no_proxy", "*")
    made = WebServer()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.woken.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def finding() -> Callable[..., Event]:
    """Return a function that creates the event of a finding."""

    def make(code: str = "kl-too-large", severity: str = "critical", **more: Any) -> Event:
        fields: dict[str, Any] = {
            "time": 1_700_000_000.0,
            "message": "The policy moves too far in each update.",
            "env_step": 20_480,
        }
        data: dict[str, Any] = {
            "state": "opened",
            "confidence": 0.97,
            "since_step": 12_288,
            "evidence": {"kl_divergence": 0.31, "limit": 0.05},
            "cause": "The learning rate is too high.",
            "advice": "Lower the learning rate.",
            "source": "Schulman et al. 2017",
        }
        data |= more.pop("data", {})
        return Event(kind="finding", code=code, severity=severity, data=data, **(fields | more))

    return make

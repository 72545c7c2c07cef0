"""The sinks of the guide to plug-ins pass the contract that the guide refers to."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from texts import code_blocks

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, PolicyUpdate, Record, codec_of
from rlvitals.sinks import Sink
from rlvitals.testing.sinks import SinkContract

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "plug-ins.md"


def class_of_guide(name: str) -> Any:
    """The class that a Python block of the guide defines."""
    names: dict[str, Any] = {}
    exec(next(block for block in code_blocks(GUIDE, "python") if f"class {name}(" in block), names)  # noqa: S102 - our own words
    return names[name]


class Server(HTTPServer):
    """Keeps the lines that are posted to it, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Posts)
        self.lines: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Posts(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Server)
        self.server.lines += [(self.path, line) for line in body.splitlines()]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    made = Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class TestBestReward(SinkContract):
    kinds = frozenset()  # it prints, and keeps no record

    def make_sink(self) -> Sink:
        made: Sink = class_of_guide("BestReward")()
        return made


class TestLabServer(SinkContract):
    kinds = frozenset({Episode, PolicyUpdate})

    @pytest.fixture(autouse=True)
    def _served(self, server: Server) -> None:
        self.server = server

    def make_sink(self) -> Sink:
        made: Sink = class_of_guide("LabServer")(self.server.url)
        return made

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        lines = [line for _, line in self.server.lines]
        return [codec_of(Episode if b'"reward"' in line else PolicyUpdate).unpack(line) for line in lines]


def test_the_lab_server_receives_the_records_of_a_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Used as a class, the sink takes its address from the environment, and the name of the run from the context."""

    monkeypatch.setenv("LAB_SERVER_URL", server.url)
    with TrainingMonitor(tmp_path, session_name="ppo-1", sinks=[class_of_guide("LabServer")]) as monitor:
        monitor.log_episode(0, reward=1.0, length=10)
        monitor.log_training_step(10, policy_loss=0.1, value_loss=0.2, entropy=0.3)
    assert [path for path, _ in server.lines] == ["/runs/ppo-1"] * 2

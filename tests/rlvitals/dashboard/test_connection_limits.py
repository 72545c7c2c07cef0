"""Tests that waiting connections are limited in number and time, so that other clients are served."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx

from rlvitals.dashboard.connection_limits import Connections, Limits
from rlvitals.dashboard.server import serving
from rlvitals.testing.manual_clock import ManualClock

FEW = Limits(request_s=10.0, waiting_of_one=3, waiting=5, of_one=6)
PATIENT_S = 60.0


class Door:
    """A connection that records how it was closed."""

    def __init__(self) -> None:
        self.closed: str | None = None

    def give_up(self, *, late: bool) -> None:
        """Record the close."""
        self.closed = "late" if late else "early"


def doors(connections: Connections, count: int, host: str = "10.0.0.1") -> list[Door]:
    made = [Door() for _ in range(count)]
    for port, door in enumerate(made):
        connections.opened((host, port), door)
    return made


def test_an_incomplete_request_times_out() -> None:
    """A request that is being answered has no time limit."""
    clock = ManualClock()
    connections = Connections(FEW, clock)
    slow, quick = doors(connections, 2)
    connections.asks(("10.0.0.1", 1))
    clock.advance(9.9)
    connections.close_late()
    before = [slow.closed, quick.closed]
    clock.advance(0.1)
    connections.close_late()

    assert before == [None, None]
    assert [slow.closed, quick.closed] == ["late", None]


def test_the_timeout_restarts_after_a_response() -> None:
    """The next request on the connection gets the full time."""
    clock = ManualClock()
    connections = Connections(FEW, clock)
    (door,) = doors(connections, 1)
    connections.asks(("10.0.0.1", 0))
    clock.advance(100.0)
    connections.waits(("10.0.0.1", 0))
    clock.advance(9.9)
    connections.close_late()
    before = door.closed
    clock.advance(0.1)
    connections.close_late()

    assert (before, door.closed) == (None, "late")


def test_too_many_waiting_connections_of_an_address_close_its_oldest() -> None:
    """Connections from other addresses stay open."""
    connections = Connections(FEW, ManualClock())
    (other,) = doors(connections, 1, "10.0.0.2")
    crowd = doors(connections, 5)

    assert [door.closed for door in crowd] == ["early", "early", None, None, None]
    assert other.closed is None


def test_too_many_waiting_connections_in_total_close_the_oldest() -> None:
    """The limit holds for any number of addresses."""
    connections = Connections(FEW, ManualClock())
    crowd = [doors(connections, 1, f"10.0.1.{number}")[0] for number in range(7)]

    assert [door.closed for door in crowd] == ["early", "early", None, None, None, None, None]


def test_connections_per_address_are_limited() -> None:
    """The limit also holds if all of them are being answered."""
    connections = Connections(FEW, ManualClock())
    crowd = []
    for port in range(7):
        crowd.append(Door())
        connections.opened(("10.0.0.1", port), crowd[-1])
        connections.asks(("10.0.0.1", port))

    assert [door.closed for door in crowd] == [None] * 6 + ["early"]


def test_a_closed_connection_is_removed() -> None:
    """A connection can close before its response ends."""
    connections = Connections(FEW, ManualClock())
    (door,) = doors(connections, 1)
    connections.asks(("10.0.0.1", 0))
    connections.closed(("10.0.0.1", 0))
    connections.waits(("10.0.0.1", 0))
    connections.close_late()

    assert door.closed is None


@contextlib.contextmanager
def half_open(address: str, count: int) -> Iterator[list[socket.socket]]:
    """Open connections that have sent half a request."""
    url = httpx.URL(address)
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((url.host, url.port), timeout=PATIENT_S))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            opened.append(one)
        yield opened


def test_half_open_requests_do_not_block_other_requests(tmp_path: Path) -> None:
    """One address opens more connections than the server accepts."""
    limits = Limits(request_s=PATIENT_S, waiting_of_one=10, waiting=20, of_one=20, at_once=40)
    with serving(tmp_path, limits=limits) as address, half_open(address, 120):
        answers = [httpx.get(f"{address}api/v1/runs", timeout=PATIENT_S).status_code for _ in range(5)]

    assert answers == [200] * 5


def test_a_half_open_request_gets_a_timeout_response(tmp_path: Path) -> None:
    """Its connection is closed."""
    with (
        serving(tmp_path, limits=Limits(request_s=1.0)) as address,
        half_open(address, 1) as (slow,),
        contextlib.closing(slow.makefile("rb")) as answer,
    ):
        assert answer.read().startswith(b"HTTP/1.1 408 ")


def test_a_slow_second_request_times_out_too(tmp_path: Path) -> None:
    """A completed first request does not lift the time limit."""
    with serving(tmp_path, limits=Limits(request_s=1.0)) as address:
        url = httpx.URL(address)
        with socket.create_connection((url.host, url.port), timeout=PATIENT_S) as one:
            whole = b"GET /api/v1/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            one.sendall(whole + whole[:10])
            with contextlib.closing(one.makefile("rb")) as answer:
                said = answer.read()

    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in said


def test_a_long_address_is_refused(tmp_path: Path) -> None:
    """The running server answers with status 414."""
    with serving(tmp_path) as address:
        url = httpx.URL(address)
        with socket.create_connection((url.host, url.port), timeout=PATIENT_S) as one:
            one.sendall(b"GET /api/v1/run?run=" + b"a" * 480_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(12) == b"HTTP/1.1 414"


def test_invalid_values_are_not_repeated(ask: httpx.Client) -> None:
    """The error is short for values of any length."""
    answer = ask.get("/api/v1/run", params={"run": "a" * 20_000})

    assert answer.status_code == 422
    assert len(answer.content) < 500

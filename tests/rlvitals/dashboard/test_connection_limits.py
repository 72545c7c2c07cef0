"""Connections that wait are bounded in number and time, so that others are answered."""

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
    """A connection that remembers how it was closed."""

    def __init__(self) -> None:
        self.closed: str | None = None

    def give_up(self, *, late: bool) -> None:
        """Remember it."""
        self.closed = "late" if late else "early"


def doors(connections: Connections, count: int, host: str = "10.0.0.1") -> list[Door]:
    made = [Door() for _ in range(count)]
    for port, door in enumerate(made):
        connections.opened((host, port), door)
    return made


def test_a_request_that_is_not_complete_in_time_is_given_up() -> None:
    """One that is being answered takes as long as it takes."""
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


def test_the_time_begins_again_after_an_answer() -> None:
    """For the next request on the connection."""
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


def test_of_too_many_that_wait_the_oldest_of_that_address_is_closed() -> None:
    """Others keep their place."""
    connections = Connections(FEW, ManualClock())
    (other,) = doors(connections, 1, "10.0.0.2")
    crowd = doors(connections, 5)

    assert [door.closed for door in crowd] == ["early", "early", None, None, None]
    assert other.closed is None


def test_of_too_many_addresses_the_oldest_is_closed() -> None:
    """However many machines take part."""
    connections = Connections(FEW, ManualClock())
    crowd = [doors(connections, 1, f"10.0.1.{number}")[0] for number in range(7)]

    assert [door.closed for door in crowd] == ["early", "early", None, None, None, None, None]


def test_one_address_has_only_so_many_connections() -> None:
    """Also if all of them are being answered."""
    connections = Connections(FEW, ManualClock())
    crowd = []
    for port in range(7):
        crowd.append(Door())
        connections.opened(("10.0.0.1", port), crowd[-1])
        connections.asks(("10.0.0.1", port))

    assert [door.closed for door in crowd] == [None] * 6 + ["early"]


def test_a_connection_that_was_closed_is_forgotten() -> None:
    """Its end may come before that of its answer."""
    connections = Connections(FEW, ManualClock())
    (door,) = doors(connections, 1)
    connections.asks(("10.0.0.1", 0))
    connections.closed(("10.0.0.1", 0))
    connections.waits(("10.0.0.1", 0))
    connections.close_late()

    assert door.closed is None


@contextlib.contextmanager
def half_open(address: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent half a request."""
    url = httpx.URL(address)
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((url.host, url.port), timeout=PATIENT_S))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            opened.append(one)
        yield opened


def test_half_open_requests_keep_nobody_out(tmp_path: Path) -> None:
    """More of them than the server answers at once, of the same address."""
    limits = Limits(request_s=PATIENT_S, waiting_of_one=10, waiting=20, of_one=20, at_once=40)
    with serving(tmp_path, limits=limits) as address, half_open(address, 120):
        answers = [httpx.get(f"{address}api/v1/runs", timeout=PATIENT_S).status_code for _ in range(5)]

    assert answers == [200] * 5


def test_a_half_open_request_is_told_that_it_is_late(tmp_path: Path) -> None:
    """And its connection is closed."""
    with (
        serving(tmp_path, limits=Limits(request_s=1.0)) as address,
        half_open(address, 1) as (slow,),
        contextlib.closing(slow.makefile("rb")) as answer,
    ):
        assert answer.read().startswith(b"HTTP/1.1 408 ")


def test_a_second_request_that_dawdles_is_late_too(tmp_path: Path) -> None:
    """A connection is not trusted for its first request."""
    with serving(tmp_path, limits=Limits(request_s=1.0)) as address:
        url = httpx.URL(address)
        with socket.create_connection((url.host, url.port), timeout=PATIENT_S) as one:
            whole = b"GET /api/v1/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            one.sendall(whole + whole[:10])
            with contextlib.closing(one.makefile("rb")) as answer:
                said = answer.read()

    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in said


def test_a_long_address_is_refused_at_once(tmp_path: Path) -> None:
    """By the whole server."""
    with serving(tmp_path) as address:
        url = httpx.URL(address)
        with socket.create_connection((url.host, url.port), timeout=PATIENT_S) as one:
            one.sendall(b"GET /api/v1/run?run=" + b"a" * 480_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(12) == b"HTTP/1.1 414"


def test_wrong_values_are_not_repeated(ask: httpx.Client) -> None:
    """An error is short, however long the value was."""
    answer = ask.get("/api/v1/run", params={"run": "a" * 20_000})

    assert answer.status_code == 422
    assert len(answer.content) < 500

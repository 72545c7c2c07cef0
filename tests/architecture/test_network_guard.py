"""The network guard in `tests/conftest.py`, which is active in all tests."""

import contextlib
import socket
from typing import Protocol

import pytest


class Guard(Protocol):
    refused: list[str]


@pytest.mark.parametrize(
    ("address", "family"),
    [(("192.0.2.1", 80), socket.AF_INET), (("2001:db8::1", 80), socket.AF_INET6), (("10.0.0.7", 8080), socket.AF_INET)],
)
def test_a_connection_to_another_machine_is_refused(
    network_guard: Guard, address: tuple[str, int], family: socket.AddressFamily
) -> None:
    """A connection to another machine raises an error that names the address, before a packet is sent."""

    with socket.socket(family) as client, pytest.raises(RuntimeError, match=f"{address[0]}:{address[1]}"):
        client.connect(address)
    assert network_guard.refused.pop() == f"a connection to {address[0]}:{address[1]}"


def test_a_name_lookup_is_refused(network_guard: Guard) -> None:
    """A lookup of another machine's address is refused, because the query itself leaves this machine."""

    with pytest.raises(RuntimeError, match=r"api\.wandb\.ai"):
        socket.create_connection(("api.wandb.ai", 443))
    assert network_guard.refused.pop() == "getaddrinfo of 'api.wandb.ai'"


def test_a_datagram_is_refused(network_guard: Guard) -> None:
    """Connectionless traffic is refused too."""

    with socket.socket(type=socket.SOCK_DGRAM) as sender, pytest.raises(RuntimeError, match=r"203\.0\.113\.9:8125"):
        sender.sendto(b"metric:1|c", ("203.0.113.9", 8125))
    network_guard.refused.clear()


def test_a_suppressed_error_is_remembered(network_guard: Guard) -> None:
    """If code suppresses the error, the guard still fails the test at its end."""

    with socket.socket() as client, contextlib.suppress(RuntimeError):
        client.connect_ex(("192.0.2.1", 80))
    assert network_guard.refused == ["a connection to 192.0.2.1:80"]
    network_guard.refused.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_connections_are_allowed(host: str) -> None:
    """Servers on this machine are reachable."""

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1]), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()

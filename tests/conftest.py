"""What every test runs under: no network but the loopback, and the same examples each time."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# W&B would report on itself from a thread, a minute later, in whichever test runs by then.
os.environ["WANDB_ERROR_REPORTING"] = "false"

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=25)
settings.load_profile("repeatable")

_ASKED = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_REACHED = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOCAL_NAMES = {None, "", "localhost", "localhost.localdomain", "ip6-localhost"}


class NetworkError(RuntimeError):
    """A test reached for another machine."""


class NetworkGuard:
    """Refuses what would leave this machine, and remembers it: code under test may swallow the error."""

    def __init__(self) -> None:
        self.armed = False
        self.refused: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at what the interpreter is about to do: an audit hook, which no import can go round."""
        if self.armed and event.startswith("socket."):
            if event in _ASKED:
                self._check(arguments[0], f"{event.removeprefix('socket.')} of {arguments[0]!r}")
            elif event in _REACHED and isinstance(arguments[1], tuple):  # a Unix socket's address is text
                host, port = arguments[1][:2]
                self._check(host, f"a connection to {host}:{port}")

    def _check(self, host: object, what: str) -> None:
        host = host.decode() if isinstance(host, bytes) else host
        if not _is_local(host):
            self.refused.append(what)
            raise NetworkError(f"{what}: tests may reach the loopback only")


def _is_local(host: object) -> bool:
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:  # a name, which only another machine can resolve
        return False
    return address.is_loopback or address.is_unspecified


_guard = NetworkGuard()
sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """Hold a test to the loopback. What it tried all the same fails it, unless it takes that out of `refused`."""
    _guard.refused.clear()
    _guard.armed = True
    yield _guard
    _guard.armed = False
    assert _guard.refused == []

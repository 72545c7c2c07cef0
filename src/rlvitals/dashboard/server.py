"""HTTP server of the dashboard."""

import contextlib
import ipaddress
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvicorn

from rlvitals.dashboard.app import make_app
from rlvitals.dashboard.connection_limits import Connections, Counted, Limits, protocol_of
from rlvitals.dashboard.security import Guard
from rlvitals.errors import RlvitalsError

TOKEN_VARIABLE = "RLVITALS_UI_TOKEN"  # noqa: S105 - the name of a variable, not a token
_SHORTEST_TOKEN = 16
_GOODBYE_S = 1
_LONGEST_REQUEST = 1 << 19
"""Maximum size in bytes of an incomplete request. The guard has lower limits and reports the reason."""


class Place(NamedTuple):
    """The bound address of the dashboard.

    Attributes:
        listening: Listening socket.
        host: Host name or address that the socket is bound to.
        port: Port number.
        token: Access token; `None` on the loopback unless one is set.
    """

    listening: socket.socket
    host: str
    port: int
    token: str | None

    @property
    def address(self) -> str:
        """URL to open in a browser."""
        host = socket.gethostname() if _is_everywhere(self.host) else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def take_place(host: str, port: int, *, token: str | None = None) -> Place:
    """Bind to an address. If other machines can reach it and no token is given, a token is generated.

    Args:
        host: Host name or address to listen on.
        port: Port to listen on; 0 for a free port.
        token: Access token; `None` to generate one if it is required.

    Raises:
        RlvitalsError: The address is unavailable or the token is too short.
    """
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise RlvitalsError(f"{TOKEN_VARIABLE} has {len(token)} characters: use {_SHORTEST_TOKEN} or more")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # From here on, the system queues connections, so the address can be printed before the server starts.
        listening.listen()
    except OSError as error:
        reason = error.strerror or str(error)
        raise RlvitalsError(f"{host}:{port} is unavailable: {reason}; choose another port with --port") from None
    bound = str(listening.getsockname()[0])
    if not _is_loopback(bound) and token is None:
        token = secrets.token_urlsafe(32)
    return Place(listening, host, int(listening.getsockname()[1]), token)


class DashboardServer(uvicorn.Server):
    """A server that on shutdown ends its event streams first, which would delay it, and cancels long requests.

    Args:
        settings: Configuration of uvicorn.
        guard: Application with access control.
    """

    def __init__(self, settings: uvicorn.Config, guard: Guard) -> None:
        super().__init__(settings)
        self._guard = guard

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then shut down. Cancelled requests are not logged as errors."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._guard.close()
        await super().shutdown(sockets)


def server_for(
    folder: Path,
    place: Place,
    *,
    limits: Limits = Limits(),  # noqa: B008 - never changed
    mirrors: Path | None = None,
) -> uvicorn.Server:
    """Return a server for the runs in a folder, and in a folder of live copies, without starting it."""
    connections = Connections(limits)
    everywhere = _is_everywhere(place.host)
    hosts = [place.host, socket.gethostname(), socket.getfqdn()] if everywhere else [place.host]
    app = make_app(folder, hosts=hosts, token=place.token, any_address=everywhere, mirrors=mirrors)
    settings = uvicorn.Config(
        Counted(app, connections),
        http=protocol_of(connections),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GOODBYE_S,
        limit_concurrency=limits.at_once,
        h11_max_incomplete_event_size=_LONGEST_REQUEST,
    )
    return DashboardServer(settings, app)


def serve(folder: Path, place: Place, *, mirrors: Path | None = None) -> None:
    """Serve until the process receives a termination signal."""
    server_for(folder, place, mirrors=mirrors).run(sockets=[place.listening])


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits = Limits(),  # noqa: B008 - never changed
) -> Iterator[str]:
    """Serve in a thread during the context.

    Args:
        folder: Folder of runs.
        host: Host name or address to listen on.
        port: Port to listen on; 0 for a free port.
        limits: Connection limits.

    Yields:
        URL to open in a browser.
    """
    place = take_place(host, port, token=os.environ.get(TOKEN_VARIABLE))
    server = server_for(folder, place, limits=limits)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place.listening]}, name="rlvitals-ui", daemon=True)
    thread.start()
    try:
        yield place.address
    finally:
        server.should_exit = True
        thread.join(timeout=10.0)
        place.listening.close()


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False

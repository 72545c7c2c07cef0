"""Limits on waiting connections, so that idle clients cannot block other clients.

A connection waits until its request is complete, and again after the response. The server accepts a limited number of
connections, so many idle ones would lock out other clients. If too many connections wait, in total or from one
address, the one that has waited longest is closed. Browsers are not affected, because they send requests immediately.
"""

import asyncio
from typing import Any, NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from rlvitals.clock import SYSTEM_CLOCK, Clock

Client = tuple[str, int]
"""Address and port of the client, which identify a connection."""

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Limits(NamedTuple):
    """Connection limits of a server.

    Attributes:
        request_s: Maximum seconds from the start of a connection, or the end of a response, to the end of the next
            request.
        waiting_of_one: Maximum number of waiting connections per address.
        waiting: Maximum number of waiting connections in total.
        of_one: Maximum number of connections per address, waiting or not.
        at_once: Maximum number of connections in total; additional ones are answered with 503.
    """

    request_s: float = 10.0
    waiting_of_one: int = 64
    waiting: int = 256
    of_one: int = 400
    at_once: int = 1_000


class ClientConnection(Protocol):
    """A connection that `Connections` can close."""

    def give_up(self, *, late: bool) -> None:
        """Close the connection.

        Args:
            late: Whether to send a timeout response first.
        """


class Connections:
    """The open connections of a server. Not thread-safe: use it only from the server's event loop.

    Args:
        limits: Connection limits.
        clock: Source of the current time.
    """

    def __init__(self, limits: Limits = Limits(), clock: Clock = SYSTEM_CLOCK) -> None:  # noqa: B008 - never changed
        self.limits = limits
        self._clock = clock
        self._open: dict[Client, ClientConnection] = {}
        self._waiting: dict[Client, float] = {}  # start of the wait, oldest first

    def opened(self, client: Client, connection: ClientConnection) -> None:
        """Register a new connection, and close waiting ones if there are too many."""
        self._open[client] = connection
        self.waits(client)
        if sum(host == client[0] for host, _ in self._open) > self.limits.of_one:
            self._close(self._of(client[0])[0], late=False)  # the new one, if all others are being answered

    def waits(self, client: Client) -> None:
        """Mark a connection as waiting for its next request."""
        if client not in self._open:  # closed during the response
            return
        self._waiting.pop(client, None)
        self._waiting[client] = self._clock.monotonic()
        if len(same := self._of(client[0])) > self.limits.waiting_of_one:
            self._close(same[0], late=False)
        if len(self._waiting) > self.limits.waiting:
            self._close(next(iter(self._waiting)), late=False)

    def asks(self, client: Client) -> None:
        """Mark the request of a connection as complete and being answered."""
        self._waiting.pop(client, None)

    def closed(self, client: Client) -> None:
        """Remove a closed connection."""
        self._open.pop(client, None)
        self._waiting.pop(client, None)

    def close_late(self) -> None:
        """Close the connections that exceeded the time for their request."""
        now = self._clock.monotonic()
        for client in [one for one, since in self._waiting.items() if now - since >= self.limits.request_s]:
            self._close(client, late=True)

    def _of(self, host: str) -> list[Client]:
        return [client for client in self._waiting if client[0] == host]

    def _close(self, client: Client, *, late: bool) -> None:
        connection = self._open[client]
        self.closed(client)
        connection.give_up(late=late)


class Counted:
    """Middleware that marks requests as complete and answered in `Connections`, and closes late connections.

    Args:
        app: Application to wrap.
        connections: Connections of the server.
    """

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            closing = asyncio.create_task(self._close_late())
            try:
                await self._app(scope, receive, send)
            finally:
                closing.cancel()
            return
        client = _client_of(scope.get("client"))
        self._connections.asks(client)
        try:
            await self._app(scope, receive, send)
        finally:
            self._connections.waits(client)

    async def _close_late(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._connections.limits.request_s))
            self._connections.close_late()


def protocol_of(connections: Connections) -> type[H11Protocol]:
    """Return a uvicorn HTTP protocol class that registers its connections."""

    class CountedProtocol(H11Protocol):
        """A registered connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
            self._counted = transport
            self._client = _client_of(transport.get_extra_info("peername"))
            super().connection_made(transport)
            connections.opened(self._client, self)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self._client)
            super().connection_lost(exc)

        def give_up(self, *, late: bool) -> None:
            """Close the connection, or abort it if the client has not read the last response."""
            if self._counted.get_write_buffer_size():
                self._counted.abort()
                return
            if late:
                self._counted.write(_LATE)
            self._counted.close()

    return CountedProtocol


def _client_of(peer: Any) -> Client:
    return (str(peer[0]), int(peer[1])) if peer else ("", 0)

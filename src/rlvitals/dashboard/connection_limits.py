"""Limits on waiting connections: a client that sends nothing takes no place from others.

A connection waits until its request is complete, and again after the answer. A server answers only so many connections
at once, so that many that wait would keep others out. When too many of one address wait, or too many of all, the one
that has waited longest is closed; a browser sends its request at once and waits for an instant only.
"""

import asyncio
from typing import Any, NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from rlvitals.clock import SYSTEM_CLOCK, Clock

Client = tuple[str, int]
"""Address and port of the other side: the name of a connection."""

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Limits(NamedTuple):
    """Bounds of a server.

    Attributes:
        request_s: Seconds from the beginning of a connection, or the end of an answer, to the end of the next request.
        waiting_of_one: Connections of one address that may wait.
        waiting: Connections that may wait in all.
        of_one: Connections of one address, waiting or not.
        at_once: Connections in all; further ones are answered with 503.
    """

    request_s: float = 10.0
    waiting_of_one: int = 64
    waiting: int = 256
    of_one: int = 400
    at_once: int = 1_000


class ClientConnection(Protocol):
    """What `Connections` closes."""

    def give_up(self, *, late: bool) -> None:
        """Close the connection.

        Args:
            late: Whether to answer that its request came too late.
        """


class Connections:
    """The open connections of a server. Used from its event loop only.

    Args:
        limits: How many may wait, and how long.
        clock: Tells the time.
    """

    def __init__(self, limits: Limits = Limits(), clock: Clock = SYSTEM_CLOCK) -> None:  # noqa: B008 - never changed
        self.limits = limits
        self._clock = clock
        self._open: dict[Client, ClientConnection] = {}
        self._waiting: dict[Client, float] = {}  # since when, the oldest first

    def opened(self, client: Client, connection: ClientConnection) -> None:
        """Count a new connection, and close others if there are too many."""
        self._open[client] = connection
        self.waits(client)
        if sum(host == client[0] for host, _ in self._open) > self.limits.of_one:
            self._close(self._of(client[0])[0], late=False)  # this one, if the others are being answered

    def waits(self, client: Client) -> None:
        """Note that a connection waits for its next request."""
        if client not in self._open:  # it was closed while it was answered
            return
        self._waiting.pop(client, None)
        self._waiting[client] = self._clock.monotonic()
        if len(same := self._of(client[0])) > self.limits.waiting_of_one:
            self._close(same[0], late=False)
        if len(self._waiting) > self.limits.waiting:
            self._close(next(iter(self._waiting)), late=False)

    def asks(self, client: Client) -> None:
        """Note that a connection's request is complete, and is being answered."""
        self._waiting.pop(client, None)

    def closed(self, client: Client) -> None:
        """Forget a connection."""
        self._open.pop(client, None)
        self._waiting.pop(client, None)

    def close_late(self) -> None:
        """Close the connections whose request is not complete in time."""
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
    """Tells `Connections` when a request is complete and when it was answered, and closes late ones.

    Args:
        app: The application.
        connections: The connections of its server.
    """

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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
    """Make the HTTP of uvicorn that counts its connections."""

    class CountedProtocol(H11Protocol):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
            self._counted = transport
            self._client = _client_of(transport.get_extra_info("peername"))
            super().connection_made(transport)
            connections.opened(self._client, self)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self._client)
            super().connection_lost(exc)

        def give_up(self, *, late: bool) -> None:
            """Close the connection; at once, if the other side does not take its last answer."""
            if self._counted.get_write_buffer_size():
                self._counted.abort()
                return
            if late:
                self._counted.write(_LATE)
            self._counted.close()

    return CountedProtocol


def _client_of(peer: Any) -> Client:
    return (str(peer[0]), int(peer[1])) if peer else ("", 0)

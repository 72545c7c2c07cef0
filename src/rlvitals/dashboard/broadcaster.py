"""Broadcaster of changes to all open pages. Each run is read once, regardless of the number of pages."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.dashboard.query_params import CLOCKS
from rlvitals.dashboard.run_header import run_header
from rlvitals.dashboard.run_registry import SCAN_S, RunRegistry
from rlvitals.dashboard.run_row import RunRow
from rlvitals.dashboard.watched_run import STREAMS, Cursor, Delta, WatchedRun
from rlvitals.errors import RunError
from rlvitals.records.json_encoding import strict_json

LIST = ""
"""Channel of the run list. The channel of a run is its key."""
ROUND_S = 0.4
MOST_PAGES = 200
MOST_ROWS = 500
"""Maximum number of rows per push. For more rows only their number is pushed, and the page requests what it shows."""

_MOST_WAITING = 64
_HEADER_S = 1.0
_IDLE_HEADER_S = 5.0
_FILL_S = 0.2
_AGAIN = b"event: again\ndata: {}\n\n"

_log = logging.getLogger("rlvitals.dashboard")


class Subscription:
    """Queue of messages for one page. A page that does not keep up is asked to reload all data.

    Args:
        loop: Event loop that serves the page.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    def push(self, message: bytes | None) -> None:
        """Queue a message; `None` ends the stream. Can be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._put, message)

    async def next(self, patience_s: float) -> bytes | None:
        """Return the next message, a keep-alive comment after `patience_s` seconds, or `None` at the end."""
        try:
            return await asyncio.wait_for(self._waiting.get(), patience_s)
        except TimeoutError:
            return b": still here\n\n"

    def _put(self, message: bytes | None) -> None:
        if self._waiting.qsize() >= _MOST_WAITING:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put_nowait(_AGAIN)
        self._waiting.put_nowait(message)


class _ChannelState:
    """State of a run that its open pages have received."""

    def __init__(self) -> None:
        self.cursor: Cursor | None = None
        self.version = -1
        self.header = b""
        self.made = -_IDLE_HEADER_S
        self.is_unreadable = False


class Broadcaster:
    """Thread that reads the runs on open pages and pushes their changes. It is idle while no page is open.

    Args:
        registry: Registry of the runs.
        clock: Source of the current time.
    """

    def __init__(self, registry: RunRegistry, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.registry = registry
        self._clock = clock
        self._lock = threading.Lock()
        self._channels: dict[str, set[Subscription]] = {}
        self._states: dict[str, _ChannelState] = {}
        self._newly_assessed: set[str] = set()
        self._refused: bytes = b"[]"
        self._scanned = -SCAN_S
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rlvitals-broadcast", daemon=True)
        self._thread.start()
        registry.worker.observers.append(self._assessed)
        registry.worker.start()

    @property
    def pages(self) -> int:
        """Number of open pages."""
        with self._lock:
            return sum(map(len, self._channels.values()))

    def subscribe(self, channel: str, loop: asyncio.AbstractEventLoop) -> Subscription:
        """Subscribe a page to a channel."""
        subscription = Subscription(loop)
        with self._lock:
            self._channels.setdefault(channel, set()).add(subscription)
            if channel in self._states:
                self._states[channel].made, self._states[channel].header = -_IDLE_HEADER_S, b""
        self._wake.set()
        return subscription

    def unsubscribe(self, channel: str, subscription: Subscription) -> None:
        """Remove the subscription of a page to a channel."""
        with self._lock:
            pages = self._channels.get(channel, set())
            pages.discard(subscription)
            if not pages:
                self._channels.pop(channel, None)
                self._states.pop(channel, None)

    def close(self) -> None:
        """End all subscriptions and stop reading."""
        self._closing = True
        self._wake.set()
        with self._lock:
            for subscription in [page for pages in self._channels.values() for page in pages]:
                subscription.push(None)
        self.registry.worker.close()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the first page retries and reports the error
            self.registry.rows()
        while not self._closing:
            with self._lock:
                channels = list(self._channels)
            if not channels:
                self._wake.wait()
            self._wake.clear()
            for channel in channels:
                try:
                    self._update_list() if channel == LIST else self._update_run(channel)
                except Exception:  # noqa: BLE001 - keep the other pages updated; the next round retries
                    _log.exception("updating %r failed", channel)
            if not self._closing:
                self._wake.wait(ROUND_S)

    def _update_list(self) -> None:
        changed: list[RunRow] = []
        gone: list[str] = []
        if self._clock.monotonic() - self._scanned >= SCAN_S:
            self._scanned = self._clock.monotonic()
            changed, gone = self.registry.scan()
        rows = {row.key: row for row in [*changed, *self.registry.fill(_FILL_S)]}
        refused = self.registry.refused
        encoded = strict_json(refused)
        if rows or gone or encoded != self._refused:
            self._refused = encoded
            self._push(LIST, _message("list", {"rows": list(rows.values()), "gone": gone, "refused": refused}))

    def _update_run(self, key: str) -> None:
        with self._lock:
            state = self._states.setdefault(key, _ChannelState())
        try:
            run = self.registry.open(key)
        except (RunError, OSError) as error:
            self._push_unreadable(key, state, str(error).replace(f"{self.registry.folder}/", ""))
            return
        with run.lock:
            run.refresh()
            cursor = run.cursor()
            # Pages request existing records themselves, so push only records read after the first cursor.
            delta = run.delta_since(state.cursor or cursor)
            messages = [] if delta.again or run.read_error else list(_messages(run, delta))
        if run.read_error:
            self._push_unreadable(key, state, run.read_error)
            return
        state.cursor = cursor
        if delta.again or state.is_unreadable:
            state.is_unreadable = False
            self._push(key, _AGAIN)
        for message in messages:
            self._push(key, message)
        self._push_header(key, state, run, is_new=delta.again or bool(delta.events or delta.evaluations))

    def _push_header(self, key: str, state: _ChannelState, run: WatchedRun, *, is_new: bool) -> None:
        now = self._clock.monotonic()
        with self._lock:
            is_new = is_new or key in self._newly_assessed
            self._newly_assessed.discard(key)
        wait = 0.0 if is_new else _HEADER_S if run.version != state.version else _IDLE_HEADER_S
        if now - state.made < wait:
            return
        state.version = run.version
        message = _message("head", run_header(run, self.registry.worker.last(run)))
        with self._lock:  # a new subscription clears the header to request one
            is_other, state.made, state.header = message != state.header, now, message
        if is_other:
            self._push(key, message)

    def _push_unreadable(self, key: str, state: _ChannelState, reason: str) -> None:
        if not state.is_unreadable:
            state.is_unreadable = True
            self._push(key, _message("unreadable", {"reason": reason}))

    def _assessed(self, key: str) -> None:
        with self._lock:
            if key in self._channels:
                self._newly_assessed.add(key)
        self._wake.set()

    def _push(self, channel: str, message: bytes) -> None:
        with self._lock:
            pages = list(self._channels.get(channel, ()))
        for page in pages:
            page.push(message)


def grown(run: WatchedRun, stream: str, start: int) -> dict[str, Any]:
    """Return the new rows of a stream by column, with their positions on every clock.

    Args:
        run: Run on an open page.
        stream: Name of the stream.
        start: Index of the first new row.
    """
    columns = run.columns[stream]
    is_few = columns.rows - start <= MOST_ROWS
    cells = {name: columns.cells(name, start) for name in columns.said} if is_few else {}
    return {
        "stream": stream,
        "from": start,
        "rows": columns.rows,
        "columns": {name: plain_numbers(one.values, one.present) for name, one in cells.items()} if is_few else None,
        "clocks": {clock: plain_numbers(run.positions(stream, clock, start)[1]) for clock in CLOCKS}
        if is_few
        else None,
    }


def _messages(run: WatchedRun, delta: Delta) -> Iterator[bytes]:
    for stream in STREAMS:
        if run.columns[stream].rows > delta.before[stream]:
            yield _message("grown", grown(run, stream, delta.before[stream]))
    if delta.events:
        yield _message("events", {"events": delta.events[-MOST_ROWS:]})
    if delta.evaluations:
        yield _message("evaluations", {"evaluations": len(run.evaluations)})


def _message(event: str, payload: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + strict_json(payload) + b"\n\n"

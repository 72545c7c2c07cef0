"""What is new, for every page that is open: each run is looked at once, however many pages show it."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.curve_series import CLOCKS, plain_numbers
from rlvitals.dashboard.diagnosis_worker import DiagnosisWorker
from rlvitals.dashboard.json_encoding import strict_json
from rlvitals.dashboard.run_header import run_header
from rlvitals.dashboard.run_registry import SCAN_S, RunRegistry
from rlvitals.dashboard.watched_run import STREAMS, Cursor, Delta, WatchedRun
from rlvitals.errors import RunError

LIST = ""
"""The channel of the list of runs; a run's channel is its key."""
LOOK_S = 0.4
MOST_PAGES = 200
MOST_ROWS = 500
"""Rows that are pushed as they are; of more at once only the number is told, and the page asks for what it shows."""

_MOST_WAITING = 64
_HEAD_S = 1.0
_IDLE_HEAD_S = 5.0
_FILL_S = 0.2
_AGAIN = b"event: again\ndata: {}\n\n"

_log = logging.getLogger("rlvitals.dashboard")


class Subscription:
    """One page's share of a channel. A page that does not keep up is told to ask for everything again.

    Args:
        loop: Where the page is served.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    def push(self, message: bytes | None) -> None:
        """Put a message in line; `None` ends it. From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._put, message)

    async def next(self, patience_s: float) -> bytes | None:
        """The next message; a comment if there is none for so long, `None` at the end."""
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
    """What the pages of a run have been told."""

    def __init__(self) -> None:
        self.cursor: Cursor | None = None
        self.version = -1
        self.head = b""
        self.made = -_IDLE_HEAD_S
        self.is_unreadable = False


class Broadcaster:
    """Looks at what pages show, and tells them what is new. Rests while no page is open.

    Args:
        registry: The runs.
        clock: Tells the time.
    """

    def __init__(self, registry: RunRegistry, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.registry = registry
        self.judge = DiagnosisWorker(clock=clock, told=self._judged_anew)
        self._clock = clock
        self._lock = threading.Lock()
        self._channels: dict[str, set[Subscription]] = {}
        self._told: dict[str, _ChannelState] = {}
        self._told_anew: set[str] = set()
        self._refused: bytes = b""
        self._scanned = -SCAN_S
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rlvitals-broadcast", daemon=True)
        self._thread.start()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        with self._lock:
            return sum(map(len, self._channels.values()))

    def subscribe(self, channel: str, loop: asyncio.AbstractEventLoop) -> Subscription:
        """Open a channel to a page."""
        subscription = Subscription(loop)
        with self._lock:
            self._channels.setdefault(channel, set()).add(subscription)
            if channel in self._told:
                self._told[channel].made, self._told[channel].head = -_IDLE_HEAD_S, b""
        self._wake.set()
        return subscription

    def unsubscribe(self, channel: str, subscription: Subscription) -> None:
        """Close a channel to a page."""
        with self._lock:
            pages = self._channels.get(channel, set())
            pages.discard(subscription)
            if not pages:
                self._channels.pop(channel, None)
                self._told.pop(channel, None)

    def close(self) -> None:
        """End all channels, and look no more."""
        self._closing = True
        self._wake.set()
        with self._lock:
            for subscription in [page for pages in self._channels.values() for page in pages]:
                subscription.push(None)
        self.judge.close()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the first page asks again, and is told
            self.registry.rows()
        while not self._closing:
            with self._lock:
                channels = list(self._channels)
            if not channels:
                self._wake.wait()
            self._wake.clear()
            for channel in channels:
                try:
                    self._look(channel)
                except Exception:  # noqa: BLE001 - the next look may do better, and the other pages go on
                    _log.exception("looking at %r failed", channel)
            if not self._closing:
                self._wake.wait(LOOK_S)

    def _look(self, channel: str) -> None:
        if channel == LIST:
            self._look_at_list()
        else:
            self._look_at_run(channel)

    def _look_at_list(self) -> None:
        changed, gone = {}, []
        if self._clock.monotonic() - self._scanned >= SCAN_S:
            self._scanned = self._clock.monotonic()
            changes = self.registry.scan()
            changed, gone = {row.key: row for row in changes.rows}, changes.gone
        changed |= {row.key: row for row in self.registry.fill(_FILL_S)}
        refused = self.registry.refused
        told = strict_json(refused)
        if changed or gone or told != self._refused:
            self._refused = told
            self._tell(LIST, "list", {"rows": list(changed.values()), "gone": gone, "refused": refused})

    def _look_at_run(self, key: str) -> None:
        with self._lock:
            told = self._told.setdefault(key, _ChannelState())
        try:
            run = self.registry.open(key)
        except (RunError, OSError) as error:
            self._unreadable(key, told, str(error).replace(f"{self.registry.folder}/", ""))
            return
        with run.lock:
            run.refresh()
            cursor = run.cursor()
            # At first, pages ask for what there is; from then on they are told what comes, whoever read it.
            news = run.delta_since(told.cursor or cursor)
            messages = [] if news.again or run.read_error else list(self._news(run, news))
        if run.read_error:
            self._unreadable(key, told, run.read_error)
            return
        told.cursor = cursor
        if news.again or told.is_unreadable:
            told.is_unreadable = False
            self._push(key, _AGAIN)
        for message in messages:
            self._push(key, message)
        self._tell_head(key, told, run, is_new=news.again or bool(news.events or news.evaluations))

    def _news(self, run: WatchedRun, news: Delta) -> Iterator[bytes]:
        for stream in STREAMS:
            if run.columns[stream].rows > news.before[stream]:
                yield _message("grown", grown(run, stream, news.before[stream]))
        if news.events:
            yield _message("events", {"events": [msgspec.to_builtins(event) for event in news.events[-MOST_ROWS:]]})
        if news.evaluations:
            yield _message("evaluations", {"evaluations": len(run.evaluations)})

    def _tell_head(self, key: str, told: _ChannelState, run: WatchedRun, *, is_new: bool) -> None:
        now = self._clock.monotonic()
        with self._lock:
            is_new = is_new or key in self._told_anew
            self._told_anew.discard(key)
        wait = 0.0 if is_new else _HEAD_S if run.version != told.version else _IDLE_HEAD_S
        if now - told.made < wait:
            return
        told.version = run.version
        message = _message("head", run_header(run, self.judge.last(run)))
        with self._lock:  # a page that has just come is owed a head
            is_other, told.made, told.head = message != told.head, now, message
        if is_other:
            self._push(key, message)

    def _unreadable(self, key: str, told: _ChannelState, reason: str) -> None:
        if not told.is_unreadable:
            told.is_unreadable = True
            self._tell(key, "unreadable", {"reason": reason})

    def _judged_anew(self, key: str) -> None:
        with self._lock:
            self._told_anew.add(key)
        self._wake.set()

    def _tell(self, channel: str, event: str, payload: Any) -> None:
        self._push(channel, _message(event, payload))

    def _push(self, channel: str, message: bytes) -> None:
        with self._lock:
            pages = list(self._channels.get(channel, ()))
        for page in pages:
            page.push(message)


def grown(run: WatchedRun, stream: str, start: int) -> dict[str, Any]:
    """The rows of a stream that are new, by columns, with their places on every clock.

    Args:
        run: The run.
        stream: The stream.
        start: The first row that is new.
    """
    columns = run.columns[stream]
    told: dict[str, Any] = {"stream": stream, "from": start, "rows": columns.rows, "columns": None, "clocks": None}
    if columns.rows - start > MOST_ROWS:
        return told
    told["clocks"] = {clock: plain_numbers(run.positions(stream, clock, start)[1]) for clock in CLOCKS}
    told["columns"] = {}
    for name in columns.said:
        cells = columns.cells(name, start)
        values = plain_numbers(cells.values)
        for place in np.flatnonzero(~cells.present):
            values[place] = None
        told["columns"][name] = values
    return told


def _message(event: str, payload: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + strict_json(payload) + b"\n\n"

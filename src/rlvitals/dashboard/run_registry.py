"""The runs of a folder: which there are, their lines in the list, and those that somebody looks at."""

import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.run_row import RowTracker, RunRow
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.runs import Run
from rlvitals.runs.catalogue import run_folders
from rlvitals.runs.layout import Layout

MOST_BYTES = 512 << 20
"""Of columns in memory; beyond that, the run that was not looked at for longest is let go."""
MOST_OPEN = 32
SCAN_S = 2.0
_ROW_S = 5.0
"""How often the line of a live run is made anew though nothing came: it may have stalled."""
_MAX_REASON = 300


class UnreadableFolder(msgspec.Struct, frozen=True):
    """A folder that looks like a run and cannot be opened."""

    key: str
    reason: str


class ListChanges(NamedTuple):
    """What is different in the list."""

    rows: list[RunRow]
    gone: list[str]


class _RegisteredRun:
    """A run on the shelf: its line, and what that was made from."""

    def __init__(self, tracker: RowTracker) -> None:
        self.tracker = tracker
        self.lock = threading.Lock()
        """Held while its records are read, or its line is made of them."""
        self.row: RunRow | None = None
        self.sign: tuple[int, ...] = ()
        self.made = -_ROW_S
        self.read: tuple[int, ...] = ()


class RunRegistry:
    """The runs at or below a folder. Safe from any thread.

    Args:
        folder: Where the runs are; it need not exist yet.
        clock: Tells the time.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._shelved: dict[str, _RegisteredRun] = {}
        self._refused: dict[str, tuple[UnreadableFolder, tuple[int, ...]]] = {}
        self._told: set[str] = set()
        self._news: dict[str, None] = {}
        self._open: dict[str, WatchedRun] = {}
        self._scanned = -SCAN_S

    def rows(self) -> tuple[list[RunRow], list[UnreadableFolder]]:
        """The list, newest run first; the folder is looked at again if that was long ago."""
        with self._lock:
            if self._clock.monotonic() - self._scanned >= SCAN_S:
                self._refresh()
            rows = [shelved.row for shelved in self._shelved.values() if shelved.row is not None]
            return sorted(rows, key=lambda row: (-row.overview.state.started, row.key)), self.refused

    @property
    def refused(self) -> list[UnreadableFolder]:
        """What looks like a run and cannot be opened, with the reason."""
        with self._lock:
            return [refused for refused, _ in self._refused.values()]

    def scan(self) -> ListChanges:
        """Look at the folder: what is different since this was last asked. No records are read."""
        with self._lock:
            self._refresh()
            rows = [row for key in self._news if (row := self._shelved[key].row) is not None]
            self._news.clear()
            gone = sorted(key for key in self._told if key not in self._shelved)
            self._told = set(self._shelved)
            return ListChanges(rows, gone)

    def _refresh(self) -> None:
        """Whoever makes it look, what is new is kept for the one who is to tell of it."""
        self._scanned = self._clock.monotonic()
        paths = self._paths()
        for key in [key for key in self._shelved if key not in paths]:
            del self._shelved[key]
        self._refused = {key: refused for key, refused in self._refused.items() if key in paths}
        self._news |= dict.fromkeys(key for key, path in paths.items() if self._looked_at(key, path))
        self._news = {key: None for key in self._news if key in self._shelved}

    def fill(self, seconds: float) -> list[RunRow]:
        """Read the records of runs that have new ones, for about so long; the newest runs first.

        Returns:
            The lines that are different.
        """
        until = self._clock.monotonic() + seconds
        changed: list[RunRow] = []
        with self._lock:
            waiting = [one for one in self._shelved.values() if one.row is not None and self._has_more(one)]
        waiting.sort(key=lambda one: -one.row.overview.state.started if one.row else 0.0)
        for shelved in waiting:
            if changed and self._clock.monotonic() > until:
                break
            shelved.read = sign_of(shelved.tracker.run.path)
            try:
                with shelved.lock:
                    shelved.tracker.read()
                    row = shelved.tracker.row()
            except (RunError, OSError) as error:
                self._refuse(shelved.tracker.key, error, shelved.read)
                continue
            shelved.made = self._clock.monotonic()
            if row != shelved.row:
                shelved.row = row
                changed.append(row)
        return changed

    def runs(self) -> dict[str, Run]:
        """All runs that can be opened, by key, without what is in memory of them."""
        with self._lock:
            self._refresh()
            return {key: self._shelved[key].tracker.run for key in sorted(self._shelved)}

    def run(self, key: str) -> Run:
        """One of them.

        Raises:
            RunNotFoundError: There is none of that name on the shelf.
            RunFormatError: There is, and it cannot be opened.
        """
        with self._lock:
            found = self._shelved.get(key)
            if found is None:
                self._refresh()
                found = self._shelved.get(key)
            torn = self._refused.get(key)
        if found is not None:
            return found.tracker.run
        if torn is not None:
            raise RunFormatError(torn[0].reason)
        raise _not_found(key)

    def open(self, key: str) -> WatchedRun:
        """A run, with what it has in memory.

        Raises:
            RunNotFoundError: There is none of that name on the shelf.
            RunError: It cannot be opened.
        """
        with self._lock:
            found = self._open.get(key)
            if found is None:
                path = self._paths().get(key)
                if path is None:
                    raise _not_found(key)
                found = WatchedRun(key, path, clock=self._clock)
                self._open[key] = found
            found.used = self._clock.monotonic()
            self._let_go(found)
        with found.lock:
            if found.version == 0 and not found.read_error:
                found.refresh()
        return found

    def _let_go(self, kept: WatchedRun) -> None:
        others = sorted((run for run in self._open.values() if run is not kept), key=lambda run: run.used)
        while others and (len(self._open) > MOST_OPEN or sum(run.nbytes for run in self._open.values()) > MOST_BYTES):
            del self._open[others.pop(0).key]

    def _paths(self) -> dict[str, Path]:
        """The run folders by key; what leads out of the folder by a link is left out."""
        root = self.folder.resolve()
        try:
            found = list(run_folders(self.folder))
        except (RunNotFoundError, OSError):
            return {}
        inside = [path for path in found if path.resolve().is_relative_to(root)]
        return {path.relative_to(self.folder).as_posix() if path != self.folder else path.name: path for path in inside}

    def _looked_at(self, key: str, path: Path) -> bool:
        """Whether the line of a run is another than it was."""
        sign = sign_of(path)
        if key in self._refused and self._refused[key][1] == sign:
            return False
        try:
            shelved = self._shelved.get(key)
            if shelved is None:
                shelved = self._shelved[key] = _RegisteredRun(RowTracker(key, Run(path), self._clock))
            row_is_old = self._clock.monotonic() - shelved.made >= _ROW_S
            if (
                shelved.row is not None
                and sign == shelved.sign
                and (shelved.row.overview.state.ended is not None or not row_is_old)
            ):
                return False
            if not shelved.lock.acquire(blocking=False):
                return False  # it is being read, which may take seconds, and has a new line after
            try:
                row = shelved.tracker.row()
            finally:
                shelved.lock.release()
        except (RunError, OSError) as error:
            self._refuse(key, error, sign)
            return False
        self._refused.pop(key, None)
        shelved.sign, shelved.made = sign, self._clock.monotonic()
        if row == shelved.row:
            return False
        shelved.row = row
        return True

    def _refuse(self, key: str, error: Exception, sign: tuple[int, ...]) -> None:
        reason = str(error).replace(f"{self.folder}/", "")[:_MAX_REASON]
        with self._lock:
            self._shelved.pop(key, None)
            self._refused[key] = (UnreadableFolder(key, reason), sign)

    def _has_more(self, shelved: _RegisteredRun) -> bool:
        if not shelved.row or not shelved.row.whole:
            return True
        return not settled_row(shelved.row) or shelved.sign != shelved.read


def _not_found(key: str) -> RunNotFoundError:
    return RunNotFoundError(f"there is no run {key!r:.200} in this folder")


def settled_row(row: RunRow) -> bool:
    """Whether nothing more comes of the run of a line, unless it is taken up again."""
    state = row.overview.state
    return state.ended is not None or state.status == "crashed"


def sign_of(path: Path) -> tuple[int, ...]:
    """What changes when a run does: its header's, and its sign of life's, time and size."""
    layout, sign = Layout(path), []
    for file in (layout.header, layout.lock):
        try:
            stat = file.stat()
        except OSError:
            sign += [0, 0]
        else:
            sign += [stat.st_mtime_ns, stat.st_size]
    return tuple(sign)

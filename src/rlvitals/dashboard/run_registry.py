"""Registry of the runs in a folder, with their rows in the list and the runs open on a page."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.diagnosis_worker import DiagnosisWorker
from rlvitals.dashboard.run_row import RowTracker, RunRow
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.errors import RunError, RunFormatError, RunNotFoundError
from rlvitals.runs import Run
from rlvitals.runs.catalogue import run_folders
from rlvitals.runs.layout import Layout

MOST_BYTES = 512 << 20
"""Maximum size of the columns in memory. Above it, the least recently requested run is closed."""
MOST_OPEN = 32
SCAN_S = 2.0
_ROW_S = 5.0
"""Seconds after which the row of a live run without new records is refreshed, because the run can have stalled."""
_MAX_REASON = 300


class UnreadableFolder(msgspec.Struct, frozen=True):
    """A folder that looks like a run but cannot be opened."""

    key: str
    reason: str


class _RegisteredRun:
    """A run in the folder, with its row and the state that the row is based on."""

    def __init__(self, tracker: RowTracker) -> None:
        self.tracker = tracker
        self.lock = threading.Lock()
        """Held while the records are read or the row is built."""
        self.row: RunRow | None = None
        self.fingerprint: tuple[int, ...] = ()
        self.made = -_ROW_S
        self.read: tuple[int, ...] = ()

    @property
    def has_more(self) -> bool:
        """Whether the run can have unread records. A run that ended or crashed has them only if its files changed."""
        if self.row is None or not self.row.whole:
            return self.row is not None
        return self.row.is_open or self.fingerprint != self.read


class RunRegistry:
    """Registry of the runs in a folder and its subfolders. Thread-safe.

    Args:
        folder: Folder of runs; it can be created later.
        mirrors: Folder with live copies of other trainings, at the paths that these have in `folder`.
        clock: Source of the current time.

    Attributes:
        worker: Worker that makes the assessments shown in rows and pages.
    """

    def __init__(self, folder: Path, *, mirrors: Path | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.folder = folder
        self._mirrors = mirrors
        self.worker = DiagnosisWorker(clock=clock)
        self.worker.observers.append(self._note_assessed)
        self._clock = clock
        self._lock = threading.RLock()
        self._registered: dict[str, _RegisteredRun] = {}
        self._refused: dict[str, tuple[UnreadableFolder, tuple[int, ...]]] = {}
        self._reported: set[str] = set()
        self._changed: dict[str, None] = {}
        self._assessed: set[str] = set()
        self._open: dict[str, WatchedRun] = {}
        self._scanned = -SCAN_S

    def rows(self) -> tuple[list[RunRow], list[UnreadableFolder]]:
        """Return the rows, newest run first, and the unreadable folders. Rescan the folder if the scan is outdated."""
        with self._lock:
            if self._clock.monotonic() - self._scanned >= SCAN_S:
                self._refresh()
            rows = [registered.row for registered in self._registered.values() if registered.row is not None]
            return sorted(rows, key=lambda row: (-row.overview.state.started, row.key)), self.refused

    @property
    def refused(self) -> list[UnreadableFolder]:
        """The folders that look like a run but cannot be opened, with the reason."""
        with self._lock:
            return [refused for refused, _ in self._refused.values()]

    def scan(self) -> tuple[list[RunRow], list[str]]:
        """Scan the folder without reading records.

        Returns:
            Rows that changed since the last call, and keys of the runs that were removed.
        """
        with self._lock:
            self._refresh()
            rows = [row for key in self._changed if (row := self._registered[key].row) is not None]
            self._changed.clear()
            gone = sorted(self._reported - self._registered.keys())
            self._reported = set(self._registered)
            return rows, gone

    def _refresh(self) -> None:
        """Scan the folder, and keep the changes for the next call of `scan`."""
        self._scanned = self._clock.monotonic()
        paths = self._paths()
        self._registered = {key: registered for key, registered in self._registered.items() if key in paths}
        self._refused = {key: refused for key, refused in self._refused.items() if key in paths}
        self.worker.keep(paths)
        self._changed |= dict.fromkeys(key for key, path in paths.items() if self._is_changed(key, path))
        self._changed = {key: None for key in self._changed if key in self._registered}

    def fill(self, seconds: float) -> list[RunRow]:
        """Refresh the rows of assessed runs, then read new records, newest run first.

        Args:
            seconds: Approximate time limit.

        Returns:
            Rows that changed.
        """
        until = self._clock.monotonic() + seconds
        changed: dict[str, RunRow] = {}
        with self._lock:
            known = [one for one in self._registered.values() if one.row is not None]
            assessed, self._assessed = self._assessed, set()
        known.sort(key=lambda one: -one.row.overview.state.started if one.row else 0.0)
        for registered in [one for one in known if one.tracker.key in assessed]:
            self._update(registered, changed)
        for registered in [one for one in known if one.has_more]:
            registered.read = fingerprint_of(registered.tracker.reader.path)
            self._update(registered, changed, registered.tracker.read)
            if self._clock.monotonic() > until:
                break
        return list(changed.values())

    def _note_assessed(self, key: str) -> None:
        with self._lock:
            self._assessed.add(key)

    def _row_of(self, tracker: RowTracker) -> RunRow:
        return tracker.row(self.worker.last(tracker) if tracker.whole else None)

    def _update(
        self, registered: _RegisteredRun, changed: dict[str, RunRow], read: Callable[[], None] = lambda: None
    ) -> None:
        """Rebuild the row of a run, and add it to `changed` if it differs."""
        tracker = registered.tracker
        try:
            with registered.lock:
                read()
                row = self._row_of(tracker)
        except (RunError, OSError) as error:
            self._refuse(tracker.key, error, registered.read)
            return
        registered.made = self._clock.monotonic()
        if row != registered.row:
            registered.row = changed[tracker.key] = row

    def runs(self) -> dict[str, Run]:
        """Return all runs that can be opened, by key."""
        with self._lock:
            self._refresh()
            return {key: self._registered[key].tracker.reader for key in sorted(self._registered)}

    def run(self, key: str) -> Run:
        """Return a run.

        Raises:
            RunNotFoundError: No run has the key.
            RunFormatError: The run cannot be opened.
        """
        with self._lock:
            found = self._registered.get(key)
            if found is None:
                self._refresh()
                found = self._registered.get(key)
            refused = self._refused.get(key)
        if found is not None:
            return found.tracker.reader
        if refused is not None:
            raise RunFormatError(refused[0].reason)
        raise _not_found(key)

    def open(self, key: str) -> WatchedRun:
        """Open a run and load its columns.

        Raises:
            RunNotFoundError: No run has the key.
            RunError: The run cannot be opened.
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
            self._close_oldest(found)
        with found.lock:
            if found.version == 0 and not found.read_error:
                found.refresh()
        return found

    def _close_oldest(self, kept: WatchedRun) -> None:
        others = sorted((run for run in self._open.values() if run is not kept), key=lambda run: run.used)
        while others and (len(self._open) > MOST_OPEN or sum(run.nbytes for run in self._open.values()) > MOST_BYTES):
            del self._open[others.pop(0).key]

    def _paths(self) -> dict[str, Path]:
        """Return the run folders by key."""
        return ({} if self._mirrors is None else _paths_in(self._mirrors)) | _paths_in(self.folder)

    def _is_changed(self, key: str, path: Path) -> bool:
        """Rebuild the row of a run if its files changed, and return whether the row differs."""
        fingerprint = fingerprint_of(path)
        if key in self._refused and self._refused[key][1] == fingerprint:
            return False
        try:
            registered = self._registered.get(key)
            if registered is None:
                registered = self._registered[key] = _RegisteredRun(RowTracker(key, Run(path), self._clock))
            row_is_old = self._clock.monotonic() - registered.made >= _ROW_S
            if (
                registered.row is not None
                and fingerprint == registered.fingerprint
                and (registered.row.overview.state.ended is not None or not row_is_old)
            ):
                return False
            if not registered.lock.acquire(blocking=False):
                return False  # `fill` is reading the run, which can take seconds, and will update the row
            try:
                row = self._row_of(registered.tracker)
            finally:
                registered.lock.release()
        except (RunError, OSError) as error:
            self._refuse(key, error, fingerprint)
            return False
        self._refused.pop(key, None)
        registered.fingerprint, registered.made = fingerprint, self._clock.monotonic()
        if row == registered.row:
            return False
        registered.row = row
        return True

    def _refuse(self, key: str, error: Exception, fingerprint: tuple[int, ...]) -> None:
        reason = str(error).replace(f"{self.folder}/", "")[:_MAX_REASON]
        with self._lock:
            self._registered.pop(key, None)
            self._refused[key] = (UnreadableFolder(key, reason), fingerprint)


def _paths_in(folder: Path) -> dict[str, Path]:
    """Return the run folders in a folder by key. Links that point outside the folder are ignored."""
    root = folder.resolve()
    try:
        found = list(run_folders(folder))
    except (RunNotFoundError, OSError):
        return {}
    inside = [path for path in found if path.resolve().is_relative_to(root)]
    return {path.relative_to(folder).as_posix() if path != folder else path.name: path for path in inside}


def _not_found(key: str) -> RunNotFoundError:
    return RunNotFoundError(f"there is no run {key!r:.200} in this folder")


def fingerprint_of(path: Path) -> tuple[int, ...]:
    """Return the modification times and sizes of the header and the heartbeat, which change with the run."""
    layout, fingerprint = Layout(path), []
    for file in (layout.header, layout.lock):
        try:
            stat = file.stat()
        except OSError:
            fingerprint += [0, 0]
        else:
            fingerprint += [stat.st_mtime_ns, stat.st_size]
    return tuple(fingerprint)

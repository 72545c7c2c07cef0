"""Background assessment of the runs in a folder, one at a time, for the list and for open pages."""

import logging
import math
import threading
from collections.abc import Callable, Container

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.run_row import RowTracker
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.errors import RunError
from rlvitals.runs.vitality import OPEN_STATUSES
from rlvitals.summary.overview import Assessment, assess

_log = logging.getLogger("rlvitals.dashboard")

_PAGE_S = 3.0
_ROW_S = 30.0
"""Minimum seconds between two assessments of a live run that is open on a page, and of a run that is only listed."""
_SHARE = 15.0
"""Minimum time until the next assessment of a live run, as a multiple of the duration of the last one."""
_PAUSE = 3.0
"""Pause after each assessment, as a multiple of its duration. The worker thus uses at most a quarter of a core."""
_FORGOTTEN_S = 30.0
"""An assessment is discarded if the run was not read for this many seconds and has new records."""
_MOST_PATIENCE_S = 3.0
_ROWS_OF_A_SECOND = 200_000


class _RunAssessment:
    """The last assessment of one run, the state it is based on, and the request for the next one."""

    def __init__(self) -> None:
        self.assessment: Assessment | None = None
        self.state: tuple[float, int, str] | None = None
        self.findings = 0
        self.records: object = None
        self.refreshed = -math.inf
        self.ended = self.took = 0.0
        self.busy = False
        self.wanted: WatchedRun | RowTracker | None = None
        self.not_before = math.inf
        self.rank = (False, False, 0.0)


class DiagnosisWorker:
    """Worker that keeps the last assessment of each run. Thread-safe.

    Args:
        clock: Source of the current time.

    Attributes:
        observers: Functions called with the key of a run after each assessment.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.observers: list[Callable[[str], None]] = []
        self._clock = clock
        self._lock = threading.Lock()
        self._assessments: dict[str, _RunAssessment] = {}
        self._failed: set[str] = set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rlvitals-diagnosis", daemon=True)

    def start(self) -> None:
        """Assess the requested runs in a thread until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread after the current assessment."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def last(self, run: WatchedRun | RowTracker) -> Assessment | None:
        """Return the last assessment of a run, and request a new one if the run has changed since.

        If the status of the run has changed or it has recorded a finding, the assessment is outdated and `None` is
        returned.
        """
        state, records, findings = _state_of(run), run.records, run.finding_count
        is_page, now = isinstance(run, WatchedRun), self._clock.monotonic()
        with self._lock:
            known = self._assessments.setdefault(run.key, _RunAssessment())
            is_first, is_forgotten = known.state is None, run.refreshed - known.refreshed > _FORGOTTEN_S
            known.refreshed = max(known.refreshed, run.refreshed)
            is_contradicted, is_new = state != known.state or findings > known.findings, records != known.records
            if is_contradicted or (is_new and is_forgotten):
                known.assessment = None
            if (is_contradicted or is_new) and not known.busy:
                at = known.ended + max(_PAGE_S if is_page else _ROW_S, _SHARE * known.took)
                if is_contradicted:
                    at = now + (_patience(run) if is_first else 0.0)
                known.not_before = min(at, known.not_before)
                known.rank = (is_page or isinstance(known.wanted, WatchedRun), state[2] in OPEN_STATUSES, state[0])
                known.wanted = known.wanted if isinstance(known.wanted, WatchedRun) else run
                self._wake.set()
            return known.assessment

    def keep(self, keys: Container[str]) -> None:
        """Discard the assessments of all runs except those with these keys."""
        with self._lock:
            self._assessments = {key: known for key, known in self._assessments.items() if key in keys}

    def assess_next(self) -> float | None:
        """Assess the most urgent of the requested runs: open pages first, then live runs, then the newest.

        Returns:
            Duration in seconds, or `None` if no run is due.
        """
        begun = self._clock.monotonic()
        with self._lock:
            due = [one for one in self._assessments.values() if one.wanted is not None and one.not_before <= begun]
            known = max(due, key=lambda one: one.rank, default=None)
            if known is None or known.wanted is None:
                return None
            run, known.wanted, known.not_before, known.busy = known.wanted, None, math.inf, True
        found = known.assessment
        records, findings, state = run.records, run.finding_count, known.state
        try:
            state = _state_of(run)
            _, found = assess(run.reader, clock=run.clock)
        except (RunError, OSError):  # the folder is missing or damaged, which the page already shows
            pass
        except Exception:  # noqa: BLE001 - continue with other runs; a change requests this run again
            if run.key not in self._failed:
                self._failed.add(run.key)
                _log.exception("assessing %s failed", run.key)
        with self._lock:
            known.assessment, known.state, known.records, known.findings = found, state, records, findings
            known.ended, known.busy = self._clock.monotonic(), False
            known.took = known.ended - begun
        for observer in self.observers:
            observer(run.key)
        return known.took

    def _run(self) -> None:
        while not self._closing.is_set():
            took = self.assess_next()
            if took is not None:
                self._closing.wait(_PAUSE * took)
                continue
            with self._lock:
                at = min((known.not_before for known in self._assessments.values()), default=math.inf)
            self._wake.wait(None if at == math.inf else max(0.0, at - self._clock.monotonic()))
            self._wake.clear()


def _state_of(run: WatchedRun | RowTracker) -> tuple[float, int, str]:
    """Return start, number of sessions and status, which also change on a crash or a rewind."""
    header = run.reader.header
    return header.started, len(header.writers), run.reader.vitality(clock=run.clock).status


def _patience(run: WatchedRun | RowTracker) -> float:
    """Return the delay in seconds before the first assessment, which would slow down the page of a long run."""
    return min(_MOST_PATIENCE_S, run.columns["episodes"].rows / _ROWS_OF_A_SECOND) if isinstance(run, WatchedRun) else 0

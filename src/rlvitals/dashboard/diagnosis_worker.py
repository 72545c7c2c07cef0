"""Assessments of the runs on open pages: diagnosis and course, made one at a time in the background."""

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.errors import RunError
from rlvitals.summary.overview import Assessment, course_of_rewards

_log = logging.getLogger("rlvitals")

_LEAST_S = 3.0
_SHARE = 15.0
"""A live run is assessed again no sooner than after so many times what it took."""
_MOST_PATIENCE_S = 3.0
_ROWS_OF_A_SECOND = 200_000


class _RunAssessment:
    """The last assessment of one run."""

    def __init__(self) -> None:
        self.assessment: Assessment | None = None
        self.fingerprint: object = None
        self.next = 0.0
        self.busy = False


class DiagnosisWorker:
    """Keeps the last assessment of each run. Safe from any thread.

    Args:
        clock: Tells the time.
        on_change: Called with a run's key when its assessment is new.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, on_change: Callable[[str], None] = lambda _: None) -> None:
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._assessments: dict[str, _RunAssessment] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="rlvitals-diagnosis")

    def last(self, run: WatchedRun) -> Assessment | None:
        """Return the last assessment of a run, and begin a new one if the run has gained something since."""
        # A run that crashes or stalls records nothing: its heartbeat tells.
        fingerprint = (run.version, run.header.status, run.reader.vitality(clock=run.clock).status)
        with self._lock:
            known = self._assessments.get(run.key)
            if known is None:
                known = self._assessments[run.key] = _RunAssessment()
                known.next = self._clock.monotonic() + self._patience(run)
            if known.fingerprint != fingerprint and not known.busy and self._clock.monotonic() >= known.next:
                known.busy = True
                with contextlib.suppress(RuntimeError):  # the server is closing
                    self._worker.submit(self._assess, run, known, fingerprint)
            return known.assessment

    def _patience(self, run: WatchedRun) -> float:
        """Seconds before the first assessment: that of a long run would keep its page waiting."""
        return min(_MOST_PATIENCE_S, run.columns["episodes"].rows / _ROWS_OF_A_SECOND)

    def close(self) -> None:
        """Begin nothing more."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _assess(self, run: WatchedRun, known: _RunAssessment, fingerprint: object) -> None:
        begun = self._clock.monotonic()
        found = known.assessment
        try:
            found = assessed(run)
        except (RunError, OSError):  # the folder is gone or corrupt: the page shows that already
            pass
        except Exception:  # noqa: BLE001 - the page goes on with what is known, and the next change is assessed
            _log.exception("assessing %s failed", run.key)
        with self._lock:
            is_new = found is not known.assessment
            known.assessment, known.fingerprint, known.busy = found, fingerprint, False
            ended = self._clock.monotonic()
            known.next = ended + max(_LEAST_S, _SHARE * (ended - begun))
        if is_new:
            self._on_change(run.key)


def assessed(run: WatchedRun) -> Assessment:
    """Assess a run as it is.

    Raises:
        RunError: The run cannot be read.
    """
    with run.lock:
        rewards = run.columns["episodes"].cells("reward").masked
    return Assessment(diagnose(evidence_of(run.reader, clock=run.clock)), course_of_rewards(rewards))

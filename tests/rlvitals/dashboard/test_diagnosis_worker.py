"""Tests of the assessments that the list and the pages share."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.dashboard.diagnosis_worker import DiagnosisWorker
from rlvitals.dashboard.run_header import run_header
from rlvitals.dashboard.run_row import RowTracker, RunRow
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.records.json_encoding import strict_json
from rlvitals.runs import Run
from rlvitals.testing.manual_clock import ManualClock

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def clock() -> ManualClock:
    """A clock that starts at the current time."""
    return ManualClock(time.time())


@pytest.fixture
def worker(clock: ManualClock) -> DiagnosisWorker:
    """A worker without a thread."""
    return DiagnosisWorker(clock=clock)


@pytest.fixture
def training(monitor: Monitor) -> TrainingMonitor:
    """A live run of forty episodes whose monitor runs no live diagnosis."""
    training = monitor(settings=RecorderSettings(diagnosis_interval_s=None, system_interval_s=None))
    log(training, 40)
    return training


def log(training: TrainingMonitor, count: int) -> None:
    """Log episodes without a trend."""
    for number in range(count):
        training.log_episode(number, 1.0 + 0.1 * (number % 3), 5)


def alarm(training: TrainingMonitor) -> None:
    """Record a critical finding that the diagnosis of the dashboard does not have."""
    training.log_event("finding", "Entropy is gone", severity="critical", code="entropy-collapse")


def row(tracker: RowTracker, worker: DiagnosisWorker) -> RunRow:
    """Return the row as the list builds it."""
    tracker.read()
    return tracker.row(worker.last(tracker))


def pass_time(clock: ManualClock, seconds: float) -> None:
    """Advance the clock while the heartbeat of the run stays recent."""
    now = clock.time()
    clock.advance(seconds)
    clock.set_wall(now)


def assess(worker: DiagnosisWorker, run: WatchedRun | RowTracker, clock: ManualClock) -> None:
    """Request an assessment and make it."""
    worker.last(run)
    pass_time(clock, 1.0)  # the first assessment of a page is delayed
    assert worker.assess_next() is not None


def refresh(run: WatchedRun | RowTracker) -> None:
    """Read the new records."""
    run.read() if isinstance(run, RowTracker) else run.refresh()


def watch(training: TrainingMonitor, clock: ManualClock) -> WatchedRun:
    """Open the run on a page."""
    run = WatchedRun("run", training.path, clock=clock)
    run.refresh()
    return run


def test_a_recorded_finding_is_open_until_the_next_assessment(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """An assessment older than the finding is not shown."""
    run = watch(training, clock)
    assess(worker, run, clock)
    before = run_header(run, worker.last(run))
    alarm(training)
    run.refresh()
    fresh = run_header(run, worker.last(run))
    assert worker.assess_next() is not None
    after = run_header(run, worker.last(run))
    training.close()

    assert (before.overview.verdict is None, before.findings) == (False, [])
    assert [(one.title, one.open) for one in fresh.findings] == [("Entropy is gone", True)]
    assert (fresh.overview.verdict, fresh.overview.health) == (None, None)
    assert [(one.title, one.open) for one in after.findings] == [("Entropy is gone", False)]
    assert after.overview.verdict is not None


def test_the_row_and_the_page_show_the_same_assessment(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """A run in the list and on a page is assessed once."""
    page, tracker = watch(training, clock), RowTracker("run", Run(training.path), clock)
    assess(worker, page, clock)
    tracker.read()
    shared, again = worker.last(tracker), worker.last(page)
    training.close()

    assert shared is not None
    assert shared is again
    assert strict_json(tracker.row(shared).overview.health) == strict_json(run_header(page, shared).overview.health)


def test_the_list_counts_the_findings_that_the_page_shows(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """A stall that another finding explains is not counted again."""
    for update in range(20):
        training.log_training_step(update, math.nan, 0.5, 1.0, env_step=100 * update)
    clock.set_wall(clock.time() + 3_600.0)
    tracker, page = RowTracker("run", Run(training.path), clock), watch(training, clock)
    row(tracker, worker)
    assess(worker, tracker, clock)
    listed, header = row(tracker, worker), run_header(page, worker.last(page))
    training.close()

    assert listed.overview.state.status == "stalled"
    assert listed.findings.critical == sum(one.severity == "critical" for one in header.findings) == 1


def test_a_run_that_resumes_is_no_longer_stalled(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """A change of the status invalidates the assessment."""
    tracker = RowTracker("run", Run(training.path), clock)
    now = clock.time()
    clock.set_wall(now + 3_600.0)
    row(tracker, worker)
    assess(worker, tracker, clock)
    stalled = row(tracker, worker)
    clock.set_wall(now)
    again = row(tracker, worker)
    assert worker.assess_next() is not None
    alive = row(tracker, worker)
    training.close()

    assert (stalled.worst, stalled.findings.critical) == ("The run has stalled", 1)
    assert (again.worst, again.findings.critical, again.overview.verdict) == ("", 0, None)
    assert (alive.worst, alive.is_judged) == ("", True)


@pytest.mark.parametrize("shown", ["row", "page"])
def test_an_outdated_assessment_is_not_shown_after_a_pause(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock, shown: str
) -> None:
    """A run without new records keeps its assessment."""
    run = RowTracker("run", Run(training.path), clock) if shown == "row" else watch(training, clock)
    refresh(run)
    assess(worker, run, clock)
    pass_time(clock, 60.0)
    refresh(run)
    idle = worker.last(run)
    log(training, 40)
    refresh(run)
    soon = worker.last(run)
    log(training, 40)
    pass_time(clock, 60.0)
    unread = worker.last(run)
    refresh(run)
    late = worker.last(run)
    training.close()

    assert idle is not None
    assert soon is unread is idle
    assert late is None


def test_a_run_without_new_records_is_not_assessed_again(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """A listed run is assessed at most every 30 seconds, and a run on a page every 3 seconds."""
    tracker = RowTracker("run", Run(training.path), clock)
    row(tracker, worker)
    assess(worker, tracker, clock)
    pass_time(clock, 31.0)
    row(tracker, worker)
    assert worker.assess_next() is None
    log(training, 1)
    row(tracker, worker)
    assert worker.assess_next() is not None
    log(training, 1)
    row(tracker, worker)
    assert worker.assess_next() is None
    pass_time(clock, 4.0)
    worker.last(watch(training, clock))
    assert worker.assess_next() is not None
    training.close()


def test_open_pages_are_assessed_first_then_live_runs_then_the_newest(
    monitor: Monitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """The order of the requests does not matter."""
    ended = [monitor(name) for name in ("older", "newer", "page")]
    for training in ended:
        training.close()
    live = monitor("live")
    order: list[str] = []
    worker.observers.append(order.append)
    for training in (*ended[:2], live):
        worker.last(RowTracker(training.path.name, Run(training.path), clock))
    worker.last(WatchedRun("page", ended[2].path, clock=clock))
    while worker.assess_next() is not None:
        continue
    live.close()

    assert order == ["page", "live", "newer", "older"]


def test_an_unexpected_error_is_logged_once_and_other_runs_are_assessed(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The failing run is assessed again when it changes."""

    class BrokenRun(Run):
        def records(self, stream: str, *, abandoned: bool = False) -> Iterator[Any]:
            raise ZeroDivisionError(f"{stream}, {abandoned}")

    broken = RowTracker("broken", BrokenRun(training.path), clock)
    sound = RowTracker("sound", Run(training.path), clock)
    for run in (broken, sound):
        row(run, worker)
    assert [worker.assess_next() is not None for _ in range(3)] == [True, True, False]
    found = row(broken, worker).overview.verdict, row(sound, worker).is_judged
    log(training, 1)
    row(broken, worker)
    pass_time(clock, 31.0)
    assert worker.assess_next() is not None
    training.close()

    assert found == (None, True)
    assert [record.message for record in caplog.records] == ["assessing broken failed"]


def test_the_assessment_of_a_removed_run_is_discarded(
    training: TrainingMonitor, worker: DiagnosisWorker, clock: ManualClock
) -> None:
    """Another run with the same key starts without an assessment."""
    tracker = RowTracker("run", Run(training.path), clock)
    row(tracker, worker)
    assess(worker, tracker, clock)
    worker.keep({"another"})
    found = worker.last(tracker)
    training.close()

    assert found is None

"""Tests of the rows of the list of runs."""

import contextlib
from collections.abc import Callable

import pytest

from rlvitals import TrainingMonitor
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.dashboard.run_row import RowTracker, Tally
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.runs import Run
from rlvitals.summary.overview import assess

Monitor = Callable[..., TrainingMonitor]


@pytest.mark.parametrize(
    ("episodes", "updates"), [(0, 0), (3, 1), (19, 0), (20, 0), (0, 4), (0, 40), (19, 40)], ids=str
)
def test_a_row_is_judged_on_the_same_evidence_as_the_run(monitor: Monitor, episodes: int, updates: int) -> None:
    """Rows, pages, reports and `check` need the same evidence."""
    with monitor() as training:
        for number in range(episodes):
            training.log_episode(number, 1.0 + 0.1 * (number % 3), 5)
        for update in range(updates):
            training.log_training_step(update, -0.01 - 0.001 * (update % 3), 0.5, 1.2)
    run = Run(training.path)
    tracker = RowTracker("run", run, SYSTEM_CLOCK)
    tracker.read()
    before = tracker.row()

    row = tracker.row(assess(tracker.reader, clock=tracker.clock)[1])

    assert not before.is_judged
    assert row.is_judged == diagnose(evidence_of(run)).is_judged
    assert (row.overview.episodes, row.overview.updates) == (episodes, updates)


@pytest.mark.parametrize(
    ("error", "findings"), [(RuntimeError("broken"), Tally(1, 0, 0)), (KeyboardInterrupt(), Tally(0, 0, 1))]
)
def test_a_row_counts_the_end_of_a_run_once(monitor: Monitor, error: BaseException, findings: Tally) -> None:
    """A failure is counted before and after the assessment; an interruption is not a failure."""
    with contextlib.suppress(type(error)), monitor() as training:
        raise error
    tracker = RowTracker("run", Run(training.path), SYSTEM_CLOCK)
    tracker.read()

    assert tracker.row().findings.critical == findings.critical
    assert tracker.row(assess(tracker.reader, clock=tracker.clock)[1]).findings == findings

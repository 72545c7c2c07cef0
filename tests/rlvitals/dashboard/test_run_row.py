"""Tests of the rows of the list of runs."""

from collections.abc import Callable

import pytest

from rlvitals import TrainingMonitor
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.dashboard.run_row import RowTracker
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

"""Course of a series: overall and recently."""

import numpy as np
import pytest

from rlvitals.stats.series.course import course, recent_length


def noisy(levels: np.ndarray) -> np.ndarray:
    return levels + np.random.default_rng(2).normal(0.0, 0.1, levels.size)


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0), (30, 30), (100, 100), (150, 100), (1_000, 250), (4_000, 1_000), (10**6, 1_000)]
)
def test_recent_values_are_the_last_quarter_within_limits(count: int, expected: int) -> None:
    """There are at least 100 recent values, if available, and at most 1,000."""
    assert recent_length(count) == expected


def test_a_decline_after_convergence_is_detected() -> None:
    """The decline is small next to the whole rise, so the convergence test alone would accept it."""
    found = course(noisy(np.concatenate([np.linspace(0.0, 1.0, 2_500), np.linspace(1.0, 0.88, 1_000)])))

    assert found.convergence.status == "converged"
    assert (found.status, found.recent.verdict, found.recent_values) == ("improving", "declining", 875)
    assert not found.has_converged


def test_a_rise_to_a_plateau_has_converged() -> None:
    """The recent values have no trend."""
    found = course(noisy(np.minimum(1.0, np.arange(4_000) / 2_000)))

    assert (found.status, found.recent.verdict) == ("converged", "stable")
    assert found.has_converged


def test_a_rise_that_begins_late_is_improving() -> None:
    """A late rise is improving even if the whole series alone does not show it."""
    found = course(noisy(np.maximum(0.0, np.arange(-3_000, 1_000) / 1_500)))

    assert (found.status, found.recent.verdict) == ("improving", "improving")


def test_a_rise_before_the_plateau_does_not_undo_convergence() -> None:
    """The last 100 values of a short series can start before its plateau."""
    found = course(noisy(2.0 * np.minimum(1.0, np.arange(250) / 170)))

    assert (found.status, found.recent.verdict) == ("converged", "improving")


def test_noise_around_a_level_is_flat() -> None:
    """A series that never moved is flat."""
    assert course(noisy(np.zeros(2_000))).status == "flat"


def test_a_loss_that_falls_improves() -> None:
    """A falling series is improving if lower is better."""
    found = course(noisy(np.linspace(1.0, 0.0, 500)), higher_is_better=False)

    assert (found.status, found.recent.verdict) == ("improving", "improving")


def test_an_empty_series_is_not_enough() -> None:
    """An empty series does not raise an error."""
    assert (course([]).status, course([]).values) == ("not enough data", 0)


def test_scale_and_shift_change_no_verdict() -> None:
    """A series in other units has the same verdicts."""
    values = noisy(np.linspace(0.0, 1.0, 1_000))
    found, scaled = course(values), course(1e6 * values - 3e5)

    assert (found.status, found.recent.verdict) == (scaled.status, scaled.recent.verdict)

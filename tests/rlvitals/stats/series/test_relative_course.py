"""Course of skewed values."""

import numpy as np
import pytest

from rlvitals.stats.series.course import course
from rlvitals.stats.series.relative_course import relative_course


def sizes(fall: float, rows: int = 400, seed: int = 0) -> np.ndarray:
    draws = np.random.default_rng(seed)
    return np.exp(8.0 + 1.5 * draws.normal(size=rows) - fall * np.arange(rows) / rows)


def test_a_falling_size_improves_although_its_mean_hides_it() -> None:
    """Relative changes of all items count, not only those of a few large ones."""

    values = sizes(0.8)
    assert relative_course(values, higher_is_better=False).trend.verdict == "improving"
    assert course(values, higher_is_better=False).trend.verdict != "improving"


def test_figures_have_the_units_of_the_values() -> None:
    """The level is the geometric mean, and the change is the difference of both ends of the fitted curve."""

    values = np.exp(np.linspace(2.0, 1.0, 200) + 0.001 * np.random.default_rng(0).normal(size=200))
    found = relative_course(values, higher_is_better=False)
    assert found.trend.change == pytest.approx(np.e - np.e**2, rel=0.02)
    assert found.trend.change_low < found.trend.change < found.trend.change_high < 0.0
    assert found.convergence.level.estimate == pytest.approx(np.exp(1.125), rel=0.02)


def test_scaling_changes_only_the_units() -> None:
    """A size in bytes and in kilobytes has the same verdicts and effect size."""

    values = sizes(0.8)
    one, other = relative_course(values), relative_course(values / 1000.0)
    assert (one.status, one.trend.verdict) == (other.status, other.trend.verdict)
    assert one.trend.effect == pytest.approx(other.trend.effect)
    assert one.trend.change == pytest.approx(1000.0 * other.trend.change)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_values_without_logarithms_have_the_course_of_the_values(value: float) -> None:
    """One value of zero is enough."""

    values = np.append(sizes(0.0), value)
    assert repr(relative_course(values)) == repr(course(values))


def test_non_finite_values_are_left_out() -> None:
    """NaN and infinities are counted as dropped, as for any other series."""

    found = relative_course(np.append(sizes(0.0), [np.nan, np.inf]))
    assert (found.trend.used, found.trend.dropped) == (400, 2)


def test_equal_values_do_not_change() -> None:
    """A constant size is stable at its value."""

    found = relative_course(np.full(50, 7.0))
    assert (found.trend.verdict, found.trend.change) == ("stable", 0.0)
    assert found.convergence.level.estimate == pytest.approx(7.0)

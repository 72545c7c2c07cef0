"""Tests of outcomes."""

import math

import numpy as np
import pytest

from rlvitals.comparison.outcomes import levelled


@pytest.mark.parametrize("count", [2, 3, 7, 1000])
@pytest.mark.parametrize("value", [0.1038, 500.0, -1e-12, 3e140, 0.0])
def test_equal_outcomes_have_no_spread(value: float, count: int) -> None:
    """Equal outcomes have zero spread, and their mean equals them to 12 digits."""
    outcomes = levelled(np.full(count, value))

    assert outcomes.std(ddof=1) == 0.0
    assert outcomes.mean() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("apart", "different"), [(1e-15, 1), (5e-10, 1), (5e-9, 2), (1.0, 2)])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e140])
def test_rounding_is_relative_to_the_outcomes(scale: float, apart: float, different: int) -> None:
    """Differences below a billionth of the outcomes are rounding at any scale, and infinite outcomes stay unchanged."""
    outcomes = levelled(scale * np.array([1.0, 1.0 + apart, -math.inf]))

    assert len(set(outcomes[:2].tolist())) == different
    assert outcomes[2] == -math.inf


def test_outcomes_without_a_finite_value_are_unchanged() -> None:
    """No outcomes, or only infinite ones, stay unchanged."""
    assert levelled(np.empty(0)).size == 0
    assert levelled(np.array([math.inf])).tolist() == [math.inf]

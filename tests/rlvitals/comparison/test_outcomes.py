"""Outcomes of a few runs."""

import math

import numpy as np
import pytest

from rlvitals.comparison.outcomes import levelled


@pytest.mark.parametrize("count", [2, 3, 7, 1000])
@pytest.mark.parametrize("value", [0.1038, 500.0, -1e-12, 3e140, 0.0])
def test_equal_outcomes_have_no_spread(value: float, count: int) -> None:
    """Not in the last digit of their mean either, which is that number to 12 digits."""
    outcomes = levelled(np.full(count, value))

    assert outcomes.std(ddof=1) == 0.0
    assert outcomes.mean() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("apart", "different"), [(1e-15, 1), (5e-10, 1), (5e-9, 2), (1.0, 2)])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e140])
def test_what_rounding_is_depends_on_the_size(scale: float, apart: float, different: int) -> None:
    """A billionth of the outcomes, whatever they are counted in; one that is worst is passed over, and stays."""
    outcomes = levelled(scale * np.array([1.0, 1.0 + apart, -math.inf]))

    assert len(set(outcomes[:2].tolist())) == different
    assert outcomes[2] == -math.inf


def test_nothing_is_nothing() -> None:
    """No run, or none that ended well."""
    assert levelled(np.empty(0)).size == 0
    assert levelled(np.array([math.inf])).tolist() == [math.inf]

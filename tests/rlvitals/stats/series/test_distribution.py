"""Distributions that lose nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.distribution import Presence, distribution, presence


def test_every_kind_is_counted_apart() -> None:
    """Finite, NaN, both infinities, and missing."""

    assert presence([1.0, math.nan, math.inf, -math.inf, None, 2]) == Presence(6, 2, 1, 1, 1, 1)


def test_missing_can_be_said_by_a_mask() -> None:
    """What stands under the mask is not looked at."""

    assert presence([math.nan, math.nan, 1.0], [True, False, False]) == Presence(3, 1, 1, 0, 0, 1)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.integers(4, 80))
def test_every_finite_value_is_in_a_bin(values: list[float], bins: int) -> None:
    """From the minimum to the maximum, in no more bins than allowed."""
    found = distribution([*values, math.nan, math.inf], most_bins=bins)

    assert found.counts.sum() == len(values)
    assert found.counts.size <= bins
    assert (found.edges[0], found.presence.nan, found.presence.positive_infinity) == (min(values), 1, 1)
    assert found.edges[-1] == max(values) or min(values) == max(values)
    assert np.all(np.diff(found.edges) > 0.0)


def test_an_extreme_far_away_does_not_flatten_the_rest() -> None:
    """It has a bin of its own, and the others are still seen."""
    values = np.append(np.random.default_rng(0).standard_normal(5000), 1e9)

    found = distribution(values)
    assert found.edges[-1] == 1e9
    assert found.counts[-1] >= 1
    assert found.counts.max() < 1000


def test_nothing_has_no_bins() -> None:
    """But its holes are counted."""
    found = distribution([None, math.nan])

    assert (found.counts.size, found.presence.missing, found.presence.nan) == (0, 1, 1)


def test_four_bins_are_the_least() -> None:
    """Three are refused."""
    with pytest.raises(ValueError, match="at least 4"):
        distribution([1.0], most_bins=3)

"""Distributions of all values, including non-finite and missing ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.distribution import Presence, distribution, presence


def test_every_kind_of_value_is_counted_separately() -> None:
    """Finite, NaN, both infinities and missing values have separate counts."""

    assert presence([1.0, math.nan, math.inf, -math.inf, None, 2]) == Presence(6, 2, 1, 1, 1, 1)


def test_missing_values_can_be_given_by_a_mask() -> None:
    """Values under the mask are ignored."""

    assert presence([math.nan, math.nan, 1.0], [True, False, False]) == Presence(3, 1, 1, 0, 0, 1)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.integers(4, 80))
def test_every_finite_value_is_in_a_bin(values: list[float], bins: int) -> None:
    """The bins extend from the minimum to the maximum, and their number does not exceed the maximum."""
    found = distribution([*values, math.nan, math.inf], most_bins=bins)

    assert found.counts.sum() == len(values)
    assert found.counts.size <= bins
    assert (found.edges[0], found.presence.nan, found.presence.positive_infinity) == (min(values), 1, 1)
    assert found.edges[-1] == max(values) or min(values) == max(values)
    assert np.all(np.diff(found.edges) > 0.0)


def test_an_extreme_does_not_flatten_the_histogram() -> None:
    """A distant extreme has a separate bin, and the remaining values keep their shape."""
    values = np.append(np.random.default_rng(0).standard_normal(5000), 1e9)

    found = distribution(values)
    assert found.edges[-1] == 1e9
    assert found.counts[-1] >= 1
    assert found.counts.max() < 1000


def test_without_finite_values_there_are_no_bins() -> None:
    """NaN and missing values are still counted."""
    found = distribution([None, math.nan])

    assert (found.counts.size, found.presence.missing, found.presence.nan) == (0, 1, 1)


def test_fewer_than_four_bins_are_refused() -> None:
    """A maximum of three bins is refused."""
    with pytest.raises(ValueError, match="at least 4"):
        distribution([1.0], most_bins=3)

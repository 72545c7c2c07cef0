"""Quantiles, the interquartile mean and the bootstrap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.quantiles import bootstrap_interval, interquartile_mean, quantile_interval, quantiles


def test_quantiles_are_interpolated_linearly() -> None:
    """The median of 0, 10, 20, 30 is 15, and the lower quartile 7.5."""

    assert quantiles([30.0, 0.0, math.nan, 20.0, 10.0], [0.25, 0.5]) == {0.25: 7.5, 0.5: 15.0}


def test_an_empty_sample_has_no_quantiles() -> None:
    """Its quantiles and interquartile mean are NaN."""

    assert math.isnan(quantiles([math.inf], [0.5])[0.5])
    assert math.isnan(interquartile_mean([]))
    assert math.isnan(quantile_interval([], 0.5).estimate)


def test_the_interquartile_mean_leaves_a_quarter_out_on_either_side() -> None:
    """For 1 to 8 it is the mean of 3, 4, 5, 6, and outliers do not affect it."""

    assert interquartile_mean([8, 1, 7, 2, 6, 3, 5, 4]) == 4.5
    assert interquartile_mean([1e9, 1, 7, 2, 6, 3, 5, -1e9]) == 4.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_interquartile_mean_matches_a_sort(values: list[float]) -> None:
    """It equals the mean of the middle half of the sorted values."""
    cut = len(values) // 4
    middle = sorted(values)[cut : len(values) - cut]

    assert math.isclose(sum(middle) / len(middle), interquartile_mean(values), rel_tol=1e-9, abs_tol=1e-6)


def test_the_interval_of_a_median_matches_the_sign_test() -> None:
    """For ten values it is from the second to the ninth, which leaves out 2 (1 + 10) / 1024 = 2.1 %."""
    found = quantile_interval(np.arange(1.0, 11.0), 0.5, independent=True)

    assert (found.low, found.high) == (2.0, 9.0)


def test_a_quantile_beyond_the_sample_has_no_end() -> None:
    """20 values do not bound their 5 % quantile from below."""
    found = quantile_interval(np.arange(20.0), 0.05, independent=True)

    assert math.isnan(found.low)
    assert not found.enough


@pytest.mark.parametrize(("probability", "truth"), [(0.5, 0.0), (0.9, 1.2815515655446004)])
def test_intervals_cover_quantiles_of_independent_values(probability: float, truth: float) -> None:
    """At least 95 % of 400 samples of 200 are covered, within 3 binomial standard deviations."""
    samples = np.random.default_rng(0).standard_normal((400, 200))

    found = [quantile_interval(one, probability, independent=True) for one in samples]
    assert np.mean([i.low <= truth <= i.high for i in found]) >= 0.95 - 3.0 * math.sqrt(0.05 * 0.95 / 400)


def test_intervals_cover_the_median_of_a_correlated_series() -> None:
    """The coverage holds for 200 AR(1) series of 600 values with rho = 0.7."""
    noise = np.random.default_rng(1).standard_normal((200, 700))
    for t in range(1, 700):
        noise[:, t] += 0.7 * noise[:, t - 1]

    found = [quantile_interval(one, 0.5) for one in noise[:, 100:]]
    assert all(i.enough for i in found)
    assert np.mean([i.low <= 0.0 <= i.high for i in found]) >= 0.95 - 3.0 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("probability", [0.0, 1.0, math.nan])
def test_a_probability_outside_0_to_1_is_refused(probability: float) -> None:
    """The probability must be in (0, 1)."""
    with pytest.raises(ValueError, match=r"probability must be in \(0, 1\)"):
        quantile_interval([1.0, 2.0], probability)


def test_the_bootstrap_of_a_mean_is_nearly_normal() -> None:
    """Its half-width is near 1.96 s / sqrt(n)."""
    values = np.random.default_rng(2).standard_normal(400)

    found = bootstrap_interval(values, lambda x: x.mean(axis=1), np.random.default_rng(3))
    assert math.isclose((found.high - found.low) / 2.0, 1.96 * values.std() / 20.0, rel_tol=0.1)


def test_the_block_bootstrap_accounts_for_correlation() -> None:
    """For a series of equal pairs, its interval of the mean is sqrt(2) times wider."""
    values = np.repeat(np.random.default_rng(4).standard_normal(500), 2)

    single = bootstrap_interval(values, lambda x: x.mean(axis=1), np.random.default_rng(5))
    paired = bootstrap_interval(values, lambda x: x.mean(axis=1), np.random.default_rng(5), block=50)
    assert 1.2 < (paired.high - paired.low) / (single.high - single.low) < 1.65


def test_the_same_seed_gives_the_same_interval() -> None:
    """Another seed gives another interval."""
    values = np.random.default_rng(6).standard_normal(50)

    first, same, other = (
        bootstrap_interval(values, lambda x: np.median(x, axis=1), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == same
    assert first != other


def test_an_empty_block_is_refused() -> None:
    """A block must be at least one value."""
    with pytest.raises(ValueError, match="at least 1"):
        bootstrap_interval([1.0, 2.0], lambda x: x.mean(axis=1), np.random.default_rng(0), block=0)

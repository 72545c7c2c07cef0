"""Welch's t and noncentral t distributions."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.welch import moments_of, noncentral_t_cdf, shift_interval, t_cdf, t_quantile, welch
from rlvitals.stats.series.student_t import student_t_quantile


def test_welch_matches_a_calculation_by_hand() -> None:
    """Means 2 and 5, variances 1 and 4, three values each: error sqrt(5/3), freedom 25/9 / ((1/9 + 16/9) / 2)."""
    found = welch(moments_of(np.array([1.0, 2.0, 3.0])), moments_of(np.array([3.0, 5.0, 7.0])))

    assert found.estimate == -3.0
    assert found.error == pytest.approx(math.sqrt(5 / 3))
    assert found.freedom == pytest.approx((25 / 9) / (17 / 18))


def test_equal_variances_reduce_to_student() -> None:
    """The degrees of freedom are then `n + m - 2`."""
    found = welch(moments_of(np.array([0.0, 1.0, 2.0])), moments_of(np.array([5.0, 6.0, 7.0])))
    half = student_t_quantile(0.975, 4) * math.sqrt(2 / 3)

    assert found.freedom == pytest.approx(4.0)
    assert found.interval() == pytest.approx((-5.0 - half, -5.0 + half))


def test_quantiles_are_interpolated_between_integer_degrees_of_freedom() -> None:
    """They are exact at integer degrees of freedom, and the CDF inverts them."""

    assert t_quantile(0.975, 3.0) == student_t_quantile(0.975, 3)
    assert student_t_quantile(0.975, 4) < t_quantile(0.975, 3.4) < student_t_quantile(0.975, 3)
    assert t_cdf(t_quantile(0.975, 3.4), 3.4) == pytest.approx(0.975, abs=2e-4)
    assert t_quantile(0.975, 1e6) == pytest.approx(1.959964, abs=1e-6)


def test_a_noncentrality_of_zero_is_students_t() -> None:
    """The CDFs agree at several points and degrees of freedom."""
    for freedom in (2, 4, 18):
        for t in (-2.0, 0.0, 0.7, 3.0):
            assert noncentral_t_cdf(t, float(freedom), 0.0) == pytest.approx(t_cdf(t, float(freedom)), abs=2e-5)


def test_noncentral_t_matches_its_definition() -> None:
    """The CDF agrees with draws of `(Z + shift) / sqrt(chi2 / nu)`."""
    generator = np.random.default_rng(0)
    drawn = (generator.standard_normal(200_000) + 1.5) / np.sqrt(generator.chisquare(4, 200_000) / 4)

    assert noncentral_t_cdf(2.0, 4.0, 1.5) == pytest.approx(float(np.mean(drawn <= 2.0)), abs=0.005)


def test_the_interval_of_the_noncentrality_inverts_the_cdf() -> None:
    """At the ends of the interval, `t` is the 97.5 % and the 2.5 % quantile."""
    low, high = shift_interval(2.5, 8.0)

    assert noncentral_t_cdf(2.5, 8.0, low) == pytest.approx(0.975, abs=1e-6)
    assert noncentral_t_cdf(2.5, 8.0, high) == pytest.approx(0.025, abs=1e-6)

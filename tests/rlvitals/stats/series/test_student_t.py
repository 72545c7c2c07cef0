"""Student's t, compared with closed forms and printed tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.student_t import normal_quantile, student_t_cdf, student_t_density, student_t_quantile


@given(st.floats(-1e6, 1e6))
def test_one_degree_of_freedom_is_cauchy(t: float) -> None:
    """F(t) = 1/2 + arctan(t) / pi."""

    assert math.isclose(0.5 + math.atan(t) / math.pi, float(student_t_cdf(t, 1)), abs_tol=1e-14)


@given(st.floats(-1e6, 1e6))
def test_two_degrees_of_freedom_have_a_closed_form(t: float) -> None:
    """F(t) = 1/2 + t / (2 sqrt(2 + t^2))."""

    assert math.isclose(0.5 + t / (2.0 * math.sqrt(2.0 + t * t)), float(student_t_cdf(t, 2)), abs_tol=1e-14)


@pytest.mark.parametrize(
    ("probability", "freedom", "printed"),
    [
        (0.975, 1, 12.706),
        (0.975, 4, 2.776),
        (0.975, 7, 2.365),
        (0.95, 10, 1.812),
        (0.995, 30, 2.750),
        (0.9, 120, 1.289),
    ],
)
def test_quantiles_match_printed_tables(probability: float, freedom: int, printed: float) -> None:
    """Quantiles match textbook tables to three decimals."""

    assert round(student_t_quantile(probability, freedom), 3) == printed


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 45])
def test_the_density_is_the_derivative_of_the_distribution(freedom: int) -> None:
    """The density equals the central differences of the CDF."""
    t = np.linspace(-6.0, 6.0, 25)

    slope = (student_t_cdf(t + 1e-5, freedom) - student_t_cdf(t - 1e-5, freedom)) / 2e-5
    assert np.allclose(student_t_density(t, freedom), slope, atol=1e-9)


@given(st.floats(1e-6, 1 - 1e-6), st.integers(1, 60))
def test_quantile_and_distribution_are_inverse(probability: float, freedom: int) -> None:
    """F(F^-1(p)) = p."""

    assert math.isclose(
        probability, float(student_t_cdf(student_t_quantile(probability, freedom), freedom)), abs_tol=1e-12
    )


def test_many_degrees_of_freedom_are_nearly_normal() -> None:
    """To first order, t_p = z + (z^3 + z) / (4 nu) (Abramowitz and Stegun 26.7.5)."""
    z = normal_quantile(0.975)

    assert math.isclose(z + (z**3 + z) / 4000.0, student_t_quantile(0.975, 1000), abs_tol=1e-5)


def test_the_cdf_accepts_infinities() -> None:
    """F(-inf) = 0 and F(inf) = 1."""

    assert student_t_cdf([-math.inf, 0.0, math.inf], 5).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, math.nan])
def test_a_probability_outside_0_to_1_is_refused(probability: float) -> None:
    """A quantile needs 0 < p < 1."""
    with pytest.raises(ValueError, match=r"probability must be in \(0, 1\)"):
        student_t_quantile(probability, 3)


def test_zero_degrees_of_freedom_are_refused() -> None:
    """The finite sums need an integer of at least 1."""
    with pytest.raises(ValueError, match="at least 1"):
        student_t_cdf(0.0, 0)

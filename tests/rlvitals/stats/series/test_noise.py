"""Regression with unknown autocorrelation, compared with independent slow implementations."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rlvitals.stats.series.noise import FAMILIES, Mixture, correlations, log_prior, regress, whitened
from rlvitals.stats.series.student_t import student_t_quantile


def _correlation(length: int, rho: float, white: float) -> NDArray[np.float64]:
    """Return one family's correlation matrix, computed element by element."""
    matrix = np.empty((length, length))
    for i in range(length):
        for j in range(length):
            matrix[i, j] = 1.0 if i == j else (1.0 - white) * rho ** abs(i - j)
    return matrix


def test_correlation_matrices_match_their_formula() -> None:
    """The matrices equal C = (1 - w) rho^|i-j| + w [i = j]."""
    matrices = correlations(7)

    for (rho, white), matrix in zip(FAMILIES, matrices, strict=True):
        assert np.allclose(_correlation(7, rho, white), matrix)


def test_whitening_removes_the_correlation() -> None:
    """L^-1 C L^-T is the identity."""
    for k, matrix in enumerate(correlations(12)):
        inverse = whitened(np.eye(12))[k]

        assert np.allclose(np.eye(12), inverse @ matrix @ inverse.T, atol=1e-8)


def test_each_family_is_generalised_least_squares() -> None:
    """Estimates match the textbook normal equations, and the evidence matches the textbook determinants."""
    generator = np.random.default_rng(0)
    columns = np.column_stack([np.ones(15), np.arange(15.0), generator.standard_normal(15)])
    response = generator.standard_normal(15)
    found = regress(response, columns, 15)

    logs = []
    for k, (rho, white) in enumerate(FAMILIES):
        inverse = np.linalg.inv(_correlation(15, rho, white))
        normal = columns.T @ inverse @ columns
        coefficients = np.linalg.solve(normal, columns.T @ inverse @ response)
        residual = response - columns @ coefficients
        squares = residual @ inverse @ residual
        assert np.allclose(coefficients, found.coefficients[k])
        assert np.allclose(np.linalg.inv(normal) * squares / 12, found.covariances[k])
        assert math.isclose(squares / 12, found.variances[k])
        logs.append(0.5 * np.linalg.slogdet(inverse)[1] - 0.5 * np.linalg.slogdet(normal)[1] - 6.0 * math.log(squares))
    weights = np.exp(np.array(logs) + log_prior(15, 15))
    assert np.allclose(weights / weights.sum(), found.weights)
    assert math.isclose(math.log(weights.sum()), found.evidence)


def test_the_prior_is_a_distribution() -> None:
    """Its weights sum to one, and favour strong correlation for a short series only."""
    short, long = np.exp(log_prior(10, 10)), np.exp(log_prior(1000, 47))

    assert math.isclose(1.0, short.sum())
    assert math.isclose(1.0, long.sum())
    assert short[8] > short[0]
    assert long[8] < long[0]


def test_a_mixture_of_one_component_is_student_t() -> None:
    """Its quantiles are center + scale t."""
    one = Mixture(np.array([3.0]), np.array([2.0]), np.array([1.0]), 5)

    assert math.isclose(3.0 + 2.0 * student_t_quantile(0.9, 5), one.quantile(0.9), rel_tol=1e-9)


@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.8, 0.995])
def test_quantile_and_distribution_of_a_mixture_are_inverse(probability: float) -> None:
    """The quantile inverts the CDF even if the components are far apart and differ in width."""
    mixture = Mixture(np.array([-50.0, 0.0, 1.0]), np.array([0.01, 1.0, 30.0]), np.array([0.2, 0.5, 0.3]), 4)

    assert math.isclose(probability, mixture.below(mixture.quantile(probability)), abs_tol=1e-6)


def test_draws_have_the_moments_of_the_posterior() -> None:
    """20,000 draws have the posterior mean and spread, and the same seed gives the same draws."""
    generator = np.random.default_rng(1)
    columns = np.column_stack([np.ones(30), np.linspace(-1.0, 1.0, 30)])
    found = regress(generator.standard_normal(30) + columns[:, 1], columns, 300)

    drawn = found.draws(20_000, np.random.default_rng(2))
    assert np.allclose(found.weights @ found.coefficients, drawn.mean(axis=0), atol=0.05)
    slope = found.combination(np.array([0.0, 1.0]))
    assert math.isclose(slope.quantile(0.9), float(np.quantile(drawn[:, 1], 0.9)), abs_tol=0.05)
    assert np.array_equal(drawn, found.draws(20_000, np.random.default_rng(2)))
    assert not np.array_equal(drawn, found.draws(20_000, np.random.default_rng(3)))

"""Sequential comparison of two groups."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.sequential import sequential_test


def test_evidence_is_the_bayes_factor() -> None:
    """It equals the ratio of marginal likelihoods of t, integrated over the prior of the effect."""
    a, b = np.array([1.0, 2.5, 3.0]), np.array([0.0, 0.5, 1.5])
    spread = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    t = (a.mean() - b.mean()) / (spread * math.sqrt(2 / 3))
    # The density of t given the effect is that of (Z + d sqrt(k)) / S: integrated on a grid over d and S.
    effects, scales = np.linspace(-12, 12, 2001)[:, None], np.linspace(1e-3, 6, 1500)[None, :]
    chi = scales ** (4 - 1) * np.exp(-0.5 * 4 * scales**2)
    density = (chi * scales * np.exp(-0.5 * (t * scales - effects * math.sqrt(1.5)) ** 2)).sum(axis=1)
    prior = np.exp(-0.5 * (effects[:, 0] / 1.5) ** 2)
    expected = (density * prior).sum() / prior.sum() / density[1000]

    assert sequential_test(a, b).e_value == pytest.approx(expected, rel=1e-3)


def test_interval_and_evidence_agree() -> None:
    """A difference is decided if and only if the evidence is at least 20."""
    for shift in np.linspace(-4, 4, 9):
        found = sequential_test(np.array([0.0, 1.0, 2.0, 1.5]) + shift, [0.2, 1.1, 1.9, 1.0])
        assert (found.verdict != "not decided yet") == (found.e_value >= 20)
        assert found.p_value == min(1.0, 1 / found.e_value)


def test_the_error_rate_holds_over_all_checks() -> None:
    """At most 5 % of 200 equal pairs are ever rejected in 29 checks; a t test at each check rejects a third."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 200, 30))
    ever = [any(sequential_test(x[:k], y[:k]).e_value >= 20 for k in range(2, 31)) for x, y in zip(a, b, strict=True)]

    assert np.mean(ever) <= 0.05


def test_a_difference_is_found() -> None:
    """A difference of two standard deviations is nearly always detected with ten runs per group."""
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 50, 10))

    assert np.mean([sequential_test(x + 2, y).verdict == "better" for x, y in zip(a, b, strict=True)]) > 0.85


def test_one_run_or_no_spread_is_not_decided() -> None:
    """A single run, or runs without any spread, have no decision."""

    assert sequential_test([1.0], [2.0, 3.0]).verdict == "not enough runs"
    assert sequential_test([1.0, 1.0], [2.0, 2.0]).e_value == 1.0

"""Corrections for many comparisons."""

import numpy as np
import pytest

from rlvitals.stats.groups.multiplicity import benjamini_hochberg, holm


def test_holm_by_hand() -> None:
    """3 x 0.01, 2 x 0.02, 0.04 raised to the one before; in the order given."""

    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_benjamini_hochberg_by_hand() -> None:
    """3 x 0.03 / 3 caps those before it."""

    assert benjamini_hochberg([0.03, 0.01, 0.025]) == pytest.approx([0.03, 0.03, 0.03])
    assert benjamini_hochberg([0.5, 0.01]) == pytest.approx([0.5, 0.02])


def test_what_was_not_compared_is_not_counted() -> None:
    """NaN stays NaN, and makes the others no larger."""

    assert holm([np.nan, 0.03])[1] == benjamini_hochberg([np.nan, 0.03])[1] == 0.03
    assert np.isnan(holm([np.nan, 0.03])[0])
    assert holm([]).size == benjamini_hochberg([]).size == 0


def test_holm_keeps_the_chance_of_any_false_one() -> None:
    """Ten true hypotheses, 2000 times."""
    p_values = np.random.default_rng(0).random((2000, 10))

    assert np.mean([holm(row).min() <= 0.05 for row in p_values]) == pytest.approx(0.05, abs=0.015)

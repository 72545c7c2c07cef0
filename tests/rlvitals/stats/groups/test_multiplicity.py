"""Adjustments for multiple comparisons."""

import numpy as np
import pytest

from rlvitals.stats.groups.multiplicity import benjamini_hochberg, holm


def test_holm_matches_a_calculation_by_hand() -> None:
    """3 x 0.01, 2 x 0.02, and 0.04 are made monotonic, and returned in the given order."""

    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_benjamini_hochberg_matches_a_calculation_by_hand() -> None:
    """3 x 0.03 / 3 limits the smaller p-values."""

    assert benjamini_hochberg([0.03, 0.01, 0.025]) == pytest.approx([0.03, 0.03, 0.03])
    assert benjamini_hochberg([0.5, 0.01]) == pytest.approx([0.5, 0.02])


def test_comparisons_that_were_not_made_do_not_count() -> None:
    """NaN stays NaN, and does not increase the other p-values."""

    assert holm([np.nan, 0.03])[1] == benjamini_hochberg([np.nan, 0.03])[1] == 0.03
    assert np.isnan(holm([np.nan, 0.03])[0])
    assert holm([]).size == benjamini_hochberg([]).size == 0


def test_holm_controls_the_family_wise_error_rate() -> None:
    """Among ten true null hypotheses, any is rejected in 5 % of 2000 repetitions."""
    p_values = np.random.default_rng(0).random((2000, 10))

    assert np.mean([holm(row).min() <= 0.05 for row in p_values]) == pytest.approx(0.05, abs=0.015)

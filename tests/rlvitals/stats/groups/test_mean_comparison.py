"""Comparison of two evaluations by their means."""

import math

import pytest

from rlvitals.stats.groups.mean_comparison import compare_means
from rlvitals.stats.groups.welch import Moments, welch


@pytest.mark.parametrize(
    ("mean", "size", "is_higher", "verdict"),
    [
        (12.0, 20, True, "better"),
        (12.0, 20, False, "worse"),
        (8.0, 20, True, "worse"),
        (10.1, 20, True, "no difference shown"),
        (12.0, 5, True, "not enough items"),
    ],
)
def test_the_verdict_follows_welchs_test(mean: float, size: int, is_higher: bool, verdict: str) -> None:
    """A difference of two standard deviations is shown with 20 episodes, and never with 5."""
    found = compare_means(Moments(size, mean, 1.0), Moments(20, 10.0, 1.0), higher_is_better=is_higher)

    assert found.verdict == verdict


def test_the_interval_is_welchs() -> None:
    """The mean difference, its interval and the p-value are those of Welch's test, and paired effects are unknown."""
    pair = Moments(30, 5.0, 4.0), Moments(20, 4.0, 9.0)
    found, expected = compare_means(*pair), welch(*pair)

    assert (found.mean.estimate, found.mean[1:]) == (expected.estimate, expected.interval())
    assert found.p_value == expected.p_value
    assert math.isnan(found.ratio.estimate)

"""Parameters that are pinned at a bound."""

import numpy as np
import pytest

from rlvitals.stats.parameters.bounds import AtBounds, at_bounds


def judged(values: object, bounds: tuple[float, float] | None = None) -> AtBounds:
    (found,) = at_bounds({"p": values}, bounds=None if bounds is None else {"p": bounds})  # type: ignore[dict-item]
    return found


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_clipped_policy_is_pinned() -> None:
    """A normal policy with its mean at the bound has half its values there, with and without known bounds."""

    clipped = np.clip(draws().normal(1.0, 0.3, 400), 0.0, 1.0)
    found = judged(clipped, (0.0, 1.0))
    assert (found.verdict, judged(clipped).verdict) == ("pinned high", "pinned high")
    assert found.share_high == pytest.approx(np.mean(clipped == 1.0))
    assert judged(-clipped).verdict == "pinned low"


def test_both_ends_can_be_pinned() -> None:
    """A policy much wider than the range is pinned at both ends."""

    assert judged(np.clip(draws().normal(0.0, 9.0, 400), -1.0, 1.0)).verdict == "pinned at both ends"


@pytest.mark.parametrize("levels", [2, 3, 5, 17, 200])
def test_evenly_used_integers_are_free(levels: int) -> None:
    """They are free for any number of levels, even if each of two ends has half the values."""

    assert judged(draws(levels).integers(0, levels, 500)).verdict == "free"


@pytest.mark.parametrize("levels", [2, 3, 17])
def test_an_end_used_almost_always_is_pinned(levels: int) -> None:
    """Nine of ten values are at the upper end."""

    values = np.where(draws().random(500) < 0.9, levels - 1, draws(1).integers(0, levels, 500))
    assert judged(values, (0, levels - 1)).verdict == "pinned high"


def test_a_bound_reached_late_is_detected() -> None:
    """A parameter that is pinned only in the last quarter is reported, although its overall share is small."""

    values = draws().random(1000)
    values[760:] = 1.0
    found = judged(values, (0.0, 1.0))
    assert found.verdict == "pinned high"
    assert found.late_high == pytest.approx(0.96)
    assert found.share_high < 0.25


def test_values_outside_the_bounds_count_as_at_the_bounds() -> None:
    """A value that the environment clips later still counts."""

    assert judged(np.full(50, 3.0), (0.0, 1.0)).share_high == 1.0


def test_a_single_value_is_constant_pinned_or_free() -> None:
    """Without bounds a single value is constant; with bounds it is at one of them or between them."""

    assert judged([5] * 30).verdict == "constant"
    assert judged([5] * 30, (0, 5)).verdict == "pinned high"
    assert judged([5] * 30, (0, 9)).verdict == "free"
    assert judged(["x"] * 30).verdict == "constant"


def test_strings_are_free() -> None:
    """Strings have no ends."""

    assert judged(["x", "y", "y"] * 20).verdict == "free"


def test_fewer_than_twenty_values_are_not_enough() -> None:
    """Missing values do not count."""

    assert judged([1.0] * 19, (0, 1)).verdict == "not enough data"
    assert judged([1.0] * 19 + [None] * 9, (0, 1)).verdict == "not enough data"
    assert judged([None] * 50).tried == 0


def test_noise_is_never_pinned() -> None:
    """A hundred samples of uniform and normal noise are free, with and without bounds."""

    for seed in range(100):
        uniform, normal = draws(seed).random(40), draws(seed).normal(size=40)
        assert {judged(uniform).verdict, judged(normal).verdict, judged(uniform, (0.0, 1.0)).verdict} == {"free"}

"""What sits at a bound."""

import numpy as np
import pytest

from rlvitals.stats.parameters.bounds import AtBounds, at_bounds


def judged(values: object, bounds: tuple[float, float] | None = None) -> AtBounds:
    (found,) = at_bounds({"p": values}, bounds=None if bounds is None else {"p": bounds})  # type: ignore[dict-item]
    return found


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_clipped_policy_is_named() -> None:
    """A normal policy whose mean has gone to the bound puts half its tries there, whether the bound is known or not."""

    clipped = np.clip(draws().normal(1.0, 0.3, 400), 0.0, 1.0)
    found = judged(clipped, (0.0, 1.0))
    assert (found.verdict, judged(clipped).verdict) == ("pinned high", "pinned high")
    assert found.share_high == pytest.approx(np.mean(clipped == 1.0))
    assert judged(-clipped).verdict == "pinned low"


def test_both_ends_can_be_pinned() -> None:
    """As when a policy's spread is far wider than the range."""

    assert judged(np.clip(draws().normal(0.0, 9.0, 400), -1.0, 1.0)).verdict == "pinned at both ends"


@pytest.mark.parametrize("levels", [2, 3, 5, 17, 200])
def test_even_use_of_whole_numbers_is_free(levels: int) -> None:
    """However few they are: with two of them each end holds half."""

    assert judged(draws(levels).integers(0, levels, 500)).verdict == "free"


@pytest.mark.parametrize("levels", [2, 3, 17])
def test_nearly_always_the_highest_of_few_is_pinned(levels: int) -> None:
    """Nine in ten at the upper end."""

    values = np.where(draws().random(500) < 0.9, levels - 1, draws(1).integers(0, levels, 500))
    assert judged(values, (0, levels - 1)).verdict == "pinned high"


def test_a_bound_reached_late_is_named() -> None:
    """Free in three quarters of the run, pinned in the last: the share of the whole alone would hide it."""

    values = draws().random(1000)
    values[760:] = 1.0
    found = judged(values, (0.0, 1.0))
    assert found.verdict == "pinned high"
    assert found.late_high == pytest.approx(0.96)
    assert found.share_high < 0.25


def test_values_beyond_the_bounds_are_at_them() -> None:
    """An environment that clips later still shows."""

    assert judged(np.full(50, 3.0), (0.0, 1.0)).share_high == 1.0


def test_one_value_is_constant_or_pinned() -> None:
    """Without bounds nobody can know; with them it is at one, or between."""

    assert judged([5] * 30).verdict == "constant"
    assert judged([5] * 30, (0, 5)).verdict == "pinned high"
    assert judged([5] * 30, (0, 9)).verdict == "free"
    assert judged(["x"] * 30).verdict == "constant"


def test_texts_have_no_ends() -> None:
    """They are free."""

    assert judged(["x", "y", "y"] * 20).verdict == "free"


def test_few_tries_are_not_judged() -> None:
    """Below twenty, gaps not counted."""

    assert judged([1.0] * 19, (0, 1)).verdict == "not enough data"
    assert judged([1.0] * 19 + [None] * 9, (0, 1)).verdict == "not enough data"
    assert judged([None] * 50).tried == 0


def test_noise_is_never_pinned() -> None:
    """Uniform and normal tries, with and without bounds, a hundred times each."""

    for seed in range(100):
        uniform, normal = draws(seed).random(40), draws(seed).normal(size=40)
        assert {judged(uniform).verdict, judged(normal).verdict, judged(uniform, (0.0, 1.0)).verdict} == {"free"}

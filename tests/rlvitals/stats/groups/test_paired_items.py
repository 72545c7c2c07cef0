"""Paired comparison of two evaluations."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.groups.paired_items import (
    ItemComparison,
    compare,
    compare_by_category,
    mean_effect,
    median_effect,
    sign_flip_p_value,
)
from rlvitals.stats.series.intervals import wilson_interval
from rlvitals.stats.series.student_t import student_t_quantile


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_effects_match_a_calculation_by_hand() -> None:
    """Two doubled items, one halved and one equal have mean 1, median 0.5 and ratio 2^(1/4)."""

    found = compare([2.0, 8.0, 1.0, 3.0], [1.0, 4.0, 2.0, 3.0], generator())
    assert (found.mean.estimate, found.median.estimate) == (1.0, 0.5)
    assert found.ratio.estimate == pytest.approx(2 ** (1 / 4))
    assert (found.better, found.worse, found.ties, found.improved.estimate) == (2, 1, 1, 0.5)
    assert (found.items, found.verdict) == (4, "not enough items")


def test_items_are_matched_by_name() -> None:
    """Items of only one evaluation and non-finite values are counted, but not compared."""

    mine = {"a": 2.0, "b": math.nan, "c": 5.0, "d": math.inf, "e": 1.0}
    theirs = {"e": 0.0, "d": 1.0, "c": 3.0, "b": 2.0, "x": 9.0, "y": 9.0}
    found = compare(mine, theirs, generator())
    assert (found.items, found.unshared, found.not_finite, found.mean.estimate) == (2, 3, 2, 1.5)
    assert compare({"a": None, "b": 1.0}, {"a": 1.0, "b": 0.0}, generator()).not_finite == 1


def test_a_gain_on_every_item_is_better() -> None:
    """The caller chooses the direction of better, and the effects keep their sign."""

    theirs = generator().random(30)
    mine = theirs + 0.1 + 0.01 * generator(1).random(30)
    up, down = (compare(mine, theirs, generator(), higher_is_better=way) for way in (True, False))
    assert (up.verdict, down.verdict) == ("better", "worse")
    assert (up.improved.estimate, down.improved.estimate) == (1.0, 0.0)
    assert up.mean == down.mean
    assert 0.1 < up.mean.low < up.mean.estimate < up.mean.high < 0.11


def test_equal_items_are_no_difference() -> None:
    """All items are ties, and an equal gain on every item has an interval of zero width."""

    values = generator().random(20) + 1.0
    same = compare(values, values, generator())
    assert (same.verdict, same.ties, same.mean, same.p_value) == ("no difference shown", 20, (0.0, 0.0, 0.0), 1.0)
    shifted = compare(np.arange(20.0) + 1.0, np.arange(20.0), generator())
    assert (shifted.verdict, tuple(shifted.mean)) == ("better", (1.0, 1.0, 1.0))


def test_differences_within_the_tolerance_are_ties() -> None:
    """A difference equal to the tolerance is also a tie."""

    found = compare([1.5, 1.25, 0.0], [1.0, 1.0, 1.0], generator(), tolerance=0.25)
    assert (found.better, found.ties, found.worse) == (1, 1, 1)


def test_five_items_are_not_enough() -> None:
    """Five equal signs occur by chance once in sixteen."""

    assert compare(np.arange(5.0) + 9, np.arange(5.0), generator()).verdict == "not enough items"
    assert sign_flip_p_value(np.ones(5), generator()) == 1 / 16
    assert compare(np.arange(6.0) + 9, np.arange(6.0), generator()).verdict == "better"


def test_the_improved_share_has_wilsons_interval() -> None:
    """Ties count as items that are not better."""

    found = compare([1.0] * 7 + [0.0] * 2 + [0.5], [0.5] * 10, generator())
    wilson = wilson_interval(7, 10)
    assert tuple(found.improved) == (wilson.estimate, wilson.low, wilson.high)


def test_a_ratio_needs_values_above_zero() -> None:
    """Otherwise the ratio is NaN."""

    assert math.isnan(compare([1.0, 0.0], [1.0, 1.0], generator()).ratio.estimate)
    assert math.isnan(compare([1.0, 2.0], [1.0, -1.0], generator()).ratio.low)


def exact_p_value(differences: list[float]) -> float:
    seen = abs(math.fsum(differences))
    signs = product((1, -1), repeat=len(differences))
    sums = [abs(math.fsum(s * d for s, d in zip(turned, differences, strict=True))) for turned in signs]
    return sum(total >= seen - 1e-9 for total in sums) / len(sums)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_the_p_value_counts_all_signs(differences: list[int]) -> None:
    """It matches a slow loop over all sign patterns."""

    assert sign_flip_p_value(differences, generator()) == pytest.approx(exact_p_value([float(d) for d in differences]))


def test_many_items_use_random_sign_flips() -> None:
    """The p-value of 20 items is close to the exact one over all 2^20 patterns."""

    steps = [1.0] * 14 + [-1.0] * 6
    exact = sum(math.comb(20, k) for k in range(21) if abs(20 - 2 * k) >= 8) / 2**20
    assert sign_flip_p_value(steps, generator()) == pytest.approx(exact, abs=0.012)


@given(st.lists(st.floats(-5, 5).filter(lambda d: abs(d) > 1e-3), min_size=8, max_size=30), st.floats(0.01, 1000.0))
def test_effects_scale_with_the_units(differences: list[float], scale: float) -> None:
    """Scaled differences keep their p-value, and swapped evaluations reverse the signs."""

    plain = compare(differences, np.zeros(len(differences)), generator())
    scaled = compare(scale * np.array(differences), np.zeros(len(differences)), generator())
    assert tuple(scaled.mean) == pytest.approx([scale * end for end in plain.mean])
    assert tuple(scaled.median) == pytest.approx([scale * end for end in plain.median])
    assert scaled.p_value == pytest.approx(plain.p_value, abs=1e-3)
    turned = compare(np.zeros(len(differences)), differences, generator())
    assert turned.mean.estimate == pytest.approx(-plain.mean.estimate)
    assert (turned.better, turned.worse) == (plain.worse, plain.better)


def test_the_interval_of_the_median_matches_thompson() -> None:
    """It is from the 2nd to the 9th of 10 values (97.9 %), the range of 6, and unavailable for 5."""

    ten = median_effect(np.arange(10.0))
    assert tuple(ten) == (4.5, 1.0, 8.0)
    assert tuple(median_effect([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])) == (3.5, 1.0, 6.0)
    assert math.isnan(median_effect(np.arange(5.0)).low)
    assert median_effect([1.0, 2.0, 3.0], confidence=0.7).low == 1.0
    assert math.isnan(median_effect([]).estimate)


def test_the_interval_of_the_mean_contains_students() -> None:
    """Each end is at least as far out as that of Student's interval."""

    sample = generator().exponential(size=25)
    found = mean_effect(sample, generator())
    reach = student_t_quantile(0.975, 24) * sample.std(ddof=1) / 5.0
    rounding = 1e-12  # processors sum in different orders
    assert found.low <= found.estimate - reach + rounding
    assert found.high > found.estimate + 1.2 * reach  # a long upper tail: the mean can be much higher
    assert mean_effect([4.0], generator()).estimate == 4.0
    assert math.isnan(mean_effect([4.0], generator()).low)


@pytest.mark.parametrize("kind", ["normal", "skewed", "mostly ties"])
def test_intervals_cover_the_mean(kind: str) -> None:
    """They cover at least 272 of 300 samples; at 95 %, fewer would occur about once in a hundred."""

    draws = generator(5)
    covered = 0
    kinds: dict[str, Callable[[], NDArray[np.float64]]] = {
        "normal": lambda: draws.normal(size=20),
        "skewed": lambda: draws.exponential(size=20) - 1.0,
        "mostly ties": lambda: np.where(draws.random(20) < 0.6, 0.0, draws.normal(size=20)),
    }
    for _ in range(300):
        sample = kinds[kind]()
        found = mean_effect(sample, draws)
        covered += found.low <= 0.0 <= found.high
    assert covered >= 272


def test_false_positives_are_rare() -> None:
    """At most 18 of 200 comparisons of skewed values without a difference find one, and a real difference is found."""

    draws = generator(6)
    false = sum(
        compare(draws.exponential(size=20), draws.exponential(size=20), draws).verdict != "no difference shown"
        for _ in range(200)
    )
    assert false <= 18
    shared = draws.exponential(size=20)
    assert compare(shared + 0.5 + 0.1 * draws.normal(size=20), shared, draws).verdict == "better"


def test_categories_are_compared_separately() -> None:
    """One category is better and the other worse, and an item without a category belongs to neither."""

    mine = {f"a{i}": 2.0 + i / 50 for i in range(8)} | {f"b{i}": 1.0 - i / 50 for i in range(8)} | {"loose": 0.0}
    theirs = dict.fromkeys(mine, 1.5)
    categories = {item: item[0] for item in mine if item != "loose"}
    found = compare_by_category(mine, theirs, categories, generator())
    assert {name: each.verdict for name, each in found.items()} == {"a": "better", "b": "worse"}
    assert {each.items for each in found.values()} == {8}


def test_items_that_cannot_be_matched_are_refused() -> None:
    """Arrays of different lengths, and a mapping with an array, are refused."""

    with pytest.raises(ValueError, match="3 values but 2 in the baseline"):
        compare([1.0, 2.0, 3.0], [1.0, 2.0], generator())
    with pytest.raises(TypeError, match="cannot be matched"):
        compare({"a": 1.0}, [1.0], generator())


def test_evaluations_without_common_items_are_not_enough() -> None:
    """The results are NaN instead of an error."""

    found: ItemComparison = compare({"a": 1.0}, {"b": 1.0}, generator())
    assert (found.verdict, found.items, found.unshared) == ("not enough items", 0, 2)
    assert math.isnan(found.mean.estimate)
    assert math.isnan(found.p_value)


def test_the_same_seed_gives_the_same_interval() -> None:
    """Another seed gives another interval."""

    sample = generator().exponential(size=30)
    first, again, other = (mean_effect(sample, generator(seed)) for seed in (1, 1, 2))
    assert first == again != other

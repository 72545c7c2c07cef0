"""Skill and mix: identities, planted truths, Simpson's paradox."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.series.mix_shift import mix_shift

_NAMES = np.array(["complex", "simple", "text"], dtype=object)


def _drifting(generator: np.random.Generator, length: int) -> NDArray[np.object_]:
    """Return categories whose mix changes from 80 % complex to 20 %."""
    share = np.linspace(0.8, 0.2, length)
    return np.asarray(np.where(generator.random(length) < share, _NAMES[0], _NAMES[1]), dtype=object)


def test_the_parts_match_a_calculation_by_hand() -> None:
    """Shares (3/4, 1/4) -> (1/4, 3/4), means (0, 8) -> (4, 12): within 4, mix (-1/2) 2 + (1/2) 10 = 4, total 8."""
    categories = list("aaab" * 20 + "abbb" * 20)
    values = [0.0 if c == "a" else 8.0 for c in categories[:80]] + [4.0 if c == "a" else 12.0 for c in categories[80:]]

    found = mix_shift(values, categories)
    assert np.allclose([found.within.estimate, found.mix.estimate, found.total.estimate], [4.0, 4.0, 8.0])
    assert found.shares == {"a": (0.75, 0.25), "b": (0.25, 0.75)}
    assert {name: change.estimate for name, change in found.by_category.items()} == {"a": 4.0, "b": 4.0}


@given(st.integers(0, 10_000), st.integers(20, 120))
def test_within_and_mix_add_up_to_the_change_of_the_mean(seed: int, length: int) -> None:
    """The sum is exact, even if a category is new or gone."""
    generator = np.random.default_rng(seed)
    values, categories = generator.standard_normal(length), _NAMES[generator.integers(0, 3, length)]
    half = length // 2

    found = mix_shift(values, categories)
    if found.verdict != "not enough data":
        assert math.isclose(values[half:].mean() - values[:half].mean(), found.total.estimate, abs_tol=1e-9)
        assert math.isclose(found.within.estimate + found.mix.estimate, found.total.estimate, abs_tol=1e-9)


@given(st.integers(0, 10_000))
def test_category_names_do_not_affect_the_result(seed: int) -> None:
    """Renaming the categories, and so reordering them, changes only the names."""
    generator = np.random.default_rng(seed)
    values, categories = generator.standard_normal(100), _NAMES[generator.integers(0, 3, 100)]
    renamed = np.array([{"complex": "z", "simple": "y", "text": "x"}[c] for c in categories], dtype=object)

    plain, other = mix_shift(values, categories), mix_shift(values, renamed)
    assert plain.verdict == other.verdict
    assert np.allclose(plain.within[:3], other.within[:3])


def test_a_change_of_the_mix_alone_is_recognised() -> None:
    """Without any change of skill, 18 of 20 verdicts are correct, and none is improved skill."""
    generator = np.random.default_rng(0)
    verdicts: Counter[str] = Counter()
    for _ in range(20):
        categories = _drifting(generator, 2000)
        level = np.where(categories == "simple", 2.0, 0.0)
        verdicts[mix_shift(generator.standard_normal(2000) + level, categories).verdict] += 1

    assert verdicts["only the mix moves"] >= 18
    assert verdicts["skill improved"] == 0


def test_skill_hidden_by_the_mix_is_recognised() -> None:
    """In Simpson's paradox every category gains 0.5, and the overall mean falls."""
    generator = np.random.default_rng(1)
    categories = _drifting(generator, 3000)
    level = np.where(categories == "simple", -4.0, 0.0)

    found = mix_shift(generator.standard_normal(3000) + level + np.linspace(0.0, 1.0, 3000), categories)
    assert found.verdict == "skill improved, hidden by the mix"
    assert found.total.high < 0.0
    assert found.within.low < 0.5 < found.within.high


def test_noise_is_rarely_a_change_of_skill() -> None:
    """At most 5 % of 60 series are, within 3 binomial standard deviations."""
    generator = np.random.default_rng(2)

    alarms = 0
    for _ in range(60):
        found = mix_shift(generator.standard_normal(200), _NAMES[generator.integers(0, 3, 200)])
        alarms += found.verdict.startswith("skill")
    assert alarms / 60 <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 60)


def test_categories_in_one_half_only_count_as_mix() -> None:
    """A new, easier category raises the mean without any learning."""
    generator = np.random.default_rng(3)
    categories = np.where((np.arange(600) >= 300) & (generator.random(600) < 0.5), _NAMES[1], _NAMES[0])

    found = mix_shift(generator.standard_normal(600) + 3.0 * (categories == "simple"), categories)
    assert found.verdict == "only the mix moves"
    assert 0.7 < found.compared < 0.8
    assert set(found.by_category) == {"complex"}


def test_values_without_a_number_or_category_are_left_out() -> None:
    """They are counted as dropped."""

    assert mix_shift([1.0, math.nan, 3.0], ["a", "a", None]).dropped == 2


def test_halves_without_a_common_category_are_not_enough() -> None:
    """One category per half, or no value at all, gives no verdict."""

    assert mix_shift(np.arange(40.0), ["a"] * 20 + ["b"] * 20).verdict == "not enough data"
    assert mix_shift([], []).verdict == "not enough data"


def test_different_lengths_are_refused() -> None:
    """Every value needs one category."""
    with pytest.raises(ValueError, match="2 values but 1 categories"):
        mix_shift([1.0, 2.0], ["a"])


def test_the_smallest_floats_are_accepted() -> None:
    """Values whose squares underflow to zero do not raise an error."""

    values = np.tile([0.0, 5e-324, 1e-323, 0.0], 20)
    assert mix_shift(values, ["a", "b"] * 40).used == 80

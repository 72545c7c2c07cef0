"""Narrowing of the exploration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.parameters.exploration_decay import ExplorationDecay, exploration_decay, neighbour_differences
from rlvitals.stats.parameters.parameter_columns import parameter_column


def judged(values: object, **options: object) -> ExplorationDecay:
    (found,) = exploration_decay({"p": values}, **options)  # type: ignore[arg-type, dict-item]
    return found


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.one_of(st.none(), st.integers(0, 9))), max_size=40))
def test_each_value_is_paired_with_the_next_of_its_category(rows: list[tuple[str, int | None]]) -> None:
    """The pairs match a slow loop."""

    waiting: dict[str, tuple[int, int]] = {}
    expected = []
    for at, (group, value) in enumerate(rows):
        if value is None:
            continue
        if group in waiting:
            first, other = waiting.pop(group)
            expected.append((first, float(abs(other - value))))
        else:
            waiting[group] = at, value
    groups = np.array([ord(group) for group, _ in rows], dtype=np.int64)
    differences, first_rows = neighbour_differences(parameter_column("p", [value for _, value in rows]), groups)
    assert list(zip(first_rows.tolist(), differences.tolist(), strict=True)) == sorted(expected)


def test_a_policy_with_a_shrinking_spread_narrows() -> None:
    """The dispersion of the blocks follows the planted spread."""

    rows = 1000
    found = judged(draws().normal(size=rows) * np.linspace(1.0, 0.1, rows))
    assert found.verdict == "narrowing"
    assert found.relative[0] == 1.0
    assert found.relative[-1] == pytest.approx(0.15, abs=0.05)
    assert found.dispersion[0] == pytest.approx(0.955 * 2 / math.sqrt(math.pi), rel=0.25)


def test_a_policy_that_only_drifts_is_steady() -> None:
    """It drifts far with a constant spread, and is steady although its entropy per block is low."""

    found = judged(np.linspace(0.0, 50.0, 1000) + draws().normal(size=1000))
    assert found.verdict == "steady"
    assert max(found.entropy) < 0.8 * found.entropy_most


def test_two_categories_are_not_compared_with_each_other() -> None:
    """Each has a different level, which together looks like spread."""

    category = draws().integers(0, 2, 600)
    values = 10.0 * category + 0.1 * draws(1).normal(size=600)
    assert judged(values, category=category).dispersion[0] < 0.3 < judged(values).dispersion[0]


def test_the_dispersion_of_levels_is_a_probability() -> None:
    """It is the probability that two neighbours differ: 1 - sum p^2."""

    found = judged(draws().choice(["x", "y", "z", "w"], 4000), blocks=1)
    assert found.dispersion[0] == pytest.approx(0.75, abs=0.03)
    assert found.entropy[0] == pytest.approx(math.log(4), abs=0.01)


def test_logarithmic_parameters_are_compared_by_ratio() -> None:
    """A falling rate with a constant relative spread is steady on the logarithmic scale, but not on the linear one."""

    rates = np.exp(-np.linspace(0, 4, 1000) + 0.5 * draws().normal(size=1000))
    assert judged(rates, logarithmic=("p",)).verdict == "steady"
    assert judged(rates).verdict == "narrowing"


def test_noise_rarely_narrows() -> None:
    """At most 7 of 60 tables of two steady parameters have any that is narrowing or widening."""

    moved = 0
    for seed in range(60):
        table = {"a": draws(seed).random(300), "b": draws(seed + 99).exponential(size=300)}
        moved += any(found.verdict in {"narrowing", "widening"} for found in exploration_decay(table))
    assert moved <= 7


def test_constant_and_missing_values_are_accepted() -> None:
    """A constant is steady, no values are not enough, and no columns give no result."""

    constant = judged([3.0] * 100)
    assert (constant.verdict, set(constant.relative), set(constant.entropy)) == ("steady", {1.0}, {0.0})
    empty = judged([None] * 30)
    assert empty.verdict == "not enough data"
    assert all(math.isnan(value) for value in empty.entropy)
    assert exploration_decay({}) == ()
    assert judged([1.0, 2.0]).verdict == "not enough data"

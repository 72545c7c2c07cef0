"""How exploration narrows."""

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
def test_each_try_is_compared_with_the_next_of_its_category_once(rows: list[tuple[str, int | None]]) -> None:
    """A slow loop pairs them."""

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


def test_a_policy_that_settles_narrows() -> None:
    """The spread falls to a quarter, and the blocks say so."""

    rows = 1000
    found = judged(draws().normal(size=rows) * np.linspace(1.0, 0.1, rows))
    assert found.verdict == "narrowing"
    assert found.relative[0] == 1.0
    assert found.relative[-1] == pytest.approx(0.15, abs=0.05)
    assert found.dispersion[0] == pytest.approx(0.955 * 2 / math.sqrt(math.pi), rel=0.25)


def test_a_policy_that_only_moves_does_not_narrow() -> None:
    """It wanders far with the same spread; its entropy per block is low, and still it is steady."""

    found = judged(np.linspace(0.0, 50.0, 1000) + draws().normal(size=1000))
    assert found.verdict == "steady"
    assert max(found.entropy) < 0.8 * found.entropy_most


def test_two_categories_are_not_compared_with_each_other() -> None:
    """Each has its own place; seen together that looks like spread."""

    category = draws().integers(0, 2, 600)
    values = 10.0 * category + 0.1 * draws(1).normal(size=600)
    assert judged(values, category=category).dispersion[0] < 0.3 < judged(values).dispersion[0]


def test_levels_differ_or_not() -> None:
    """The mean difference is the chance that two neighbours differ: 1 - sum p^2."""

    found = judged(draws().choice(["x", "y", "z", "w"], 4000), blocks=1)
    assert found.dispersion[0] == pytest.approx(0.75, abs=0.03)
    assert found.entropy[0] == pytest.approx(math.log(4), abs=0.01)


def test_ratios_are_compared_where_they_matter() -> None:
    """A rate that falls tenfold with a constant ratio of spread is steady in logarithms, and narrowing as it stands."""

    rates = np.exp(-np.linspace(0, 4, 1000) + 0.5 * draws().normal(size=1000))
    assert judged(rates, logarithmic=("p",)).verdict == "steady"
    assert judged(rates).verdict == "narrowing"


def test_noise_does_not_narrow() -> None:
    """Of 60 tables of two steady parameters at most 7 have any that is said to move."""

    moved = 0
    for seed in range(60):
        table = {"a": draws(seed).random(300), "b": draws(seed + 99).exponential(size=300)}
        moved += any(found.verdict in {"narrowing", "widening"} for found in exploration_decay(table))
    assert moved <= 7


def test_constants_and_gaps_are_no_trouble() -> None:
    """One value is steady at once; no value is not enough; no column is nothing."""

    constant = judged([3.0] * 100)
    assert (constant.verdict, set(constant.relative), set(constant.entropy)) == ("steady", {1.0}, {0.0})
    empty = judged([None] * 30)
    assert empty.verdict == "not enough data"
    assert all(math.isnan(value) for value in empty.entropy)
    assert exploration_decay({}) == ()
    assert judged([1.0, 2.0]).verdict == "not enough data"

"""Coverage of parameters, compared with counts by hand, closed forms and slow loops."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.parameters import coverage
from rlvitals.stats.parameters.coverage import (
    binned,
    centred_discrepancy,
    combination_keys,
    combinations,
    joint_coverage,
    range_coverage,
    unit_places,
)
from rlvitals.stats.parameters.parameter_columns import parameter_column, tried_columns


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_combinations_are_counted() -> None:
    """Five rows have three combinations, and a missing value is omitted from the combination, but counted."""

    found = combinations({"a": [1, 1, 2, 1, None], "b": ["x", "x", "x", "x", "x"]})
    assert (found.rows, found.distinct) == (5, 3)
    assert found.most_frequent == (({"a": 1, "b": "x"}, 3), ({"a": 2, "b": "x"}, 1), ({"b": "x"}, 1))
    shares = (0.6, 0.2, 0.2)
    assert found.effective == pytest.approx(math.exp(-sum(p * math.log(p) for p in shares)))


def test_an_empty_table_has_no_combinations() -> None:
    """Tables without parameters or without rows are accepted."""

    assert combinations({}).distinct == combinations({"a": []}).distinct == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1), st.sampled_from("xyz")), min_size=1, max_size=30))
def test_keys_are_equal_for_equal_rows(rows: list[tuple[int, float, str]]) -> None:
    """Two rows have the same key if and only if they are equal."""

    a, b, c = zip(*rows, strict=True)
    keys = combination_keys(tried_columns({"a": list(a), "b": list(b), "c": list(c)})).tolist()
    assert [x == y for x, y in product(keys, keys)] == [x == y for x, y in product(rows, rows)]


def test_keys_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Combinations that exceed the integer range are renumbered."""

    draws = generator().integers(0, 50, size=(6, 400))
    table = {f"p{i}": row for i, row in enumerate(draws)}
    plain = combinations(table)
    monkeypatch.setattr(coverage, "_LARGEST", 10_000)
    assert combinations(table) == plain


def test_a_range_of_integers_has_one_bin_each() -> None:
    """Two of five allowed integers were tried, one of them twice, and one value is outside."""

    (found,) = range_coverage({"a": [0, 0, 3, 9]}, bounds={"a": (0, 4)})
    assert (found.bins, found.occupied, found.distinct, found.outside) == (5, 0.6, 3, 1)
    assert (found.low, found.high, found.bounded) == (0.0, 4.0, True)
    assert found.evenness == pytest.approx(math.exp(-(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))) / 5)


def test_a_range_of_fractions_has_equal_bins() -> None:
    """The first two and the last of 32 bins are occupied."""

    (found,) = range_coverage({"a": [0.0, 0.04, 1.0]}, bounds={"a": (0.0, 1.0)})
    assert (found.bins, found.occupied) == (32, 3 / 32)


def test_a_logarithmic_range_has_equal_ratios() -> None:
    """Values at equal ratios are evenly distributed on the logarithmic scale, but not on the linear one."""

    table = {"rate": np.logspace(-5, -1, 320)}
    (log,), (plain,) = (
        range_coverage(table, logarithmic=("rate",)),
        range_coverage(table),
    )
    assert log.evenness == pytest.approx(1.0, abs=1e-3)
    assert plain.evenness < 0.5


def test_levels_and_missing_values_are_reported() -> None:
    """A boolean has one bin per tried level, and a parameter without values has none."""

    flag, empty = range_coverage({"flag": [True, True, None], "empty": [None, None, None]})
    assert (flag.tried, flag.bins, flag.occupied) == (2, 1, 1.0)
    assert (empty.tried, empty.bins) == (0, 0)
    assert math.isnan(empty.occupied)


def slow_discrepancy(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    n, d = points.shape
    one = sum(math.prod(1 + abs(x - 0.5) / 2 - abs(x - 0.5) ** 2 / 2 for x in point) for point in points.tolist())
    two = sum(
        math.prod(1 + abs(x - 0.5) / 2 + abs(y - 0.5) / 2 - abs(x - y) / 2 for x, y in zip(p, q, strict=True))
        for p in points.tolist()
        for q in points.tolist()
    )
    return math.sqrt((13 / 12) ** d - 2 / n * one + two / n**2)


def test_the_discrepancy_matches_hickernells_formula() -> None:
    """It matches a slow loop, and is sqrt(1/12) for one point in the middle of a line."""

    points = generator().random((7, 3))
    assert centred_discrepancy(points) == pytest.approx(slow_discrepancy(points))
    assert centred_discrepancy(np.array([[0.5]])) == pytest.approx(math.sqrt(1 / 12))


def test_the_discrepancy_of_random_points_has_the_documented_mean() -> None:
    """The mean square over many draws is ((5/4)^d - (13/12)^d) / n."""

    draws = generator()
    squares = [centred_discrepancy(draws.random((20, 3))) ** 2 for _ in range(400)]
    assert np.mean(squares) == pytest.approx((1.25**3 - (13 / 12) ** 3) / 20, rel=0.1)


def test_random_rows_have_the_reference_coverage() -> None:
    """All ratios to random are near 1, for fractions, integers and levels."""

    draws = generator()
    table = {
        "a": draws.random(3000),
        "b": draws.integers(0, 3, 3000),
        "c": draws.integers(0, 200, 3000),
        "d": draws.choice(["x", "y"], 3000),
    }
    found = joint_coverage(table, draws, bounds={"a": (0.0, 1.0)})
    assert found.pair_cells == pytest.approx(found.pair_cells_random, rel=0.05)
    assert found.gap / found.gap_random == pytest.approx(1.0, abs=0.1)
    assert found.discrepancy / found.discrepancy_random == pytest.approx(1.0, abs=0.35)


def test_a_narrow_search_leaves_holes() -> None:
    """Rows in a tenth of each range leave far wider holes than random search, and the narrow pair is reported."""

    draws = generator()
    table = {"a": 0.5 + 0.1 * draws.random(500), "b": 0.5 + 0.1 * draws.random(500), "c": draws.random(500)}
    found = joint_coverage(table, draws, bounds=dict.fromkeys("abc", (0.0, 1.0)))
    assert found.gap / found.gap_random > 2.0
    assert found.discrepancy / found.discrepancy_random > 5.0
    assert found.least_covered == ("a", "b")
    assert found.pair_cells < 0.5 * found.pair_cells_random


def test_measures_without_enough_data_are_nan() -> None:
    """Fewer than ten rows, one parameter, or only levels leave measures undefined."""

    few = joint_coverage({"a": [1, 2, 3]}, generator())
    assert math.isnan(few.gap)
    assert few.least_covered is None
    levels = joint_coverage({"a": ["x", "y"] * 10, "b": [True, False] * 10}, generator())
    assert levels.pair_cells == 0.5
    assert math.isnan(levels.discrepancy)
    assert joint_coverage({}, generator()).rows == 0


def test_the_same_seed_gives_the_same_result() -> None:
    """Another seed gives another result."""

    table = {"a": generator().random(2000), "b": generator(1).random(2000)}
    first, again, other = (joint_coverage(table, generator(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first.gap != other.gap


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.floats(0.5, 100), st.floats(-100, 100))
def test_positions_do_not_depend_on_units(values: list[float], scale: float, shift: float) -> None:
    """Scaled and shifted values keep their positions in the range."""

    values = [*values, -5.5, 5.25]
    plain = unit_places(parameter_column("p", values))
    moved = unit_places(parameter_column("p", [scale * v + shift + 1e-3 for v in values]))
    assert moved == pytest.approx(plain, abs=1e-6)


def test_values_outside_the_bounds_are_in_the_nearest_bin() -> None:
    """The last bin includes the upper end."""

    indices, bins = binned(parameter_column("p", [-3.5, 0.0, 1.0, 7.5]), (0.0, 1.0), bins=4, most_whole=4)
    assert (indices.tolist(), bins) == ([0, 0, 3, 3], 4)

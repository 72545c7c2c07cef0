"""Best region and combination, measured on rows that the search did not use."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rlvitals.stats.parameters.best_region import Best, best_combination, best_region


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def hill(rows: int, seed: int = 0) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    draws = generator(seed)
    table = {name: draws.random(rows) for name in ("a", "b", "c")}
    height = -4.0 * (table["a"] - 0.3) ** 2 - 4.0 * (table["b"] - 0.6) ** 2
    return table, height + 0.2 * draws.normal(size=rows)


def test_the_region_around_an_optimum_is_found() -> None:
    """It contains the optimum, leaves out the parameter without effect, and has a significant gain."""

    found = best_region(*hill(2000), generator())
    assert found.verdict == "better"
    assert found.where.keys() == {"a", "b"}
    assert found.where["a"][0] < 0.3 < found.where["a"][1]
    assert found.where["b"][0] < 0.6 < found.where["b"][1]
    assert 0.3 < found.difference_low < found.difference < found.difference_high
    assert found.low < found.mean < found.high


def test_the_best_combination_is_found() -> None:
    """It is found among twenty combinations, each tried repeatedly."""

    draws = generator(1)
    table = {"a": draws.integers(0, 5, 1500), "t": draws.choice(["w", "x", "y", "z"], 1500)}
    lift = 1.0 * ((table["a"] == 3) & (table["t"] == "x"))
    found = best_combination(table, lift + draws.normal(size=1500), generator())
    assert (found.verdict, found.where) == ("better", {"a": 3, "t": "x"})
    assert found.difference_low < 1.0 < found.difference_high


def test_one_lucky_row_is_not_the_best_combination() -> None:
    """A combination with a single huge outcome loses to one tried repeatedly."""

    draws = generator(2)
    table = {"a": draws.integers(0, 3, 600).astype(float)}
    outcome = (table["a"] == 1) + 0.5 * draws.normal(size=600)
    table["a"][7], outcome[7] = 99.0, 1e6
    assert best_combination(table, outcome, generator()).where == {"a": 1}


def test_combinations_without_repetition_have_no_best() -> None:
    """Fractions are all different."""

    assert best_combination(*hill(400), generator()).verdict == "not enough data"


def test_the_best_combination_is_free_of_selection_bias() -> None:
    """The best of twelve equal combinations has no gain on average, and is rarely called better."""

    def found(seed: int) -> tuple[Best, float]:
        draws = generator(seed)
        table, outcome = {"a": draws.integers(0, 12, 240)}, draws.exponential(size=240)
        best = best_combination(table, outcome, draws)
        there = table["a"] == best.where["a"]
        return best, float(outcome[there].mean() - outcome[~there].mean())

    best, cursed = zip(*(found(seed) for seed in range(100)), strict=True)
    gains = [each.difference for each in best]
    assert np.mean(gains) == pytest.approx(0.0, abs=3.0 * np.std(gains) / 10.0)
    assert np.mean(cursed) > 6.0 * np.std(cursed) / 10.0
    assert sum(each.verdict == "better" for each in best) <= 8


def test_noise_rarely_has_a_better_region() -> None:
    """At most 5 of 50 tables have one."""

    def named(seed: int) -> bool:
        draws = generator(seed)
        table = {name: draws.random(160) for name in ("a", "b", "c")}
        return best_region(table, draws.exponential(size=160), draws).verdict == "better"

    assert sum(named(seed) for seed in range(50)) <= 5


def test_the_interval_covers_the_truth() -> None:
    """It contains the planted gain of one half in at least 88 of 100 tables."""

    def covers(seed: int) -> bool:
        draws = generator(seed)
        table = {"a": draws.integers(0, 3, 240)}
        outcome = 0.5 * (table["a"] == 2) + draws.gamma(1.0, size=240)
        found = best_combination(table, outcome, draws)
        truth = 0.5 if found.where == {"a": 2} else -0.25
        return found.difference_low <= truth <= found.difference_high

    assert sum(covers(seed) for seed in range(100)) >= 88


def test_drift_is_not_a_gain() -> None:
    """A policy that drifts while rewards rise for another reason has no better region."""

    clock = np.linspace(0.0, 3.0, 1000)
    draws = generator(3)
    found = best_region({"a": clock + draws.normal(size=1000)}, 5.0 * clock + draws.normal(size=1000), generator())
    assert found.verdict != "better"
    without = best_region({"a": clock + draws.normal(size=1000)}, 5.0 * clock, generator(), window=None)
    assert without.verdict == "better"


def difference_by_hand(there: list[int], outcome: list[float], windows: list[list[int]]) -> float:
    products = squares = 0.0
    for rows in windows:
        indicator, response = np.array(there)[rows], np.array(outcome)[rows]
        products += float((indicator - indicator.mean()) @ (response - response.mean()))
        squares += float(((indicator - indicator.mean()) ** 2).sum())
    return products / squares


def test_the_difference_is_measured_between_neighbours() -> None:
    """It matches a calculation by hand on the windows that the search did not use."""

    draws = generator(4)
    a, outcome = np.arange(120) % 2, draws.normal(size=120)
    outcome[a == 1] += 1.0
    found = best_combination({"a": a}, outcome, generator(), window=4)
    unseen = [list(range(begin, begin + 4)) for begin in range(4, 120, 8)]
    assert found.where == {"a": 1}
    assert found.difference == pytest.approx(difference_by_hand(a.tolist(), outcome.tolist(), unseen))
    assert (found.rows, found.rows_inside) == (60, 30)
    rows = [row for window in unseen for row in window if a[row] == 1]
    assert found.mean == pytest.approx(outcome[rows].mean())


def test_too_little_data_is_not_enough() -> None:
    """Few rows, no parameters and an outcome that is never finite are not enough."""

    table, outcome = hill(79)
    verdicts = {
        best_region(table, outcome, generator()).verdict,
        best_combination(table, outcome, generator()).verdict,
        best_region({}, [], generator()).verdict,
        best_region(hill(200)[0], np.full(200, np.nan), generator()).verdict,
    }
    assert verdicts == {"not enough data"}


def test_a_constant_outcome_has_no_best_region() -> None:
    """The search finds nothing, and does not divide by zero."""

    found = best_region(hill(200)[0], np.ones(200), generator())
    assert (found.verdict, found.where) == ("not shown", {})


def test_the_same_seed_gives_the_same_result() -> None:
    """The seed determines the sample of a large table."""

    def drawn(seed: int) -> Best:
        return best_region(*hill(3000), generator(seed), most_rows=1000)

    assert repr(drawn(1)) == repr(drawn(1)) != repr(drawn(2))

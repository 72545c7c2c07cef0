"""Effects on an outcome: planted effects are found, noise is not, and units do not matter."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.parameters.effects import Drivers, drivers
from rlvitals.stats.parameters.local_regression import fitted, share_of
from rlvitals.stats.parameters.neighbour_windows import windows_of
from rlvitals.stats.parameters.parameter_columns import tried_columns
from rlvitals.stats.parameters.spline_basis import ranked

Table = dict[str, NDArray[np.float64]]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tries(rows: int, seed: int = 0, count: int = 4) -> Table:
    draws = generator(seed)
    return {f"p{i}": draws.random(rows) if i % 2 else draws.integers(0, 9, rows).astype(float) for i in range(count)}


def planted(rows: int, seed: int = 0) -> tuple[Table, NDArray[np.float64]]:
    """Return a table with an inner optimum of p0 and p1, and p2 and p3 without any effect."""
    table = tries(rows, seed)
    hill = -((table["p0"] / 8 - 0.5) ** 2) - (table["p1"] - 0.4) ** 2
    return table, 6.0 * hill + 0.4 * generator(seed + 1000).normal(size=rows)


def by_name(found: Drivers) -> dict[str, object]:
    return {effect.name: effect._replace(p_value=0.0, adjusted_p=0.0) for effect in found.effects}


def test_an_inner_optimum_is_found() -> None:
    """It is found although its rank correlation is near zero, with the correct position, and nothing else is found."""

    table, outcome = planted(600)
    found = drivers(table, outcome, generator())
    assert set(found.named) == {"p0", "p1"}
    effects = {effect.name: effect for effect in found.effects}
    assert effects["p0"].shape == effects["p1"].shape == "best inside"
    assert effects["p0"].best == pytest.approx(4, abs=1)
    assert effects["p1"].best == pytest.approx(0.4, abs=0.12)
    assert abs(effects["p0"].rank_correlation) < 0.15
    assert found.explained == pytest.approx(effects["p0"].share + effects["p1"].share, abs=0.05)


def test_a_pure_interaction_is_found() -> None:
    """Two parameters that are good only both high or both low interact, and the best corner is reported."""

    table = tries(600, seed=3)
    outcome = 3.0 * (table["p1"] - 0.5) * (table["p3"] - 0.5) + 0.3 * generator(1).normal(size=600)
    found = drivers(table, outcome, generator())
    pair = found.interactions[0]
    assert ((pair.first, pair.second), pair.interacts) == (("p1", "p3"), True)
    assert [other.interacts for other in found.interactions[1:]] == [False] * 5
    assert abs(pair.best[0] - 0.5) > 0.35
    assert (pair.best[0] - 0.5) * (pair.best[1] - 0.5) > 0.1
    assert found.named == ("p1", "p3")


def test_additive_effects_are_not_an_interaction() -> None:
    """Strong and curved additive effects do not interact."""

    table = tries(1000, seed=5)
    outcome = 8.0 * table["p1"] ** 3 - 5.0 * (table["p3"] - 0.5) ** 2 + 0.3 * table["p0"]
    found = drivers(table, outcome + 0.3 * generator(6).normal(size=1000), generator())
    assert set(found.named) == {"p0", "p1", "p3"}
    assert not any(pair.interacts for pair in found.interactions)


def test_noise_is_rarely_found() -> None:
    """At most 5 of 40 noise tables have a finding; at 5 % per table, more would occur once in seventy."""

    def trial(seed: int) -> bool:
        draws = generator(seed)
        return bool(drivers(tries(120, seed, 3), draws.standard_t(3, size=120), draws, flips=499).named)

    assert sum(trial(seed) for seed in range(40)) <= 5


def test_drift_alone_is_not_an_effect() -> None:
    """Parameters and reward that drift together are correlated, but not found."""

    rows = 1000
    clock = np.linspace(0.0, 3.0, rows)
    draws = generator(2)
    table = {name: np.tanh(clock) * 4 + draws.normal(size=rows) for name in ("a", "b", "c")}
    outcome = np.tanh(clock) * 5 + draws.normal(size=rows)
    assert np.corrcoef(ranked(table["a"]), ranked(outcome))[0, 1] > 0.5
    assert drivers(table, outcome, draws).named == ()
    assert "a" in drivers(table, outcome, draws, window=None).named


def test_a_difference_between_categories_is_not_an_effect() -> None:
    """Categories with different values and outcomes do not make a parameter significant within them."""

    draws = generator(4)
    category = draws.integers(0, 4, 800)
    table = {name: category + draws.normal(size=800) for name in ("a", "b")}
    outcome = 3.0 * category + draws.normal(size=800)
    assert drivers(table, outcome, draws, category=category).named == ()
    assert set(drivers(table, outcome, draws).named) == {"a", "b"}


def test_the_effect_of_a_correlated_parameter_is_not_counted() -> None:
    """A parameter that is only correlated with an effective one has a share alone, but is not found."""

    draws = generator(7)
    cause = draws.normal(size=1500)
    table = {"cause": cause, "companion": cause + draws.normal(size=1500), "other": draws.normal(size=1500)}
    found = drivers(table, cause + draws.normal(size=1500), draws)
    companion = next(effect for effect in found.effects if effect.name == "companion")
    assert (found.effects[0].name, found.effects[0].drives, companion.drives) == ("cause", True, False)
    assert companion.share_alone > 0.1
    assert abs(companion.share) < 0.01


@settings(max_examples=8)
@given(st.sampled_from(["cube", "exp", "arctan", "shift"]), st.integers(0, 3))
def test_monotonic_transformations_of_the_outcome_change_no_effect(which: str, seed: int) -> None:
    """The effects explain ranks."""

    table, outcome = planted(200, seed)
    transforms: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "cube": lambda y: y**3,
        "exp": np.exp,
        "arctan": np.arctan,
        "shift": lambda y: 1000.0 * y - 7.0,
    }
    plain, moved = (drivers(table, y, generator(1), flips=99) for y in (outcome, transforms[which](outcome)))
    one, other = by_name(plain), by_name(moved)
    assert one.keys() == other.keys()
    assert all(one[name] == other[name] for name in one)


def test_monotonic_transformations_of_parameters_change_no_number() -> None:
    """Names of levels do not change any number either."""

    table, outcome = planted(300, 2)
    words = generator(1).choice(["x", "y", "z"], 300)
    other_words = np.array([{"x": "one", "y": "two", "z": "zwei"}[word] for word in words])
    plain = drivers({**table, "w": words}, outcome, generator())
    moved = drivers(
        {
            "p0": np.exp(table["p0"]),
            "p1": table["p1"] ** 3,
            "p2": table["p2"] * 5,
            "p3": table["p3"] - 9,
            "w": other_words,
        },
        outcome,
        generator(),
    )
    assert [(e.name, e.share, e.p_value, e.adjusted_p, e.shape) for e in plain.effects] == [
        (e.name, e.share, e.p_value, e.adjusted_p, e.shape) for e in moved.effects
    ]
    assert [(i.first, i.second, i.p_value) for i in plain.interactions] == [
        (i.first, i.second, i.p_value) for i in moved.interactions
    ]


def test_negating_the_outcome_negates_every_curve() -> None:
    """Rising becomes falling, the correlation changes its sign, and the shares stay."""

    table = tries(300)
    outcome = table["p1"] + 0.3 * generator(8).normal(size=300)
    up, down = ({e.name: e for e in drivers(table, sign * outcome, generator()).effects} for sign in (1, -1))
    assert (up["p1"].shape, down["p1"].shape) == ("rising", "falling")
    for name in up:
        assert up[name].share == pytest.approx(down[name].share)
        assert up[name].rank_correlation == pytest.approx(-down[name].rank_correlation)


def test_rows_without_an_order_can_be_shuffled() -> None:
    """Without windows, the order of rows affects only the clusters of the draws."""

    table, outcome = planted(200)
    order = generator(9).permutation(200)
    plain = drivers(table, outcome, generator(), window=None)
    mixed = drivers({n: c[order] for n, c in table.items()}, outcome[order], generator(), window=None)
    assert {e.name: e.share for e in plain.effects} == pytest.approx({e.name: e.share for e in mixed.effects})
    assert plain.explained == pytest.approx(mixed.explained)
    assert plain.named == mixed.named


def test_the_share_matches_a_regression() -> None:
    """The explained share is the adjusted R^2 of least squares on dummies of windows and curves."""

    table, outcome = planted(120)
    found = drivers(table, outcome, generator())
    windows = windows_of(None, np.ones(120, dtype=bool), 4, generator(), 1000)
    fit = fitted(tried_columns(table), windows)
    dummies = np.repeat(np.eye(windows.sizes.size), windows.sizes, axis=0)
    raw = np.concatenate([basis.columns for basis in fit.bases], axis=1)
    ranks = ranked(outcome)

    def rest(columns: NDArray[np.float64]) -> float:
        left = ranks - columns @ np.linalg.lstsq(columns, ranks)[0]
        return float(left @ left)

    total, left = rest(dummies), rest(np.concatenate([dummies, raw], axis=1))
    freedom = 120 - windows.sizes.size
    adjusted = 1.0 - (left / (freedom - raw.shape[1])) / (total / freedom)
    # Kelley's epsilon squared is the adjusted R^2.
    assert found.explained == pytest.approx(adjusted, abs=1e-9)


def test_a_share_of_noise_is_zero_on_average() -> None:
    """The share expected by chance is subtracted."""

    draws = generator()
    shares = [share_of(draws.normal(size=(40, 5)), y, y, 40) for y in draws.normal(size=(2000, 40))]
    assert np.mean(shares) == pytest.approx(0.0, abs=0.01)


def test_missing_values_are_not_an_effect() -> None:
    """A parameter is assessed by the rows that have it, although missing values are costly."""

    draws = generator(10)
    there = draws.random(800) < 0.6
    value = draws.random(800)
    table = {"a": np.where(there, value, np.nan), "b": draws.random(800)}
    outcome = 5.0 * there + draws.normal(size=800)
    assert drivers(table, outcome, draws).named == ()
    found = drivers(table, outcome + np.where(there, 3.0 * value, 0.0), draws)
    assert found.named == ("a",)
    assert found.effects[0].shape == "rising"


def test_a_constant_parameter_has_no_effect() -> None:
    """It has no best value, and does not affect the other parameters."""

    table, outcome = planted(300)
    found = drivers({**table, "fixed": np.full(300, 7.0)}, outcome, generator())
    fixed = next(effect for effect in found.effects if effect.name == "fixed")
    assert (fixed.shape, fixed.best, fixed.share, fixed.p_value, fixed.drives) == ("constant", None, 0.0, 1.0, False)
    assert set(found.named) == {"p0", "p1"}


def test_an_outcome_without_noise_is_explained() -> None:
    """The rounding errors of its residuals are not taken for a finding."""

    table = tries(400)
    found = drivers(table, 3.0 * table["p1"] + 2.0, generator())
    assert found.named == ("p1",)
    assert found.explained == pytest.approx(1.0)
    constant = drivers(table, np.full(400, 0.1), generator())
    assert (constant.verdict, constant.named) == ("none found", ())


def test_the_effect_of_a_string_is_found() -> None:
    """The best level is reported."""

    draws = generator(11)
    preset = draws.choice(["fast", "fine", "plain"], 300)
    found = drivers(
        {"preset": preset, "n": draws.random(300)}, (preset == "fine") + 0.5 * draws.normal(size=300), draws
    )
    assert found.named == ("preset",)
    assert (found.effects[0].shape, found.effects[0].best) == ("levels", "fine")
    assert math.isnan(found.effects[0].rank_correlation)


def test_too_few_rows_are_not_enough() -> None:
    """Fewer than 40 rows, too many parameters and empty tables are not enough."""

    table, outcome = planted(39)
    assert drivers(table, outcome, generator()).verdict == "not enough data"
    assert drivers(tries(60, count=30), np.arange(60.0), generator()).verdict == "not enough data"
    assert drivers({}, [], generator()).verdict == "not enough data"
    assert drivers(table, np.full(39, np.nan), generator()).left_out == 39


def test_rows_without_an_outcome_are_counted() -> None:
    """Columns of another length are refused."""

    table, outcome = planted(300)
    outcome[::10] = np.nan
    found = drivers(table, outcome, generator())
    assert (found.rows, found.left_out) == (270, 30)
    with pytest.raises(ValueError, match="300 rows of parameters but 299 outcomes"):
        drivers(table, outcome[1:], generator())


def test_the_same_seed_gives_the_same_result() -> None:
    """Another seed gives another p-value."""

    table, outcome = tries(200), generator(12).normal(size=200)
    first, again, other = (drivers(table, outcome, generator(seed)) for seed in (1, 1, 2))
    assert repr(first) == repr(again)
    assert [e.p_value for e in first.effects] != [e.p_value for e in other.effects]


def test_a_large_table_is_sampled() -> None:
    """10000 of 40000 rows are drawn, and give the same findings."""

    table, outcome = planted(40_000)
    found = drivers(table, outcome, generator(), flips=199)
    assert (found.rows, set(found.named)) == (10_000, {"p0", "p1"})

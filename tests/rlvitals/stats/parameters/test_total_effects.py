"""Total effects of parameters, with intervals."""

import numpy as np
import pytest

from rlvitals.stats.parameters.total_effects import TotalEffect, total_effects

Table = dict[str, np.ndarray]


def effects(table: Table, outcome: np.ndarray, **options: object) -> dict[str, TotalEffect]:
    found = total_effects(table, outcome, np.random.default_rng(1), **options)  # type: ignore[arg-type]
    return {effect.name: effect for effect in found}


def made(rows: int = 2000, seed: int = 0) -> tuple[Table, np.ndarray]:
    draws = np.random.default_rng(seed)
    return {name: draws.random(rows) for name in "abcd"}, draws.normal(size=rows)


def test_a_share_is_that_of_an_analysis_of_variance() -> None:
    """Two independent effects of equal variance and noise of the same variance explain a third each."""

    table, noise = made(8000)
    found = effects(table, (table["a"] + table["b"]) * np.sqrt(12.0) + noise)
    assert found["a"].share == pytest.approx(1 / 3, abs=0.03)
    assert found["b"].share == pytest.approx(1 / 3, abs=0.03)
    assert found["a"].low < 1 / 3 < found["a"].high


def test_a_parameter_without_effect_is_negligible() -> None:
    """The upper end of its interval is below two per cent."""

    table, noise = made()
    found = effects(table, 3.0 * table["a"] + noise)
    assert {name: effect.verdict for name, effect in found.items()} == {
        "a": "effect", "b": "negligible", "c": "negligible", "d": "negligible",
    }  # fmt: skip


def test_an_effect_in_a_pair_only_counts() -> None:
    """A parameter that matters only together with another one is not negligible."""

    table, noise = made()
    found = effects(table, 12.0 * (table["a"] - 0.5) * (table["b"] - 0.5) + noise)
    assert found["a"].verdict == found["b"].verdict == "effect"
    assert found["c"].verdict == "negligible"


def test_one_of_two_parameters_in_step_is_needed() -> None:
    """Two copies can replace each other, so at most one of them is negligible."""

    table, noise = made()
    table["b"] = table["a"].copy()
    found = effects(table, 3.0 * table["a"] + noise)
    assert sum(found[name].verdict == "negligible" for name in "ab") <= 1


def test_a_parameter_that_hardly_varied_is_not_judged() -> None:
    """A narrow spread within known bounds does not show that there is no effect."""

    table, noise = made()
    table["b"] = 0.5 + 0.01 * table["b"]
    found = effects(table, 3.0 * table["a"] + noise, bounds={"b": (0.0, 1.0)})
    assert found["b"].verdict == "hardly varied"
    assert found["b"].spread == pytest.approx(0.01 / np.sqrt(12.0), rel=0.1)


def test_few_rows_show_nothing() -> None:
    """Without rows for pairs no parameter is negligible, and below that there is not enough data."""

    table, noise = made(90)
    assert {effect.verdict for effect in effects(table, noise).values()} <= {"not shown", "effect"}
    table, noise = made(20)
    assert {effect.verdict for effect in effects(table, noise).values()} == {"not enough data"}


def test_rows_of_an_item_are_compared_with_each_other() -> None:
    """The level of an item is not noise if the item is the category."""

    table, noise = made(4000)
    item = np.repeat(np.arange(1000), 4)
    outcome = table["a"] + 20.0 * np.random.default_rng(3).normal(size=1000)[item] + 0.01 * noise
    assert effects(table, outcome, category=item, window=4)["a"].share > 0.7


def test_texts_and_flags_have_effects() -> None:
    """A text parameter has a spread and an effect like a number."""

    table, noise = made()
    mode = np.random.default_rng(5).choice(["x", "y", "z"], noise.size)
    found = effects({**table, "mode": mode}, np.where(mode == "x", 2.0, 0.0) + noise)
    assert found["mode"].verdict == "effect"
    assert found["mode"].spread == pytest.approx(np.sqrt(1 / 3), abs=0.01)


def test_increasing_transformations_change_nothing() -> None:
    """Ranks make the shares independent of the scale of the outcome."""

    table, noise = made()
    outcome = table["a"] + noise
    assert effects(table, outcome) == effects(table, np.exp(outcome))


def test_columns_of_different_length_are_refused() -> None:
    """Each parameter has one value for each outcome."""

    with pytest.raises(ValueError, match="3 rows of parameters but 2 outcomes"):
        effects({"a": np.zeros(3)}, np.zeros(2))

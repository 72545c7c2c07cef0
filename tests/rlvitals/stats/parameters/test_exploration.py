"""Complete analysis of parameters."""

import numpy as np
import pytest

from rlvitals.stats.parameters.exploration import explore


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_planted_findings_are_reported() -> None:
    """Drivers and best region differ by category as planted, and the pinned and the narrowing parameter are found."""

    rows = 2000
    draws = generator()
    category = draws.choice(["simple", "text"], rows)
    table = {
        "speckle": draws.integers(0, 17, rows),
        "corner": draws.random(rows),
        "splice": np.clip(draws.normal(0.9, 0.2, rows), 0.0, 1.0),
        "length": 0.5 + draws.uniform(-0.5, 0.5, rows) * np.linspace(1.0, 0.2, rows),
    }
    peak = np.where(category == "simple", 0.2, 0.8)
    reward = -4.0 * (table["corner"] - peak) ** 2 + 0.2 * draws.normal(size=rows)
    quality = reward + 0.05 * table["speckle"]
    found = explore(
        table, {"reward": reward, "quality": quality}, generator(1), category=category, bounds={"splice": (0.0, 1.0)}
    )
    assert found.rows == rows
    assert found.pinned == ("splice",)
    assert {n.name for n in found.narrowing if n.verdict == "narrowing"} == {"length"}
    assert [(f.outcome, f.category) for f in found.findings] == [
        (outcome, group) for outcome in ("reward", "quality") for group in (None, *_by_size(category))
    ]
    regions = {(f.outcome, f.category): f.region for f in found.findings}
    assert regions["reward", "simple"].where["corner"][1] < 0.5 < regions["reward", "text"].where["corner"][0]
    names = {(f.outcome, f.category): f.drivers.named for f in found.findings}
    assert names["reward", "simple"] == names["reward", "text"] == ("corner",)
    assert set(names["quality", "text"]) == {"corner", "speckle"}


def _by_size(category: object) -> list[str]:
    values, counts = np.unique(np.asarray(category), return_counts=True)
    return [str(values[at]) for at in np.argsort(-counts, kind="stable")]


def test_a_small_category_is_not_analysed_separately() -> None:
    """A single category is not either, because it is the whole table."""

    draws = generator()
    table = {"a": draws.random(200)}
    few = explore(table, {"r": draws.random(200)}, generator(), category=["x"] * 170 + ["y"] * 30)
    assert [f.category for f in few.findings] == [None, "x"]
    one = explore(table, {"r": draws.random(200)}, generator(), category=["x"] * 200)
    assert [f.category for f in one.findings] == [None]


def test_findings_share_the_significance_level() -> None:
    """At most 2 of 12 noise tables with two outcomes and three categories have a finding."""

    def named(seed: int) -> bool:
        draws = generator(seed)
        table = {"a": draws.random(240), "b": draws.integers(0, 5, 240)}
        outcomes = {"reward": draws.normal(size=240), "quality": draws.exponential(size=240)}
        found = explore(table, outcomes, draws, category=draws.choice(["x", "y", "z"], 240))
        return any(f.drivers.named or "better" in (f.region.verdict, f.combination.verdict) for f in found.findings)

    assert sum(named(seed) for seed in range(12)) <= 2


def test_an_empty_table_has_no_findings() -> None:
    """No rows, no parameters and no outcomes are accepted."""

    empty = explore({}, {}, generator())
    assert (empty.rows, empty.findings, empty.pinned) == (0, (), ())
    assert explore({"a": []}, {"r": []}, generator()).findings[0].drivers.verdict == "not enough data"


def test_columns_of_another_length_are_refused() -> None:
    """The message names the column."""

    with pytest.raises(ValueError, match="3 rows of parameters but 2 of 'reward'"):
        explore({"a": [1, 2, 3]}, {"reward": [1, 2]}, generator())
    with pytest.raises(ValueError, match="but 1 of 'category'"):
        explore({"a": [1, 2, 3]}, {}, generator(), category=["x"])


def test_the_same_seed_gives_the_same_result() -> None:
    """All digits are equal."""

    draws = generator()
    table, outcome = {"a": draws.random(200)}, {"r": draws.random(200)}
    assert repr(explore(table, outcome, generator(1))) == repr(explore(table, outcome, generator(1)))

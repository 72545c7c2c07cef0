"""Search for a box of parameters."""

import numpy as np
import pytest

from rlvitals.stats.parameters.parameter_columns import parameter_column, tried_columns
from rlvitals.stats.parameters.prim import Limit, inside, peeled, said, surely


def test_a_planted_box_is_found() -> None:
    """The range and the level are found, and at most four parameters without effect are limited in ten tables."""

    limited = 0
    for seed in range(10):
        draws = np.random.default_rng(seed)
        table = {"a": draws.random(1000), "t": draws.choice(["x", "y", "z"], 1000), "noise": draws.random(1000)}
        good = (table["a"] > 0.4) & (table["a"] < 0.7) & (table["t"] == "y")
        columns = tried_columns(table)
        box = peeled(columns, good + 0.5 * draws.normal(size=1000), 50)
        words = said(box, columns, inside(box, columns))
        assert words["a"] == pytest.approx((0.4, 0.7), abs=0.12)
        assert words["t"] == ("y",)
        limited += "noise" in words
    assert limited <= 4


def test_the_box_contains_enough_rows() -> None:
    """It contains the minimum number of rows even if a smaller corner is better."""

    draws = np.random.default_rng(1)
    columns = tried_columns({"a": draws.random(500)})
    box = peeled(columns, columns[0].values, 60)
    assert 60 <= np.count_nonzero(inside(box, columns)) <= 70


def test_without_variation_there_is_no_box() -> None:
    """A constant outcome, a constant parameter and a missing parameter give no box."""

    draws = np.random.default_rng(2)
    assert peeled(tried_columns({"a": draws.random(100)}), np.ones(100), 20) == {}
    nothing = tried_columns({"a": np.ones(100), "b": [None] * 100})
    assert peeled(nothing, draws.normal(size=100), 20) == {}


def test_a_limit_includes_its_ends() -> None:
    """Missing values and barred levels are not allowed."""

    assert Limit(1.0, 3.0).allows(parameter_column("p", [0, 1, 2, 3, 4, None])).tolist() == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert Limit(barred=frozenset({0})).allows(parameter_column("p", ["x", "y", None])).tolist() == [False, True, False]


def test_the_lower_limit_is_below_the_mean() -> None:
    """It is 1.645 standard errors below, and -infinity for one value."""

    assert surely(np.array([1.0, 3.0])) == pytest.approx(2.0 - 1.645 * np.sqrt(2.0) / np.sqrt(2.0))
    assert surely(np.array([5.0])) == -np.inf

"""Tests of recent levels."""

import math

import numpy as np
import pytest

from rlvitals.records import Episode
from rlvitals.records.objectives import Objective
from rlvitals.summary.levels import Level, level_text, levels_of

SIZE = Objective("size", "lower")


def episodes(*rewards: float, success: dict[int, bool] | None = None) -> list[Episode]:
    outcomes = success or {}
    return [
        Episode(time=float(at), episode=at, reward=reward, length=10 + at, success=outcomes.get(at))
        for at, reward in enumerate(rewards)
    ]


def test_a_mean_ignores_and_counts_non_finite_values() -> None:
    """A mean ignores and counts the non-finite values in its window."""
    rewards = [math.inf, *[5.0] * 20, *[1.0] * 97, math.nan, math.inf, -math.inf]
    level = levels_of(episodes(*rewards))["reward"]

    assert (level.mean, level.not_finite, level.reported, level.window) == (1.0, 3, 100, 100)


def test_without_finite_values_there_is_no_mean() -> None:
    """Without a finite value there is no mean, rather than NaN."""
    level = levels_of(episodes(math.nan, math.nan))["reward"]

    assert (level.mean, level.low, level.not_finite) == (None, None, 2)


def test_a_rate_is_over_reporting_episodes() -> None:
    """A success rate is over the last 100 episodes, not over the last 100 reports."""
    outcomes = {10: True, 120: True, 125: False, 130: True, 149: True}
    level = levels_of(episodes(*[0.0] * 150, success=outcomes))["success"]

    assert (level.mean, level.reported, level.window) == (0.75, 4, 100)


def test_an_unreported_quantity_has_no_level() -> None:
    """A quantity that was not reported has no level."""
    assert set(levels_of(episodes(1.0, 2.0))) == {"reward", "length"}


def test_the_first_episodes_have_the_same_rule() -> None:
    """The first level is the mean of the finite values in the first 100 episodes."""
    columns = episodes(math.nan, *[3.0] * 99, *[7.0] * 100)
    level = levels_of(columns, columns)["reward"]

    assert (level.first, level.mean, level.not_finite) == (3.0, 7.0, 0)


@pytest.mark.parametrize(("count", "first_window"), [(30, 0), (100, 0), (150, 50), (250, 100)])
def test_the_first_and_last_episodes_do_not_overlap(count: int, first_window: int) -> None:
    """With fewer than 200 episodes, the first level has those that are not among the last 100."""
    records = episodes(*[1.0] * first_window, *[2.0] * (count - first_window))
    level = levels_of(records[-100:], records[:100], total=count)["reward"]

    assert level.first_window == first_window
    assert level.first == (1.0 if first_window else None)


def test_intervals_can_be_left_out() -> None:
    """Levels can be computed without intervals."""
    columns = episodes(*np.random.default_rng(1).normal(size=100).tolist())
    with_interval, without = levels_of(columns)["reward"], levels_of(columns, intervals=False)["reward"]

    assert with_interval.low is not None
    assert (without.low, without.mean) == (None, with_interval.mean)


@pytest.mark.parametrize(
    ("name", "level", "text"),
    [
        ("reward", Level(0.99971, None, None, None, 1, 100, 100), "0.9997 (1 non-finite)"),
        ("reward", Level(None, None, None, None, 7, 7, 7), "- (7 non-finite)"),
        ("success", Level(0.5, None, None, None, 0, 12, 100), "50 % of 12"),
        ("success", Level(0.5, None, None, None, 0, 100, 100), "50 %"),
        ("length", Level(1234.6, None, None, None, 0, 100, 100), "1,235"),
    ],
)
def test_a_level_shows_what_it_ignores(name: str, level: Level, text: str) -> None:
    """The text of a level shows the ignored values, and for a rate how many episodes reported it."""
    assert level_text(name, level) == text


def sized(*sizes: float | None) -> list[Episode]:
    return [
        Episode(time=0.0, episode=at, reward=0.0, length=1, extra=None if size is None else {"size": size})
        for at, size in enumerate(sizes)
    ]


def test_a_custom_objective_has_a_median() -> None:
    """One large size does not change the level of the others, and missing values are counted."""
    found = levels_of(sized(*[100.0] * 20, None, 1e9, *[100.0] * 20), sized(7.0, 9.0), total=150, objectives=[SIZE])[
        "size"
    ]

    assert (found.center, found.average, found.first, found.reported) == (100.0, "median", 8.0, 41)
    assert (found.low, found.high) == (100.0, 100.0)
    assert level_text("size", found) == "100"


def test_columns_and_records_give_the_same_level_of_an_objective() -> None:
    """Columns have the name of the objective."""
    sizes = np.random.default_rng(0).lognormal(size=150)
    columns = {"reward": np.ma.zeros(150), "size": np.ma.asarray(sizes)}

    from_columns, from_records = (
        levels_of(one, objectives=[SIZE])["size"] for one in (columns, sized(*sizes.tolist()))
    )
    assert from_columns == from_records


def test_other_quantities_have_a_mean() -> None:
    """Only custom objectives have a median."""
    assert (found := levels_of(episodes(1.0, 5.0, 9.0))["reward"]).median is None
    assert (found.center, found.average) == (5.0, "mean")

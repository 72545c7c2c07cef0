"""Progress of a search: what recent attempts gain, and what better parameters would gain."""

import numpy as np
import pytest

from rlvitals.stats.parameters.search_progress import SearchProgress, search_progress

ROWS = 2000


def searched(away: np.ndarray, *, best: float = 0.5, seed: int = 0) -> SearchProgress:
    """Return the progress of a search of three parameters.

    Args:
        away: Distance of the first parameter from its optimum in each row.
        best: Optimum of the first parameter. That of the others is 0.5.
        seed: Random seed.
    """
    draws = np.random.default_rng(seed)
    table = {name: np.clip(0.5 + 0.2 * draws.normal(size=ROWS), 0.0, 1.0) for name in "abc"}
    table["a"] = np.clip(best + away + 0.2 * draws.normal(size=ROWS), 0.0, 1.0)
    loss = (table["a"] - best) ** 2 + (table["b"] - 0.5) ** 2 + (table["c"] - 0.5) ** 2
    item = np.arange(ROWS) // 4
    reward = -2.0 * loss + 0.05 * draws.normal(size=ROWS) + draws.normal(size=ROWS)[item]
    bounds = dict.fromkeys(table, (0.0, 1.0))
    found = search_progress(table, reward, np.random.default_rng(1), items=item, bounds=bounds)
    assert found is not None
    return found


def test_around_the_optimum_nothing_can_be_gained() -> None:
    """However wide the search is, no move from its centre promises more."""

    found = searched(np.zeros(ROWS))
    assert found.gain.high < 0.1
    assert found.later.low < 0.5 < found.later.high
    assert found.spread == pytest.approx(0.2, abs=0.02)


def test_away_from_the_optimum_a_move_promises_more() -> None:
    """One parameter off its optimum is enough."""

    assert searched(np.full(ROWS, 0.3)).gain.low > 0.3


def test_an_optimum_at_a_bound_is_reached() -> None:
    """No move beyond the bound is promised, although the outcome improves towards it."""

    assert searched(np.zeros(ROWS), best=0.0).gain.high < 0.2


def test_an_improving_search_has_better_recent_rows() -> None:
    """Recent rows beat earlier ones while the search approaches the optimum."""

    draws = np.random.default_rng(0)
    table = {"a": draws.random(ROWS)}
    found = search_progress(table, np.linspace(0.0, 2.0, ROWS) + draws.normal(size=ROWS), draws)
    assert found is not None
    assert found.later.low > 0.5


def test_an_outcome_without_effects_promises_nothing() -> None:
    """Parameters that do not matter cannot improve the outcome."""

    draws = np.random.default_rng(2)
    found = search_progress({name: draws.random(4000) for name in "abc"}, draws.normal(size=4000), draws)
    assert found is not None
    assert abs(found.gain.estimate) < 0.1


def test_recent_rows_are_compared_within_their_category() -> None:
    """More easy items at the end are no progress."""

    draws = np.random.default_rng(3)
    kind = (draws.random(4000) < np.linspace(0.1, 0.9, 4000)).astype(int)
    found = search_progress({"a": draws.random(4000)}, 5.0 * kind + draws.normal(size=4000), draws, category=kind)
    assert found is not None
    assert found.later.low < 0.5 < found.later.high


def test_few_rows_are_not_judged() -> None:
    """Below 400 rows there is no result."""

    draws = np.random.default_rng(0)
    assert search_progress({"a": draws.random(300)}, draws.random(300), draws) is None

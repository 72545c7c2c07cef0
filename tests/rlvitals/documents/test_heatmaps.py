"""Tests of heat maps."""

from collections.abc import Callable

import numpy as np

from rlvitals import TrainingMonitor, open_run
from rlvitals.documents.heatmaps import heats_of

Monitor = Callable[..., TrainingMonitor]


def drivers(*names: str) -> dict[str, object]:
    effects = [{"name": name, "drives": True, "share": 1.0 / place} for place, name in enumerate(names, 1)]
    return {"findings": [{"outcome": "reward", "category": None, "drivers": {"effects": effects, "interactions": []}}]}


def test_each_cell_is_the_mean_of_its_episodes(monitor: Monitor) -> None:
    """Each cell is the mean of its episodes, and an untried pair has no mean."""
    with monitor() as training:
        for at, (a, b, reward) in enumerate([(1, "x", 1.0), (1, "x", 3.0), (2, "x", 5.0), (2, "y", 7.0)]):
            training.log_episode(at, reward, 1, None, None, None, parameters={"a": a, "b": b})
    (heat,) = heats_of(open_run(training.path), drivers("a", "b"))

    assert (heat.columns, heat.rows) == (("1", "2"), ("x", "y"))
    np.testing.assert_array_equal(heat.means, [[2.0, 5.0], [np.nan, 7.0]])
    assert heat.counts.tolist() == [[2, 1], [0, 1]]


def test_fewer_than_two_parameters_make_no_heat_map(monitor: Monitor) -> None:
    """One parameter with an effect, or none, makes no heat map."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1, None, None, None, parameters={"a": 1})

    assert heats_of(open_run(training.path), drivers("a")) == ()
    assert heats_of(open_run(training.path), drivers()) == ()

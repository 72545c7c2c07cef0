"""Tests of the summary of custom metrics."""

import math
from collections.abc import Callable

from rlvitals import TrainingMonitor
from rlvitals.summary.custom_metrics import CustomMetric, custom_metrics

Monitor = Callable[..., TrainingMonitor]


def test_a_scalar_has_its_last_value_mean_and_extremes(monitor: Monitor) -> None:
    """Non-finite values are counted and ignored, and booleans are 0 or 1."""
    with monitor() as training:
        for step, score in enumerate([1.0, 5.0, math.nan, 3.0]):
            training.log_metrics("my", {"score": score, "done": step > 1}, step=step)
    found = custom_metrics(training.run)

    assert found == {
        "my/done": CustomMetric(values=4, not_finite=0, last=1.0, step=3, mean=0.5, min=0.0, max=1.0),
        "my/score": CustomMetric(values=4, not_finite=1, last=3.0, step=3, mean=3.0, min=1.0, max=5.0),
    }


def test_categories_and_streams_are_separate(monitor: Monitor) -> None:
    """The same name can occur in two categories and in updates."""
    with monitor() as training:
        training.log_metrics("a", {"x": 1.0}, step=1)
        training.log_metrics("b", {"x": 2}, step=2)
        training.log_training_step(3, value_loss=1.0, x=3.0)
    found = custom_metrics(training.run)

    assert {name: one.last for name, one in found.items()} == {"a/x": 1.0, "b/x": 2.0, "updates.extra.x": 3.0}


def test_open_and_sealed_segments_are_summarised_together(monitor: Monitor) -> None:
    """The names can differ in case only, contain quotes, and change between segments."""
    with monitor() as training:
        training.log_metrics("a", {"x": 1, "X": 2.0, 'it\'s "q"': 3.0}, step=1)
    with monitor(resume="must") as training:
        training.log_metrics("a", {"x": 2.5, "new": 4}, step=2)
        training.log_metrics("a", {"x": "a text", "X": 6.0}, step=3)
        training.save_session()
        found = custom_metrics(training.run)

    assert {name: (one.values, one.last, one.step) for name, one in found.items()} == {
        "a/X": (2, 6.0, 3),
        'a/it\'s "q"': (1, 3.0, 1),
        "a/new": (1, 4.0, 2),
        "a/x": (2, 2.5, 2),
    }


def test_more_names_than_typed_columns_are_found(monitor: Monitor) -> None:
    """Further names are in JSON."""
    with monitor() as training:
        for step in range(2):
            training.log_metrics("a", {f"m{number}": number + step for number in range(600)}, step=step)
    found = custom_metrics(training.run)

    assert len(found) == 600
    assert all(one.last == int(name.removeprefix("a/m")) + 1 and one.values == 2 for name, one in found.items())


def test_a_run_without_custom_metrics_has_none(monitor: Monitor) -> None:
    """Metrics with a field are no custom metrics."""
    with monitor() as training:
        training.log_training_step(3, value_loss=1.0)

    assert custom_metrics(training.run) == {}


def test_the_last_value_is_that_with_the_latest_time(monitor: Monitor) -> None:
    """Its step can be lower than those of earlier values, for example after a rewind."""
    with monitor() as training:
        training.log_metrics("a", {"x": 1.0}, step=5)
        training.log_metrics("a", {"x": 2.0}, step=1)
    found = custom_metrics(training.run)["a/x"]

    assert (found.last, found.step) == (2.0, 1)

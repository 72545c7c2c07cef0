"""Calls of a TensorBoard writer."""

from typing import Any

import numpy as np
import PIL.Image
import pytest

from rlvitals import TrainingMonitor
from rlvitals.adapters.summary_calls import SummaryCalls
from rlvitals.adapters.tag_log import TagLog


@pytest.fixture
def calls(monitor: TrainingMonitor) -> SummaryCalls:
    """The calls of the first writer of a run."""
    return SummaryCalls(monitor, TagLog(monitor))


class Figure:
    """A figure with the method of matplotlib's."""

    def savefig(self, file: Any, **options: Any) -> None:
        """Write a picture."""
        PIL.Image.new("RGB", (4, 5)).save(file, **options)


def scalars(monitor: TrainingMonitor) -> list[tuple[int, str, dict[str, Any]]]:
    return [(one.step, one.category, one.values) for one in monitor.run.records("scalars")]


def events(monitor: TrainingMonitor, kind: str) -> list[Any]:
    return [event for event in monitor.run.records("events") if event.kind == kind]


def test_numbers_keep_tag_step_and_time(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    """The extra arguments of PyTorch and tensorboardX are accepted."""
    calls.add_scalar("a/b", 1.0, 5, 7.0, new_style=True)
    calls.add_scalars("c", {"x": 1, "y": 2}, 5)
    calls.flush()

    assert scalars(monitor) == [(5, "a", {"b": 1.0}), (5, "c", {"x": 1.0, "y": 2.0})]
    assert next(monitor.run.records("scalars")).time == 7.0


def test_a_table_of_hyperparameters_becomes_settings(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_text("hyperparameters", "|param|value|\n|-|-|\n|learning_rate|0.1|\n|env_id|CartPole-v1|")

    assert monitor.session.configuration == {"learning_rate": 0.1, "env_id": "CartPole-v1"}


def test_another_text_is_an_event(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_text("remark", "looks good", 5)

    (event,) = events(monitor, "text")
    assert (event.message, event.env_step, event.data["tag"]) == ("looks good", 5, "remark")


def test_hyperparameters_are_settings_and_results(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_hparams({"lr": 0.1}, {"hparam/score": 3.0})
    calls.flush()

    assert monitor.session.configuration == {"lr": 0.1}
    assert scalars(monitor) == [(0, "hparam", {"score": 3.0})]


def test_images_figures_and_videos_are_pictures(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_image("image", np.zeros((3, 4, 5)), 5)
    calls.add_images("images", np.zeros((2, 3, 4, 5)), 5)
    calls.add_figure("figure", Figure(), 5)
    calls.add_video("video", np.zeros((1, 2, 3, 4, 5)), 5)

    found = [(event.data["name"], event.env_step, event.data["file"][-4:]) for event in events(monitor, "image")]
    assert found == [("image", 5, ".png"), ("images", 5, ".png"), ("figure", 5, ".png"), ("video", 5, ".gif")]


def test_a_histogram_becomes_its_quantiles(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_histogram("weights", np.arange(101.0), 5)
    calls.flush()

    ((step, category, values),) = scalars(monitor)
    assert (step, category, values["weights/median"], values["weights/p95"]) == (5, "histograms", 50.0, 95.0)


def test_what_cannot_be_recorded_is_reported_and_not_raised(monitor: TrainingMonitor, calls: SummaryCalls) -> None:
    calls.add_image("image", np.zeros(3), 5)
    calls.add_histogram("weights", "none", 5)
    calls.add_hparams({"a": object}, {})

    assert len(events(monitor, "adapter")) >= 2


def test_a_further_writer_has_its_folder_as_prefix(monitor: TrainingMonitor) -> None:
    calls = SummaryCalls(monitor, TagLog(monitor), prefix="eval/")
    calls.add_scalar("charts/episodic_return", 5.0, 8)
    calls.flush()

    assert [one.reward for one in monitor.run.records("evaluations")] == [5.0]

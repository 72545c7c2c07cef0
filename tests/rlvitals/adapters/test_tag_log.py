"""Live recording of tagged values."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals import TrainingMonitor
from rlvitals.adapters import tag_log
from rlvitals.adapters.tag_log import TagLog
from rlvitals.records import Record


def updates_of(monitor: TrainingMonitor) -> list[Any]:
    return list(monitor.run.records("updates"))


def test_values_of_a_step_are_recorded_when_the_next_step_begins(monitor: TrainingMonitor) -> None:
    tags = TagLog(monitor)
    tags.add("losses/policy_loss", -0.1, 128)
    tags.add("losses/entropy", 0.6, 128)
    tags.add("losses/policy_loss", -0.2, 256)

    (update,) = updates_of(monitor)

    assert (update.step, update.env_step, update.policy_loss, update.entropy) == (128, 128, -0.1, 0.6)


def test_the_end_of_the_run_records_the_last_values(monitor: TrainingMonitor) -> None:
    TagLog(monitor).add("losses/policy_loss", -0.1, 128)
    monitor.close()

    assert len(updates_of(monitor)) == 1


def test_values_are_recorded_after_a_second_without_a_new_one(
    monitor: TrainingMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is killed loses nothing that is older."""
    monkeypatch.setattr(tag_log, "IDLE_S", 0.0)
    recorded = threading.Event()

    class Waiting(TagLog):
        def flush(self) -> None:
            super().flush()
            recorded.set()

    Waiting(monitor).add("losses/policy_loss", -0.1, 128)
    assert recorded.wait(60.0)

    assert len(updates_of(monitor)) == 1


@pytest.mark.parametrize(
    "convert",
    [float, np.float64, np.float32, np.array, torch.tensor, lambda value: torch.tensor([value], requires_grad=True)],
    ids=["float", "float64", "float32", "0-d array", "0-d tensor", "tensor of one element"],
)
def test_every_numeric_type_gives_the_same_record(monitor: TrainingMonitor, convert: Callable[[float], Any]) -> None:
    """The step can be of any type, too."""
    tags = TagLog(monitor)
    tags.add("losses/approx_kl", convert(0.25), np.int64(8), time=5.0)
    tags.flush()
    (update,) = updates_of(monitor)

    assert (update.time, update.step, update.kl_divergence) == (5.0, 8, 0.25)


def test_a_known_environment_step_wins_over_the_step_of_the_program(monitor: TrainingMonitor) -> None:
    """Many programs count updates."""
    tags = TagLog(monitor, env_step=lambda: 4_096)
    tags.add("losses/value_loss", 1.0, 2)
    tags.flush()
    (update,) = updates_of(monitor)

    assert (update.step, update.env_step) == (2, 4_096)


def test_without_a_step_the_values_of_a_tag_are_counted(monitor: TrainingMonitor) -> None:
    """Such a count is not an environment step."""
    tags = TagLog(monitor)
    for value in (1.0, 2.0):
        tags.add("mine/value", value)
    tags.flush()
    found = [(one.step, one.env_step, one.values) for one in monitor.run.records("scalars")]

    assert found == [(0, None, {"value": 1.0}), (1, None, {"value": 2.0})]


def test_a_tag_that_two_loggers_report_is_recorded_once(monitor: TrainingMonitor) -> None:
    """Programs often log to TensorBoard and to W&B."""
    tags = TagLog(monitor)
    for source in ("tensorboard", "wandb"):
        for name in ("return", "length"):
            tags.add(f"charts/episodic_{name}", 5.0, 8, source=source)
    tags.add("only/wandb", 1.0, 8, source="wandb")
    tags.flush()

    assert [episode.reward for episode in monitor.run.records("episodes")] == [5.0]
    assert [one.values for one in monitor.run.records("scalars")] == [{"wandb": 1.0}]


def test_episodes_continue_the_numbers_of_the_run(monitor: TrainingMonitor) -> None:
    monitor.log_episode(6, reward=1.0, length=1)
    tags = TagLog(monitor)
    tags.add("charts/episodic_return", 5.0, 8)
    tags.add("charts/episodic_length", 5, 8)
    tags.flush()

    assert [episode.episode for episode in monitor.run.records("episodes")] == [6, 7]


def test_means_of_several_episodes_are_custom_metrics(monitor: TrainingMonitor) -> None:
    """After a length that is not a whole number, no length of the tag is that of an episode. Nothing is reported."""
    tags = TagLog(monitor)
    for step, length in ((8, 27.43), (16, 20.0)):
        tags.add("charts/episodic_return", 5.5, step)
        tags.add("charts/episodic_length", length, step)
    tags.close()

    assert [(one.env_step, one.values) for one in monitor.run.records("scalars")] == [
        (8, {"episodic_return": 5.5, "episodic_length": 27.43}),
        (16, {"episodic_return": 5.5, "episodic_length": 20.0}),
    ]
    assert list(monitor.run.records("episodes")) == []
    assert [event for event in monitor.run.records("events") if event.kind == "adapter"] == []


def test_a_text_in_a_field_of_numbers_leaves_the_other_values(monitor: TrainingMonitor) -> None:
    tags = TagLog(monitor)
    tags.add("train/learning_rate", "cosine", 8)
    tags.add("train/value_loss", 0.5, 8)
    tags.flush()

    assert [(one.value_loss, one.learning_rate) for one in updates_of(monitor)] == [(0.5, None)]
    assert [one.values for one in monitor.run.records("scalars")] == [{"learning_rate": "cosine"}]


def test_episodes_of_environments_are_not_recorded_again(monitor: TrainingMonitor) -> None:
    tags = TagLog(monitor)
    tags.expect_no_episodes()
    tags.add("charts/episodic_return", 5.0, 8)
    tags.add("charts/episodic_length", 5, 8)
    tags.flush()

    assert list(monitor.run.records("episodes")) == []
    assert [one.values for one in monitor.run.records("scalars")] == [{"episodic_return": 5.0, "episodic_length": 5.0}]


@pytest.mark.parametrize(("value", "step"), [(np.zeros(3), 1), (object(), 1), (1.0, "one"), (1.0, float("nan"))])
def test_a_value_that_is_not_a_number_is_reported_once(monitor: TrainingMonitor, value: Any, step: Any) -> None:
    """The program continues, and other values are recorded."""
    tags = TagLog(monitor)
    for _ in range(2):
        tags.add("mine/bad", value, step)
    tags.add("mine/good", 1.0, 1)
    tags.close()
    events = [event.message for event in monitor.run.records("events") if event.kind == "adapter"]

    assert [one.values for one in monitor.run.records("scalars")] == [{"good": 1.0}]
    assert len(events) == 2
    assert "'mine/bad' could not be recorded" in events[0]
    assert events[1].endswith("2 times")


def test_values_after_the_end_of_the_run_are_ignored(monitor: TrainingMonitor) -> None:
    tags = TagLog(monitor)
    monitor.close()

    tags.add("losses/policy_loss", -0.1, 128)
    tags.flush()

    assert updates_of(monitor) == []


def test_threads_lose_no_value(monitor: TrainingMonitor) -> None:
    tags = TagLog(monitor)

    def log(thread: int) -> None:
        for step in range(200):
            tags.add(f"mine/{thread}", step, step)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tags.flush()
    records: list[Record] = list(monitor.run.records("scalars"))

    values = [(name, value) for one in records for name, value in one.values.items()]  # type: ignore[attr-defined]
    assert sorted(values) == [(str(thread), float(step)) for thread in range(4) for step in range(200)]

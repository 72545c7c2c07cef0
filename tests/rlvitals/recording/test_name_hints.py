"""Hints about metric names that the monitor does not recognise."""

import itertools
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.recording.name_hints import MAX_HINTS, NameHints
from rlvitals.records import PolicyUpdate

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    """Return a function that starts a run."""
    return lambda: TrainingMonitor(tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None))


def hints_of(training: TrainingMonitor) -> list[str]:
    """Return the hints among the events of a run."""
    return [event.message for event in training.run.records("events") if event.code == "metric-name"]


def test_a_misspelled_metric_is_kept_with_one_warning(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    """The warning names the nearest name, in the log and as an event."""
    with caplog.at_level(logging.WARNING, "rlvitals"), monitor() as training:
        updates = [training.log_training_step(step, aprox_kl=0.5) for step in range(3)]

    message = "PolicyUpdate: the name 'aprox_kl' is unknown and is kept as a custom metric. Did you mean 'approx_kl'?"
    assert hints_of(training) == [message]
    assert [record.getMessage() for record in caplog.records] == [f"run: {message}"]
    assert updates[-1].extra == {"aprox_kl": 0.5}


def test_names_of_every_call_are_checked(monitor: Monitor) -> None:
    """Names in episodes, algorithm metrics and evaluations are checked."""
    with monitor() as training:
        training.log_episode(0, 1.0, 10, sucess=True, algorithm_metrics={"entopy": 0.5})
        training.log_evaluation(0, 1.0, std_reward=0.5, rewrd_std=0.5)

    assert [hint.rpartition("mean ")[2] for hint in hints_of(training)] == ["'entropy'?", "'success'?", "'reward_std'?"]


def test_a_known_name_with_a_text_value_gives_a_hint(monitor: Monitor) -> None:
    """The text is kept as a custom metric."""
    with monitor() as training:
        training.log_training_step(1, lr="linear")

    hint = "PolicyUpdate: 'lr' is kept as a custom metric because learning_rate must be a number, got 'linear' (str). "
    assert hints_of(training) == [f"{hint}Log a number."]


def test_custom_metrics_and_known_names_give_no_hint(monitor: Monitor) -> None:
    """A synonym next to its field also gives no hint."""
    with monitor() as training:
        training.log_training_step(1, approx_kl=0.5, kl_divergence=0.25, entropy_coef=0.5, loss_aux=1.0)

    assert hints_of(training) == []


def test_the_number_of_hints_is_bounded() -> None:
    """Generated names cannot flood the log."""
    hints = NameHints()
    letters = itertools.product(*((letter, letter.upper()) for letter in "aprox_kl"))
    names = dict.fromkeys(("".join(some) for some in letters), 1.0)

    assert len(names) > MAX_HINTS
    assert len(list(hints.new(names, PolicyUpdate))) == MAX_HINTS

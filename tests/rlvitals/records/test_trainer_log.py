"""Log entries of Hugging Face trainers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals.errors import RecordError
from rlvitals.records import Evaluation, PolicyUpdate, Record, Scalars
from rlvitals.records.trainer_log import trainer_records


def records(entry: dict[str, Any], **more: Any) -> list[Record]:
    return list(trainer_records(entry, step=5, time=2.0, **more))


def test_an_entry_is_an_update() -> None:
    """Values without a field keep their names, and two names of one field do not replace each other."""
    entry = {"loss": 0.5, "grad_norm": 1.0, "kl": 0.25, "lr": 0.1, "learning_rate": 0.2, "text": "x", "step": 9}

    assert records(entry) == [
        PolicyUpdate(
            time=2.0, step=5, env_step=5, loss=0.5, gradient_norm=1.0, learning_rate=0.1,
            extra={"kl": 0.25, "learning_rate": 0.2},
        )
    ]  # fmt: skip


def test_the_negative_of_a_field_has_the_sign_of_the_field() -> None:
    (update,) = records({"entropy_loss": -0.5})

    assert update == PolicyUpdate(time=2.0, step=5, env_step=5, entropy=0.5)


@pytest.mark.parametrize("convert", [np.float32, torch.tensor, np.array])
def test_numbers_of_every_library_are_recorded(convert: Callable[[float], Any]) -> None:
    assert records({"loss": convert(0.5), "mine": convert(2.0), "several": np.zeros(2)}) == [
        PolicyUpdate(time=2.0, step=5, env_step=5, loss=0.5, extra={"mine": 2.0})
    ]


def test_an_entry_with_eval_is_an_evaluation() -> None:
    """The number of episodes before it is that of the caller."""
    assert records({"eval_reward": 0.5, "eval_runtime": 3.0, "epoch": 1.0}, episode=7) == [
        Evaluation(time=2.0, episode=7, env_step=5, reward=0.5, duration=3.0, extra={"epoch": 1.0})
    ]


def test_the_last_entry_is_a_summary() -> None:
    assert records({"train_runtime": 9.0, "epoch": 1.0}) == [
        Scalars(time=2.0, step=5, env_step=5, category="summary", values={"train_runtime": 9.0, "epoch": 1.0})
    ]


def test_an_entry_without_numbers_is_no_record() -> None:
    assert records({"note": "begins", "step": 5}) == []


def test_the_maker_can_set_the_time() -> None:
    """A monitor makes the records, and a time of `None` means now."""
    made: list[tuple[type[Record], dict[str, Any]]] = []

    def make(kind: type[Record], values: dict[str, Any]) -> Record:
        made.append((kind, values))
        return Scalars(time=1.0, step=0, category="made", values={})

    list(trainer_records({"loss": 0.5}, step=5, make=make))
    assert made == [(PolicyUpdate, {"time": None, "step": 5, "env_step": 5, "loss": 0.5, "extra": None})]


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecordError):
        list(trainer_records({"loss": 0.5}, step=-1, time=2.0))

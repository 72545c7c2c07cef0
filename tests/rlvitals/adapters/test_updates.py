"""Updates: translation of SB3's keys, and observation of an update from inside."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import BaseBuffer

from rlvitals.adapters.updates import FIELD_OF, UpdateWatch, update_fields
from rlvitals.records import PolicyUpdate


class Buffer:
    """Six samples, like a rollout buffer."""

    buffer_size, n_envs = 3, 2

    def get(self, batch_size: int | None = None) -> Iterator[int]:
        yield from range(0, 6, batch_size or 6)


def watch(buffer: Any, broken: list[str] | None = None) -> UpdateWatch:
    kept: BaseBuffer = buffer
    return UpdateWatch(kept, lambda: broken.append("off") if broken is not None else None)


def step() -> None:
    weights = torch.nn.Parameter(torch.zeros(1))
    weights.grad = torch.ones(1)
    torch.nn.utils.clip_grad_norm_([weights], 0.5)


def test_entropy_is_the_negative_of_its_loss() -> None:
    """SB3 logs the negative entropy."""
    assert update_fields({"train/entropy_loss": np.float64(-0.69)}) == {"entropy": 0.69}


def test_an_unknown_key_is_stored_in_extra() -> None:
    """An unknown training key keeps its name, and keys of rollouts are left out."""
    assert update_fields({"train/my_loss": 1.0, "rollout/ep_rew_mean": 2.0}) == {"extra": {"my_loss": 1.0}}


def test_fields_exist() -> None:
    """Every key is translated to a field of an update."""
    assert set(FIELD_OF.values()) <= set(PolicyUpdate.__struct_fields__)


def test_nan_stays_nan() -> None:
    """A NaN loss is kept."""
    assert math.isnan(update_fields({"train/loss": np.float64("nan")})["loss"])


def test_an_update_is_observed() -> None:
    """Two epochs of three minibatches have six norms, and the minibatches are passed on unchanged."""
    buffer = Buffer()
    seen = watch(buffer)
    for _ in range(2):
        for sample in buffer.get(2):
            assert sample in {0, 2, 4}
            step()
    fields = seen.fields()
    seen.remove()

    assert (fields["epochs"], seen.norms()) == (2.0, [1.0] * 6)
    assert vars(buffer) == {}


def test_without_clipping_minibatches_are_counted() -> None:
    """Without clipping there are no norms, and epochs are counted by minibatches."""
    buffer = Buffer()
    seen = watch(buffer)
    list(buffer.get(4))
    fields = seen.fields()

    assert fields["epochs"] == 1.0
    assert "gradient_norm" not in fields


def test_a_loop_that_is_left_early_is_reported() -> None:
    """Only an early end of an epoch is reported, and gradients are no longer watched afterwards."""
    broken: list[str] = []
    buffer = Buffer()
    seen = watch(buffer, broken)
    list(buffer.get(2))
    assert broken == []
    for _ in buffer.get(2):
        break
    step()

    assert (broken, seen.norms()) == (["off"], [])


def test_a_norm_of_nan_is_the_largest() -> None:
    """If one norm is NaN, the largest norm is NaN, whatever its position."""
    seen = watch(Buffer())
    seen.gradients.norms = [torch.tensor(value) for value in (1.0, math.nan, 2.0)]

    assert all(math.isnan(seen.fields()[name]) for name in ("gradient_norm", "gradient_norm_max"))

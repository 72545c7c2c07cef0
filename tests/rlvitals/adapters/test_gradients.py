"""Watching gradient norms."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.nn import utils

from rlvitals.adapters.gradients import GradientWatch

ORIGINAL = utils.clip_grad_norm_


def clip(*gradients: float, limit: float = 1.0) -> list[float]:
    """Clip a gradient like a training loop, and return the clipped gradient."""
    weights = torch.nn.Parameter(torch.zeros(len(gradients)))
    weights.grad = torch.tensor(gradients)
    utils.clip_grad_norm_([weights], limit)
    clipped: list[float] = weights.grad.tolist()
    return clipped


@pytest.fixture(autouse=True)
def _restores() -> Iterator[None]:
    yield
    assert utils.clip_grad_norm_ is ORIGINAL


def test_norms_are_seen_before_clipping() -> None:
    """A gradient of (3, 4) has norm 5 before it is clipped to (0.6, 0.8)."""
    with GradientWatch() as watch:
        left = clip(3.0, 4.0)

    assert watch.values() == [5.0]
    assert left == pytest.approx([0.6, 0.8])


def test_only_calls_inside_the_watch_count() -> None:
    """Calls before, after and between uses of the watch are not counted."""
    watch = GradientWatch()
    for gradient in (1.0, 2.0):
        clip(9.0)
        with watch:
            clip(gradient)
    clip(9.0)

    assert watch.values() == [1.0, 2.0]


def test_an_exception_ends_the_watch() -> None:
    """The original function is restored when an exception leaves the watch."""
    with pytest.raises(KeyError), GradientWatch():
        raise KeyError

    assert utils.clip_grad_norm_ is ORIGINAL


def test_each_thread_sees_its_own() -> None:
    """Concurrent trainings in two threads do not see each other's gradients."""
    meet = threading.Barrier(2)
    seen: dict[float, list[float]] = {}

    def train(size: float) -> None:
        with GradientWatch() as watch:
            for _ in range(20):
                meet.wait(10)
                clip(size)
            seen[size] = watch.values()

    threads = [threading.Thread(target=train, args=(size,)) for size in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {size: [size] * 20 for size in (1.0, 2.0)}


def test_another_replacement_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replacement by other code stays, and a later watch counts each call once."""
    with monkeypatch.context() as patch:
        with GradientWatch():
            ours: Callable[..., Any] = utils.clip_grad_norm_

            def theirs(*args: Any, **kwargs: Any) -> Any:
                return ours(*args, **kwargs)

            patch.setattr(utils, "clip_grad_norm_", theirs)
        assert utils.clip_grad_norm_ is theirs
        with GradientWatch() as later:
            clip(2.0)
        assert later.values() == [2.0]
        patch.undo()
        utils.clip_grad_norm_ = ORIGINAL

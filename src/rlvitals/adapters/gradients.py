"""Norm of each minibatch's gradient, taken from the call that computes it for clipping.

Stable-Baselines3 calls `torch.nn.utils.clip_grad_norm_` and ignores the returned norm before clipping. The call has no
hook, and a second computation would be another pass over the gradients. Therefore the name in `torch.nn.utils` is
replaced while a `GradientWatch` is active, and restored when the last one ends, even after an error. The replacement
calls the original, and each watch sees only calls from its thread.
"""

import functools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import torch
from torch.nn import utils

Clip = Callable[..., torch.Tensor]

_lock = threading.Lock()
_watches: list["GradientWatch"] = []
_replaced: tuple[Clip, Clip] | None = None


class GradientWatch:
    """Context manager that collects the gradient norms of the current thread. Reusable.

    Attributes:
        norms: L2 norm of each gradient before clipping, one per call. Kept as tensors to avoid waiting for a GPU.
    """

    def __init__(self) -> None:
        self.norms: list[torch.Tensor] = []
        self.thread = 0

    def __enter__(self) -> Self:
        global _replaced  # noqa: PLW0603 - state of a name in another module, guarded by the lock
        with _lock:
            self.thread = threading.get_ident()
            _watches.append(self)
            if _replaced is None:
                original = utils.clip_grad_norm_
                _replaced = (original, _watched(original))
                utils.clip_grad_norm_ = _replaced[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _replaced  # noqa: PLW0603 - see `__enter__`
        with _lock:
            _watches.remove(self)
            if not _watches and _replaced is not None:
                original, watched = _replaced
                # If other code has replaced the function since, its replacement stays, and it calls ours without any
                # watch.
                if utils.clip_grad_norm_ is watched:
                    utils.clip_grad_norm_ = original
                _replaced = None

    def values(self) -> list[float]:
        """Return the norms as floats."""
        if not self.norms:
            return []
        values: list[float] = torch.stack([norm.detach().reshape(()) for norm in self.norms]).tolist()
        return values


def _watched(clip: Clip) -> Clip:
    @functools.wraps(clip)
    def clip_grad_norm_(*args: Any, **kwargs: Any) -> torch.Tensor:
        norm = clip(*args, **kwargs)
        # An earlier replacement can still be called by code that wrapped it. It must not count the norm twice.
        if _replaced is not None and _replaced[1] is clip_grad_norm_:
            thread = threading.get_ident()
            for watch in tuple(_watches):
                if watch.thread == thread:
                    watch.norms.append(norm)
        return norm

    return clip_grad_norm_

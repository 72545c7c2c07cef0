"""The norm of each minibatch's gradient, taken from the call that computes it anyway in order to clip it.

Stable-Baselines3 calls `torch.nn.utils.clip_grad_norm_`, which returns the norm before clipping, and drops what it
returns. There is no hook on that call, and computing the norm again would be a second pass over the gradients. So the
name in `torch.nn.utils` is replaced for as long as a `GradientWatch` is active, and put back when the last one ends,
also on an error. Meanwhile every caller gets the original's work; each watch sees the calls of its own thread only.
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
    """Sees the gradient norms of this thread while it is active, as a context manager; may be entered again.

    Attributes:
        norms: The L2 norm of each gradient before clipping, one a call; tensors, so that a GPU is not waited for.
    """

    def __init__(self) -> None:
        self.norms: list[torch.Tensor] = []
        self.thread = 0

    def __enter__(self) -> Self:
        global _replaced  # noqa: PLW0603 - the state of a name in another module, guarded by the lock
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
        global _replaced  # noqa: PLW0603 - likewise
        with _lock:
            _watches.remove(self)
            if not _watches and _replaced is not None:
                original, watched = _replaced
                # Whoever replaced it after us keeps that, and calls through ours, which then sees nobody.
                if utils.clip_grad_norm_ is watched:
                    utils.clip_grad_norm_ = original
                _replaced = None

    def values(self) -> list[float]:
        """The norms as numbers."""
        if not self.norms:
            return []
        values: list[float] = torch.stack([norm.detach().reshape(()) for norm in self.norms]).tolist()
        return values


def _watched(clip: Clip) -> Clip:
    @functools.wraps(clip)
    def clip_grad_norm_(*args: Any, **kwargs: Any) -> torch.Tensor:
        norm = clip(*args, **kwargs)
        # A former replacement, kept alive by somebody who replaced it in turn, must not count a second time.
        if _replaced is not None and _replaced[1] is clip_grad_norm_:
            thread = threading.get_ident()
            for watch in tuple(_watches):
                if watch.thread == thread:
                    watch.norms.append(norm)
        return norm

    return clip_grad_norm_

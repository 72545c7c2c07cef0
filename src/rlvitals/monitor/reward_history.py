"""The rewards of a whole training in bounded memory: means of ever more neighbours."""

import math

import numpy as np
from numpy.typing import NDArray

_MEANS = 480


class RewardHistory:
    """Holds at most 959 means of neighbouring rewards, however many there are. Ignores rewards that are not finite.

    Args:
        rewards: Rewards so far, shape `(n,)`, in time order.
        places: Episode number of each, shape `(n,)`.
    """

    def __init__(self, rewards: NDArray[np.float64], places: NDArray[np.float64]) -> None:
        finite = np.isfinite(rewards)
        self.taken = int(finite.sum())
        self._stride = 1
        while self.taken // self._stride >= 2 * _MEANS:
            self._stride *= 2
        whole = self.taken - self.taken % self._stride
        grouped = [column[finite][:whole].reshape(-1, self._stride) for column in (rewards, places)]
        self._means, self._places = (group.mean(axis=1).tolist() for group in grouped)
        self._pending = list(zip(rewards[finite][whole:].tolist(), places[finite][whole:].tolist(), strict=True))

    def add(self, reward: float, place: float) -> None:
        """Take in the next reward."""
        if not math.isfinite(reward):
            return
        self.taken += 1
        self._pending.append((reward, place))
        if len(self._pending) < self._stride:
            return
        rewards, places = zip(*self._pending, strict=True)
        self._pending.clear()
        self._means.append(sum(rewards) / len(rewards))
        self._places.append(sum(places) / len(places))
        if len(self._means) >= 2 * _MEANS:
            self._means, self._places = _halved(self._means), _halved(self._places)
            self._stride *= 2

    def series(self) -> tuple[list[float], list[float]]:
        """The means, and the place of each."""
        return self._means, self._places


def _halved(values: list[float]) -> list[float]:
    return [0.5 * (one + other) for one, other in zip(values[::2], values[1::2], strict=True)]

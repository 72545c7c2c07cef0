"""Rewards of a whole training run in bounded memory, as means of groups whose size doubles."""

import math

import numpy as np
from numpy.typing import NDArray

_MEANS = 480


class RewardHistory:
    """At most 959 means of consecutive rewards, for any number of rewards. Non-finite rewards are ignored.

    Args:
        rewards: Rewards until now, shape `(n,)`, in time order.
        places: Episode numbers of the rewards, shape `(n,)`.
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
        """Add the next reward.

        Args:
            reward: Episode reward.
            place: Episode number.
        """
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
        """Return the mean rewards, and the mean episode number of each."""
        return self._means, self._places


def _halved(values: list[float]) -> list[float]:
    return [0.5 * (one + other) for one, other in zip(values[::2], values[1::2], strict=True)]

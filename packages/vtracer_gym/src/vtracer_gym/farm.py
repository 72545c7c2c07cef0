"""Processes that make attempts on logos side by side, because VTracer fully uses one core and holds the GIL."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import settings_of
from vtracer_gym.attempts import PreparedLogo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vtracer_gym.baselines import Try
    from vtracer_gym.reward import RewardWeights

_MINE: list[PreparedLogo] = []
"""Logos of this process."""


def start_process(prepared: Sequence[PreparedLogo]) -> None:
    """Prepare a process for attempts on these logos."""
    cv2.setNumThreads(1)
    _MINE[:] = prepared


def _try_all(job: tuple[int, NDArray[np.float64], RewardWeights]) -> list[float]:
    index, actions, weights = job
    prepared = _MINE[index]
    rewards = [weights.reward(prepared.attempt(settings_of(action)), prepared).total for action in actions]
    prepared.release()
    return rewards


@contextmanager
def trying(prepared: Sequence[PreparedLogo], weights: RewardWeights, processes: int) -> Iterator[Try]:
    """Start processes, and yield a function that tries actions on the logos.

    Args:
        prepared: Logos that VTracer can trace with its defaults. Attempts that they already know are not repeated.
        weights: Weights of the reward.
        processes: Number of processes; with 1, attempts are made here.
    """
    if processes == 1:
        start_process(prepared)
        yield lambda pairs: _together(pairs, [_try_all(job) for job in _jobs(pairs, weights)])
        return
    context = multiprocessing.get_context("forkserver")  # a plain fork can deadlock the threads of torch and OpenCV
    with ProcessPoolExecutor(processes, context, start_process, (tuple(prepared),)) as pool:
        yield lambda pairs: _together(pairs, list(pool.map(_try_all, _jobs(pairs, weights))))


def _by_logo(pairs: Sequence[tuple[int, NDArray[np.float64]]]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for place, (logo, _) in enumerate(pairs):
        places.setdefault(logo, []).append(place)
    return places


def _jobs(
    pairs: Sequence[tuple[int, NDArray[np.float64]]], weights: RewardWeights
) -> list[tuple[int, NDArray[np.float64], RewardWeights]]:
    return [
        (logo, np.stack([pairs[place][1] for place in places]), weights) for logo, places in _by_logo(pairs).items()
    ]


def _together(
    pairs: Sequence[tuple[int, NDArray[np.float64]]], rewards: Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    result = np.empty(len(pairs))
    for places, values in zip(_by_logo(pairs).values(), rewards, strict=True):
        result[places] = values
    return result

"""Episodes of algorithms that do not hand their steps to callbacks, from Stable-Baselines3's own buffer."""

import itertools
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from rlvitals.adapters.episodes import Ending, EpisodeLog, FailureLog


class BufferedEpisodes:
    """Records the episodes in `ep_info_buffer`, from which Stable-Baselines3 logs `rollout/ep_rew_mean`.

    ARS and its like evaluate whole candidates between two calls of a callback, or do so in other processes; the buffer
    has the return and length of every episode.

    Args:
        model: The algorithm.
        step: The environment step at which it began.
        log: Takes the episodes.
        failures: Says, once, how they are recorded.
    """

    def __init__(self, model: BaseAlgorithm, step: int, log: EpisodeLog, failures: FailureLog) -> None:
        self._model = model
        self._name = type(model).__name__
        self._step = step
        self._log = log
        self._failures = failures
        self._seen: list[Any] = []
        self._count = 0
        failures.tell(
            f"{self._name} does not hand its steps to callbacks: its episodes are read from ep_info_buffer at the end "
            "of each rollout, with return and length alone."
        )

    def record(self, step: int, *, last: bool = False) -> None:
        """Record what is new in the buffer.

        Args:
            step: Environment steps so far; the episodes lie before, one after the other.
            last: Whether the training ends.
        """
        buffer = list(self._model.ep_info_buffer or ())
        known = {id(one) for one in self._seen}
        fresh = [one for one in buffer if id(one) not in known]
        ends = itertools.accumulate((int(one["l"]) for one in fresh), initial=self._step)
        next(ends)
        for one, end in zip(fresh, ends, strict=True):
            ending = Ending(None, float(one["r"]), int(one["l"]), None, None, {"episode": one})
            self._log.record(ending, min(end, step))
        self._seen, self._step = buffer, step  # kept alive: an id is somebody else's once its object is gone
        self._count += len(fresh)
        if last and not self._count:
            self._failures.tell(
                f"No episode of {self._name} could be recorded: it reports neither steps nor episodes to callbacks. "
                "Wrap its environment with rlvitals.adapters.gymnasium.VitalsWrapper instead.",
                severity="warning",
            )

"""Episodes from Stable-Baselines3's episode buffer, for algorithms that do not pass their steps to callbacks."""

import itertools
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from rlvitals.adapters.episodes import Ending, EpisodeLog, FailureLog


class BufferedEpisodes:
    """Records the episodes in `ep_info_buffer`, from which Stable-Baselines3 logs `rollout/ep_rew_mean`.

    ARS and similar algorithms evaluate whole candidates between two calls of a callback, or in other processes. The
    buffer holds the return and length of every episode.

    Args:
        model: Algorithm that is training.
        step: Environment step at which the training began.
        log: Log that records the episodes.
        failures: Log that reports once how episodes are recorded.
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
            f"{self._name} does not pass its steps to callbacks. Its episodes are read from ep_info_buffer at the end "
            "of each rollout, with only return and length."
        )

    def record(self, step: int, *, last: bool = False) -> None:
        """Record the episodes that are new in the buffer.

        Args:
            step: Environment steps until now. The new episodes ended before this step, one after another.
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
        self._seen, self._step = buffer, step  # kept alive, because the id of a deleted object can be reused
        self._count += len(fresh)
        if last and not self._count:
            self._failures.tell(
                f"No episode of {self._name} was recorded, because it passes neither steps nor episodes to callbacks. "
                "Wrap its environment with rlvitals.adapters.gymnasium.VitalsWrapper instead.",
                severity="warning",
            )

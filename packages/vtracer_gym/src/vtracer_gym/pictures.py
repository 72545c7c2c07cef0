"""Logging of pictures during training: original, VTracer's defaults and the agent's drawing of a few logos."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from vtracer_gym.errors import VtracerGymError
from vtracer_gym.evaluation import agent_attempts
from vtracer_gym.transparency import with_ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rlvitals import TrainingMonitor
    from vtracer_gym.attempts import Attempt
    from vtracer_gym.logos import Logo
    from vtracer_gym.reward import RewardWeights

ORIGINAL: Final = "original"
DEFAULT: Final = "VTracer's defaults"
AGENT: Final = "the agent's drawing"

_LOGGER = logging.getLogger(__name__)


class PictureCallback(BaseCallback):
    """Callback that logs pictures of one logo per type at the start, several times during training, and on request.

    Args:
        monitor: Monitor that stores the pictures.
        logos: Logos to choose from, preferably unseen in training. One of each type is shown.
        weights: Weights of the reward.
        total_steps: Number of environment steps of the training.
        times: Number of times to log pictures after the start.
    """

    def __init__(
        self,
        monitor: TrainingMonitor,
        logos: Sequence[Logo],
        weights: RewardWeights,
        total_steps: int,
        *,
        times: int = 6,
    ) -> None:
        super().__init__()
        self._vitals = monitor
        self._logos = list({logo.category: logo for logo in reversed(logos)}.values())[::-1]
        self._weights = weights
        self._every = max(1, total_steps // times)
        self._next = 0
        self._shown: set[str] = set()

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action of the current policy."""
        action, _ = self.model.predict(observation, deterministic=True)
        return np.asarray(action, np.float32)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._next:
            self._next = self.num_timesteps + self._every
            self.show()

    def show(self) -> None:
        """Log pictures with the current policy, for example with the final one after the training."""
        for logo in list(self._logos):
            try:
                default, tried = agent_attempts(self, logo, 1, self._weights)
            except VtracerGymError as error:
                _LOGGER.warning("cannot log pictures of %s: %s", logo.name, error)
                self._logos.remove(logo)
                continue
            if logo.name not in self._shown:
                self._shown.add(logo.name)
                self._vitals.log_image(ORIGINAL, logo.pixels, group=logo.name, env_step=self.num_timesteps)
                self._log(logo, DEFAULT, default)
            if tried[0].failure is None:
                self._log(logo, AGENT, tried[0])

    def _log(self, logo: Logo, name: str, attempt: Attempt) -> None:
        metrics = {
            "quality": attempt.measures.quality,
            "detail": attempt.measures.detail,
            "svg_bytes": float(attempt.size_bytes),
        }
        svg = attempt.svg if logo.rgba is None else with_ground(attempt.svg, logo.ground)
        self._vitals.log_image(name, svg, group=logo.name, metrics=metrics, env_step=self.num_timesteps)

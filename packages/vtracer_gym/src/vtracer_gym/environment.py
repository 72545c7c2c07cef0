"""Gymnasium environment: one logo per episode, several attempts, rewarded for SVGs that beat VTracer's defaults."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import cv2
import gymnasium
import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS, settings_of
from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.errors import TraceError, VtracerGymError
from vtracer_gym.features import difficulty, logo_features
from vtracer_gym.logos import Logo
from vtracer_gym.observations import OBSERVATION_BOUND, OBSERVATION_NAMES, Observation, described, observed
from vtracer_gym.pipeline import Settings
from vtracer_gym.reward import DEFAULT_WEIGHTS, RewardParts, RewardWeights
from vtracer_gym.samples import sample_logos

DEFAULT_ATTEMPTS: Final = 4

_LOGGER = logging.getLogger(__name__)


class VectorizeEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """Environment for finding the setting of the pipeline for a logo.

    Observation: ``Box(-5, 5, (41,))``, with the names in ``OBSERVATION_NAMES``: features of the logo and of three
    drawings of it (see ``features``), then the best and the last attempt, then the remaining share of attempts. An
    attempt is described by its action, the logarithms of the ratios of bytes and of errors to the first drawing, its
    reward and whether it failed. Before the first attempt, both are the first drawing.

    Action: ``Box(-1, 1, (5,))``, see ``actions.settings_of``.

    Reward: the gain of an attempt minus the gain of the first drawing, at least -2 (see ``reward.RewardWeights``). The
    good fixed setting earns 0. Every attempt is rewarded, not only the best one, so that the agent learns to make a
    good first attempt.

    Episode: one logo and ``attempts`` steps. It ends with termination because the number of attempts is part of the
        task.

    Info after every step: ``logo``, ``logo_size`` (longest side in pixels), ``category``, ``difficulty`` (easy, medium
    or hard), ``parameters``, ``reward_parts``, ``quality``, ``detail``, ``edge_distance``, ``color_error``,
    ``paper_error``, ``svg_bytes``, ``byte_ratio`` (to the defaults), ``failure``. At the end of an episode, these
    describe the best attempt, and there are also ``quality_initial`` (SSIM of the defaults), ``quality_final`` (SSIM of
    the best attempt), ``quality_improvement``, ``default_svg_bytes``, ``is_success`` (whether the best attempt is
    better than the first drawing), ``attempts`` (parameters and results of every attempt) and ``failed_attempts``.

    Args:
        logos: Logos to draw from, by default 40 sample logos of the package. Attempts that prepared logos
            contain are not repeated.
        attempts: Number of steps per episode.
        weights: Weights of the reward.
        in_order: Whether to use the logos in order instead of at random, for evaluation.

    Raises:
        ValueError: There are no logos, or ``attempts`` is less than 1.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it as a plain attribute

    def __init__(
        self,
        logos: Sequence[Logo | PreparedLogo] | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
        weights: RewardWeights = DEFAULT_WEIGHTS,
        in_order: bool = False,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {attempts}")
        chosen = sample_logos(40, np.random.default_rng(0)) if logos is None else tuple(logos)
        if not chosen:
            raise ValueError("an environment needs at least one logo")
        cv2.setNumThreads(1)  # the images are small, and parallel environments run in separate processes
        self.observation_space = gymnasium.spaces.Box(
            -OBSERVATION_BOUND, OBSERVATION_BOUND, (len(OBSERVATION_NAMES),), np.float32
        )
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (DIMENSIONS,), np.float32)
        self._prepared = [logo if isinstance(logo, PreparedLogo) else PreparedLogo(logo) for logo in chosen]
        self._difficulties: dict[PreparedLogo, str] = {}
        self._attempts = attempts
        self._weights = weights
        self._in_order = in_order
        self._queue: list[PreparedLogo] = []
        self._current: PreparedLogo | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode with the next logo. All logos are used once before any is repeated.

        A logo on which VTracer fails even with its defaults is logged and removed.

        Args:
            seed: Seed for the order of the logos.
            options: Ignored.

        Raises:
            VtracerGymError: VTracer fails on every logo.
        """
        super().reset(seed=seed, options=options)
        if seed is not None:
            self._queue = []
        if self._current is not None:
            self._current.release()
        self._current = prepared = self._next_logo()
        if prepared not in self._difficulties:
            self._difficulties[prepared] = difficulty(prepared.logo.pixels)
        self._tried: list[tuple[Attempt, RewardParts]] = []
        self._best = self._last = (prepared.first, RewardParts())
        self._last_seen = self._best_seen = described(prepared.first, 0.0, prepared.first)
        return self._observation(prepared), {"logo": prepared.logo.name, "category": prepared.logo.category}

    def _next_logo(self) -> PreparedLogo:
        while self._prepared:
            if not self._queue:
                order = (
                    range(len(self._prepared)) if self._in_order else self.np_random.permutation(len(self._prepared))
                )
                self._queue = [self._prepared[index] for index in order]
            prepared = self._queue.pop(0)
            try:
                prepared.default  # noqa: B018 - computes the default attempt, or raises
            except TraceError as error:
                _LOGGER.warning("%s; skipping this logo", error)
                self._prepared.remove(prepared)
            else:
                return prepared
        raise VtracerGymError("VTracer fails on every logo, even with its defaults")

    def settings(self, action: NDArray[np.float32]) -> Settings:
        """Return the setting that an action represents."""
        return settings_of(action)

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Make one attempt.

        Raises:
            VtracerGymError: ``reset`` has not been called.
            ValueError: The action has a wrong shape or is non-finite.
        """
        prepared = self._current
        if prepared is None:
            raise VtracerGymError("call reset before step")
        attempt = prepared.attempt(self.settings(action))
        parts = self._weights.reward(attempt, prepared)
        self._last = (attempt, parts)
        self._last_seen = described(attempt, parts.total, prepared.first)
        if not self._tried or parts.total > self._best[1].total:
            self._best, self._best_seen = self._last, self._last_seen
        self._tried.append(self._last)
        over = len(self._tried) >= self._attempts
        return self._observation(prepared), parts.total, over, False, self._info(prepared, over=over)

    @property
    def default(self) -> Attempt:
        """Attempt with VTracer's defaults on the logo of this episode.

        Raises:
            VtracerGymError: ``reset`` has not been called.
        """
        if self._current is None:
            raise VtracerGymError("call reset first")
        return self._current.default

    @property
    def tried(self) -> list[Attempt]:
        """Attempts of this episode in order."""
        return [attempt for attempt, _ in self._tried]

    @property
    def best(self) -> Attempt:
        """Attempt of this episode with the highest reward; before the first attempt, the first drawing."""
        return self._best[0]

    def _observation(self, prepared: PreparedLogo) -> Observation:
        left = 1.0 - len(self._tried) / self._attempts
        return observed(logo_features(prepared), self._best_seen, self._last_seen, left)

    def _info(self, prepared: PreparedLogo, *, over: bool) -> dict[str, Any]:
        attempt, parts = self._best if over else self._last
        logo, default = prepared.logo, prepared.default
        info: dict[str, Any] = {
            "logo": logo.name,
            "logo_size": logo.longest_side,
            "category": logo.category,
            "difficulty": self._difficulties[prepared],
            "parameters": attempt.setting.as_dict(),
            "reward_parts": parts.as_dict(),
            **_results(attempt, default),
            "failure": attempt.failure,
        }
        if over:
            info |= {
                "quality_initial": default.quality,
                "quality_final": attempt.quality,
                "quality_improvement": attempt.quality - default.quality,
                "default_svg_bytes": default.size_bytes,
                "is_success": parts.total > 0.0,
                "attempts": [
                    {
                        "parameters": tried.setting.as_dict(),
                        "reward": earned.total,
                        **_results(tried, default),
                    }
                    for tried, earned in self._tried
                ],
                "failed_attempts": sum(tried.failure is not None for tried, _ in self._tried),
            }
        return info


def _results(attempt: Attempt, default: Attempt) -> dict[str, float]:
    """Return what an attempt came to, by the names under which it is recorded."""
    return {
        **asdict(attempt.measures),
        "svg_bytes": attempt.size_bytes,
        "byte_ratio": attempt.size_bytes / default.size_bytes,
    }

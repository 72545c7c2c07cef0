"""The reward: how much better an attempt is than VTracer's defaults on the same logo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt


@dataclass(frozen=True, slots=True)
class RewardParts:
    """A reward and what it is made of; the parts add up to it.

    Args:
        quality: from the difference of SSIM.
        size: from the ratio of bytes.
        speed: from the ratio of predicted tracing times.
        floor: what was added so that the sum does not fall below the lowest reward.
    """

    quality: float
    size: float
    speed: float
    floor: float

    @property
    def total(self) -> float:
        """The reward."""
        return self.quality + self.size + self.speed + self.floor

    def as_dict(self) -> dict[str, float]:
        """Name to value."""
        return {"quality": self.quality, "size": self.size, "speed": self.speed, "floor": self.floor}


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """How an attempt is weighed against the defaults on the same logo.

    ::

        reward = max(quality * G(Q - Q0) + size * S(ln(B0 / B)) + speed * ln(W0 / W), lowest)
        G(d) = 1 - exp(-d / gain_scale) where d >= 0, else d / gain_scale
        S(r) = r where r >= 0, else growth * r

    with SSIM ``Q``, bytes ``B`` and predicted tracing time ``W`` of the attempt, and ``Q0``, ``B0``, ``W0`` of the
    defaults. The defaults themselves earn exactly 0.

    A gain of quality saturates, and bytes beyond those of the defaults count more: a logo that looks right needs no
    file five times as long to look righter. A loss does not saturate, down to the floor. The floor cuts ruined traces
    off, which would drown everything else in one batch; it is the sum that is cut, so that no number of bytes saved can
    pay for a logo that is gone. Speed is predicted from pixels and curves, not measured: wall time on a shared machine
    varies by more than the parameters change it, and the same seed would not give the same agent.

    Args:
        quality: worth of an unlimited gain of SSIM.
        gain_scale: the gain of SSIM that is worth 63 % of that.
        size: worth of bytes fewer by the factor e.
        growth: how much more bytes beyond the defaults' count than bytes below.
        speed: worth of a time shorter by the factor e.
        lowest: the reward of a failed attempt, and the floor.
    """

    quality: float = 4.0
    gain_scale: float = 0.02
    size: float = 1.0
    growth: float = 3.0
    speed: float = 0.2
    lowest: float = -2.0

    def parts(self, attempt: Attempt, default: Attempt) -> RewardParts:
        """The parts of an attempt's reward, against the defaults on the same logo."""
        if attempt.failure is not None:
            return RewardParts(0.0, 0.0, 0.0, self.lowest)
        gain = (attempt.quality - default.quality) / self.gain_scale
        quality = self.quality * (-math.expm1(-gain) if gain > 0.0 else gain)
        fewer = math.log(default.size_bytes / attempt.size_bytes)
        size = self.size * (fewer if fewer > 0.0 else self.growth * fewer)
        speed = self.speed * math.log(default.work / attempt.work)
        return RewardParts(quality, size, speed, max(0.0, self.lowest - (quality + size + speed)))

    def reward(self, attempt: Attempt, default: Attempt) -> float:
        """The reward of an attempt."""
        return self.parts(attempt, default).total


DEFAULT_WEIGHTS = RewardWeights()

"""Reward of an attempt, relative to VTracer's defaults on the same logo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt


@dataclass(frozen=True, slots=True)
class RewardParts:
    """A reward as the sum of its parts.

    Args:
        quality: Part for the SSIM difference.
        size: Part for the byte ratio.
        speed: Part for the ratio of predicted tracing times.
        floor: Amount that raises the sum to the lowest reward, or 0.
    """

    quality: float
    size: float
    speed: float
    floor: float

    @property
    def total(self) -> float:
        """Total reward."""
        return self.quality + self.size + self.speed + self.floor

    def as_dict(self) -> dict[str, float]:
        """Return the parts by name."""
        return {"quality": self.quality, "size": self.size, "speed": self.speed, "floor": self.floor}


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """Weights that compare an attempt with the defaults on the same logo.

    ::

        reward = max(quality * G(Q - Q0) + size * S(ln(B0 / B)) + speed * ln(W0 / W), lowest)
        G(d) = 1 - exp(-d / gain_scale) if d >= 0, otherwise d / gain_scale
        S(r) = r if r >= 0, otherwise growth * r

    with SSIM ``Q``, bytes ``B`` and predicted tracing time ``W`` of the attempt, and ``Q0``, ``B0``, ``W0`` of the
    defaults. The defaults earn exactly 0.

    A gain in quality saturates, and bytes in excess of the defaults count more, because a small visible improvement
    does not justify a file five times as large. A loss in quality does not saturate. The floor limits the effect of
    ruined traces, which would otherwise dominate a batch. It applies to the sum, so that saved bytes cannot compensate
    for a ruined logo. Speed is predicted from pixels and curves because wall time on a shared machine varies more than
    the parameters change it, and because measured times would make training irreproducible.

    Args:
        quality: Maximum reward for a gain in SSIM.
        gain_scale: Gain in SSIM that earns 63 % of this maximum.
        size: Reward for reducing the bytes by a factor of e.
        growth: Weight of excess bytes relative to saved bytes.
        speed: Reward for reducing the predicted time by a factor of e.
        lowest: Reward of a failed attempt, and lower limit of all rewards.
    """

    quality: float = 4.0
    gain_scale: float = 0.02
    size: float = 1.0
    growth: float = 3.0
    speed: float = 0.2
    lowest: float = -2.0

    def parts(self, attempt: Attempt, default: Attempt) -> RewardParts:
        """Return the parts of an attempt's reward relative to the defaults on the same logo."""
        if attempt.failure is not None:
            return RewardParts(0.0, 0.0, 0.0, self.lowest)
        gain = (attempt.quality - default.quality) / self.gain_scale
        quality = self.quality * (-math.expm1(-gain) if gain > 0.0 else gain)
        fewer = math.log(default.size_bytes / attempt.size_bytes)
        size = self.size * (fewer if fewer > 0.0 else self.growth * fewer)
        speed = self.speed * math.log(default.work / attempt.work)
        return RewardParts(quality, size, speed, max(0.0, self.lowest - (quality + size + speed)))

    def reward(self, attempt: Attempt, default: Attempt) -> float:
        """Return the reward of an attempt."""
        return self.parts(attempt, default).total


DEFAULT_WEIGHTS = RewardWeights()

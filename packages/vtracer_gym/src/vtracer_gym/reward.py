"""Reward of an attempt: its gain over VTracer's defaults on the same logo, beyond that of the first drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt, PreparedLogo

SMALL_ERROR = 0.01
"""Added to the error 1 - SSIM of the defaults before dividing by it, because smaller errors are invisible."""

SMALL_COLOR = 1.0
"""Added to the colour error of the defaults before dividing by it, in 8-bit levels."""

SMALL_DISTANCE = 0.02
"""Added to the edge distance of the defaults before dividing by it, in pixels."""


@dataclass(frozen=True, slots=True)
class RewardParts:
    """A reward as the sum of its parts.

    Args:
        size: Part for the byte ratio.
        quality: Part for the SSIM at the size of the logo.
        detail: Part for the SSIM at twice the size.
        edges: Part for the edge distance.
        colors: Part for the colours of areas.
        paper: Part for the colour of the paper.
        floor: Amount that raises the sum to the lowest reward, or 0; the lowest reward itself for a failed attempt.
    """

    size: float = 0.0
    quality: float = 0.0
    detail: float = 0.0
    edges: float = 0.0
    colors: float = 0.0
    paper: float = 0.0
    floor: float = 0.0

    def __sub__(self, other: RewardParts) -> RewardParts:
        """Return the difference of two rewards, part by part."""
        mine, theirs = self.as_dict(), other.as_dict()
        return RewardParts(**{name: mine[name] - theirs[name] for name in mine})

    @property
    def total(self) -> float:
        """Total reward."""
        return self.size + self.quality + self.detail + self.edges + self.colors + self.paper + self.floor

    def as_dict(self) -> dict[str, float]:
        """Return the parts by name."""
        return {name: getattr(self, name) for name in PART_NAMES}


PART_NAMES: Final = tuple(field.name for field in fields(RewardParts))


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """Weights that compare an attempt with the defaults on the same logo.

    ::

        gain   = size * L(ln(B0 / B)) + quality * L(R(Q)) + detail * L(R(D)) + edges * L(R(E)) + colors * L(R(C))
                 + paper * (p0 - p) / 255
        R(e)   = (e0 - e) / (e0 + small)      share of the defaults' error that is removed
        L(x)   = x if x >= 0, otherwise loss * x
        reward = max(gain of the attempt - gain of the first drawing, lowest)

    with bytes ``B``, SSIM errors ``Q`` and ``D`` (1 - SSIM at the size of the logo and at twice the size), edge
    distance ``E``, colour error ``C`` and paper error ``p`` of the attempt, and ``B0``, ``Q0``, ``D0``, ``E0``, ``C0``
    and ``p0`` of the defaults. The defaults gain exactly 0, and the first drawing earns exactly 0
    unless it failed.

    A part that is worse than the defaults counts ``loss`` times, because nobody accepts a logo that got worse. The
    floor limits the effect of ruined drawings, which would otherwise dominate a batch: how bad they are does not
    matter. It applies to the sum, so that saved bytes cannot compensate for a ruined logo.

    Args:
        size: Reward for reducing the bytes by a factor of e.
        quality: Reward for a drawing without error at the size of the logo.
        detail: Reward for a drawing without error at twice the size.
        edges: Reward for outlines that lie exactly on the logo's edges.
        colors: Reward for areas with exactly the logo's colours.
        paper: Reward for removing a paper error of 255 levels.
        loss: Weight of parts that are worse than the defaults.
        lowest: Reward of a failed attempt, and lower limit of all rewards.
    """

    size: float = 1.0
    quality: float = 3.0
    detail: float = 1.5
    edges: float = 0.5
    colors: float = 1.0
    paper: float = 10.0
    loss: float = 3.0
    lowest: float = -2.0

    def gain(self, attempt: Attempt, default: Attempt) -> RewardParts:
        """Return the parts of an attempt's gain over the defaults on the same logo. A failed attempt gains nothing."""
        if attempt.failure is not None:
            return RewardParts()
        mine, theirs = attempt.measures, default.measures
        size = self.size * self._weighted(math.log(default.size_bytes / attempt.size_bytes))
        quality = self.quality * self._removed(1.0 - mine.quality, 1.0 - theirs.quality, SMALL_ERROR)
        detail = self.detail * self._removed(1.0 - mine.detail, 1.0 - theirs.detail, SMALL_ERROR)
        edges = self.edges * self._removed(mine.edge_distance, theirs.edge_distance, SMALL_DISTANCE)
        colors = self.colors * self._removed(mine.color_error, theirs.color_error, SMALL_COLOR)
        paper = self.paper * (theirs.paper_error - mine.paper_error) / 255.0
        return RewardParts(size, quality, detail, edges, colors, paper)

    def reward(self, attempt: Attempt, prepared: PreparedLogo) -> RewardParts:
        """Return the parts of an attempt's reward: its gain beyond that of the first drawing, at least ``lowest``."""
        if attempt.failure is not None:
            return RewardParts(floor=self.lowest)
        parts = self.gain(attempt, prepared.default) - self.gain(prepared.first, prepared.default)
        return replace(parts, floor=max(0.0, self.lowest - parts.total))

    def _weighted(self, gain: float) -> float:
        return gain if gain >= 0.0 else self.loss * gain

    def _removed(self, error: float, default: float, small: float) -> float:
        return self._weighted((default - error) / (default + small))


DEFAULT_WEIGHTS = RewardWeights()

"""Forecast of when a series reaches a target: an interval, or no forecast."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges, block_means, finite_part
from rlvitals.stats.series.noise import Regression, regress
from rlvitals.stats.series.trend import drawn_in

FEWEST_VALUES = 40
_PACES = (math.inf, 1.0, 0.5, 0.25, 0.125)  # time constants in window lengths; infinite for a straight line
_DRAWS = 4000


class Forecast(NamedTuple):
    """Forecast of when a series reaches a target.

    Attributes:
        status: `reached` (the current level is at the target), `forecast`, or `no forecast`.
        position: Median of the position at which the level meets the target; NaN unless forecast.
        low: Lower end of the prediction interval of the position; NaN unless forecast.
        high: Upper end of the prediction interval of the position; NaN unless forecast.
        chance: Probability, under the fitted curves, that the target is met within the horizon, 0 to 1; NaN if there is
            not enough data.
        horizon: Last position that the forecast considers.
    """

    status: Literal["reached", "forecast", "no forecast"]
    position: float
    low: float
    high: float
    chance: float
    horizon: float


def forecast(
    values: ArrayLike,
    target: float,
    generator: np.random.Generator,
    positions: ArrayLike | None = None,
    *,
    higher_is_better: bool = True,
    confidence: float = 0.9,
) -> Forecast:
    """Forecast when the level of a series will reach a target, if it continues as in its second half.

    The second half is fitted by a straight line and by curves that level off, `a + b (1 - exp(-t / pace))` with paces
    of 1 to 1/8 of the window, each under every noise family (`stats.series.noise`). The curves are weighted by their
    evidence (Hoeting et al. 1999, Bayesian model averaging, Statistical Science 14), and 4000 curves are drawn. The
    interval consists of the positions where they meet the target. It is given only if its upper end is at most one
    further series length ahead. Otherwise there is no forecast. Noise, a plateau below the target, and a distant target
    therefore give no forecast.

    Each tail uses half of its allowed probability, because intervals that are narrow by chance are more likely to be
    reported. A learning curve can deviate from all of these curves (a sudden improvement, a collapse). The interval has
    its nominal coverage only if the future resembles the past.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out.
        target: Target in the units of the values.
        generator: Random generator for the curves; the same state gives the same forecast.
        positions: Position of each value, shape `(n,)`; by default its index.
        higher_is_better: Whether higher values are better; False for a loss, whose level must fall to the target.
        confidence: Two-sided confidence level of the interval, in (0, 1).
    """
    sample = finite_part(values, positions)
    y, x = sample.values, sample.positions
    if y.size < FEWEST_VALUES or not x[-1] > x[y.size // 2]:
        return Forecast("no forecast", math.nan, math.nan, math.nan, math.nan, math.nan)
    sign = 1.0 if higher_is_better else -1.0
    start, span = float(x[y.size // 2]), float(x[-1] - x[y.size // 2])
    horizon = float(x[-1] + (x[-1] - x[0]))
    recent = y[y.size // 2 :]
    center = float(np.median(recent))
    unit = float(np.abs(recent - center).max()) or 1.0
    goal = sign * (target - center) / unit
    edges = block_edges(recent.size)
    heights = drawn_in(sign * block_means((recent - center) / unit, edges))
    where = block_means((x[y.size // 2 :] - start) / span, edges)
    if np.ptp(heights) == 0.0:
        reached = bool(heights[0] >= goal)
        return Forecast("reached" if reached else "no forecast", math.nan, math.nan, math.nan, float(reached), horizon)
    meeting, now = _meetings(heights, where, goal, recent.size, generator)
    if float(np.mean(now >= goal)) >= 0.5:  # noqa: PLR2004 -- more likely reached than not
        return Forecast("reached", math.nan, math.nan, math.nan, 1.0, horizon)
    places = start + span * np.maximum(meeting, 1.0)
    chance = float(np.mean(places <= horizon))
    tail = 0.25 * (1.0 - confidence)
    if chance < 1.0 - tail:
        return Forecast("no forecast", math.nan, math.nan, math.nan, chance, horizon)
    low, middle, high = np.quantile(places, (tail, 0.5, 1.0 - tail), method="inverted_cdf")
    return Forecast("forecast", float(middle), float(low), float(high), chance, horizon)


def _meetings(
    heights: NDArray[np.float64],
    where: NDArray[np.float64],
    goal: float,
    observations: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times at which drawn curves meet the goal, and their levels at the end of the window.

    Times are in window lengths, and infinite for curves that never meet the goal.
    """
    fits: list[tuple[Regression, NDArray[np.float64]]] = []
    for pace in _PACES:
        basis, triangle = np.linalg.qr(np.column_stack([np.ones(where.size), _shape(where, pace)]))
        fits.append((regress(heights, basis, observations), triangle))
    evidence = np.array([fit.evidence for fit, _ in fits])
    chances = np.exp(evidence - evidence.max())
    counts = generator.multinomial(_DRAWS, chances / chances.sum())
    meetings, nows = [], []
    for (fit, triangle), pace, count in zip(fits, _PACES, counts, strict=True):
        if not count:
            continue
        curves = np.asarray(np.linalg.solve(triangle, fit.draws(int(count), generator).T), dtype=np.float64)
        meetings.append(_meets(curves, goal, pace))
        nows.append(curves[0] + curves[1] * float(_shape(np.ones(1), pace)[0]))
    return np.concatenate(meetings), np.concatenate(nows)


def _shape(t: NDArray[np.float64], pace: float) -> NDArray[np.float64]:
    return t if math.isinf(pace) else np.asarray(-np.expm1(-t / pace), dtype=np.float64)


def _meets(curves: NDArray[np.float64], goal: float, pace: float) -> NDArray[np.float64]:
    """Return the first `t >= 1` at which `a + b shape(t)` reaches the goal; infinite if it never does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        level = (goal - curves[0]) / curves[1]
        curved = np.where(level < 1.0, -pace * np.log1p(-np.minimum(level, 1.0)), np.inf)
        times = level if math.isinf(pace) else curved
    there = curves[0] + curves[1] * float(_shape(np.ones(1), pace)[0]) >= goal
    return np.where(there, 1.0, np.where((curves[1] > 0.0) & np.isfinite(times), np.maximum(times, 1.0), np.inf))

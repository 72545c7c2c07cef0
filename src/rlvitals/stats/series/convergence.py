"""Convergence of a series: whether it converged, when, at what level, and how far below its best."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges, block_means, finite_part
from rlvitals.stats.series.change_points import LevelChanges, change_points
from rlvitals.stats.series.intervals import Interval, mean_interval
from rlvitals.stats.series.noise import Mixture
from rlvitals.stats.series.trend import Trend, change_over_span, robust_deviation, trend

Status = Literal["converged", "flat", "improving", "declining", "not enough data"]

FEWEST_VALUES = 20
_SHORTEST_PLATEAU = 0.2  # fraction of the series
_BAND = 2.5  # in standard deviations of a block mean
_DOUBT = 0.05  # significance level of each of the two one-sided tests
_WINDOWS = 8
_GAIN_ERRORS = 5.0  # difference of two means, in standard errors, that chance does not explain
_MOVING = ("improving", "declining")


class Convergence(NamedTuple):
    """Result of the convergence test of a series.

    Attributes:
        status: `converged` (it moved, then reached a plateau), `flat` (it never moved), `improving` or `declining` (it
            is still moving), or `not enough data`.
        since: Start position of the plateau; NaN unless converged or flat.
        level: Mean of the plateau with its confidence interval, in the units of the values. If there is no plateau, the
            mean of the last quarter.
        gain: Level minus the mean of the first eighth (at least five values), same units.
        stability: Robust standard deviation of single values around the level, same units.
        drift: Linear change over the plateau with its confidence interval, same units; NaN unless converged or flat.
        best: Best moving average over an eighth of the series, same units.
        below_best: How much worse the level is than `best`, at least 0, same units. `best` is a maximum over many noisy
            means, so a small distance does not prove a decline.
        regressed: Position of the loss of a better level, from `change_points`; NaN if no loss is detected.
        used: Number of finite values.
        dropped: Number of values left out.
    """

    status: Status
    since: float
    level: Interval
    gain: float
    stability: float
    drift: Interval
    best: float
    below_best: float
    regressed: float
    used: int
    dropped: int

    @property
    def converged(self) -> bool:
        """Whether the series moved and then reached a plateau."""
        return self.status == "converged"


def convergence(
    values: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    tolerance: float = 0.1,
    higher_is_better: bool = True,
    confidence: float = 0.95,
    known_trend: Trend | None = None,
    known_changes: LevelChanges | None = None,
) -> Convergence:
    """Test whether a series has converged, allowing for its noise.

    1. The level is the mean of the last quarter. The settling point is where the block means (at most 48; running
       medians of three) enter the band `level +- max(tolerance * range, 2.5 s)` and stay in it. `s` is the standard
       deviation of a block mean. This is the settling time of control theory with an allowance for noise.
    2. The series moved if it has a trend or a change point as a whole. It also moved if the means of its first eighth
       and its second half differ by five standard errors. The second criterion detects an early rise, which is neither
       a line nor a step.
    3. The series is converged if it moved, at least a fifth of it is after the settling point, and that part is shown
       to be a plateau. On a plateau the linear change is at most `tolerance` times the range of the block means
       (proportionally less for a part shorter than half the series). Two one-sided tests at 5 % must also show that the
       change is less than twice that (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). If the
       test fails, it is repeated for the part from halfway to the last fifth, and for the last fifth. A non-significant
       slope alone does not prove a plateau: a slow climb in noise is not converged, for lack of data.
    4. The series is flat if it did not move and all of it passes the same test, with half the noise standard deviation
       instead of `tolerance` times the range.
    5. Otherwise the status is the trend of the second half, or the trend of the whole series if the second half has
       none. Without either, there is not enough data.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out.
        positions: Position of each value, shape `(n,)`; by default its index.
        tolerance: Largest change over a plateau, as a fraction of the range of the block means.
        higher_is_better: Whether higher values are better; False for a loss.
        confidence: Two-sided confidence level of every interval, in (0, 1).
        known_trend: Trend of the same series, if it is already computed.
        known_changes: Change points of the same series, if they are already computed.
    """
    sample = finite_part(values, positions)
    y, x = sample.values, sample.positions
    nothing = Interval(math.nan, math.nan, math.nan, math.nan, y.size)
    if y.size < FEWEST_VALUES or not x[-1] > x[0]:
        return Convergence(
            status="not enough data",
            since=math.nan,
            level=nothing,
            gain=math.nan,
            stability=math.nan,
            drift=nothing,
            best=math.nan,
            below_best=math.nan,
            regressed=math.nan,
            used=y.size,
            dropped=sample.dropped,
        )
    unit = float(np.abs(y).max()) or 1.0
    changes = known_changes or change_points(y, x, higher_is_better=higher_is_better)
    whole = (known_trend or trend(y, x, higher_is_better=higher_is_better)).verdict
    moved = bool(changes.changes) or whole in _MOVING
    status: Status = "not enough data"
    rest = _resting(y / unit, x, tolerance) if moved or _moved_early(y / unit) else None
    if rest is not None:
        status = "converged"
    elif not moved and (rest := _whole(y / unit, x)) is not None:
        status = "flat"
    else:
        half = trend(y[y.size // 2 :], x[y.size // 2 :], higher_is_better=higher_is_better).verdict
        heading = half if half in _MOVING else whole
        if heading != "stable":
            status = heading
    start = y.size - y.size // 4 if rest is None else rest.start
    plateau = y[start:]
    level = mean_interval(plateau, confidence=confidence)
    means = _running_means(y)
    best = float(means.max() if higher_is_better else means.min())
    return Convergence(
        status=status,
        since=math.nan if rest is None else float(x[start]),
        level=level,
        gain=level.estimate - float(means[0]),
        stability=robust_deviation(plateau - np.median(plateau)),
        drift=nothing if rest is None else _interval(rest.drift, unit, confidence, plateau.size),
        best=best,
        below_best=max(0.0, best - level.estimate if higher_is_better else level.estimate - best),
        regressed=changes.regressed,
        used=y.size,
        dropped=sample.dropped,
    )


class _Rest(NamedTuple):
    start: int
    drift: Mixture


def _moved_early(z: NDArray[np.float64]) -> bool:
    """Return whether the means of the first eighth and the second half differ, allowing for the noise of both.

    The autocorrelation is estimated from the second half only. In the first eighth, a rise would be mistaken for
    autocorrelation.
    """
    first, second = z[: _eighth(z.size)], z[z.size // 2 :]
    level = mean_interval(second)
    if not level.enough:
        return False
    deviation, time = float(second.std()), second.size / level.effective
    error = max(deviation, float(first.std())) * math.sqrt(min(1.0, time / first.size))
    return abs(level.estimate - float(first.mean())) > _GAIN_ERRORS * math.hypot(
        error, deviation / math.sqrt(level.effective)
    )


def _resting(z: NDArray[np.float64], x: NDArray[np.float64], tolerance: float) -> _Rest | None:
    """Return the earliest tested plateau that extends to the end of a series that moved."""
    edges = block_edges(z.size)
    heights = _median_of_three(block_means(z - np.median(z), edges))
    last = heights[-max(3, heights.size // 4) :]
    reach = tolerance * float(np.ptp(heights))
    deviation = max(float(last.std(ddof=1)), robust_deviation(np.diff(heights)) / math.sqrt(2.0))
    outside = np.flatnonzero(np.abs(heights - float(last.mean())) > max(reach, _BAND * deviation))
    settled = int(edges[outside[-1] + 1]) if outside.size else 0
    latest = z.size - max(10, int(_SHORTEST_PLATEAU * z.size))
    if settled > latest:
        return None
    for start in dict.fromkeys((settled, (settled + latest) // 2, latest)):
        drift = _at_rest(z[start:], x[start:], reach * min(1.0, 2.0 * (z.size - start) / z.size))
        if drift is not None:
            return _Rest(start, drift)
    return None


def _whole(z: NDArray[np.float64], x: NDArray[np.float64]) -> _Rest | None:
    drift = _at_rest(z, x, None)
    return None if drift is None else _Rest(0, drift)


def _at_rest(z: NDArray[np.float64], x: NDArray[np.float64], margin: float | None) -> Mixture | None:
    """Return the change over a part of the series if it is a plateau, otherwise None.

    The change must be within the margin (by default half the noise standard deviation). Two one-sided tests must also
    show that it is within twice the margin.
    """
    if not x[-1] > x[0]:
        return None
    if np.all(z == z[0]):
        return Mixture(np.zeros(1), np.full(1, 1e-300), np.ones(1), 1)
    change, noise = change_over_span(z, (x - x[0]) / (x[-1] - x[0]))
    allowed = 0.5 * noise if margin is None else margin
    doubt = max(change.below(-2.0 * allowed), 1.0 - change.below(2.0 * allowed))
    return change if abs(change.mean) <= allowed and doubt <= _DOUBT else None


def _running_means(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the moving averages over an eighth of the series (at least five values), one per possible start."""
    width = _eighth(y.size)
    center = float(np.median(y))
    sums = np.concatenate([[0.0], np.cumsum(y - center)])
    means: NDArray[np.float64] = (sums[width:] - sums[:-width]) / width + center
    return means


def _eighth(count: int) -> int:
    return max(5, count // _WINDOWS)


def _interval(known: Mixture, unit: float, confidence: float, used: int) -> Interval:
    tail = 0.5 * (1.0 - confidence)
    return Interval(known.mean * unit, known.quantile(tail) * unit, known.quantile(1.0 - tail) * unit, math.nan, used)


def _median_of_three(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.concatenate([heights[:1], heights, heights[-1:]])
    medians: NDArray[np.float64] = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return medians

"""Converged or not: since when, at what level, how steady, how far below the best."""

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
_SHORTEST_PLATEAU = 0.2  # of the series
_BAND = 2.5  # standard deviations of a block mean
_DOUBT = 0.05  # each of the two one-sided tests
_WINDOWS = 8
_GAIN_ERRORS = 5.0  # standard errors between two means, which chance does not make
_MOVING = ("improving", "declining")


class Convergence(NamedTuple):
    """Whether a series has come to rest.

    Attributes:
        status: `converged` (it moved, then came to rest), `flat` (it never moved), `improving` or `declining` (it still
            moves), or `not enough data`.
        since: Position from which on it stays around its level; NaN unless converged or flat.
        level: Mean since then (of the last quarter, where it has not come to rest), with its interval, in the units of
            the values.
        gain: Level less the mean of the first eighth (at least five values), same units.
        stability: Robust standard deviation of single values around the level, same units.
        drift: Linear change over the plateau, with its interval; without numbers unless converged or flat.
        best: Best mean of any eighth of the series in a row.
        below_best: How much worse than that the level is; at least 0. The best of many is lucky: a small distance
            proves nothing.
        regressed: Position where a better level was lost, by `change_points`; NaN where none is proven.
        used: Finite values.
        dropped: Values left out.
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
        """Whether it moved and came to rest."""
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
    """Whether a series has come to rest, as far as its noise lets one say so.

    1. The level is the mean of the last quarter. The series settles where its block means (at most 48; running
       medians of three) enter the band `level +- max(tolerance * range, 2.5 s)` for good, `s` the deviation of a block
       mean (the settling time of control theory, with an allowance for noise).
    2. It moved if the whole series has a trend or a change point, or if the means of its first eighth and of its second
       half differ by five standard errors: a rise that ends early is neither a line nor a step.
    3. Converged: it moved; from where it settled at least a fifth of the series is left; and that is proved to be at
       rest: its linear change is at most `tolerance` times the range of the block means (proportionally less if it is
       shorter than half the series), and surely less than twice that on both sides (two one-sided tests at 5 %:
       Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). Half the way and the whole way to the last
       fifth are tried next. Failing to find a slope is no proof of rest: a slow climb in noise is not converged for
       lack of data.
       Flat: it did not move, and the whole is proved to be at rest in the same way, with half the noise in place of
       `tolerance` times the range.
    4. Else the trend of the second half, then that of the whole, says where it goes.

    Args:
        values: The series in time order, shape `(n,)`; values that are not finite are left out.
        positions: Where each stands, shape `(n,)`; its index where none is given.
        tolerance: Share of its gain by which a series at rest may still move.
        higher_is_better: False for a loss.
        confidence: Of every interval, two-sided.
        known_trend: The trend of the same series, if it has been worked out already.
        known_changes: Its change points, likewise.
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
    """Whether the mean of the second half is not that of the first eighth, allowing for the noise of either.

    The autocorrelation is that of the second half: a rise within the first eighth would be taken for it.
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
    """The earliest stretch up to the end that is proved to be at rest, of a series that moved."""
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
    """The change over the stretch, if within the margin (by default half the noise), and surely within twice it."""
    if not x[-1] > x[0]:
        return None
    if np.all(z == z[0]):
        return Mixture(np.zeros(1), np.full(1, 1e-300), np.ones(1), 1)
    change, noise = change_over_span(z, (x - x[0]) / (x[-1] - x[0]))
    allowed = 0.5 * noise if margin is None else margin
    doubt = max(change.below(-2.0 * allowed), 1.0 - change.below(2.0 * allowed))
    return change if abs(change.mean) <= allowed and doubt <= _DOUBT else None


def _running_means(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of an eighth of the series (at least five values), one for each place where it may begin."""
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

"""Statistics of one quantity over a run: distribution, trend, convergence and change points."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from rlvitals.records.metric import Better
from rlvitals.runs.answer import Column
from rlvitals.stats.series.averages import exponential_average, time_exponential_average, windowed_average
from rlvitals.stats.series.change_points import LevelChanges
from rlvitals.stats.series.convergence import Convergence
from rlvitals.stats.series.course import Course, course
from rlvitals.stats.series.description import describe
from rlvitals.stats.series.distribution import distribution, presence
from rlvitals.stats.series.intervals import Interval, mean_interval
from rlvitals.stats.series.quantiles import interquartile_mean, quantiles
from rlvitals.stats.series.relative_course import relative_course
from rlvitals.stats.series.trend import Trend

WINDOW = 100
"""Number of values in the running mean and in the recent level."""
_SMOOTHING = 0.99
_HALF_LIFE_S = 60.0
_LATEST = 10_000
"""Number of last values from which a running average is computed. Earlier values have no weight."""

_NEUTRAL = {"improving": "rising", "declining": "falling"}

Floats = NDArray[np.float64]


class Range(msgspec.Struct, frozen=True):
    """An estimate and its 95 % interval. The ends are `None` without enough data.

    Attributes:
        estimate: The estimate. `None` if there are no values.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    estimate: float | None
    low: float | None
    high: float | None


class Counts(msgspec.Struct, frozen=True):
    """Number of values by kind. Missing values were not reported.

    Attributes:
        total: Number of records.
        finite: Number of finite values.
        nan: Number of NaN values.
        positive_infinity: Number of values that are infinity.
        negative_infinity: Number of values that are negative infinity.
        missing: Number of records without a value.
    """

    total: int
    finite: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    missing: int


class Averages(msgspec.Struct, frozen=True):
    """Running averages at the end of the run.

    Attributes:
        windowed: Mean of the last 100 values.
        exponential: Exponential average with a smoothing of 0.99 per value, corrected for its initial bias.
        by_time: Exponential average with a half-life of one minute.
    """

    windowed: float | None
    exponential: float | None
    by_time: float | None


class TrendEstimate(msgspec.Struct, frozen=True):
    """Trend of a quantity (`rlvitals.stats.series.trend`).

    Attributes:
        verdict: improving, stable, declining or not enough data. Rising or falling if no direction is better.
        slope: Change per value (an episode or an update), with its interval.
        change: Slope times the number of values: the change of the fitted line.
        effect_size: Change in standard deviations of single values. `None` without noise.
    """

    verdict: str
    slope: Range
    change: Range
    effect_size: float | None

    @property
    def is_without_noise(self) -> bool:
        """Whether the quantity changes without noise to compare the change with."""
        return self.effect_size is None and self.change.estimate is not None


class ConvergenceEstimate(msgspec.Struct, frozen=True):
    """Convergence of a quantity (`rlvitals.stats.series.course`). Positions count values from 0.

    Attributes:
        status: converged, flat, improving, declining (rising, falling) or not enough data.
        since: Position from which it stays around its level.
        level: Mean from that position on, otherwise over the last quarter.
        stability: Standard deviation of single values around the level.
        best: Best mean over any eighth of the run.
        below_best: Shortfall of the level from the best mean.
    """

    status: str
    since: int | None
    level: Range
    stability: float | None
    best: float | None
    below_best: float | None


class ChangeEstimate(msgspec.Struct, frozen=True):
    """Change points of the level (`rlvitals.stats.series.change_points`). Positions count values from 0.

    Attributes:
        began: Position of the first improvement.
        peak: Position at which the best level began.
        regressed: Position at which the best level was lost.
        at: Positions of all change points.
    """

    began: int | None
    peak: int | None
    regressed: int | None
    at: list[int]


class Histogram(msgspec.Struct, frozen=True):
    """Number of finite values between consecutive edges.

    Attributes:
        edges: Edges of the bins, one more than there are bins.
        counts: Number of values in each bin.
    """

    edges: list[float]
    counts: list[int]


class Measured(msgspec.Struct, frozen=True):
    """Statistics of one quantity over a run, or over the end of a run.

    Attributes:
        counts: Number of values by kind.
        mean: Mean, with the 95 % interval for a possibly autocorrelated series.
        recent: Mean of the last 100 values, with its interval.
        recent_not_finite: Number of non-finite values among these.
        std: Standard deviation.
        min: Lowest finite value.
        max: Highest finite value.
        median: Median.
        iqm: Interquartile mean.
        quantiles: Quantiles by probability.
        averages: Running averages at the end.
        trend: Trend over all values.
        recent_trend: Trend of the last `recent_values` values.
        recent_values: Size of the last quarter, at least 100 and at most 1,000 values.
        convergence: Convergence.
        change_points: Change points of the level.
        histogram: Histogram of the finite values.
    """

    counts: Counts
    mean: Range
    recent: Range
    recent_not_finite: int
    std: float | None
    min: float | None
    max: float | None
    median: float | None
    iqm: float | None
    quantiles: dict[str, float | None]
    averages: Averages
    trend: TrendEstimate
    recent_trend: TrendEstimate
    recent_values: int
    convergence: ConvergenceEstimate
    change_points: ChangeEstimate
    histogram: Histogram

    @property
    def is_constant(self) -> bool:
        """Whether all values are finite and equal, so that there is no curve to draw."""
        return 0 < self.counts.finite == self.counts.total - self.counts.missing and self.min == self.max


class Spread(msgspec.Struct, frozen=True):
    """Distribution of the finite values of a column, and counts of all values.

    Attributes:
        counts: Number of values by kind.
        iqm: Interquartile mean.
        quantiles: Quantiles by probability.
        averages: Running averages at the end.
    """

    counts: Counts
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    median: float | None
    iqm: float | None
    quantiles: dict[str, float | None]


def spread(column: Column) -> Spread:
    """Describe the distribution of a column of numbers.

    Args:
        column: Values, shape `(n,)`. Missing values are masked.
    """
    absent = np.ma.getmaskarray(column)
    values = np.asarray(column.data, dtype=np.float64)
    finite = values[np.isfinite(values) & ~absent]
    described = describe(finite)
    return Spread(
        counts=Counts(*presence(values, absent)),
        **{name: known(value) for name, value in described.items()},
        iqm=known(interquartile_mean(finite)),
        quantiles={f"{share:g}": known(value) for share, value in quantiles(finite).items()},
    )


def measure(
    column: Column,
    times: Floats,
    better: Better = "higher",
    *,
    recent: int = WINDOW,
    skewed: bool = False,
    found: Course | None = None,
) -> Measured | None:
    """Compute the statistics of one quantity.

    Args:
        column: Values in the order of recording, shape `(n,)`. Missing values are masked.
        times: Time of each value (UTC, seconds), shape `(n,)`.
        better: The better direction, if there is one.
        recent: Number of last rows in the recent level.
        skewed: Whether the values can be skewed, like those of a custom objective. Trend, convergence and change points
            are then measured on logarithms if all values are positive (`stats.series.relative_course`).
        found: Course of the same values, if it has been computed already.

    Returns:
        `None` if the quantity was never reported.
    """
    absent = np.ma.getmaskarray(column)
    said = ~absent
    if not said.any():
        return None
    values = np.asarray(column.data if said.all() else column.data[said], dtype=np.float64)
    when = times if said.all() else times[said]
    spreads, last = spread(column), column[-recent:].compressed().astype(np.float64)
    went = found or (relative_course if skewed else course)(values, higher_is_better=better != "lower")
    return Measured(
        counts=spreads.counts,
        mean=as_range(mean_interval(values)),
        recent=as_range(mean_interval(last)),
        recent_not_finite=int(np.count_nonzero(~np.isfinite(last))),
        std=spreads.std,
        min=spreads.min,
        max=spreads.max,
        median=spreads.median,
        iqm=spreads.iqm,
        quantiles=spreads.quantiles,
        averages=_averages(values[-_LATEST:], when[-_LATEST:]),
        trend=trend_estimate_of(went.trend, better),
        recent_trend=trend_estimate_of(went.recent, better),
        recent_values=went.recent_values,
        convergence=_convergence(went, better),
        change_points=_change_points(went.changes),
        histogram=_histogram(values),
    )


def as_range(interval: Interval) -> Range:
    """Convert an interval. Missing numbers become `None`."""
    return Range(known(interval.estimate), known(interval.low), known(interval.high))


def known(value: float) -> float | None:
    """Return a number, or `None` for NaN."""
    return None if math.isnan(value) else value


def _averages(values: Floats, times: Floats) -> Averages:
    last = (
        windowed_average(values, WINDOW),
        exponential_average(values, _SMOOTHING),
        # while a clock that was set back catches up, no time passes
        time_exponential_average(values, np.fmax.accumulate(times), _HALF_LIFE_S),
    )
    return Averages(*(known(float(average[-1])) for average in last))


def trend_estimate_of(found: Trend, better: Better) -> TrendEstimate:
    """Convert a trend to plain numbers. Its verdict is rising or falling if no direction is better."""
    return TrendEstimate(
        verdict=_NEUTRAL.get(found.verdict, found.verdict) if better is None else found.verdict,
        slope=Range(known(found.slope), known(found.slope_low), known(found.slope_high)),
        change=Range(known(found.change), known(found.change_low), known(found.change_high)),
        effect_size=found.effect_size,
    )


def _convergence(went: Course, better: Better) -> ConvergenceEstimate:
    found: Convergence = went.convergence
    return ConvergenceEstimate(
        status=_NEUTRAL.get(went.status, went.status) if better is None else went.status,
        since=_place(found.since) if went.has_converged else None,
        level=as_range(found.level),
        stability=known(found.stability),
        best=known(found.best),
        below_best=known(found.below_best),
    )


def _change_points(found: LevelChanges) -> ChangeEstimate:
    return ChangeEstimate(
        began=_place(found.started),
        peak=_place(found.peak),
        regressed=_place(found.regressed),
        at=[int(change.position) for change in found.changes],
    )


def _histogram(values: Floats) -> Histogram:
    found = distribution(values)
    return Histogram(found.edges.tolist(), found.counts.tolist())


def _place(position: float) -> int | None:
    return None if math.isnan(position) else int(position)

"""One quantity over a whole run: how it is spread, where it went, and whether it came to rest."""

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
from rlvitals.stats.series.trend import Trend

WINDOW = 100
"""Values in the running mean, and those whose interval is given as the recent level."""
_SMOOTHING = 0.99
_HALF_LIFE_S = 60.0
_LATEST = 10_000
"""Values that a running average is worked out from: those before weigh nothing."""

_NEUTRAL = {"improving": "rising", "declining": "falling"}

Floats = NDArray[np.float64]


class Range(msgspec.Struct, frozen=True):
    """An estimate and its 95 % interval; without ends where there is too little data for one."""

    estimate: float | None
    low: float | None
    high: float | None


class Counts(msgspec.Struct, frozen=True):
    """How many values there are, by kind: missing ones were not said."""

    total: int
    finite: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    missing: int


class Averages(msgspec.Struct, frozen=True):
    """Running averages as they stand at the end.

    Attributes:
        windowed: Mean of the last 100.
        exponential: Smoothing 0.99 a value, its beginning's bias taken out.
        by_time: Half-life of a minute.
    """

    windowed: float | None
    exponential: float | None
    by_time: float | None


class TrendEstimate(msgspec.Struct, frozen=True):
    """Where a quantity is going (`rlvitals.stats.series.trend`).

    Attributes:
        verdict: improving, stable, declining or not enough data; rising and falling where neither is better.
        slope: For one value (an episode, an update), with its interval.
        change: Slope times the length: by how much the fitted line moves.
        effect_size: The change in standard deviations of the noise of single values; `None` where there is no noise.
    """

    verdict: str
    slope: Range
    change: Range
    effect_size: float | None

    @property
    def is_without_noise(self) -> bool:
        """Whether it moves, and there is no noise that the change could be measured in."""
        return self.effect_size is None and self.change.estimate is not None


class ConvergenceEstimate(msgspec.Struct, frozen=True):
    """Whether it converged (`rlvitals.stats.series.course`); positions count values from 0.

    Attributes:
        status: converged, flat, improving, declining (rising, falling) or not enough data.
        since: From where on it stays around its level.
        level: Mean since then (else of the last quarter).
        stability: Spread of single values around the level.
        best: Best mean of any eighth of the run.
        below_best: How much worse the level is than that.
    """

    status: str
    since: int | None
    level: Range
    stability: float | None
    best: float | None
    below_best: float | None


class ChangeEstimate(msgspec.Struct, frozen=True):
    """Where its level changed (`rlvitals.stats.series.change_points`); positions count values from 0.

    Attributes:
        began: Where it first became better.
        peak: Where its best level began.
        regressed: Where that was lost.
        at: Every change.
    """

    began: int | None
    peak: int | None
    regressed: int | None
    at: list[int]


class Histogram(msgspec.Struct, frozen=True):
    """How many finite values are between each edge and the next."""

    edges: list[float]
    counts: list[int]


class Measured(msgspec.Struct, frozen=True):
    """One quantity over a run, or over the end of one.

    Attributes:
        counts: Values by kind.
        mean: With the 95 % interval of a series that may be autocorrelated.
        recent: The same of the last 100.
        recent_not_finite: How many of these are not finite.
        iqm: Mean of the middle half.
        quantiles: By probability.
        trend: Its trend over all of this.
        recent_trend: The trend of its last `recent_values`.
        recent_values: The last quarter, at least 100 and at most 1,000.
        convergence: Whether it converged.
        change_points: Where its level changed.
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
        """Whether all its values are finite and the same, so that there is nothing to draw."""
        return 0 < self.counts.finite == self.counts.total - self.counts.missing and self.min == self.max


class Spread(msgspec.Struct, frozen=True):
    """How the values of a column are spread: those that are finite, and how many are not.

    Attributes:
        counts: Values by kind.
        iqm: Mean of the middle half.
        quantiles: By probability.
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
    """Describe a column of numbers.

    Args:
        column: Its values, shape `(n,)`; what is absent is masked.
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
    found: Course | None = None,
) -> Measured | None:
    """Sum up one quantity.

    Args:
        column: Its values in the order in which they were written, shape `(n,)`; what is absent is masked.
        times: When each was (UTC, seconds), shape `(n,)`.
        better: Which way is better, if one is.
        recent: How many of the last rows the recent level is taken over.
        found: The course of the same values, if it has been worked out already.

    Returns:
        `None` if it was never said.
    """
    absent = np.ma.getmaskarray(column)
    said = ~absent
    if not said.any():
        return None
    values = np.asarray(column.data if said.all() else column.data[said], dtype=np.float64)
    when = times if said.all() else times[said]
    spreads, last = spread(column), column[-recent:].compressed().astype(np.float64)
    went = found or course(values, higher_is_better=better != "lower")
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
    """An interval whose missing numbers are `None`."""
    return Range(known(interval.estimate), known(interval.low), known(interval.high))


def known(value: float) -> float | None:
    """A number that was worked out; `None` where there was nothing to work it out from."""
    return None if math.isnan(value) else value


def _averages(values: Floats, times: Floats) -> Averages:
    last = (
        windowed_average(values, WINDOW),
        exponential_average(values, _SMOOTHING),
        # While a clock that was set back catches up, no time goes by.
        time_exponential_average(values, np.fmax.accumulate(times), _HALF_LIFE_S),
    )
    return Averages(*(known(float(average[-1])) for average in last))


def trend_estimate_of(found: Trend, better: Better) -> TrendEstimate:
    """A trend in plain numbers; rising and falling where neither is better."""
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

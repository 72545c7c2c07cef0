"""Best region or combination of parameters: searched in half of the rows, measured in the other half.

The best of many candidates looks good by chance in the rows in which it was selected (the winner's curse). The search
therefore uses only every other window of rows. The reported values come from the remaining rows (Cox 1975, Biometrika
62).
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters import prim
from rlvitals.stats.parameters.coverage import combination_keys
from rlvitals.stats.parameters.effects import drawn_in
from rlvitals.stats.parameters.neighbour_windows import WINDOW, Windows, window_size, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.series.student_t import student_t_quantile

Verdict = Literal["better", "not shown", "not enough data"]

FEWEST_ROWS = 80
_FEWEST_INSIDE = 20
_SHARE_INSIDE = 0.05
_FEWEST_TRIES = 5
_FEWEST_WINDOWS = 4
_NORMAL_FREEDOM = 10_000


class Best(NamedTuple):
    """Best region or combination, and its advantage.

    Attributes:
        verdict: `better` if the interval of the difference is above zero; `not shown` if it is not, or if the search
            found nothing; or `not enough data`.
        where: For a region, the range of each relevant number (a pair) and the levels of each relevant string. For a
            combination, its values. Empty if the search found nothing.
        mean: Mean outcome there, in the rows not used by the search, in the units of the outcome.
        low: Lower end of the confidence interval of the mean.
        high: Upper end of the confidence interval of the mean.
        elsewhere: Mean outcome of the other rows not used by the search.
        difference: Mean outcome there minus elsewhere, compared among rows of the same window.
        difference_low: Lower end of the confidence interval of the difference.
        difference_high: Upper end of the confidence interval of the difference.
        rows_inside: Number of rows there that the search did not use.
        rows: Number of rows that the search did not use.
    """

    verdict: Verdict
    where: dict[str, Any]
    mean: float
    low: float
    high: float
    elsewhere: float
    difference: float
    difference_low: float
    difference_high: float
    rows_inside: int
    rows: int

    def mirrored(self) -> "Best":
        """Return the result in the units of the outcome, if it was found for the outcome with the opposite sign.

        The difference stays the gain: it is positive if the outcome there is better.
        """
        return self._replace(mean=-self.mean, low=-self.high, high=-self.low, elsewhere=-self.elsewhere)


class _Halves(NamedTuple):
    columns: list[ParameterColumn]
    outcome: NDArray[np.float64]  # in the windows' order
    centred: NDArray[np.float64]  # clipped, minus the mean of its window
    windows: Windows
    window: NDArray[np.int64]  # of each row
    seen: NDArray[np.bool_]  # rows used by the search


def best_region(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    window: int | None = WINDOW,
    confidence: float = 0.95,
    most_rows: int = 10_000,
) -> Best:
    """Find the region of the parameters with the best outcome.

    The search (`stats.parameters.prim`) uses the outcome minus its window's mean, so a region does not seem good only
    because it was visited late. Every region contains at least 20 rows and 5 % of the rows.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcome: Reward or quality, shape `(n,)`; higher is better. Rows with a non-finite outcome are left out.
        generator: Random generator for the rows, if there are more than `most_rows`.
        category: Category of each row, shape `(n,)`. Rows are compared within their category.
        window: Number of rows per window; `None` for rows without an order.
        confidence: Two-sided confidence level of both intervals, in (0, 1).
        most_rows: Maximum number of rows to use.
    """
    halves = _halves(parameters, outcome, generator, category, window, most_rows)
    if halves is None:
        return _nothing("not enough data")
    seen = np.flatnonzero(halves.seen)
    fewest = max(_FEWEST_INSIDE, math.ceil(_SHARE_INSIDE * seen.size))
    box = prim.peeled([column.take(seen) for column in halves.columns], halves.centred[seen], fewest)
    if not box:
        return _nothing("not shown", int(np.count_nonzero(~halves.seen)))
    rows = prim.inside(box, halves.columns)
    return _measured(halves, rows, prim.said(box, halves.columns, rows & halves.seen), confidence)


def best_combination(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    window: int | None = WINDOW,
    confidence: float = 0.95,
    most_rows: int = 10_000,
) -> Best:
    """Find the best combination of values among those tried at least 5 times in the searched rows.

    The chosen combination has the highest lower limit of its mean, `mean - 1.645 s / sqrt(m)`, with a common `s`. A few
    lucky rows therefore do not win against many good ones. If almost no combination was tried twice, use `best_region`
    instead.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcome: Reward or quality, shape `(n,)`; higher is better. Rows with a non-finite outcome are left out.
        generator: Random generator for the rows, if there are more than `most_rows`.
        category: Category of each row, shape `(n,)`. Rows are compared within their category.
        window: Number of rows per window; `None` for rows without an order.
        confidence: Two-sided confidence level of both intervals, in (0, 1).
        most_rows: Maximum number of rows to use.
    """
    halves = _halves(parameters, outcome, generator, category, window, most_rows)
    if halves is None:
        return _nothing("not enough data")
    keys = np.unique(combination_keys(halves.columns), return_inverse=True)[1]
    seen, centred = keys[halves.seen], halves.centred[halves.seen]
    counts = np.bincount(seen, minlength=int(keys.max()) + 1)
    often = np.flatnonzero(counts >= _FEWEST_TRIES)
    if not often.size:
        return _nothing("not enough data", int(np.count_nonzero(~halves.seen)))
    spread = float(centred.std(ddof=1))
    lowest = [prim.surely(centred[seen == key], spread) for key in often]
    rows = keys == often[int(np.argmax(lowest))]
    at = int(np.argmax(rows))
    where = {c.name: c.said(float(c.values[at])) for c in halves.columns if c.present[at]}
    return _measured(halves, rows, where, confidence)


def _halves(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    category: Given | None,
    window: int | None,
    most_rows: int,
) -> _Halves | None:
    columns, response = tried_columns(parameters), np.asarray(outcome, dtype=np.float64).ravel()
    kept = np.isfinite(response)
    count = int(np.count_nonzero(kept))
    if not columns or count < FEWEST_ROWS:
        return None
    groups = None if category is None else tried_columns({"category": category})[0].keys()
    size = window_size(window, count)
    windows = windows_of(groups, kept, size, generator, most_rows)
    if windows.order.size < FEWEST_ROWS:
        return None
    response = response[windows.order]
    number = np.repeat(np.arange(windows.sizes.size), windows.sizes)
    # Without an order, each category is one window. Search every other row rather than every other category.
    units = np.arange(response.size) if size is None else number
    return _Halves(
        columns=[column.take(windows.order) for column in columns],
        outcome=response,
        centred=windows.centred(drawn_in(response)),
        windows=windows,
        window=number,
        seen=units % 2 == 0,
    )


def _measured(halves: _Halves, rows: NDArray[np.bool_], where: dict[str, Any], confidence: float) -> Best:
    """Measure a region or combination in the rows that the search did not use.

    The difference is the least-squares coefficient of the indicator within windows. Its standard error is robust to
    dependence within a window (Liang and Zeger 1986, Biometrika 73). The degrees of freedom are the effective number of
    windows minus one: `(sum a)^2 / sum a^2 - 1`, with `a` each window's sum of squares of the indicator.
    """
    unseen = ~halves.seen
    there, outcome = rows[unseen], halves.outcome[unseen]
    every = np.unique(halves.window[unseen], return_inverse=True)[1]
    found = _nothing("not enough data", outcome.size)._replace(where=where, rows_inside=int(np.count_nonzero(there)))
    if not there.any() or there.all():
        return found
    mean, elsewhere = float(outcome[there].mean()), float(outcome[~there].mean())
    units = np.arange(outcome.size) if np.bincount(every).size < _FEWEST_WINDOWS else every
    indicator = _less_means(there.astype(np.float64), every)
    response = _less_means(outcome, every)
    size = float(indicator @ indicator)
    found = found._replace(mean=mean, elsewhere=elsewhere)
    if not size > 0.0:
        return found
    difference = float(indicator @ response) / size
    inside_error = _error(there * (outcome - mean), there.astype(np.float64), units)
    error = _error(indicator * (response - difference * indicator), indicator**2, units)
    if inside_error is None or error is None:
        return found._replace(difference=difference)
    (spread, freedom), (own_spread, own_freedom) = error, inside_error
    reach = student_t_quantile(0.5 + 0.5 * confidence, freedom) * spread
    own_reach = student_t_quantile(0.5 + 0.5 * confidence, own_freedom) * own_spread
    return found._replace(
        verdict="better" if difference - reach > 0.0 else "not shown",
        low=mean - own_reach,
        high=mean + own_reach,
        difference=difference,
        difference_low=difference - reach,
        difference_high=difference + reach,
    )


def _error(
    scores: NDArray[np.float64], weights: NDArray[np.float64], units: NDArray[np.int64]
) -> tuple[float, int] | None:
    """Return the standard error of `sum scores / sum weights` and its degrees of freedom.

    The result is `None` for too few windows.
    """
    sums, sizes = np.bincount(units, weights=scores), np.bincount(units, weights=weights)
    total = float(sizes.sum())
    effective = total**2 / float(sizes @ sizes)
    if effective < _FEWEST_WINDOWS:
        return None
    contributing = int(np.count_nonzero(sizes))
    return math.sqrt(float(sums @ sums) * contributing / (contributing - 1)) / total, int(
        min(effective - 1.0, _NORMAL_FREEDOM)
    )


def _less_means(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.bincount(groups, weights=values) / np.bincount(groups)
    return values - means[groups]


def _nothing(verdict: Verdict, rows: int = 0) -> Best:
    nan = float("nan")
    return Best(verdict, {}, nan, nan, nan, nan, nan, nan, nan, 0, rows)

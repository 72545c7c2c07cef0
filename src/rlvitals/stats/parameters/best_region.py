"""What works best: a region of the parameters, or one combination, found in half of the rows, measured in the others.

The luckiest of many is always good in the rows in which it was found (the winner's curse). So the search sees every
other window of rows only, and what is said of its find comes from the rows that it has not seen (Cox 1975, Biometrika
62).
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters import prim
from rlvitals.stats.parameters.coverage import combination_keys
from rlvitals.stats.parameters.effects import WINDOW, drawn_in
from rlvitals.stats.parameters.neighbour_windows import Windows, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.series.student_t import student_t_quantile

Verdict = Literal["better", "not shown", "not enough data"]

FEWEST_ROWS = 80
_FEWEST_INSIDE = 20
_SHARE_INSIDE = 0.05
_FEWEST_TRIES = 5
_FEWEST_WINDOWS = 4
_ENOUGH_WINDOWS = 30
_NORMAL_FREEDOM = 10_000


class Best(NamedTuple):
    """What works best, and how much better it is.

    Attributes:
        verdict: `better` if the interval of the difference lies above zero; `not shown` if not, or if nothing stood
            out; `not enough data`.
        where: For a region the range of each parameter that matters (a pair; for texts the levels), for a combination
            its values; empty if nothing stood out.
        mean: Mean outcome there, in the rows that the search has not seen, in the outcome's units.
        low: Lower end of its interval.
        high: Upper end.
        elsewhere: Mean outcome of the other unseen rows.
        difference: How much higher the outcome is there than elsewhere, among neighbours: rows of the same window.
        difference_low: Lower end of its interval.
        difference_high: Upper end.
        rows_inside: Unseen rows there.
        rows: Unseen rows.
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


class _Halves(NamedTuple):
    columns: list[ParameterColumn]
    outcome: NDArray[np.float64]  # in the windows' order
    centred: NDArray[np.float64]  # drawn in, less the mean of its window
    windows: Windows
    window: NDArray[np.int64]  # of each row
    seen: NDArray[np.bool_]  # by the search


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
    """The region of the parameters in which the outcome is best.

    The search (`stats.parameters.prim`) sees the outcome less its window's mean, so that a region is not good for
    having been visited late; every region holds at least 20 rows and 5 % of the rows.

    Args:
        parameters: A column for each name, rows in time order.
        outcome: Reward or quality, shape `(n,)`, higher is better. Rows where it is not finite are left out.
        generator: Draws the rows, where there are too many.
        category: Of each row; rows are compared within theirs.
        window: Rows of a window; `None` for rows in no order.
        confidence: Of both intervals, two-sided.
        most_rows: Rows that are enough.
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
    """The combination of values, among those tried at least 5 times in the rows that are searched, that does best.

    The one with the highest lower limit of its mean, `mean - 1.645 s / sqrt(m)` with `s` common to all, is chosen: few
    lucky tries do not win against many good ones. Where hardly any combination was tried twice there is none to choose;
    ask for a region. Arguments as for `best_region`.
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
    size = None if window is None else min(window, max(2, count // _ENOUGH_WINDOWS))
    windows = windows_of(groups, kept, size, generator, most_rows)
    if windows.order.size < FEWEST_ROWS:
        return None
    response = response[windows.order]
    number = np.repeat(np.arange(windows.sizes.size), windows.sizes)
    # Rows in no order are their own neighbours: every other row, and not every other category, is searched.
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
    """What the rows that the search has not seen say of its find.

    The difference is least squares on the indicator within windows; its standard error is robust to dependence within
    a window (Liang and Zeger 1986, Biometrika 73), with as many degrees of freedom as windows effectively contribute,
    less
    one: `(sum a)^2 / sum a^2`, `a` each window's sum of squares of the indicator.
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
    """Standard error of `sum scores / sum weights` and its degrees of freedom; `None` for too few windows."""
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

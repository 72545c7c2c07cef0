"""Progress of a search: whether recent rows are better than earlier ones, and whether a direction promises more."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.coverage import Bounds
from rlvitals.stats.parameters.effects import drawn_in
from rlvitals.stats.parameters.neighbour_windows import WINDOW, Windows, window_size, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, columns_and_outcome, tried_columns
from rlvitals.stats.parameters.total_effects import spread_within
from rlvitals.stats.series.student_t import student_t_quantile

FEWEST_ROWS = 400
_BLOCKS = 24
_TAIL = 0.05
_FAR = 3.0  # standard deviations
_STEPS = np.linspace(-1.0, 1.0, 9)  # standard deviations
_FLAG_LEVELS = 2
_RIDGE = 1e-3
_UPPER = 0.975

Floats = NDArray[np.float64]


class ProgressEstimate(NamedTuple):
    """An estimate with its 95 % interval."""

    estimate: float
    low: float
    high: float


class SearchProgress(NamedTuple):
    """Progress of a search.

    Attributes:
        later: Probability that a row of the last third is better than one of the middle third of the same category, 0
            to 1; one half without progress.
        gain: Improvement of the outcome if each parameter moved from the median of its category to where it promises
            most, at most one standard deviation away and within the tried values, in standard deviations of the
            outcome within windows. Only the last two thirds of the rows count.
        spread: Median over the parameters of their standard deviation within windows of the last third, as a share of
            the range.
        rows: Number of rows used.
    """

    later: ProgressEstimate
    gain: ProgressEstimate
    spread: float
    rows: int


def search_progress(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    items: Given | None = None,
    bounds: Bounds | None = None,
    window: int | None = WINDOW,
) -> SearchProgress | None:
    """Measure the progress of a search.

    Two signs show that a search still has something to win. Recent rows beat earlier ones (Mann and Whitney 1947, with
    the variance of DeLong 1988 over blocks of rows). Or moving the parameters would improve the outcome: a parabola is
    fitted to each number and flag, the best moves are chosen in every other window, and their gain is measured in the
    remaining windows. Around an optimum, and at a bound, no move improves the outcome, however wide the search is.
    Texts with more than two levels are not moved.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcome: Outcome, shape `(n,)`; higher is better. Rows with a non-finite outcome are left out.
        generator: Random generator for the rows if there are more than 10,000.
        category: Category of each row, shape `(n,)`.
        items: Item of each row, shape `(n,)`, if several rows have the same one. Directions then compare the rows of
            one item.
        bounds: Lowest and highest allowed value, for the parameters with known bounds.
        window: Number of rows per window without items.

    Returns:
        `None` for fewer than 400 finite outcomes or without parameters.

    Raises:
        ValueError: The columns differ in length.
    """
    tried, response = columns_and_outcome(parameters, outcome)
    kept = np.isfinite(response)
    if not tried or int(np.count_nonzero(kept)) < FEWEST_ROWS:
        return None
    kinds = np.zeros(response.size, dtype=np.int64) if category is None else _keys(category)
    groups = kinds if items is None else _keys(items)
    size = window_size(window, response.size) if items is None else int(np.bincount(groups).max(initial=2))
    recent = kept & (np.arange(response.size) >= response.size // 3)
    last = kept & (np.arange(response.size) >= response.size - response.size // 3)
    windows = windows_of(groups, recent, size, generator, response.size)
    late = windows_of(groups, last, size, generator, response.size)
    spreads = [spread_within(one.take(late.order), late, (bounds or {}).get(one.name), whole=one) for one in tried]
    return SearchProgress(
        later=_later(response, kinds, kept),
        gain=_gain(tried, response, kinds, windows),
        spread=float(np.median(spreads)),
        rows=int(np.count_nonzero(kept)),
    )


def _keys(column: Given) -> NDArray[np.int64]:
    keys = tried_columns({"key": column})[0].keys()
    codes: NDArray[np.int64] = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return codes


def _later(response: Floats, kinds: NDArray[np.int64], kept: NDArray[np.bool_]) -> ProgressEstimate:
    rows = np.flatnonzero(kept)
    third = response.size // 3
    middle, last = rows[(rows >= third) & (rows < response.size - third)], rows[rows >= response.size - third]
    wins, losses = np.full(last.size, np.nan), np.full(middle.size, np.nan)
    for kind in np.unique(kinds[last]):
        here, there = kinds[last] == kind, kinds[middle] == kind
        if here.any() and there.any():
            wins[here] = _beaten(response[last[here]], response[middle[there]])
            losses[there] = 1.0 - _beaten(response[middle[there]], response[last[here]])
    (share, own), (_, other) = _blocked(wins), _blocked(losses)
    reach = student_t_quantile(_UPPER, _BLOCKS - 1) * math.hypot(own, other)
    return ProgressEstimate(share, share - reach, share + reach)


def _beaten(values: Floats, others: Floats) -> Floats:
    """Return the share of the others that each value exceeds; equal values count half."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    shares: Floats = 0.5 * (below + up_to) / ordered.size
    return shares


def _blocked(values: Floats) -> tuple[float, float]:
    """Return the mean of values in time order, and its standard error from the means of blocks."""
    known = values[np.isfinite(values)]
    if known.size < _BLOCKS:
        return math.nan, math.nan
    means = np.array([part.mean() for part in np.array_split(known, _BLOCKS)])
    return float(known.mean()), float(means.std(ddof=1)) / math.sqrt(_BLOCKS)


class _Moves(NamedTuple):
    columns: Floats  # parabola of each number over its distance from the centre, within windows, shape (n, 2 numbers)
    allowed: NDArray[np.bool_]  # moves that stay within the tried values, shape (moves, numbers)


def _gain(
    tried: list[ParameterColumn], response: Floats, kinds: NDArray[np.int64], windows: Windows
) -> ProgressEstimate:
    moves = _moves(tried, kinds, windows)
    heights = windows.centred(drawn_in(response[windows.order]))
    width = float(np.sqrt(np.mean(heights**2)))
    if moves is None or windows.starts.size < 2 * _BLOCKS or not width > 0.0:
        return ProgressEstimate(math.nan, math.nan, math.nan)
    heights /= width
    number = np.repeat(np.arange(windows.sizes.size), windows.sizes)
    block = np.argsort(np.argsort(windows.order, kind="stable"), kind="stable") * _BLOCKS // heights.size
    whole = np.zeros(_BLOCKS + 1)
    for half in (0, 1):
        mine = number % 2 == half
        steps = _best_moves(moves, heights, ~mine)
        # The gain of these moves in the other half, over all of its rows and without each block.
        for at in range(_BLOCKS + 1):
            rows = mine & (block != at)
            whole[at] += 0.5 * float(_coefficients(moves.columns[rows], heights[rows])[0] @ steps)
    parts, estimate = whole[:-1], float(whole[-1])
    error = math.sqrt((_BLOCKS - 1) / _BLOCKS * float(np.sum((parts - parts.mean()) ** 2)))
    reach = student_t_quantile(_UPPER, _BLOCKS - 1) * error
    return ProgressEstimate(estimate, estimate - reach, estimate + reach)


def _moves(tried: list[ParameterColumn], kinds: NDArray[np.int64], windows: Windows) -> _Moves | None:
    """Return the curves and moves of each number and flag that varies within its windows."""
    curves, allowed = [], []
    for column in tried:
        values = column.values[windows.order]
        if len(column.levels) > _FLAG_LEVELS or not column.present[windows.order].all():
            continue
        width = float(np.sqrt(np.mean(windows.centred(values) ** 2)))
        if not width > 0.0:
            continue
        away = np.empty(values.size)
        for kind in np.unique(kinds[windows.order]):
            here = kinds[windows.order] == kind
            away[here] = (values[here] - np.median(values[here])) / width
        low, high = np.quantile(away, (_TAIL, 1.0 - _TAIL))
        curves.append(_curve(away))
        allowed.append((low <= _STEPS) & (high >= _STEPS) | (_STEPS == 0.0))
    if not curves:
        return None
    return _Moves(windows.centred(np.concatenate(curves, axis=1)), np.array(allowed).T)


def _curve(away: Floats) -> Floats:
    """Return the columns of a parabola that is zero at the centre, shape `(n, 2)`."""
    inside = np.clip(away, -_FAR, _FAR)
    return np.column_stack([inside, inside**2])


def _best_moves(moves: _Moves, heights: Floats, rows: NDArray[np.bool_]) -> Floats:
    """Return the columns at the best move of each number, zero if its gain is within the error."""
    found, covariance = _coefficients(moves.columns[rows], heights[rows])
    places = _curve(_STEPS)
    chosen = np.zeros(found.size)
    for at in range(moves.allowed.shape[1]):
        own = slice(2 * at, 2 * at + 2)
        promised = np.where(moves.allowed[:, at], places @ found[own], -np.inf)
        best = places[int(np.argmax(promised))]
        error = math.sqrt(max(float(best @ covariance[own, own] @ best), 0.0))
        if float(promised.max()) > error:
            chosen[own] = best
    return chosen


def _coefficients(columns: Floats, heights: Floats) -> tuple[Floats, Floats]:
    """Return the least-squares coefficients of a response, and their covariance."""
    gram = columns.T @ columns
    inverse = np.linalg.pinv(gram + _RIDGE * np.eye(gram.shape[0]), hermitian=True)
    found: Floats = inverse @ (columns.T @ heights)
    left = heights - columns @ found
    covariance: Floats = inverse * float(left @ left) / max(1, heights.size - found.size)
    return found, covariance

"""Total effect of each parameter on an outcome, with a confidence interval: shows which parameters have no effect.

A test that finds no effect does not show that there is none. The interval does: if its upper end is negligible, the
parameter can be fixed.
"""

import math
from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.coverage import Bounds, ends
from rlvitals.stats.parameters.neighbour_windows import WINDOW, Windows, window_size, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, columns_and_outcome, tried_columns
from rlvitals.stats.parameters.spline_basis import Basis, basis_of, ranked
from rlvitals.stats.series.student_t import student_t_quantile

Verdict = Literal["effect", "negligible", "not shown", "hardly varied", "not enough data"]

NEGLIGIBLE = 0.02
"""Share of the variance below which an effect is negligible."""
ENOUGH_SPREAD = 0.1
"""Standard deviation within windows, as a share of the range, below which a parameter hardly varied."""
FEWEST_GROUPS = 16
_MOST_GROUPS = 32
_KNOTS = 4
_ROWS_A_COLUMN = 5
_RIDGE = 1e-8
_SOUND = 1e-6
_UPPER = 0.975


class TotalEffect(NamedTuple):
    """Total effect of one parameter on an outcome.

    Attributes:
        name: Parameter name.
        verdict: `negligible` if the upper end is below 2 % although the parameter varied; otherwise `effect` if the
            lower end is above zero, `hardly varied` if its spread is below a tenth of its range, `not shown`, or
            `not enough data`.
        share: Share of the variance of the outcome's ranks within windows that needs this parameter, alone or in pairs
            with others, minus the share expected by chance. It can be slightly below 0.
        low: Lower end of the 95 % interval of the share.
        high: Upper end of the 95 % interval of the share.
        spread: Standard deviation of the parameter within windows, as a share of its range; of levels, the root of half
            the probability that two differ.
    """

    name: str
    verdict: Verdict
    share: float
    low: float
    high: float
    spread: float


class _Design(NamedTuple):
    columns: NDArray[np.float64]  # within windows
    own: list[NDArray[np.int64]]  # columns that need each parameter
    has_pairs: bool


class _Sums(NamedTuple):
    gram: NDArray[np.float64]
    product: NDArray[np.float64]  # columns' response
    square: float  # response' response
    freedom: float

    def less(self, part: "_Sums", share: float) -> "_Sums":
        """Return the sums without a part, whose rows have a share of a degree of freedom each."""
        freedom = self.freedom - share * part.freedom
        return _Sums(self.gram - part.gram, self.product - part.product, self.square - part.square, freedom)


def total_effects(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    window: int | None = WINDOW,
    bounds: Bounds | None = None,
    most_rows: int = 10_000,
) -> tuple[TotalEffect, ...]:
    """Estimate the total effect of each parameter, alone and in pairs with others (Sobol 1993: total index).

    Rows are compared as in `stats.parameters.effects.drivers`. The outcome's ranks are fitted by a curve of each
    parameter and by the products of the ranks of each pair. The share of a parameter is the part of the explained
    variance that is lost without all of its columns. The interval is the estimate plus or minus Student's t times the
    jackknife standard error over at most 32 groups of consecutive windows (Tukey 1958; it errs on the wide side: Efron
    and Stein 1981). If rows are too few for pairs, only curves are fitted, and no effect is called negligible.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcome: Outcome, shape `(n,)`. Rows with a non-finite outcome are left out.
        generator: Random generator for the rows if there are more than `most_rows`.
        category: Category of each row, shape `(n,)`. Rows are compared within their category.
        window: Number of rows per window; `None` for rows without an order.
        bounds: Lowest and highest allowed value, for the parameters with known bounds.
        most_rows: Maximum number of rows to use.

    Raises:
        ValueError: The columns differ in length.
    """
    tried, response = columns_and_outcome(parameters, outcome)
    groups = None if category is None else tried_columns({"category": category})[0].keys()
    kept = np.isfinite(response)
    size = window_size(window, int(np.count_nonzero(kept)))
    nan = math.nan
    nothing = tuple(TotalEffect(column.name, "not enough data", nan, nan, nan, nan) for column in tried)
    if not tried or not kept.any():
        return nothing
    windows = windows_of(groups, kept, size, generator, most_rows)
    if windows.clusters.size < FEWEST_GROUPS:
        return nothing
    rows = [column.take(windows.order) for column in tried]
    freedom = windows.order.size - windows.starts.size
    design = _design(rows, windows, freedom)
    if design.columns.shape[1] * _ROWS_A_COLUMN > freedom:
        return nothing
    ranks = windows.centred(ranked(response[windows.order]))
    parts = _parts(design, ranks, windows)
    own = design.own
    found = _jackknifed(own, parts, freedom, ranks.size)
    spreads = [spread_within(column, windows, (bounds or {}).get(column.name)) for column in rows]
    verdicts = [
        _verdict(low, high, spread, has_pairs=design.has_pairs)
        for low, high, spread in zip(found.low, found.high, spreads, strict=True)
    ]
    for at in _needed(verdicts, found, own, parts, freedom, ranks.size):
        verdicts[at] = "not shown"
    return tuple(
        TotalEffect(column.name, verdict, float(share), float(low), float(high), spread)
        for column, verdict, share, low, high, spread in zip(
            tried, verdicts, found.share, found.low, found.high, spreads, strict=True
        )
    )


def _needed(
    verdicts: list[Verdict],
    found: "_Shares",
    own: list[NDArray[np.int64]],
    parts: "list[_Sums]",
    freedom: int,
    size: int,
) -> list[int]:
    """Return negligible parameters that are not negligible together with the others.

    Two parameters that always move together can each replace the other, but both cannot be dropped.
    """
    dropped = sorted(
        (at for at, verdict in enumerate(verdicts) if verdict == "negligible"), key=lambda at: found.high[at]
    )
    needed: list[int] = []
    while len(dropped) > 1:
        together = np.unique(np.concatenate([own[at] for at in dropped]))
        if _jackknifed([together], parts, freedom, size).high[0] < NEGLIGIBLE * len(dropped):
            break
        needed.append(dropped.pop())
    return needed


def _verdict(low: float, high: float, spread: float, *, has_pairs: bool) -> Verdict:
    if has_pairs and high < NEGLIGIBLE and spread >= ENOUGH_SPREAD:
        return "negligible"
    if low > 0.0:
        return "effect"
    return "not shown" if spread >= ENOUGH_SPREAD else "hardly varied"


def _design(rows: list[ParameterColumn], windows: Windows, freedom: int) -> _Design:
    """Lay out the curves of all parameters, and the products of their pairs if there are enough rows."""
    bases = [basis_of(column, _KNOTS) for column in rows]
    parts: list[NDArray[np.float64]] = []
    owners: list[tuple[int, ...]] = []
    for at, basis in enumerate(bases):
        parts += [basis.columns, basis.gaps]
        owners += [(at,)] * basis.columns.shape[1] + [()] * basis.gaps.shape[1]
    handles = [_handles(basis, column) for basis, column in zip(bases, rows, strict=True)]
    products = [
        ((a, b), (handles[a][:, :, None] * handles[b][:, None, :]).reshape(windows.order.size, -1))
        for a, b in combinations(range(len(rows)), 2)
    ]
    has_pairs = (len(owners) + sum(part.shape[1] for _, part in products)) * _ROWS_A_COLUMN <= freedom
    if has_pairs:
        for pair, part in products:
            parts.append(part)
            owners += [pair] * part.shape[1]
    own = [
        np.array([at for at, owner in enumerate(owners) if one in owner], dtype=np.int64) for one in range(len(rows))
    ]
    return _Design(windows.centred(np.concatenate(parts, axis=1)), own, has_pairs)


def _handles(basis: Basis, column: ParameterColumn) -> NDArray[np.float64]:
    """Return the columns of a parameter in products: its ranks around zero, or its levels."""
    if basis.ranks is None:
        return basis.columns
    return ((basis.ranks - 0.5) * column.present)[:, None]


class _Shares(NamedTuple):
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _parts(design: _Design, ranks: NDArray[np.float64], windows: Windows) -> list[_Sums]:
    """Return the sums of each group of consecutive windows."""
    clusters = windows.clusters
    count = min(_MOST_GROUPS, clusters.size)
    cuts = [*clusters[np.arange(count) * clusters.size // count].tolist(), ranks.size]
    return [_sums(design.columns[a:b], ranks[a:b]) for a, b in pairwise(cuts)]


def _jackknifed(own: list[NDArray[np.int64]], parts: list[_Sums], freedom: int, size: int) -> _Shares:
    """Return the share of each set of columns, with its interval."""
    count = len(parts)
    whole = _Sums(
        np.sum([part.gram for part in parts], axis=0),
        np.sum([part.product for part in parts], axis=0),
        sum(part.square for part in parts),
        float(freedom),
    )
    ranks = _ranks(own, whole)
    estimates, least = _shares(own, whole, ranks)
    others = np.array([_shares(own, whole.less(part, freedom / size), ranks)[0] for part in parts])
    errors = np.sqrt((count - 1) / count * np.sum((others - others.mean(axis=0)) ** 2, axis=0))
    margin = student_t_quantile(_UPPER, count - 1) * np.maximum(errors, least)
    return _Shares(estimates, estimates - margin, estimates + margin)


def _sums(columns: NDArray[np.float64], ranks: NDArray[np.float64]) -> _Sums:
    return _Sums(columns.T @ columns, columns.T @ ranks, float(ranks @ ranks), float(ranks.size))


def _inverse(sums: _Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inverse of the Gram matrix of the columns, scaled to unit length, and the scale."""
    scale = np.sqrt(np.maximum(np.diag(sums.gram), 0.0))
    scale[scale <= 0.0] = 1.0
    unit = sums.gram / np.outer(scale, scale)
    return np.linalg.inv(unit + _RIDGE * np.eye(unit.shape[0])), scale


def _ranks(own: list[NDArray[np.int64]], sums: _Sums) -> list[int]:
    """Return the number of independent columns in each set, given all other columns."""
    inverse, _ = _inverse(sums)
    unique = (np.linalg.inv(inverse[np.ix_(columns, columns)]) for columns in own)
    return [int(np.count_nonzero(np.linalg.eigvalsh(gram) > _SOUND)) for gram in unique]


def _shares(
    own: list[NDArray[np.int64]], sums: _Sums, ranks: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each set of columns, and its standard error if the true share is zero."""
    inverse, scale = _inverse(sums)
    product = sums.product / scale
    coefficients = inverse @ product
    rest = max(sums.square - float(product @ coefficients), 0.0)
    noise = rest / max(1.0, sums.freedom - scale.size)
    shares, least = np.zeros(len(own)), np.zeros(len(own))
    if not sums.square > 0.0:
        return shares, least
    for at, (columns, rank) in enumerate(zip(own, ranks, strict=True)):
        mine = coefficients[columns]
        explained = float(mine @ np.linalg.solve(inverse[np.ix_(columns, columns)], mine))
        shares[at] = (explained - rank * noise) / sums.square
        least[at] = math.sqrt(2.0 * rank) * noise / sums.square
    return shares, least


def spread_within(
    column: ParameterColumn,
    windows: Windows,
    bounds: tuple[float, float] | None,
    *,
    whole: ParameterColumn | None = None,
) -> float:
    """Return the standard deviation of a parameter within windows, as a share of its range.

    Args:
        column: Parameter, with rows in the windows' order.
        windows: Windows of the rows.
        bounds: Ends of the range, if they are known.
        whole: The same parameter with all rows, whose extremes are the range if there are no bounds.
    """
    values = column.values[column.present]
    freedom = windows.order.size - windows.starts.size
    if not values.size:
        return 0.0
    if not column.numeric:
        _, counts = np.unique(values, return_counts=True)
        return math.sqrt(0.5 * (1.0 - float(np.sum((counts / values.size) ** 2))))
    low, high = ends(whole or column, bounds)
    if not high > low or freedom <= 0:
        return 0.0
    filled = np.where(column.present, column.values, float(values.mean()))
    centred = windows.centred(filled) / (high - low)
    return math.sqrt(float(centred @ centred) / freedom)

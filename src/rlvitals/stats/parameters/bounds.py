"""Detection of parameters that are pinned at a bound."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.coverage import Bounds, ends
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.series.intervals import wilson_interval

Verdict = Literal["free", "pinned low", "pinned high", "pinned at both ends", "constant", "not enough data"]

PINNED = 0.25
FEWEST_ROWS = 20
_LATE = 4
_NEAR = 1e-6


class AtBounds(NamedTuple):
    """Share of one parameter's values at the ends of its range.

    Attributes:
        name: Parameter name.
        verdict: `free`, `pinned low`, `pinned high`, `pinned at both ends`; `constant` if only one value was tried and
            no bounds are given; `not enough data` below 20 rows. Strings and booleans have no ends, so they are `free`
            or `constant`.
        low: Lower end of the range: the given bound, otherwise the lowest tried value; NaN for levels.
        high: Upper end of the range: the given bound, otherwise the highest tried value; NaN for levels.
        bounded: Whether bounds were given.
        share_low: Share of the values at the lower end, 0 to 1.
        share_high: Share of the values at the upper end, 0 to 1.
        late_low: Share at the lower end among the last quarter of the values, 0 to 1.
        late_high: Share at the upper end among the last quarter of the values, 0 to 1.
        tried: Number of values that are not missing.
    """

    name: str
    verdict: Verdict
    low: float
    high: float
    bounded: bool
    share_low: float
    share_high: float
    late_low: float
    late_high: float
    tried: int


def at_bounds(
    parameters: Mapping[str, Given], *, bounds: Bounds | None = None, pinned: float = PINNED
) -> tuple[AtBounds, ...]:
    """Test which parameters are pinned at a bound, over the whole run or at its end.

    An end is pinned if its share of the values is significantly above its fair share. With `L` distinguishable values
    (the integers of the range; infinitely many for a fraction), the fair share is `1 / L`. The lower limit of the 95 %
    Wilson interval of the share must exceed `1 / L + pinned (1 - 1 / L)`. The test is applied to all rows and to the
    last quarter of them; either is sufficient. A pinned parameter indicates that the optimum is at the bound or beyond
    it, or that the policy's output is clipped there.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        bounds: Lowest and highest allowed value, for the parameters with known bounds. Without them, the ends are the
            extremes of the tried values, which an unclipped fraction reaches once each.
        pinned: Smallest excess that counts as pinned, 0 to 1.
    """
    return tuple(_at_bounds(c, (bounds or {}).get(c.name), pinned) for c in tried_columns(parameters))


def _at_bounds(column: ParameterColumn, bounds: tuple[float, float] | None, pinned: float) -> AtBounds:
    values = column.values[column.present]
    nan = float("nan")
    bounded = bounds is not None and column.numeric
    nothing = AtBounds(column.name, "not enough data", nan, nan, bounded, nan, nan, nan, nan, values.size)
    if not values.size:
        return nothing
    constant = float(values.min()) == float(values.max()) and not bounded
    if not column.numeric:
        verdict: Verdict = "not enough data" if values.size < FEWEST_ROWS else "constant" if constant else "free"
        return nothing._replace(verdict=verdict)
    low, high = ends(column, bounds)
    near = _NEAR * (high - low)
    lows, highs = values <= low + near, values >= high - near
    late = values.size - values.size // _LATE
    measured = nothing._replace(
        low=low,
        high=high,
        share_low=float(lows.mean()),
        share_high=float(highs.mean()),
        late_low=float(lows[late:].mean()) if late < values.size else nan,
        late_high=float(highs[late:].mean()) if late < values.size else nan,
    )
    if values.size < FEWEST_ROWS:
        return measured
    if constant:
        return measured._replace(verdict="constant")
    fair = 1.0 / (round(high - low) + 1) if column.whole and low % 1 == 0 and high % 1 == 0 else 0.0
    limit = fair + pinned * (1.0 - fair)
    at_low, at_high = (_exceeds(at, limit) or _exceeds(at[late:], limit) for at in (lows, highs))
    return measured._replace(verdict=_verdict(at_low, at_high))


def _exceeds(there: NDArray[np.bool_], limit: float) -> bool:
    return wilson_interval(int(np.count_nonzero(there)), there.size).low > limit if there.size else False


def _verdict(low: bool, high: bool) -> Verdict:
    if low and high:
        return "pinned at both ends"
    if low or high:
        return "pinned low" if low else "pinned high"
    return "free"

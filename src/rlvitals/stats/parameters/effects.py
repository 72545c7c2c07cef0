"""Which parameters drive an outcome, which do so only together, and which do not."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.local_regression import COARSE_KNOTS, ROUNDING, Fit, fitted, inverse_of, less, share_of
from rlvitals.stats.parameters.neighbour_windows import Windows, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.parameters.sign_flips import ParameterQuestion, answer
from rlvitals.stats.parameters.spline_basis import Basis, basis_of, ranked

Shape = Literal["rising", "falling", "best inside", "worst inside", "levels", "constant"]
Verdict = Literal["found", "none found", "not enough data"]

FEWEST_ROWS = 40
WINDOW = 10
_FEWEST_CLUSTERS = 16
_ENOUGH_CLUSTERS = 30
_CLIP = 4.0  # robust standard deviations
_NORMAL_IQR = 1.3490


class ParameterEffect(NamedTuple):
    """What one parameter does to the outcome.

    Attributes:
        name: The parameter.
        drives: Whether it is shown to matter, given all the other parameters: `adjusted_p` is at most the level.
        share: Share of the variance of the outcome's ranks within windows that this parameter explains and no other
            can, 0 to 1, less what chance explains; slightly below 0 is possible.
        share_alone: The same with no other parameter looked at.
        rank_correlation: Spearman's, within windows, -1 to 1; NaN for texts of more than two levels.
        shape: How the outcome runs over it, the other parameters held: `rising`, `falling`, `best inside`, `worst
            inside`; `levels` where it has no order, `constant` where it never varied within a window.
        best: The knot or level where that curve is highest.
        p_value: For this parameter alone.
        adjusted_p: With all parameters and pairs that were looked at taken into account.
    """

    name: str
    drives: bool
    share: float
    share_alone: float
    rank_correlation: float
    shape: Shape
    best: Any
    p_value: float
    adjusted_p: float


class Interaction(NamedTuple):
    """What two parameters do together, beyond the sum of what each does.

    Attributes:
        first: One parameter.
        second: The other.
        interacts: Whether it is shown: `adjusted_p` is at most the level.
        share: Share explained of the variance that the sum of all parameters' own curves leaves, 0 to 1, less chance.
        best: The pair of knots or levels where the surface of both is highest.
        p_value: For this pair alone.
        adjusted_p: With all parameters and pairs that were looked at taken into account.
    """

    first: str
    second: str
    interacts: bool
    share: float
    best: tuple[Any, Any]
    p_value: float
    adjusted_p: float


class Drivers(NamedTuple):
    """Which parameters drive an outcome.

    Attributes:
        verdict: `found` if any parameter or pair is shown to matter, `none found`, or `not enough data`.
        effects: One a parameter, the surest first.
        interactions: One a pair, the surest first.
        explained: Share of the variance of the outcome's ranks within windows that all parameters' curves explain, less
            chance.
        rows: Rows used.
        left_out: Rows left out: the outcome is not finite, or the row has no neighbour.
    """

    verdict: Verdict
    effects: tuple[ParameterEffect, ...]
    interactions: tuple[Interaction, ...]
    explained: float
    rows: int
    left_out: int

    @property
    def named(self) -> tuple[str, ...]:
        """The parameters that are shown to matter, alone or in a pair, the surest first."""
        alone = [effect.name for effect in self.effects if effect.drives]
        pairs = [name for pair in self.interactions if pair.interacts for name in (pair.first, pair.second)]
        return tuple(dict.fromkeys([*alone, *pairs]))


def drivers(
    parameters: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    window: int | None = WINDOW,
    level: float = 0.05,
    comparisons: int = 1,
    flips: int = 1999,
    most_rows: int = 10_000,
) -> Drivers:
    """Which parameters, and which pairs of them, the outcome depends on.

    1. Rows are compared with their neighbours only: `window` consecutive rows of one category
       (`stats.parameters.neighbour_windows`).
    2. A parameter is a curve, linear between at most 7 knots in its ranks (`stats.parameters.spline_basis`), so that an
       optimum in the middle counts as much as a slope. The outcome is ranked.
    3. All curves are fitted together. A parameter's score is what is left of the outcome by all the others, times what
       is left of its columns by all the others: what another parameter explains is not its merit (Frisch and Waugh
       1933, Econometrica 1). Rows in which it is missing say nothing of it.
    4. A pair's score, likewise, is what all curves leave of the outcome, ranked (aligned ranks: Wobbrock et al. 2011,
       CHI), times what they leave of the products of the two parameters' columns. It is asked on the outcome's own
       scale, drawn in to 4 robust standard deviations: whether effects add up is a question of scale, and ranks would
       answer another one.
    5. Signs of clusters of windows are turned at random (`stats.parameters.sign_flips`), for all questions at once.

    Increasing transformations of the outcome change no `ParameterEffect`; increasing transformations of a parameter,
    names of levels and the order of columns change nothing but the draws.

    Args:
        parameters: A column for each name, shape `(n,)` each, rows in time order.
        outcome: Reward or quality, shape `(n,)`. Rows where it is not finite are left out.
        generator: Draws the signs, and the rows where there are too many.
        category: Of each row, shape `(n,)`; rows are compared within theirs.
        window: Rows of a window; fewer where there are fewer than 300 rows. `None` for rows in no order (a random
            search).
        level: Chance that is allowed of naming anything where there is nothing.
        comparisons: How many such calls share that chance (outcomes, categories): adjusted p-values are multiplied by
            it.
        flips: How often signs are turned.
        most_rows: Rows that are enough.
    """
    tried = tried_columns(parameters)
    response = np.asarray(outcome, dtype=np.float64).ravel()
    if tried and tried[0].values.size != response.size:
        raise ValueError(f"{tried[0].values.size} rows of parameters but {response.size} outcomes")
    groups = None if category is None else tried_columns({"category": category})[0].keys()
    kept = np.isfinite(response)
    count = int(np.count_nonzero(kept))
    size = None if window is None else min(window, max(2, count // _ENOUGH_CLUSTERS))
    nothing = Drivers("not enough data", (), (), float("nan"), count, response.size - count)
    if not tried or count < FEWEST_ROWS:
        return nothing
    windows = windows_of(groups, kept, size, generator, most_rows)
    nothing = nothing._replace(rows=windows.order.size, left_out=response.size - windows.order.size)
    fit = fitted([column.take(windows.order) for column in tried], windows)
    if windows.clusters.size < _FEWEST_CLUSTERS or fit.freedom < 2 * fit.columns.shape[1]:
        return nothing
    ranks = windows.centred(ranked(response[windows.order]))
    heights = windows.centred(drawn_in(response[windows.order]))
    singles, effects = _effects(fit, ranks)
    doubles, interactions = _interactions(fit, heights)
    answers = answer([*singles, *doubles], generator, flips)
    adjusted = np.minimum(answers.adjusted * comparisons, 1.0)
    shown = adjusted <= level
    cut = len(effects)
    effects = [
        effect._replace(drives=bool(shown[i]), p_value=float(answers.p_value[i]), adjusted_p=float(adjusted[i]))
        for i, effect in enumerate(effects)
    ]
    interactions = [
        pair._replace(interacts=bool(shown[i]), p_value=float(answers.p_value[i]), adjusted_p=float(adjusted[i]))
        for i, pair in enumerate(interactions, start=cut)
    ]
    return nothing._replace(
        verdict="found" if shown.any() else "none found",
        effects=tuple(sorted(effects, key=lambda effect: (effect.adjusted_p, -effect.share))),
        interactions=tuple(sorted(interactions, key=lambda pair: (pair.adjusted_p, -pair.share))),
        explained=share_of(fit.columns, ranks, ranks, fit.freedom),
    )


def _effects(fit: Fit, ranks: NDArray[np.float64]) -> tuple[list[ParameterQuestion], list[ParameterEffect]]:
    questions: list[ParameterQuestion] = []
    effects: list[ParameterEffect] = []
    coefficients = fit.coefficients(ranks)
    unexplained = fit.residual(ranks)
    for tried, basis, own in zip(fit.tried, fit.bases, fit.own, strict=True):
        columns, left = fit.residual(fit.columns[:, own], own), fit.residual(ranks, own)
        questions.append(fit.question(columns, left, fit.unshrunk(left, own)))
        gaps = fit.windows.centred(basis.gaps)
        curve = basis.columns @ coefficients[own]
        shape, best = _shape(tried, basis, curve)
        nothing = not np.any(columns)
        effects.append(
            ParameterEffect(
                name=tried.name,
                drives=False,
                share=share_of(
                    columns, left, ranks, fit.freedom - fit.columns.shape[1] + columns.shape[1], unexplained
                ),
                share_alone=share_of(less(fit.columns[:, own], gaps), less(ranks, gaps), ranks, fit.freedom),
                rank_correlation=_correlation(fit.windows, basis, ranks),
                shape="constant" if nothing else shape,
                best=None if nothing else best,
                p_value=1.0,
                adjusted_p=1.0,
            )
        )
    return questions, effects


def _interactions(fit: Fit, heights: NDArray[np.float64]) -> tuple[list[ParameterQuestion], list[Interaction]]:
    questions: list[ParameterQuestion] = []
    interactions: list[Interaction] = []
    coarse = COARSE_KNOTS[fit.knots]
    bases = [basis_of(tried, coarse) for tried in fit.tried]
    unexplained = fit.residual(heights)
    left = fit.residual(fit.windows.centred(ranked(unexplained)))
    grown = fit.unshrunk(left)
    coefficients = fit.coefficients(heights)
    for a, b in combinations(range(len(bases)), 2):
        raw = (bases[a].columns[:, :, None] * bases[b].columns[:, None, :]).reshape(left.size, -1)
        centred = fit.windows.centred(raw)
        columns = fit.residual(centred)
        questions.append(fit.question(columns, left, grown))
        together = inverse_of(columns.T @ columns) @ (columns.T @ unexplained)
        alone = coefficients - fit.coefficients(centred) @ together
        surface = raw @ together
        for at in (a, b):
            surface += fit.bases[at].columns @ alone[fit.own[at]]
        there = fit.tried[a].present & fit.tried[b].present
        best = int(np.argmax(np.where(there, surface, -np.inf)))
        interactions.append(
            Interaction(
                first=fit.tried[a].name,
                second=fit.tried[b].name,
                interacts=False,
                share=share_of(columns, left, left, fit.freedom - fit.columns.shape[1]),
                best=(_said(fit.tried[a], best), _said(fit.tried[b], best)),
                p_value=1.0,
                adjusted_p=1.0,
            )
        )
    return questions, interactions


def _correlation(windows: Windows, basis: Basis, ranks: NDArray[np.float64]) -> float:
    """Spearman's correlation within windows, over the rows in which the parameter is there."""
    if basis.ranks is None:
        return float("nan")
    gaps = windows.centred(basis.gaps)
    mine, theirs = less(windows.centred(basis.ranks), gaps), less(ranks, gaps)
    size = float(np.sqrt((mine @ mine) * (theirs @ theirs)))
    return float(np.clip(mine @ theirs / size, -1.0, 1.0)) if size > ROUNDING else float("nan")


def _shape(tried: ParameterColumn, basis: Basis, curve: NDArray[np.float64]) -> tuple[Shape, Any]:
    """How a curve, given at every row, runs over the parameter's values, and the value where it is highest."""
    there = np.flatnonzero(tried.present)
    if not there.size:
        return "constant", None
    best = _said(tried, int(there[np.argmax(curve[there])]))
    if basis.ranks is None:
        return "levels", best
    first, last = (float(curve[there[pick(tried.values[there])]]) for pick in (np.argmin, np.argmax))
    low, high = float(curve[there].min()), float(curve[there].max())
    bend = (high - low) / 3.0
    if high - max(first, last) > bend:
        return "best inside", best
    if min(first, last) - low > bend:
        return "worst inside", best
    return "rising" if last > first else "falling", best


def _said(tried: ParameterColumn, row: int) -> Any:
    return tried.said(float(tried.values[row])) if tried.present[row] else None


def drawn_in(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values no further than 4 robust standard deviations (interquartile range over 1.349) from their median."""
    lower, middle, upper = np.quantile(values, (0.25, 0.5, 0.75))
    width = float(upper - lower) / _NORMAL_IQR
    return np.clip(values, middle - _CLIP * width, middle + _CLIP * width) if width > 0.0 else values

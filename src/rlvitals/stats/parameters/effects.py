"""Effects of parameters on an outcome: main effects and interactions."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.local_regression import COARSE_KNOTS, ROUNDING, Fit, fitted, inverse_of, less, share_of
from rlvitals.stats.parameters.neighbour_windows import WINDOW, Windows, window_size, windows_of
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, columns_and_outcome, tried_columns
from rlvitals.stats.parameters.sign_flips import ParameterQuestion, answer
from rlvitals.stats.parameters.spline_basis import Basis, basis_of, ranked

Shape = Literal["rising", "falling", "best inside", "worst inside", "levels", "constant"]
Verdict = Literal["found", "none found", "not enough data"]

FEWEST_ROWS = 40
_FEWEST_CLUSTERS = 16
_MIRRORED: dict[Shape, Shape] = {"rising": "falling", "falling": "rising"}
_CLIP = 4.0  # robust standard deviations
_NORMAL_IQR = 1.3490


class ParameterEffect(NamedTuple):
    """Effect of one parameter on the outcome.

    Attributes:
        name: Parameter name.
        drives: Whether the effect is significant given all other parameters: `adjusted_p` is at most the level.
        share: Share of the variance of the outcome's ranks within windows that only this parameter explains, 0 to 1,
            minus the share expected by chance. It can be slightly below 0.
        share_alone: The same share without adjustment for the other parameters.
        rank_correlation: Spearman's rank correlation within windows, -1 to 1; NaN for strings with over two levels.
        shape: Shape of the outcome over the parameter, with the other parameters fixed: `rising`, `falling`,
            `best inside`, `worst inside`; `levels` if it has no order, `constant` if it never varies within a window.
        best: Parameter value at which that curve is highest.
        p_value: p-value for this parameter alone.
        adjusted_p: p-value adjusted for all parameters and pairs tested.
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
    """Interaction of two parameters, beyond the sum of their separate effects.

    Attributes:
        first: Name of the first parameter.
        second: Name of the second parameter.
        interacts: Whether the interaction is significant: `adjusted_p` is at most the level.
        share: Share explained of the variance that the curves of all parameters leave, 0 to 1, minus the share expected
            by chance.
        best: Pair of parameter values at which their joint surface is highest.
        p_value: p-value for this pair alone.
        adjusted_p: p-value adjusted for all parameters and pairs tested.
    """

    first: str
    second: str
    interacts: bool
    share: float
    best: tuple[Any, Any]
    p_value: float
    adjusted_p: float


class Drivers(NamedTuple):
    """Parameters that an outcome depends on.

    Attributes:
        verdict: `found` if any parameter or pair is significant, `none found`, or `not enough data`.
        effects: Effect of each parameter, most significant first.
        interactions: Interaction of each pair, most significant first.
        explained: Share of the variance of the outcome's ranks within windows that the curves of all parameters
            explain, minus the share expected by chance.
        rows: Number of rows used.
        left_out: Number of rows left out because their outcome is non-finite or they have no neighbour.
    """

    verdict: Verdict
    effects: tuple[ParameterEffect, ...]
    interactions: tuple[Interaction, ...]
    explained: float
    rows: int
    left_out: int

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the significant parameters, alone or in a pair, most significant first."""
        alone = [effect.name for effect in self.effects if effect.drives]
        pairs = [name for pair in self.interactions if pair.interacts for name in (pair.first, pair.second)]
        return tuple(dict.fromkeys([*alone, *pairs]))

    def mirrored(self) -> "Drivers":
        """Return the result for the outcome itself, if it was found for the outcome with the opposite sign."""
        effects = tuple(
            effect._replace(rank_correlation=-effect.rank_correlation, shape=_MIRRORED.get(effect.shape, effect.shape))
            for effect in self.effects
        )
        return self._replace(effects=effects)


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
    """Test which parameters, and which pairs of them, the outcome depends on.

    1. Rows are compared only with their neighbours: windows of `window` consecutive rows of one category
       (`stats.parameters.neighbour_windows`).
    2. The effect of a parameter is a curve, linear between at most 7 knots in its ranks
       (`stats.parameters.spline_basis`), so an inner optimum is detected as well as a slope. The outcome is ranked.
    3. All curves are fitted together. A parameter's score is the residual of the outcome on all other parameters, times
       the residual of its columns on all other parameters. It therefore excludes effects that other parameters explain
       (Frisch and Waugh 1933, Econometrica 1). Rows without the parameter do not contribute.
    4. A pair's score is the ranked residual of the outcome on all curves (aligned ranks: Wobbrock et al. 2011, CHI),
       times the residual of the products of the two parameters' columns. The residuals are computed on the original
       scale of the outcome, clipped to 4 robust standard deviations. Additivity depends on the scale, so ranks would
       answer a different question.
    5. The signs of clusters of windows are flipped at random (`stats.parameters.sign_flips`), for all tests
       simultaneously.

    Increasing transformations of the outcome do not change any `ParameterEffect`. Increasing transformations of a
    parameter, names of levels and the order of columns change only the random draws.

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcome: Reward or quality, shape `(n,)`. Rows with a non-finite outcome are left out.
        generator: Random generator for the signs, and for the rows if there are more than `most_rows`.
        category: Category of each row, shape `(n,)`. Rows are compared within their category.
        window: Number of rows per window; smaller below 300 rows. `None` for rows without an order (a random search).
        level: Significance level: the probability of reporting any effect if there is none.
        comparisons: Number of calls (outcomes, categories) that share the level. Adjusted p-values are multiplied by
            it.
        flips: Number of random sign flips.
        most_rows: Maximum number of rows to use.
    """
    tried, response = columns_and_outcome(parameters, outcome)
    groups = None if category is None else tried_columns({"category": category})[0].keys()
    kept = np.isfinite(response)
    count = int(np.count_nonzero(kept))
    size = window_size(window, count)
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
        others = fit.others(own)
        columns, left = fit.residual(fit.columns[:, own], others), fit.residual(ranks, others)
        questions.append(fit.question(columns, left, fit.unshrunk(left, others)))
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
    grown = fit.unshrunk(left, fit.others())
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
    """Return Spearman's correlation within windows, over the rows with the parameter."""
    if basis.ranks is None:
        return float("nan")
    gaps = windows.centred(basis.gaps)
    mine, theirs = less(windows.centred(basis.ranks), gaps), less(ranks, gaps)
    size = float(np.sqrt((mine @ mine) * (theirs @ theirs)))
    return float(np.clip(mine @ theirs / size, -1.0, 1.0)) if size > ROUNDING else float("nan")


def _shape(tried: ParameterColumn, basis: Basis, curve: NDArray[np.float64]) -> tuple[Shape, Any]:
    """Return the shape of a curve, given at every row, over the parameter's values, and the value at its maximum."""
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
    """Return the values, clipped to 4 robust standard deviations (interquartile range over 1.349) from their median."""
    lower, middle, upper = np.quantile(values, (0.25, 0.5, 0.75))
    width = float(upper - lower) / _NORMAL_IQR
    return np.clip(values, middle - _CLIP * width, middle + _CLIP * width) if width > 0.0 else values

"""Sensitivity of an outcome to hyperparameters over a few dozen runs, with advice on the next values to try."""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.welch import moments_of, welch
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.parameters.spline_basis import ranked

Verdict = Literal["found", "none found", "not enough runs"]

FEWEST_RUNS = 10
_FEWEST_FOR_PAIRS = 20
_DRAWS = 1_999
_MOST_LEVELS = 8
_PARTS = 3
_ROUNDING = 1e-9


class Influence(NamedTuple):
    """Effect of one hyperparameter on the outcome.

    Attributes:
        name: Hyperparameter name.
        matters: Whether the effect is significant: `adjusted_p` is at most the level.
        share: Share of the variance of the outcome's ranks that it explains alone, minus the share expected by chance.
        best: Value with the best mean outcome; for a number, the median of the third of its values with the best mean.
        worst: Value with the worst mean outcome, in the same form.
        difference: Mean outcome at `best` minus `worst`, with Welch's interval, in the units of the outcome. The
            estimate is biased upwards, because the two are selected as the extremes.
        at_edge: `low` or `high` if the best third of a significant number is at that end of its range, or `None`.
        p_value: p-value for this hyperparameter alone.
        adjusted_p: p-value adjusted for all hyperparameters tested.
    """

    name: str
    matters: bool
    share: float
    best: Any
    worst: Any
    difference: PairedEffect
    at_edge: Literal["low", "high"] | None
    p_value: float
    adjusted_p: float


class Together(NamedTuple):
    """Interaction of two hyperparameters.

    Attributes:
        first: Name of the first hyperparameter.
        second: Name of the second hyperparameter.
        adjusted_p: p-value of no interaction, adjusted for all pairs tested.
        interacts: Whether the interaction is significant.
    """

    first: str
    second: str
    adjusted_p: float
    interacts: bool


class Sensitivity(NamedTuple):
    """Hyperparameters that the outcome depends on.

    Attributes:
        verdict: `found`, `none found`, or `not enough runs` (below 10).
        influences: Effect of each hyperparameter, most significant first.
        together: Interactions of pairs with a significant hyperparameter, most significant first; from 20 runs on.
        runs: Number of runs used.
        advice: Advice on the next values to try, one sentence each.
    """

    verdict: Verdict
    influences: tuple[Influence, ...]
    together: tuple[Together, ...]
    runs: int
    advice: tuple[str, ...]


def sensitivity(
    settings: Mapping[str, Given],
    outcome: ArrayLike,
    generator: np.random.Generator,
    *,
    higher_is_better: bool = True,
    level: float = 0.05,
) -> Sensitivity:
    """Test which hyperparameters the outcome of runs depends on.

    This test is for dozens of runs and a similar number of hyperparameters, for which `effects.drivers` has too few
    rows. Each hyperparameter is tested alone. A parabola in the ranks of its values explains the outcome's ranks; a
    string, or a number with at most 3 values, uses one indicator per value. The explained shares are compared with
    those of 1999 permutations of the outcome. The maximum over all hyperparameters controls the family-wise error rate
    (max-T: Westfall and Young 1993, Resampling-Based Multiple Testing). The settings of a grid or a random search are
    uncorrelated. If settings are correlated, the test cannot tell which of them is the cause.

    Interactions are tested for pairs in which at least one hyperparameter is significant. The score is the product of
    their centred ranks, in the residuals of the parabolas.

    Args:
        settings: Column of each hyperparameter, shape `(n,)` each. Constant ones are skipped.
        outcome: Outcome of each run, shape `(n,)`. Runs with a non-finite outcome are left out.
        generator: Random generator for the permutations.
        higher_is_better: Whether higher outcomes are better.
        level: Significance level: the probability of reporting any effect if there is none.

    Raises:
        ValueError: Columns and outcomes differ in length.
    """
    response = np.asarray(outcome, dtype=np.float64).ravel()
    columns = tried_columns(settings)
    if columns and columns[0].values.size != response.size:
        raise ValueError(f"{columns[0].values.size} rows of settings but {response.size} outcomes")
    kept = np.flatnonzero(np.isfinite(response))
    heights = response[kept] if higher_is_better else -response[kept]
    columns = [column.take(kept) for column in columns]
    varied = [column for column in columns if np.unique(column.values[column.present]).size > 1]
    if kept.size < FEWEST_RUNS or not varied or np.unique(heights).size == 1:
        return Sensitivity("not enough runs", (), (), int(kept.size), ())
    ranks = ranked(heights)
    ranks = ranks - ranks.mean()
    bases = [_basis(column) for column in varied]
    seen = np.array([_shares(basis, ranks[None, :])[0] for basis in bases])
    shuffled = generator.permuted(np.broadcast_to(ranks, (_DRAWS, ranks.size)), axis=1)
    drawn = np.array([_shares(basis, shuffled) for basis in bases])
    # Standardise each share by its null distribution, so that a string with many values does not dominate.
    own = np.array(
        [(1 + np.count_nonzero(row >= at - 1e-12)) / (_DRAWS + 1) for row, at in zip(drawn, seen, strict=True)]
    )
    centre, scale = drawn.mean(axis=1), np.maximum(drawn.std(axis=1), 1e-12)
    most = ((drawn - centre[:, None]) / scale[:, None]).max(axis=0)
    adjusted = [(1 + np.count_nonzero(most >= at - 1e-9)) / (_DRAWS + 1) for at in (seen - centre) / scale]
    influences = []
    for column, basis, share, p, joint in zip(varied, bases, seen, own, adjusted, strict=True):
        influences.append(_influence(column, basis, heights, higher_is_better, share, float(p), float(joint), level))
    order = sorted(range(len(varied)), key=lambda at: (influences[at].adjusted_p, -influences[at].share))
    ordered = tuple(influences[at] for at in order)
    pairs = _pairs([varied[at] for at in order if influences[at].matters], varied, bases, ranks, generator, level)
    found = any(one.matters for one in ordered) or any(pair.interacts for pair in pairs)
    return Sensitivity(
        "found" if found else "none found", ordered, pairs, int(kept.size), tuple(_advice(ordered, pairs))
    )


def _basis(column: ParameterColumn) -> NDArray[np.float64]:
    """Return orthonormal, centred columns: a parabola in ranks, or one column per value.

    Missing values have their own column.
    """
    there = column.present
    codes = np.where(there, column.values, np.nan)
    levels = np.unique(column.values[there])
    gaps = [(~there).astype(np.float64)] if not there.all() else []
    if not column.numeric or levels.size <= _PARTS:
        raw = [(codes == level).astype(np.float64) for level in levels[: max(_MOST_LEVELS, _PARTS)]]
    else:
        places = np.zeros(codes.size)
        places[there] = ranked(column.values[there])
        places[there] = places[there] / max(float(places[there].max()), 1.0) - 0.5
        raw = [places, places * places]
    table = np.column_stack([*raw, *gaps])
    table = table - table.mean(axis=0)
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    basis: NDArray[np.float64] = left[:, sizes > 1e-9 * max(float(sizes[0]), 1e-12)]
    return basis


def _shares(basis: NDArray[np.float64], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    explained: NDArray[np.float64] = ((ranks @ basis) ** 2).sum(axis=1) / (ranks * ranks).sum(axis=1)
    return explained


def _influence(
    column: ParameterColumn,
    basis: NDArray[np.float64],
    heights: NDArray[np.float64],
    higher_is_better: bool,
    share: float,
    p_value: float,
    adjusted: float,
    level: float,
) -> Influence:
    there = np.flatnonzero(column.present)
    values, known = column.values[there], heights[there]
    levels = np.unique(values)
    numeric = column.numeric and levels.size > _PARTS
    if numeric:
        cuts = np.quantile(values, np.arange(1, _PARTS) / _PARTS)
        group = np.searchsorted(cuts, values, side="left")
    else:
        group = np.searchsorted(levels, values)
    groups = [at for at in np.unique(group) if np.count_nonzero(group == at)]
    means = {int(at): float(known[group == at].mean()) for at in groups}
    top, bottom = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    found = welch(moments_of(known[group == top]), moments_of(known[group == bottom]))
    low, high = found.interval()
    difference = PairedEffect(found.estimate, low, high)
    if not higher_is_better:
        difference = PairedEffect(-found.estimate, -high, -low)
    said = [
        column.said(float(np.median(values[group == at])) if numeric else float(levels[at])) for at in (top, bottom)
    ]
    free = max(1, heights.size - 1)
    edge: Literal["low", "high"] | None = None
    if numeric and adjusted <= level:
        edge = "low" if top == min(means) else "high" if top == max(means) else None
    return Influence(
        name=column.name,
        matters=adjusted <= level,
        share=float(share - (1.0 - share) * basis.shape[1] / max(1, free - basis.shape[1])),
        best=said[0],
        worst=said[1],
        difference=difference,
        at_edge=edge,
        p_value=p_value,
        adjusted_p=adjusted,
    )


def _pairs(
    shown: list[ParameterColumn],
    varied: list[ParameterColumn],
    bases: list[NDArray[np.float64]],
    ranks: NDArray[np.float64],
    generator: np.random.Generator,
    level: float,
) -> tuple[Together, ...]:
    """Return the interactions of pairs with a significant hyperparameter.

    They are estimated in the residuals of the outcome on the significant hyperparameters.
    """
    if not shown or ranks.size < _FEWEST_FOR_PAIRS:
        return ()
    basis_of = {column.name: basis for column, basis in zip(varied, bases, strict=True)}
    main = np.column_stack([basis_of[column.name] for column in shown])
    pairs: list[tuple[str, str]] = []
    products = []
    names = [column.name for column in shown]
    for a, b in combinations([column.name for column in varied], 2):
        if a not in names and b not in names:
            continue
        both = np.column_stack([main, basis_of[a], basis_of[b]])
        first, second = basis_of[a][:, 0], basis_of[b][:, 0]
        product = _left(both, first * second - np.mean(first * second))
        rest = _left(both, ranks)
        size = math.sqrt(float(product @ product) * float(rest @ rest))
        if size > _ROUNDING:
            pairs.append((a, b))
            products.append((product, rest, size))
    if not pairs:
        return ()
    seen = np.array([abs(float(product @ rest)) / size for product, rest, size in products])
    order = generator.permuted(np.broadcast_to(np.arange(ranks.size), (_DRAWS, ranks.size)), axis=1)
    drawn = np.array([np.abs(rest[order] @ product) / size for product, rest, size in products]).max(axis=0)
    adjusted = [(1 + int(np.count_nonzero(drawn >= at - 1e-12))) / (_DRAWS + 1) for at in seen]
    found = [Together(a, b, p, p <= level) for (a, b), p in zip(pairs, adjusted, strict=True)]
    return tuple(sorted(found, key=lambda pair: pair.adjusted_p))


def _left(columns: NDArray[np.float64], response: NDArray[np.float64]) -> NDArray[np.float64]:
    solution = np.linalg.lstsq(columns, response, rcond=None)[0]
    left: NDArray[np.float64] = response - columns @ solution
    return left


def _advice(influences: tuple[Influence, ...], pairs: tuple[Together, ...]) -> list[str]:
    said = []
    for one in influences:
        if not one.matters:
            continue
        if one.at_edge is not None:
            beyond = "below" if one.at_edge == "low" else "above"
            said.append(
                f"{one.name}: the best runs are at the {one.at_edge} end of the range; try values {beyond} {one.best}"
            )
        else:
            said.append(f"{one.name}: keep it near {one.best} and away from {one.worst}")
    said += [
        f"{pair.first} and {pair.second}: the best value of one depends on the other; vary them together"
        for pair in pairs
        if pair.interacts
    ]
    if influences and not said:
        said.append("no effect is detectable with this number of runs; vary fewer hyperparameters, or wider ranges")
    return said

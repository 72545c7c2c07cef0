"""Which hyper-parameters an outcome depends on, over some tens of runs; and what to try next."""

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
    """What one hyper-parameter does to the outcome.

    Attributes:
        name: The hyper-parameter.
        matters: Whether it is shown to: `adjusted_p` is at most the level.
        share: Share of the variance of the outcome's ranks that it explains alone, less what chance explains.
        best: The value, or for a number the middle of the third of the runs, with the best mean outcome.
        worst: The same with the worst.
        difference: Mean outcome at best less at worst, with Welch's interval. The two were picked as the farthest
            apart, so that the estimate is on the high side.
        at_edge: For a number: `low` or `high` if the best third lies at that end of what was tried.
        p_value: For this one alone.
        adjusted_p: With all that were looked at taken into account.
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
    """Two hyper-parameters whose effects do not just add up.

    Attributes:
        first: One of the two.
        second: The other.
        adjusted_p: Of no interaction, with all pairs that were looked at taken into account.
        interacts: Whether it is shown.
    """

    first: str
    second: str
    adjusted_p: float
    interacts: bool


class Sensitivity(NamedTuple):
    """Which hyper-parameters matter.

    Attributes:
        verdict: `found`, `none found`, or `not enough runs` (below 10).
        influences: One each, the surest first.
        together: Pairs of those that matter, the surest first; from 20 runs on.
        runs: Runs used.
        advice: What to try next, a sentence each.
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
    """Which of many hyper-parameters the outcome of runs depends on.

    For tens of runs and as many hyper-parameters, where `effects.drivers` has too few rows for a model of all of them.
    Each is looked at alone: the outcome's ranks are explained by a parabola in the ranks of its values (a text, or a
    number with at most 3 values: by its values), and the shares explained are held against those of 1999 shuffled
    outcomes, the largest share of all being what counts (max-T: Westfall and Young 1993, Resampling-Based Multiple
    Testing). So naming any where there is none has a chance of at most the level. Settings of a grid or a random search
    do not go together; where they do, who of them is the cause remains open.

    Pairs are looked at among the hyper-parameters that matter, and one of them with each other: the product of their
    centred ranks, in what the parabolas leave.

    Args:
        settings: A column for each name, shape `(n,)` each; constant ones are passed over.
        outcome: One number a run, shape `(n,)`; runs where it is not finite are left out.
        generator: Draws shuffles.
        higher_is_better: Whether more is better.
        level: Chance that is allowed of naming any where there is none.

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
    # Each standardised by its own chance, so that a text of many values does not drown the others.
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
    """Orthonormal columns, centred: a parabola in ranks, or one a value; a gap is a value of its own."""
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
    """Products of hyper-parameters of which one matters, in what those that matter leave of the outcome."""
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
                f"{one.name}: the best runs are at the {one.at_edge} end of what was tried; go {beyond} {one.best}"
            )
        else:
            said.append(f"{one.name}: stay around {one.best}, and away from {one.worst}")
    said += [
        f"{pair.first} and {pair.second}: the best value of one depends on the other; vary both together"
        for pair in pairs
        if pair.interacts
    ]
    if influences and not said:
        said.append("none of them matters enough to be seen with so many runs: vary fewer, or wider")
    return said

"""Complete analysis of the parameters of a training run: coverage, effects and changes over time."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.best_region import Best, best_combination, best_region
from rlvitals.stats.parameters.bounds import AtBounds, at_bounds
from rlvitals.stats.parameters.coverage import (
    Bounds,
    Combinations,
    JointCoverage,
    RangeCoverage,
    combinations,
    joint_coverage,
    range_coverage,
)
from rlvitals.stats.parameters.effects import FEWEST_ROWS, Drivers, drivers
from rlvitals.stats.parameters.exploration_decay import ExplorationDecay, exploration_decay
from rlvitals.stats.parameters.neighbour_windows import WINDOW
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, parameter_column, tried_columns
from rlvitals.stats.parameters.total_effects import TotalEffect, total_effects

_MOST_PER_ITEM = 64


class OutcomeFindings(NamedTuple):
    """Effects of the parameters on one outcome, in one category or in all.

    Attributes:
        outcome: Outcome name.
        category: Category name; `None` for all categories, with rows compared within their own category.
        lower_is_better: Whether lower values of the outcome are better.
        drivers: Parameters that the outcome depends on.
        totals: Total effect of each parameter, with its interval.
        region: Region of the parameters with the best outcome.
        combination: Best combination among those tried repeatedly.
    """

    outcome: str
    category: str | None
    lower_is_better: bool
    drivers: Drivers
    totals: tuple[TotalEffect, ...]
    region: Best
    combination: Best


class Exploration(NamedTuple):
    """Analysis of the parameters of a training run.

    Attributes:
        rows: Number of rows.
        combinations: Combinations that were tried.
        ranges: Coverage of the range of each parameter.
        joint: Coverage of the joint space.
        at_bounds: Concentration of each parameter at its bounds.
        narrowing: Change of the exploration of each parameter over time.
        findings: Findings for each outcome: over all categories first, then for each category with enough rows, largest
            first.
    """

    rows: int
    combinations: Combinations
    ranges: tuple[RangeCoverage, ...]
    joint: JointCoverage
    at_bounds: tuple[AtBounds, ...]
    narrowing: tuple[ExplorationDecay, ...]
    findings: tuple[OutcomeFindings, ...]

    @property
    def pinned(self) -> tuple[str, ...]:
        """Names of the parameters that are pinned at a bound."""
        return tuple(at.name for at in self.at_bounds if at.verdict.startswith("pinned"))


def explore(
    parameters: Mapping[str, Given],
    outcomes: Mapping[str, ArrayLike],
    generator: np.random.Generator,
    *,
    category: Given | None = None,
    items: Given | None = None,
    lower_is_better: Collection[str] = (),
    bounds: Bounds | None = None,
    logarithmic: Collection[str] = (),
    window: int | None = WINDOW,
    level: float = 0.05,
    most_categories: int = 10,
) -> Exploration:
    """Analyse the parameters of a training run and their effects on the outcomes.

    The probability of reporting a driver if there is none is at most `level` over all outcomes and categories together.
    The same holds for reporting a better region or combination (Bonferroni over the findings).

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        outcomes: Column of each outcome (reward, quality, ...), shape `(n,)` each.
        generator: Random generator for all random choices.
        category: Category of each row, shape `(n,)`.
        items: Item of each row, such as the episode of an attempt, shape `(n,)`. Effects and regions then compare the
            rows of one item only, so that differences between items do not count.
        lower_is_better: Outcomes for which lower is better.
        bounds: Lowest and highest allowed value, for the parameters with known bounds.
        logarithmic: Parameters on a logarithmic scale.
        window: Number of rows per window; `None` for rows without an order.
        level: Significance level, the probability of a false finding, 0 to 1.
        most_categories: Maximum number of categories to analyse separately, largest first.

    Raises:
        ValueError: The columns differ in length.
    """
    columns = {column.name: column for column in tried_columns(parameters)}
    rows = next((column.values.size for column in columns.values()), 0)
    responses = {name: np.asarray(column, dtype=np.float64).ravel() for name, column in outcomes.items()}
    kinds = None if category is None else parameter_column("category", category)
    compared = None if items is None else parameter_column("items", items)
    lengths = {name: response.size for name, response in responses.items()}
    lengths |= {one.name: one.values.size for one in (kinds, compared) if one is not None}
    for name, length in lengths.items():
        if length != rows:
            raise ValueError(f"{rows} rows of parameters but {length} of {name!r}")
    groups = _groups(kinds, rows, most_categories)
    within = _Within(kinds, window) if compared is None else _Within(compared, _rows_per_item(compared))
    share = max(1, len(groups) * len(responses))
    return Exploration(
        rows=rows,
        combinations=combinations(columns),
        ranges=range_coverage(columns, bounds=bounds, logarithmic=logarithmic),
        joint=joint_coverage(columns, generator, bounds=bounds, logarithmic=logarithmic),
        at_bounds=at_bounds(columns, bounds=bounds),
        narrowing=exploration_decay(columns, category=kinds, bounds=bounds, logarithmic=logarithmic, level=level),
        findings=tuple(
            _findings(
                name, response, columns, group, within, generator, bounds, level, share, lower=name in lower_is_better
            )
            for name, response in responses.items()
            for group in groups
        ),
    )


class _CategoryRows(NamedTuple):
    name: str | None
    rows: NDArray[np.bool_]


class _Within(NamedTuple):
    """Rows that are compared with each other: the group of each row, and the number of rows per window."""

    group: ParameterColumn | None
    window: int | None


def _rows_per_item(items: ParameterColumn) -> int:
    _, counts = np.unique(items.values[items.present], return_counts=True)
    return int(np.clip(counts.max(initial=2), 2, _MOST_PER_ITEM))


def _groups(kinds: ParameterColumn | None, rows: int, most: int) -> list[_CategoryRows]:
    """Return all rows, then the rows of each category with enough of them, largest first."""
    groups = [_CategoryRows(None, np.ones(rows, dtype=bool))]
    if kinds is None:
        return groups
    values, counts = np.unique(kinds.values[kinds.present], return_counts=True)
    for at in np.argsort(-counts, kind="stable")[:most]:
        if counts[at] >= FEWEST_ROWS and values.size > 1:
            name = str(kinds.said(float(values[at])))
            groups.append(_CategoryRows(name, kinds.present & (kinds.values == values[at])))
    return groups


def _findings(
    outcome: str,
    response: NDArray[np.float64],
    columns: Mapping[str, ParameterColumn],
    group: _CategoryRows,
    within: _Within,
    generator: np.random.Generator,
    bounds: Bounds | None,
    level: float,
    share: int,
    *,
    lower: bool,
) -> OutcomeFindings:
    inside = {name: column.take(group.rows) for name, column in columns.items()}
    category = None if within.group is None else within.group.take(group.rows)
    window, confidence = within.window, 1.0 - level / share
    mine = -response[group.rows] if lower else response[group.rows]  # the analyses look for high values
    effects = drivers(inside, mine, generator, category=category, window=window, level=level, comparisons=share)
    region = best_region(inside, mine, generator, category=category, window=window, confidence=confidence)
    best = best_combination(inside, mine, generator, category=category, window=window, confidence=confidence)
    return OutcomeFindings(
        outcome=outcome,
        category=group.name,
        lower_is_better=lower,
        drivers=effects.mirrored() if lower else effects,
        totals=total_effects(inside, mine, generator, category=category, window=window, bounds=bounds),
        region=region.mirrored() if lower else region,
        combination=best.mirrored() if lower else best,
    )

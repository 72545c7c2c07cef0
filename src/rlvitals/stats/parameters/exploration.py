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
from rlvitals.stats.parameters.effects import FEWEST_ROWS, WINDOW, Drivers, drivers
from rlvitals.stats.parameters.exploration_decay import ExplorationDecay, exploration_decay
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, parameter_column, tried_columns


class OutcomeFindings(NamedTuple):
    """Effects of the parameters on one outcome, in one category or in all.

    Attributes:
        outcome: Outcome name.
        category: Category name; `None` for all categories, with rows compared within their own category.
        drivers: Parameters that the outcome depends on.
        region: Region of the parameters with the best outcome.
        combination: Best combination among those tried repeatedly.
    """

    outcome: str
    category: str | None
    drivers: Drivers
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
        outcomes: Column of each outcome (reward, quality, ...), shape `(n,)` each; higher is better.
        generator: Random generator for all random choices.
        category: Category of each row, shape `(n,)`.
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
    lengths = {name: response.size for name, response in responses.items()}
    lengths |= {} if kinds is None else {"category": kinds.values.size}
    for name, length in lengths.items():
        if length != rows:
            raise ValueError(f"{rows} rows of parameters but {length} of {name!r}")
    groups = _groups(kinds, rows, most_categories)
    share = max(1, len(groups) * len(responses))
    return Exploration(
        rows=rows,
        combinations=combinations(columns),
        ranges=range_coverage(columns, bounds=bounds, logarithmic=logarithmic),
        joint=joint_coverage(columns, generator, bounds=bounds, logarithmic=logarithmic),
        at_bounds=at_bounds(columns, bounds=bounds),
        narrowing=exploration_decay(columns, category=kinds, bounds=bounds, logarithmic=logarithmic, level=level),
        findings=tuple(
            _findings(name, response, columns, group, kinds, generator, window, level, share)
            for name, response in responses.items()
            for group in groups
        ),
    )


class _CategoryRows(NamedTuple):
    name: str | None
    rows: NDArray[np.bool_]


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
    kinds: ParameterColumn | None,
    generator: np.random.Generator,
    window: int | None,
    level: float,
    share: int,
) -> OutcomeFindings:
    inside = {name: column.take(group.rows) for name, column in columns.items()}
    within = None if kinds is None or group.name is not None else kinds
    mine, confidence = response[group.rows], 1.0 - level / share
    return OutcomeFindings(
        outcome=outcome,
        category=group.name,
        drivers=drivers(inside, mine, generator, category=within, window=window, level=level, comparisons=share),
        region=best_region(inside, mine, generator, category=within, window=window, confidence=confidence),
        combination=best_combination(inside, mine, generator, category=within, window=window, confidence=confidence),
    )

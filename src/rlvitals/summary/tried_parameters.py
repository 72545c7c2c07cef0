"""Analysis of the explored parameters of a run: coverage, effects, best region, and values at a bound."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlvitals.runs import Run
from rlvitals.stats.parameters.exploration import Exploration, explore
from rlvitals.summary.successes import as_floats

OUTCOMES = ("reward", "quality_final", "quality_improvement")
BOUNDS = "parameter_bounds"
"""Configuration entry that holds the lowest and highest value of each parameter."""

_PREFIX = "parameters."
_MOST_ROWS = 100_000
_SEED = 0
"""A fixed seed, so that the analysis is reproducible."""


def exploration_of(run: Run, *, window: int | None = None) -> Exploration | None:
    """Analyse the parameters that a run's episodes explored (`rlvitals.stats.parameters.exploration`).

    Bounds are taken from `parameter_bounds` (`{name: [low, high]}`) in the configuration, if it is set. At most 100,000
    evenly spaced episodes are analysed.

    Args:
        run: The run.
        window: Maximum number of the last episodes. `None` for all.

    Returns:
        `None` if no episode reported its parameters.

    Raises:
        RunFormatError: A segment is damaged.
    """
    names = [name for name in run.episodes.names if name.startswith(_PREFIX)]
    if not names:
        return None
    columns = run.episodes.read(*names, *OUTCOMES, "category")
    if window is not None:
        columns = {name: column[-window:] for name, column in columns.items()}
        names = [name for name in names if columns[name].count()]
        if not names:
            return None
    said = ~np.logical_and.reduce([np.ma.getmaskarray(columns[name]) for name in names])
    rows = np.flatnonzero(said)
    rows = rows[:: max(1, -(-rows.size // _MOST_ROWS))]
    outcomes = {name: as_floats(columns[name][rows]) for name in OUTCOMES}
    category = columns["category"][rows].tolist()
    tried = {name.removeprefix(_PREFIX): columns[name][rows].tolist() for name in names}
    return explore(
        tried,
        {name: values for name, values in outcomes.items() if np.isfinite(values).any()},
        np.random.default_rng(_SEED),
        category=category if any(name is not None for name in category) else None,
        bounds=_bounds(run.header.configuration, tried),
    )


def _bounds(configuration: Mapping[str, Any], tried: Mapping[str, object]) -> dict[str, tuple[float, float]]:
    said = configuration.get(BOUNDS)
    found: dict[str, tuple[float, float]] = {}
    for name, limits in said.items() if isinstance(said, Mapping) else ():
        if name in tried and isinstance(limits, list | tuple) and len(limits) == 2:  # noqa: PLR2004 - low and high
            low, high = limits
            if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
                found[name] = (float(low), float(high))
    return found


def plain(value: Any) -> Any:
    """Convert named tuples to dicts recursively, for JSON."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value

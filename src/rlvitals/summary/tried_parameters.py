"""Analysis of the explored parameters of a run: coverage, effects, best region, and values at a bound.

If episodes report their attempts, each attempt is one row: its parameters with its reward and objectives. Otherwise
each episode is one row: for a study, each trial.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from rlvitals.diagnosis.families import is_study
from rlvitals.records.attempt_rows import AttemptRow, decoded_attempts, rows_of
from rlvitals.records.objectives import Direction, objectives_of, parameter_bounds
from rlvitals.runs import Run
from rlvitals.stats.parameters.exploration import Exploration, explore
from rlvitals.summary.measures import Floats
from rlvitals.summary.objective_columns import read_custom_objectives
from rlvitals.summary.successes import as_floats

OUTCOMES = ("reward", "quality_final", "quality_improvement")
"""Fields of an episode whose dependence on the parameters is analysed. Custom objectives follow them."""
MOST_ROWS = 100_000
"""Maximum number of analysed rows. They are evenly spaced in a longer run."""

_ATTEMPTS = "attempts"
_PREFIX = "parameters."
_SEED = 0
"""A fixed seed, so that the analysis is reproducible."""
_ITEMS_SHARE = 0.5
"""Share of the rows that must have another row of the same episode, so that attempts are compared within episodes."""

Unit = Literal["attempt", "episode", "trial"]


class TriedRows(NamedTuple):
    """Explored parameters and their outcomes, one row per attempt, episode or trial of a study, in time order.

    Attributes:
        unit: What a row is.
        total: Number of rows in the run, before evenly spaced ones are chosen.
        is_several_steps: Whether a row is an episode of several steps.
        parameters: Values of each parameter, `None` for missing ones.
        outcomes: Values of each outcome with a finite value, shape `(n,)` each. Missing values are NaN.
        directions: Better direction of each outcome.
        categories: Category of each row. `None` for missing ones.
        items: Number of the episode of each row, shape `(n,)`.
    """

    unit: Unit
    total: int
    is_several_steps: bool
    parameters: dict[str, list[Any]]
    outcomes: dict[str, Floats]
    directions: dict[str, Direction]
    categories: list[str | None]
    items: Floats

    @property
    def note(self) -> str:
        """Explanation of the rows, for every text that shows an effect."""
        if self.unit == "attempt":
            return "Each attempt is one row: its parameters with its own reward and objectives."
        if self.is_several_steps:
            return (
                "Outcomes are per episode, but episodes have several steps: a reward sums all steps, and the "
                "parameters are those that the episode reported. Log attempts=[...] to analyse each attempt."
            )
        return f"Each {self.unit} is one row."


def has_parameters(names: Iterable[str]) -> bool:
    """Return whether columns of episodes include parameters or attempts.

    Args:
        names: Names of the columns that have a value.
    """
    return any(name == _ATTEMPTS or name.startswith(_PREFIX) for name in names)


def tried_rows(run: Run, *, window: int | None = None) -> TriedRows | None:
    """Read the explored parameters of a run. At most 100,000 evenly spaced rows are read.

    Args:
        run: The run.
        window: Maximum number of the last episodes. `None` for all.

    Returns:
        `None` if no episode reported parameters or attempts.

    Raises:
        RunFormatError: A segment is damaged.
    """
    names = run.episodes.names
    if _ATTEMPTS in names:
        found = _attempts(run, window)
        if found is not None:
            return found
    tried = [name for name in names if name.startswith(_PREFIX)]
    return _episodes(run, tried, window) if tried else None


def exploration_of(run: Run, *, window: int | None = None) -> Exploration | None:
    """Analyse the parameters that a run explored (`rlvitals.stats.parameters.exploration`).

    Bounds are taken from `parameter_bounds` (`{name: [low, high]}`) in the configuration, if it is set.

    Args:
        run: The run.
        window: Maximum number of the last episodes. `None` for all.

    Returns:
        `None` if no episode reported its parameters.

    Raises:
        RunFormatError: A segment is damaged.
    """
    rows = tried_rows(run, window=window)
    return None if rows is None else _explored(run, rows)


def exploration_facts(run: Run, *, window: int | None = None) -> dict[str, Any] | None:
    """Return the analysis of `exploration_of` as plain values for JSON, with `unit` and `note` of its rows.

    Raises:
        RunFormatError: A segment is damaged.
    """
    rows = tried_rows(run, window=window)
    return None if rows is None else {**plain(_explored(run, rows)), "unit": rows.unit, "note": rows.note}


def _explored(run: Run, rows: TriedRows) -> Exploration:
    bounds = parameter_bounds(run.header.configuration)
    _, place, counts = np.unique(rows.items, return_inverse=True, return_counts=True)
    by_item = rows.unit == "attempt" and rows.items.size > 0 and float(np.mean(counts[place] > 1)) >= _ITEMS_SHARE
    return explore(
        rows.parameters,
        rows.outcomes,
        np.random.default_rng(_SEED),
        category=rows.categories if any(name is not None for name in rows.categories) else None,
        items=rows.items if by_item else None,
        lower_is_better={name for name, better in rows.directions.items() if better == "lower"},
        bounds={name: limits for name, limits in bounds.items() if name in rows.parameters},
    )


def _attempts(run: Run, window: int | None) -> TriedRows | None:
    columns = {
        name: column[-window:] if window else column for name, column in _read(run, _ATTEMPTS, "category").items()
    }
    texts, categories = (columns[name].tolist() for name in (_ATTEMPTS, "category"))
    reported = [at for at, text in enumerate(texts) if text]
    if not reported:
        return None
    each = max(1, len(decoded_attempts(texts[reported[0]])))
    chosen = reported[:: max(1, -(-len(reported) * each // MOST_ROWS))]
    rows: list[AttemptRow] = []
    items: list[int] = []
    for at in chosen:
        found = rows_of(decoded_attempts(texts[at]))
        rows += found
        items += [at] * len(found)
    if not rows:
        return None
    named = _analysed(run, {name for row in rows for name in row.outcomes})
    return TriedRows(
        unit="attempt",
        total=len(rows) * len(reported) // len(chosen),
        is_several_steps=False,
        parameters=_parameters(rows),
        outcomes=_finite({name: _numbers(rows, name) for name in named}),
        directions=_directions(run, named),
        categories=[categories[at] for at in items],
        items=np.array(items, dtype=np.float64),
    )


def _episodes(run: Run, tried: list[str], window: int | None) -> TriedRows | None:
    columns = _read(run, *tried, *OUTCOMES, "category", "length")
    columns |= read_custom_objectives(run, columns["reward"].size)
    if window is not None:
        columns = {name: column[-window:] for name, column in columns.items()}
    tried = [name for name in tried if columns[name].count()]
    if not tried:
        return None
    reported = ~np.logical_and.reduce([np.ma.getmaskarray(columns[name]) for name in tried])
    every = np.flatnonzero(reported)
    rows = every[:: max(1, -(-every.size // MOST_ROWS))]
    named = _analysed(run, columns)
    return TriedRows(
        unit="trial" if is_study(run.header.configuration) else "episode",
        total=every.size,
        is_several_steps=bool(np.median(as_floats(columns["length"][rows])) > 1.0),
        parameters={name.removeprefix(_PREFIX): columns[name][rows].tolist() for name in tried},
        outcomes=_finite({name: as_floats(columns[name][rows]) for name in named}),
        directions=_directions(run, named),
        categories=columns["category"][rows].tolist(),
        items=rows.astype(np.float64),
    )


def _read(run: Run, *names: str) -> dict[str, Any]:
    return dict(run.episodes.read(*names))


def _analysed(run: Run, names: Collection[str]) -> set[str]:
    """Return those names that are outcomes to analyse: quality, reward, and custom objectives."""
    found = objectives_of(run.header.configuration, set(names))
    return {one.name for one in found if one.is_custom or one.name in OUTCOMES}


def _directions(run: Run, names: set[str]) -> dict[str, Direction]:
    return {one.name: one.better for one in objectives_of(run.header.configuration, names)}


def _parameters(rows: Sequence[AttemptRow]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row.parameters)
    return {name: [row.parameters.get(name) for row in rows] for name in names}


def _numbers(rows: Sequence[AttemptRow], name: str) -> Floats:
    return np.array([row.outcomes.get(name, np.nan) for row in rows], dtype=np.float64)


def _finite(outcomes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the outcomes with a finite value, the fields of an episode first."""
    order = {name: place for place, name in enumerate(OUTCOMES)}
    names = sorted(outcomes, key=lambda name: (order.get(name, len(order)), name))
    return {name: outcomes[name] for name in names if np.isfinite(outcomes[name]).any()}


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

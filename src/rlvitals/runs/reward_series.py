"""The reward of a run that records no single episodes: its evaluations, or a mean return among its metrics.

This is the one place that says what such a run's reward is; summaries, comparisons, the diagnosis, the dashboard and
the list of runs take it from here, and name its source.
"""

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.records.mean_returns import MEAN_RETURNS, MeanReturn
from rlvitals.runs.folder import RunFolder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Floats = NDArray[np.float64]

FEWEST_EVALUATIONS = 10
"""Evaluations that are preferred to a mean return: fewer show no trend."""
MOST_RECENT = 100
_RECENT_SHARE = 10
_PROBED = 2_000
"""Last records of each stream that are looked through for a mean return."""
_MOST_BENDS = 6
"""Degree of the polynomial around which noise is measured; a short series has one of a fifth of its values."""
_FEWEST_FOR_NOISE = 8
_VALUES_PER_BEND = 5
_MOST_CORRELATED = 0.98
_NORMAL_95 = 1.96

Point = tuple[float, float, float]
"""Time (UTC, seconds), environment step or the training's own step, and value."""


class RewardSeries(NamedTuple):
    """The reward over a run, in the order in which it was recorded.

    Attributes:
        tag: The metric's name (`rollout/ep_rew_mean`), or `evaluations`.
        meaning: What a value is: `mean return of recent episodes`, ...
        times: UTC, seconds, shape `(n,)`.
        steps: Environment steps, or steps of the training's own clock, shape `(n,)`; NaN where unknown.
        values: In the environment's unit, shape `(n,)`; may be non-finite.
    """

    tag: str
    meaning: str
    times: Floats
    steps: Floats
    values: Floats

    @property
    def source(self) -> str:
        """What the values are and where they come from, for people."""
        return self.meaning if self.tag == EVALUATIONS else f"{self.meaning}, from {self.tag}"

    @property
    def recent(self) -> int:
        """Values that the present level is taken over: the last tenth, at least 1 and at most 100.

        A value is often the mean of a hundred episodes already, so that a hundred values would reach far back.
        """
        return recent_of(self.values.size)

    @property
    def level(self) -> float:
        """The mean of the recent values; NaN if one of them is."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(self.values[-self.recent :].mean())

    def correlated_variance(self) -> float:
        """Variance that autocorrelation adds to what the scatter of neighbouring values shows.

        A moving average of returns looks smooth, and is as uncertain as the returns behind it. A mean of m values has
        variance s^2 (1 + rho) / (1 - rho) / m rather than s^2 / m (Bayley & Hammersley 1946, JRSS Supplement 8), with
        the variance s^2 and the lag-1 autocorrelation rho around a polynomial of degree 6, as a cubic would count the
        bends of a learning curve as noise. Of rho, what chance would show (1.96 / sqrt(n)) is left out.
        """
        finite = self.values[np.isfinite(self.values)]
        if finite.size < _FEWEST_FOR_NOISE:
            return 0.0
        scale = float(np.abs(finite).max()) or 1.0
        place, degree = np.linspace(-1.0, 1.0, finite.size), min(_MOST_BENDS, finite.size // _VALUES_PER_BEND)
        residual = finite / scale
        residual = residual - np.polynomial.Polynomial.fit(place, residual, degree)(place)
        variance = float(residual.var())
        if variance <= 0.0:
            return 0.0
        lagged = float((residual[1:] * residual[:-1]).mean() / variance)
        rho = min(max(lagged - _NORMAL_95 / math.sqrt(finite.size), 0.0), _MOST_CORRELATED)
        return variance * scale * scale * 2.0 * rho / (1.0 - rho)


EVALUATIONS = "evaluations"


def recent_of(count: int) -> int:
    """How many of the last values of a reward series its present level is taken over."""
    return max(1, min(MOST_RECENT, count // _RECENT_SHARE))


def reward_series(run: RunFolder, *, connection: "DuckDBPyConnection | None" = None) -> RewardSeries | None:
    """Find the reward of a run that has no episodes.

    Evaluations of the agent come first where there are at least ten, then the first mean return of
    `records.mean_returns` that the run has, then fewer evaluations.

    Args:
        run: The run; whether it has episodes is for the caller to see.
        connection: Connection to DuckDB, for a caller that reads many runs.

    Returns:
        The series; `None` if the run has no reward.

    Raises:
        RunFormatError: A segment is damaged.
    """
    evaluated = _evaluated(run.records("evaluations"))
    if len(evaluated) < FEWEST_EVALUATIONS and (found := _logged(run, connection)) is not None:
        tag, source = found
        points = _column_points(run, source, connection)
        return RewardSeries(tag.tag, tag.meaning, *(_record_points(run, source) if points is None else points))
    return RewardSeries(EVALUATIONS, "mean return of evaluations", *_arrays(evaluated)) if evaluated else None


def _arrays(points: list[Point]) -> tuple[Floats, ...]:
    return tuple(np.array(points, dtype=np.float64).reshape(-1, 3).T)


def _evaluated(records: Iterable[Any]) -> list[Point]:
    return [
        (one.time, float("nan") if one.env_step is None else float(one.env_step), one.reward)
        for one in records
        if one.policy is None and one.reward is not None
    ]


class _Source(NamedTuple):
    """Where a mean return is: a stream, a dict in its records, a key of that, and the category of the records."""

    stream: str
    field: str
    name: str
    category: str | None = None


def _logged(run: RunFolder, connection: "DuckDBPyConnection | None") -> tuple[MeanReturn, _Source] | None:
    """Find the first mean return that a run has.

    The end of each stream is looked through: a mean return is logged as long as the training goes on.
    """
    scalars, updates = ({key for one in _last(run, stream, connection) for key in _keys(one)} for stream in _HOLDERS)
    for tag in MEAN_RETURNS:
        held = sorted(category for category, name in scalars if name == tag.name)
        if tag.category in held or (held and tag.is_in_any_category):
            return tag, _Source("scalars", "values", tag.name, tag.category if tag.category in held else held[0])
        if tag.category in _UPDATE_GROUPS and ("", tag.name) in updates:
            return tag, _Source("updates", "extra", tag.name)
    return None


def _last(run: RunFolder, stream: str, connection: "DuckDBPyConnection | None") -> list[Any]:
    if not run.layout.segments(stream):
        return []
    from rlvitals.runs.queries import last_records  # noqa: PLC0415 - loads duckdb, which a trainer does not need

    return last_records(run, stream, _PROBED, connection=connection)


_HOLDERS = ("scalars", "updates")
_NUMBERS = {"DOUBLE", "BIGINT"}
_UPDATE_GROUPS = {"train", "scalars"}
"""Groups whose metrics may be in the `extra` of an update, under the name behind the group."""


def _keys(record: Any) -> Iterable[tuple[str, str]]:
    if hasattr(record, "category"):
        return zip(itertools.repeat(record.category), record.values)
    return zip(itertools.repeat(""), record.extra or ())


def _column_points(
    run: RunFolder, source: _Source, connection: "DuckDBPyConnection | None"
) -> tuple[Floats, ...] | None:
    """Read a series from a long stream as a column; `None` for a short stream, or values of several types."""
    if not any(segment.sealed for segment in run.layout.segments(source.stream)):
        return None
    from rlvitals.runs.queries import ask  # noqa: PLC0415 - loads duckdb, which a trainer does not need
    from rlvitals.runs.sql_columns import REST, identifier  # noqa: PLC0415 - likewise

    def read(tables: "DuckDBPyConnection") -> tuple[Floats, ...] | None:
        table = tables.sql(f"FROM {source.stream}")
        kinds = dict(zip(table.columns, table.types, strict=True))
        kind, rest = kinds.get(source.field), source.field + REST
        types = {name: str(inner) for name, inner in kind.children} if kind is not None and kind.id == "struct" else {}
        if types.get(source.name) not in _NUMBERS or (rest in kinds and table.count(rest).fetchall()[0][0]):
            return None
        value = f"{source.field}.{identifier(source.name)}"
        found = tables.execute(
            f"SELECT time, coalesce(env_step, step)::DOUBLE AS step, {value}::DOUBLE AS value "
            f"FROM {source.stream} WHERE {value} IS NOT NULL{'' if source.category is None else ' AND category = $1'}",
            [] if source.category is None else [source.category],
        ).fetchnumpy()
        return tuple(np.asarray(found[name], dtype=np.float64) for name in ("time", "step", "value"))

    return ask(run, read, source.stream, nested=lambda _: (source.field,), connection=connection)


def _record_points(run: RunFolder, source: _Source) -> tuple[Floats, ...]:
    points: list[Point] = []
    for record in run.records(source.stream):
        if source.category in {None, getattr(record, "category", None)}:
            value = (getattr(record, source.field) or {}).get(source.name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                step = record.step if record.env_step is None else record.env_step
                points.append((record.time, float(step), float(value)))
    return _arrays(points)

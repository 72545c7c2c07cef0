"""Reward of a run without episode records: its evaluations, or a logged mean return.

Only this module selects the reward of such a run. Summaries, comparisons, the diagnosis, the dashboard and the list of
runs use its result and name the source.
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
"""Number of evaluations from which they are preferred to a mean return. Fewer evaluations show no trend."""
MOST_RECENT = 100
_RECENT_SHARE = 10
_PROBED = 2_000
"""Number of last records of each stream that are searched for a mean return."""
_MOST_BENDS = 6
"""Maximum degree of the polynomial that is removed to measure noise. For a short series it is n / 5 for n values."""
_FEWEST_FOR_NOISE = 8
_VALUES_PER_BEND = 5
_MOST_CORRELATED = 0.98
_NORMAL_95 = 1.96

Point = tuple[float, float, float]
"""Time (UTC, seconds), environment step or training step, and value."""


class RewardSeries(NamedTuple):
    """Reward of a run, in the order in which it was recorded.

    Attributes:
        tag: Metric name (`rollout/ep_rew_mean`), or `evaluations`.
        meaning: Description of a value, such as `mean return of recent episodes`.
        times: Times (UTC, seconds since 1970), shape `(n,)`.
        steps: Environment steps or training steps, shape `(n,)`; NaN if unknown.
        values: Rewards in the unit of the environment, shape `(n,)`; can be non-finite.
    """

    tag: str
    meaning: str
    times: Floats
    steps: Floats
    values: Floats

    @property
    def source(self) -> str:
        """The description of the values and their source."""
        return self.meaning if self.tag == EVALUATIONS else f"{self.meaning}, from {self.tag}"

    @property
    def recent(self) -> int:
        """The number of values in the recent level: the last tenth, at least 1 and at most 100.

        A value is often already the mean of 100 episodes, so that 100 values cover a long period.
        """
        return recent_of(self.values.size)

    @property
    def level(self) -> float:
        """The mean of the recent values; NaN if one of them is NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(self.values[-self.recent :].mean())

    def correlated_variance(self) -> float:
        """Compute the variance that autocorrelation adds to the scatter of neighbouring values.

        A moving average of returns looks smooth, but is as uncertain as the returns in it. The mean of m values has the
        variance s^2 (1 + rho) / (1 - rho) / m rather than s^2 / m (Bayley & Hammersley 1946, JRSS Supplement 8). The
        variance s^2 and the lag-1 autocorrelation rho are computed around a polynomial of degree 6, because a cubic
        would treat the bends of a learning curve as noise. The value of rho that is expected by chance (1.96 / sqrt(n))
        is subtracted from it.
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
    """Return the number of last values of a reward series that its recent level is averaged over."""
    return max(1, min(MOST_RECENT, count // _RECENT_SHARE))


def reward_series(run: RunFolder, *, connection: "DuckDBPyConnection | None" = None) -> RewardSeries | None:
    """Find the reward of a run that has no episodes.

    The reward is, in this order: at least ten evaluations of the agent, the first mean return in `records.mean_returns`
    that the run has, or fewer evaluations.

    Args:
        run: Run to read. The caller checks whether it has episodes.
        connection: DuckDB connection to use. Pass one to read many runs.

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
    """Location of a mean return: a stream, a dict field of its records, a key, and the category of the records."""

    stream: str
    field: str
    name: str
    category: str | None = None


def _logged(run: RunFolder, connection: "DuckDBPyConnection | None") -> tuple[MeanReturn, _Source] | None:
    """Find the first mean return that a run has.

    Only the end of each stream is searched, because a mean return is logged until the end of the training.
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
"""Groups whose metrics can be in the `extra` field of an update, under the name without the group."""


def _keys(record: Any) -> Iterable[tuple[str, str]]:
    if hasattr(record, "category"):
        return zip(itertools.repeat(record.category), record.values)
    return zip(itertools.repeat(""), record.extra or ())


def _column_points(
    run: RunFolder, source: _Source, connection: "DuckDBPyConnection | None"
) -> tuple[Floats, ...] | None:
    """Read a series from a long stream as a column. Return `None` for a short stream or values of several types."""
    if not any(segment.sealed for segment in run.layout.segments(source.stream)):
        return None
    from rlvitals.runs.queries import ask  # noqa: PLC0415 - loads duckdb, which a trainer does not need
    from rlvitals.runs.sql_columns import REST, identifier  # noqa: PLC0415 - loads duckdb

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

"""SQL queries over the runs of a comparison: two passes over all runs at once, for any number of runs."""
# ruff: noqa: S608 -- names are quoted, numbers are numbers, and an expression is the user's own

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from rlvitals.clock import FIRST_DATE
from rlvitals.comparison.metric_source import BLOCKS, LARGEST, Content, MetricBlocks, MetricExtent, MetricSource
from rlvitals.comparison.result import Axis
from rlvitals.errors import ColumnError, ComparisonError, QueryError
from rlvitals.records import STREAMS
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.queries import ask, last_records
from rlvitals.runs.relation import labels
from rlvitals.runs.sandbox import check_functions, sandbox
from rlvitals.runs.sql_columns import attached, identifier, literal

_SHOWN = 12
_FINITE = f"(abs(value) < {LARGEST!r})"

_FLAT = frozenset({"NUMBER", "COUNT", "TEXT", "FLAG"})
_OF_A_WRITER = frozenset({"time", "writer", "duration", "memory"})
"""Fields that differ each time a training is repeated, although nothing else does."""
_SET = frozenset({"learning_rate", "clip_range", "gradient_norm_limit", "epochs"})
"""Fields that follow a schedule, so they are equal for all seeds."""

__all__ = ["answers_of", "contents", "extents", "labels", "last_records", "measured"]


def extents(runs: Sequence[Run], labels: Sequence[str], source: MetricSource, axis: Axis) -> dict[str, MetricExtent]:
    """Return how far each run got and how many values of the metric it has. Runs without the metric are omitted.

    Raises:
        ColumnError: The metric is a dict entry that no run has.
        ComparisonError: The stream does not have this axis.
    """
    rows = _rows(source, axis)

    def question(tables: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        return tables.execute(
            f"SELECT run, count(value), count_if(NOT {_FINITE}), max(place), "
            f"approx_count_distinct(place) FROM {rows} "
            f"WHERE place IS NOT NULL AND value IS NOT NULL GROUP BY run"
        ).fetchall()

    found = _asked(runs, source, question)
    known = {str(run): MetricExtent(values, odd, float(reached), places) for run, values, odd, reached, places in found}
    return {label: known[label] for label in labels if label in known}


def measured(
    runs: Sequence[Run],
    labels: Sequence[str],
    source: MetricSource,
    axis: Axis,
    horizons: Sequence[float],
    blocks: int = BLOCKS,
) -> MetricBlocks:
    """Return each run's mean in each block of the axis. No value is carried forward or interpolated.

    Args:
        runs: The runs.
        labels: Labels of the runs, in the order of the wanted rows.
        source: The metric.
        axis: The axis.
        horizons: End of the axis for each run. A value at the upper end of a block belongs to it, as in
            `stats.groups.aligned_curves.block_means`.
        blocks: Number of blocks up to the horizon.
    """
    ends = ", ".join(
        f"({literal(label)}, CAST({horizon!r} AS DOUBLE))"
        for label, horizon in zip(labels, map(float, horizons), strict=True)
    )
    rows = f"{_rows(source, axis)} JOIN (VALUES {ends}) AS ends(run, horizon) USING (run)"

    def question(tables: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        return tables.execute(
            f"SELECT run, greatest(0, ceil(place / (horizon / {blocks})) - 1)::INTEGER AS block, avg(value) AS mean, "
            f"count(*) AS count FROM {rows} WHERE place <= horizon AND {_FINITE} GROUP BY ALL"
        ).fetchnumpy()

    found = _asked(runs, source, question)
    place_of = {label: place for place, label in enumerate(labels)}
    means = np.full((len(labels), blocks), np.nan)
    counts = np.zeros((len(labels), blocks), dtype=np.int64)
    at = np.array([place_of[str(run)] for run in found["run"]], dtype=np.intp)
    block = np.minimum(np.asarray(found["block"], dtype=np.intp), blocks - 1)
    means[at, block] = np.asarray(found["mean"], dtype=np.float64)
    counts[at, block] = np.asarray(found["count"], dtype=np.int64)
    places = np.outer(np.asarray(horizons, dtype=np.float64), np.arange(1, blocks + 1) / blocks)
    return MetricBlocks(places, means, counts)


def contents(runs: Sequence[Run], source: MetricSource) -> dict[str, Content]:
    """Return digests of the runs' records in the metric's stream.

    Digests are equal for runs with the same records in any order.

    Args:
        runs: The runs.
        source: The metric.

    Returns:
        Digests by the labels of the runs among these runs.
    """
    flat = [field for field in fields(STREAMS[source.stream]) if field.column.name in _FLAT]
    same = ", ".join(identifier(field.name) for field in flat if field.name not in _OF_A_WRITER)
    by_chance = [source.sql] * (source.field not in _SET) + [
        identifier(field.name)
        for field in flat
        if field.column.name == "NUMBER" and field.name not in _OF_A_WRITER | _SET
    ]
    varied = ", ".join(f"approx_count_distinct({number})" for number in by_chance)
    instants = f"CASE WHEN min(time) >= {FIRST_DATE} THEN sum(hash(time)) END"

    def question(tables: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        return tables.execute(
            f"SELECT run, sum(hash({same}, {source.sql})), {instants}, greatest({varied}) "
            f"FROM {identifier(source.stream)} GROUP BY run"
        ).fetchall()

    return {str(run): Content(*found) for run, *found in _asked(runs, source, question)}


def _rows(source: MetricSource, axis: Axis) -> str:
    """Return SQL that selects run, place and value."""
    place = {
        ("episodes", "env_step"): "env_step",
        ("episodes", "episode"): "episode",
        ("evaluations", "env_step"): "env_step",
        ("evaluations", "episode"): "episode",
        ("updates", "env_step"): "coalesce(env_step, step)",
        ("updates", "update"): "row_number() OVER (PARTITION BY run ORDER BY step, time)",
    }.get((source.stream, axis))
    stream = identifier(source.stream)
    if axis == "time":
        began = f"(SELECT run, min(time) AS began FROM {stream} GROUP BY run)"
        rows, place = f"{stream} JOIN {began} USING (run)", "time - began"
    else:
        rows = stream
    if place is None:
        raise ComparisonError(
            f"{source.name} cannot be compared along {axis!r}: {source.stream} have the axes env_step, time"
            f"{', update' if source.stream == 'updates' else ', episode'}"
        )
    own = " WHERE policy IS NULL" if source.stream == "evaluations" else ""
    return f"(SELECT run, CAST({place} AS DOUBLE) AS place, {source.sql} AS value FROM {rows}{own})"


def _asked(runs: Sequence[Run], source: MetricSource, question: Any) -> Any:
    def careful(tables: duckdb.DuckDBPyConnection) -> Any:
        try:
            return question(tables)
        except (duckdb.BinderException, duckdb.ConversionException) as error:
            reason = " ".join(str(error).partition("\n\n")[0].split())
            raise ColumnError(f"{source.name} is not a number in these runs: {reason}") from None

    return ask(list(runs), careful, source.stream, nested=lambda _: source.nested)


def answers_of(rows: Sequence[Mapping[str, Any]], expression: str) -> list[Any]:
    """Evaluate an expression for each row of a table whose columns are the keys of the rows.

    Raises:
        ComparisonError: The expression is invalid.
    """
    names: dict[str, str] = {}
    for name in (name for row in rows for name in row):
        names.setdefault(name.casefold(), name)
    # Only the columns that the expression needs: a hundred package versions per run would take longer than all else.
    asked = [name for name in names.values() if name.casefold() in expression.casefold()]
    columns = {name: [row.get(name) for row in rows] for name in asked}
    types = {name: _type_of(values) for name, values in columns.items()}
    with attached(sandbox) as tables:
        declared = "".join(f", {identifier(name)} {kind}" for name, kind in types.items())
        tables.execute(f"CREATE TABLE runs (place BIGINT{declared})")
        marks = ", ".join("?" for _ in range(len(columns) + 1))
        tables.executemany(
            f"INSERT INTO runs VALUES ({marks})",
            [
                [place, *(_plain(columns[name][place], kind) for name, kind in types.items())]
                for place in range(len(rows))
            ],
        )
        try:
            check_functions(expression)
            duckdb.extract_statements(f"SELECT {expression}")  # a complete statement closes no bracket of ours
            answers = tables.execute(f"SELECT place, (\n{expression}\n) FROM runs ORDER BY place").fetchall()
        except (duckdb.Error, QueryError) as error:
            known = ", ".join(list(names.values())[:_SHOWN])
            reason = " ".join(str(error).partition("\n\n")[0].split())
            raise ComparisonError(f"{expression!r} cannot group these runs: {reason}; settings are {known}") from None
    return [value for _, value in answers]


def _type_of(values: Sequence[Any]) -> str:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "BOOLEAN"
    return (
        "DOUBLE" if known and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known) else "VARCHAR"
    )


def _plain(value: Any, kind: str) -> Any:
    return value if value is None or kind != "VARCHAR" else str(value)

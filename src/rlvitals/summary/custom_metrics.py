"""Summary of the metrics that have no field in the records: scalars, and additional values of updates."""
# ruff: noqa: S608 -- names are quoted

from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec

from rlvitals.runs import Run
from rlvitals.runs.queries import ask
from rlvitals.runs.sql_columns import REST, identifier, literal
from rlvitals.summary.measures import known

_FIELDS = {"scalars": "values", "updates": "extra"}
"""Dict field with the custom metrics of each stream."""


class CustomMetric(msgspec.Struct, frozen=True):
    """Values of a custom metric over a run. Texts are left out.

    Attributes:
        values: Number of values.
        not_finite: Number of non-finite values among them, which mean, minimum and maximum ignore.
        last: Value with the latest time.
        step: Step of that value.
        mean: Mean. `None` without finite values.
        min: Lowest value. `None` without finite values.
        max: Highest value. `None` without finite values.
    """

    values: int
    not_finite: int
    last: float
    step: int | None
    mean: float | None
    min: float | None
    max: float | None


def custom_metrics(run: Run) -> dict[str, CustomMetric]:
    """Summarise the custom metrics of a run. Branches that a rewind left behind are ignored.

    Args:
        run: Run to read. It can be live.

    Returns:
        Metrics by name, in alphabetical order: `category/name` for a scalar, `updates.extra.name` for a value of
        updates.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    rows = ask(run, _read, *_FIELDS, nested=lambda stream: (_FIELDS[stream],))
    return {
        name: CustomMetric(
            values, odd, last["value"], last["step"], *(None if one is None else known(one) for one in described)
        )
        for name, values, odd, last, *described in sorted(rows, key=lambda row: row[0])
    }


def _read(tables: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return [row for stream in _FIELDS for row in _rows(tables, stream)]


def _rows(tables: duckdb.DuckDBPyConnection, stream: str) -> list[tuple[Any, ...]]:
    """Return name, numbers of values and of non-finite values, last value with its step, mean, minimum and maximum."""
    entries = " UNION ALL ".join(_entries(tables, stream))
    if not entries:
        return []
    prefix = "category || '/'" if stream == "scalars" else literal(f"{stream}.{_FIELDS[stream]}.")
    # Rows have no numbers to go by: `row_number()` over segments of both kinds sometimes counts them out of order
    # (https://github.com/duckdb/duckdb/issues/25995).
    return tables.execute(
        f"WITH entries AS (SELECT {prefix} || key AS name, time, step, value FROM ({entries}) WHERE value IS NOT NULL) "
        "SELECT name, count(*), count_if(NOT isfinite(value)), "
        "max({'time': time, 'step': step, 'value': value}), "
        "avg(value) FILTER (isfinite(value)), min(value) FILTER (isfinite(value)), "
        "max(value) FILTER (isfinite(value)) FROM entries GROUP BY name"
    ).fetchall()


def _entries(tables: duckdb.DuckDBPyConnection, stream: str) -> Iterator[str]:
    """Yield SQL for the entries of the dict field as rows: the entries with a typed column, and those in JSON."""
    table, field = tables.sql(f"FROM {stream}"), _FIELDS[stream]
    types = dict(zip(table.columns, table.types, strict=True))
    category = "category, " if stream == "scalars" else ""
    place, kind = f"{category}time, step", types.get(field)
    if kind is not None and kind.id == "struct":
        keys = [name for name, _ in kind.children]
        values = (f"TRY_CAST({identifier(field)}.{identifier(key)} AS DOUBLE)" for key in keys)
        named = f"unnest([{', '.join(map(literal, keys))}]) AS key, unnest([{', '.join(values)}]) AS value"
        yield f"SELECT {place}, {named} FROM {stream}"
    if field + REST in types:
        yield (
            f"SELECT {place}, entry.key, TRY_CAST(entry.atom->>'$' AS DOUBLE) AS value "
            f"FROM {stream}, json_each({identifier(field + REST)}::JSON) AS entry"
        )

"""SQL for the rows of a stream of one or several runs. Sealed and open segments form one table with the same types."""

import itertools
import os
from collections.abc import Collection, Container, Iterator, Sequence
from pathlib import Path

import duckdb

from rlvitals.records import STREAMS, Record
from rlvitals.records.schema import Column, fields
from rlvitals.runs.folder import RunFolder, rewinds_of
from rlvitals.runs.header import Rewind
from rlvitals.runs.layout import Segment
from rlvitals.runs.sql_columns import REST, identifier, lines_source, literal, sealed_source, typed_columns

RUN = "run"
"""Column with the name of the run, if there are several runs."""

_SQL_TYPE = {Column.NUMBER: "DOUBLE", Column.COUNT: "BIGINT", Column.TEXT: "VARCHAR", Column.FLAG: "BOOLEAN"}
_CLOCKS = ("env_step", "episode", "step")


def nested_fields(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields of a record class that contain dicts, flat or nested."""
    return tuple(field.name for field in fields(kind) if field.column not in _SQL_TYPE)


def labels(runs: Sequence[RunFolder]) -> list[str]:
    """Return the names of runs in a table of several runs: their paths relative to their common parent folder."""
    shared = _shared_folder(runs)
    return [run.path.absolute().relative_to(shared).as_posix() for run in runs]


def relation(
    tables: duckdb.DuckDBPyConnection,
    runs: Sequence[RunFolder],
    stream: str,
    *,
    nested: Collection[str] = (),
    named: bool = False,
    abandoned: bool = False,
    numbers: Container[int] | None = None,
) -> str:
    """Return SQL for the rows of a stream.

    Rows of one run have the order in which they were written. Rows of several runs have no defined order.

    Args:
        tables: Connection for reading the keys of dicts in open segments.
        runs: Runs to read.
        stream: Stream name.
        nested: Dict fields to read, as structs. Keys whose values have several types are in a separate JSON column
            `<field>_rest`. Fields that contain trees are JSON.
        named: Whether each row has the name of its run in the column `run` (see `labels`).
        abandoned: Whether to include records of branches that a rewind abandoned.
        numbers: Numbers of the segments to read; by default all.
    """
    kind = STREAMS[stream]
    flat = [field for field in fields(kind) if field.column in _SQL_TYPE]
    wanted = [field.name for field in flat] + [name + rest for name in nested for rest in ("", REST)]
    # The empty part defines the type of every column. Segments from earlier versions can lack some columns.
    empty = ", ".join(f"NULL::{_SQL_TYPE[field.column]} AS {identifier(field.name)}" for field in flat)
    pattern = literal(f"^({'|'.join([*wanted, 'filename'])})$")
    parts = [f"SELECT {empty}{', NULL::VARCHAR AS filename' * named} WHERE false"]
    for sealed, paths in _sources(runs, stream, numbers):
        if sealed:
            parts.append(f"SELECT COLUMNS({pattern}) FROM {sealed_source(paths, named=named)}")
        else:
            source = lines_source(kind, paths, named=named)
            columns = typed_columns(tables, kind, source, only=wanted)
            parts.append(f"SELECT {columns}{', filename' * named} FROM {source}")
    rows = f"SELECT * REPLACE (coalesce(writer, 1) AS writer) FROM ({' UNION ALL BY NAME '.join(parts)})"
    if named:
        rows = f"SELECT {_label_of(runs)} AS {RUN}, * EXCLUDE (filename) FROM ({rows})"
    return f"({rows} WHERE {'true' if abandoned else _kept(runs, kind, named=named)})"


def _sources(
    runs: Sequence[RunFolder], stream: str, numbers: Container[int] | None
) -> Iterator[tuple[bool, list[Path]]]:
    every = itertools.chain.from_iterable(run.layout.segments(stream) for run in runs)
    found: list[Segment] = [segment for segment in every if numbers is None or segment.number in numbers]
    if len(runs) > 1:  # one scan for all sealed segments and one for all open segments
        found.sort(key=lambda segment: segment.sealed)
    # Consecutive segments of the same kind share a scan, which keeps the order of the stream of a single run.
    for sealed, neighbours in itertools.groupby(found, key=lambda segment: segment.sealed):
        yield sealed, [segment.path.absolute() for segment in neighbours]


def _label_of(runs: Sequence[RunFolder]) -> str:
    begin = len(_shared_folder(runs).rstrip("/")) + 2
    return f"substr(regexp_replace(filename, '/[^/]+/[^/]+$', ''), {begin})"


def _shared_folder(runs: Sequence[RunFolder]) -> str:
    return os.path.commonpath([run.path.absolute().parent for run in runs]) if runs else ""


def kept_rows(run: RunFolder, stream: str) -> str:
    """Return a SQL condition for the rows of one run that are not on an abandoned branch."""
    return _kept([run], STREAMS[stream], named=False)


def _kept(runs: Sequence[RunFolder], kind: type[Record], *, named: bool) -> str:
    """Return a SQL condition for rows that are not on an abandoned branch, equivalent to `runs.folder.is_abandoned`."""
    clocks = [field.name for field in fields(kind) if field.name in _CLOCKS]
    limits: list[str] = []
    for run, label in zip(runs, labels(runs), strict=True):
        whose = f"{RUN} = {literal(label)} AND " if named else ""
        limits += [f"NOT ({whose}{_abandoned(writer, rewind, clocks)})" for writer, rewind in rewinds_of(run.header)]
    return " AND ".join(limits) or "true"


def _abandoned(writer: int, rewind: Rewind, clocks: list[str]) -> str:
    limits = [f"coalesce({clock} > {at}, false)" for clock in clocks if (at := getattr(rewind, clock)) is not None]
    return f"writer < {writer} AND ({' OR '.join(limits) or 'false'})"

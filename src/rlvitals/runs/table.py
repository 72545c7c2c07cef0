"""A stream as one SQL table, whatever its segments are: typed alike, in the order in which it was written.

`relation` gives the SQL, `ask` a connection in which each stream is a view of its name, and `last_records` the end of a
stream without reading the rest of it.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import duckdb

from rlvitals.errors import RecordError, RunFormatError
from rlvitals.records import STREAMS, Codec, Record, codec_of
from rlvitals.records.schema import Column, fields
from rlvitals.runs.columns import database, identifier, lines_source, literal, sealed_source
from rlvitals.runs.header import Rewind
from rlvitals.runs.layout import SEALED, Segment
from rlvitals.runs.rows import rows_backwards
from rlvitals.runs.run import Run, is_abandoned, rewinds_of

T = TypeVar("T")

_SQL_TYPE = {Column.NUMBER: "DOUBLE", Column.COUNT: "BIGINT", Column.TEXT: "VARCHAR", Column.FLAG: "BOOLEAN"}
_CLOCKS = ("env_step", "episode", "step")
_CHUNK = 1 << 18
_LARGEST_PAGE = 10_000


def relation(run: Run, stream: str, *, abandoned: bool = False) -> str:
    """SQL for the rows of a stream: every field that is not a dict, sealed and open segments as one.

    Args:
        run: The run.
        stream: The stream's name.
        abandoned: Whether records of branches that a rewind left behind are among the rows.
    """
    kind = STREAMS[stream]
    flat = [field for field in fields(kind) if field.column in _SQL_TYPE]
    # The empty part gives every column its type; a segment of an older release may lack some.
    empty = ", ".join(f"NULL::{_SQL_TYPE[field.column]} AS {identifier(field.name)}" for field in flat)
    wanted = literal(f"^({'|'.join(field.name for field in flat)})$")
    parts = [f"SELECT {empty} WHERE false"]
    parts += [f"SELECT COLUMNS({wanted}) FROM {source}" for source in _sources(kind, run.layout.segments(stream))]
    rows = f"SELECT * REPLACE (coalesce(writer, 1) AS writer) FROM ({' UNION ALL BY NAME '.join(parts)})"
    return f"({rows} WHERE {'true' if abandoned else _kept(run, kind)})"


def ask(
    run: Run,
    question: Callable[[duckdb.DuckDBPyConnection], T],
    *streams: str,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> T:
    """Put a question to a run.

    Args:
        run: The run; it may be live.
        question: Takes a connection in which each stream is a view of its name. It is put again if a segment was sealed
            under it.
        *streams: The streams that are asked for.
        connection: Where to ask; for who asks many runs, as opening one takes longer than a small question.

    Returns:
        The answer.

    Raises:
        RunFormatError: A segment is damaged.
    """
    while True:
        listed = [run.layout.segments(stream) for stream in streams]
        try:
            with _tables(connection) as tables:
                for stream in streams:
                    tables.execute(f"CREATE TEMP VIEW {identifier(stream)} AS FROM {relation(run, stream)}")
                return question(tables)
        except duckdb.Error as error:
            if listed == [run.layout.segments(stream) for stream in streams]:
                raise _damaged(run, error) from None


def last_records(
    run: Run,
    stream: str,
    count: int,
    *,
    before: int | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> list[Any]:
    """The last records of a stream, in the order in which they were written; only the end of the stream is read.

    Args:
        run: The run.
        stream: The stream's name.
        count: How many, at most.
        before: Only segments below this number.
        connection: Where to ask, as for `ask`.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    kind, rewinds = STREAMS[stream], rewinds_of(run.header)
    found: list[Any] = []
    for segment in reversed(run.layout.segments(stream)):
        if before is not None and segment.number >= before:
            continue
        if len(found) >= count:
            break
        missing = count - len(found)
        backwards = _backwards(run, segment, kind, missing, connection)
        found += itertools.islice((record for record in backwards if not is_abandoned(record, rewinds)), missing)
    return found[::-1]


def _sources(kind: type[Record], segments: list[Segment]) -> Iterator[str]:
    # Neighbours of a kind are read by one scan, so that the order of the stream is kept.
    for sealed, neighbours in itertools.groupby(segments, key=lambda segment: segment.sealed):
        paths = [segment.path for segment in neighbours]
        yield sealed_source(paths) if sealed else lines_source(kind, paths)


def _kept(run: Run, kind: type[Record]) -> str:
    """SQL that is true for rows on the branch that goes on; says what `runs.run.is_abandoned` says."""
    clocks = [field.name for field in fields(kind) if field.name in _CLOCKS]
    return " AND ".join(_on_branch(writer, rewind, clocks) for writer, rewind in rewinds_of(run.header)) or "true"


def _on_branch(writer: int, rewind: Rewind, clocks: list[str]) -> str:
    limits = [f"coalesce({clock} > {at}, false)" for clock in clocks if (at := getattr(rewind, clock)) is not None]
    return f"NOT (writer < {writer} AND ({' OR '.join(limits) or 'false'}))"


def _backwards(
    run: Run, segment: Segment, kind: type[Record], page: int, connection: duckdb.DuckDBPyConnection | None
) -> Iterator[Any]:
    path = segment.path
    if not segment.sealed:
        try:
            yield from _lines_backwards(segment, codec_of(kind))
        except FileNotFoundError:  # sealed since it was listed
            path = path.with_suffix(SEALED)
        else:
            return
    try:
        with _tables(connection) as tables:
            yield from rows_backwards(tables, path, kind, page)
    except (duckdb.Error, RecordError) as error:
        raise _damaged(run, error) from None


def _lines_backwards(segment: Segment, codec: Codec[Any]) -> Iterator[Any]:
    with segment.path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        begun = False  # whether the last newline was seen: what has none yet is still being written
        block = b""
        while at > 0:
            size = min(_CHUNK, at)
            at = file.seek(at - size)
            block = file.read(size) + block
            if not begun:
                block = block[: block.rfind(b"\n") + 1] or block
                begun = block.endswith(b"\n")
            if begun:
                block, *lines = block.split(b"\n")
                yield from _unpacked(reversed(lines), codec)
        if begun:
            yield from _unpacked([block], codec)


def _unpacked(lines: Iterable[bytes], codec: Codec[Any]) -> Iterator[Any]:
    for line in lines:
        try:
            record = codec.unpack(line) if line else None
        except RecordError:
            continue
        if record is not None:
            yield record


@contextlib.contextmanager
def _tables(connection: duckdb.DuckDBPyConnection | None) -> Iterator[duckdb.DuckDBPyConnection]:
    with database() if connection is None else connection.cursor() as tables:
        yield tables


def _damaged(run: Run, error: Exception) -> RunFormatError:
    return RunFormatError(f"{run.path} cannot be read: {str(error).splitlines()[0]}")

"""Queries over runs with DuckDB.

`ask` calls a function with a connection in which each stream is a view. `ask_in_parts` does the same for one part of a
stream at a time. `last_records` reads the end of a stream without reading the remaining records.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import duckdb

from rlvitals.errors import RecordError, RunFormatError
from rlvitals.files.regular_files import reader
from rlvitals.records import STREAMS, Codec, Record, codec_of
from rlvitals.runs.folder import RunFolder, is_abandoned, rewinds_of
from rlvitals.runs.layout import SEALED, Segment
from rlvitals.runs.relation import relation
from rlvitals.runs.rows import rows_backwards
from rlvitals.runs.sql_columns import attached, connected, database, file_literal, identifier

T = TypeVar("T")

_CHUNK = 1 << 18
_LARGEST_PAGE = 10_000
_PART = 100_000
_SHORT_LINE = 60
"""Size of a record with few fields, in bytes."""


def ask(
    run: RunFolder | Sequence[RunFolder],
    question: Callable[[duckdb.DuckDBPyConnection], T],
    *streams: str,
    nested: Callable[[str], Collection[str]] = lambda _: (),
    abandoned: bool = False,
    connection: duckdb.DuckDBPyConnection | None = None,
    numbers: Container[int] | None = None,
) -> T:
    """Query one run, or several runs together.

    Args:
        run: Run or runs to query; they can be live. With several runs, a column names the run of each row.
        question: Function that takes a connection in which each stream is a view with its name. It is called again if
            a segment was sealed meanwhile.
        *streams: Streams that the function reads.
        nested: Function that returns the dict fields to read of a stream.
        abandoned: Whether to include records of branches that a rewind abandoned.
        connection: Connection to use. Pass one to query many runs, because opening a connection takes longer than a
            small query.
        numbers: Numbers of the segments to read; by default all.

    Returns:
        The result of the function.

    Raises:
        RunFormatError: A segment is damaged.
    """
    runs = [run] if isinstance(run, RunFolder) else run
    while True:
        listed = _listed(runs, streams)
        try:
            with _tables(connection) as tables:
                for stream in streams:
                    rows = relation(
                        tables,
                        runs,
                        stream,
                        nested=nested(stream),
                        named=not isinstance(run, RunFolder),
                        abandoned=abandoned,
                        numbers=numbers,
                    )
                    tables.execute(f"CREATE TEMP VIEW {identifier(stream)} AS FROM {rows}")
                return question(tables)
        except duckdb.Error as error:
            if listed == _listed(runs, streams):
                raise _damaged(runs, streams, error) from None


def ask_in_parts(
    run: RunFolder,
    question: Callable[[duckdb.DuckDBPyConnection], T],
    stream: str,
    *,
    nested: Collection[str] = (),
    most_rows: int = _PART,
) -> Iterator[T]:
    """Query a stream one part at a time, in order, so that the results stay small for a run of any length.

    Args:
        run: Run to query; it can be live.
        question: Function as for `ask`.
        stream: Stream name.
        nested: Dict fields to read.
        most_rows: Approximate maximum number of records in a part. A part has at least one segment.

    Yields:
        The result of the function for each part.

    Raises:
        RunFormatError: A segment is damaged.
    """
    segments = run.layout.segments(stream)
    if not segments:
        return
    with connected() as connection:
        for numbers in _parts(segments, _rows_in(connection, segments), most_rows):
            yield ask(run, question, stream, nested=lambda _: nested, connection=connection, numbers=numbers)


def _parts(segments: Iterable[Segment], rows: Mapping[int, int], most_rows: int) -> Iterator[set[int]]:
    part: set[int] = set()
    held = 0
    for segment in segments:
        count = rows.get(segment.number, most_rows)
        if part and held + count > most_rows:
            yield part
            part, held = set(), 0
        part.add(segment.number)
        held += count
    if part:
        yield part


def _rows_in(connection: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> dict[int, int]:
    """Estimate the number of records in each segment from its metadata or its size."""
    sealed = [segment for segment in segments if segment.sealed]
    found: dict[int, int] = {}
    if sealed:
        files = ", ".join(file_literal(segment.path.absolute()) for segment in sealed)
        with contextlib.suppress(duckdb.Error):  # a segment is damaged; reading it reports the error
            told = connection.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata([{files}])")
            rows = {os.path.basename(name): int(count) for name, count in told.fetchall()}  # noqa: PTH119
            found = {segment.number: rows[segment.path.name] for segment in sealed if segment.path.name in rows}
    for segment in segments:
        if not segment.sealed:
            with contextlib.suppress(OSError):  # sealed since it was listed
                found[segment.number] = segment.path.stat().st_size // _SHORT_LINE
    return found


def last_records(
    run: RunFolder,
    stream: str,
    count: int,
    *,
    before: int | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> list[Any]:
    """Return the last records of a stream in the order in which they were written. Only the end of the stream is read.

    Args:
        run: Run to read.
        stream: Stream name.
        count: Maximum number of records.
        before: Segment number; only segments with lower numbers are read.
        connection: Connection to use, as for `ask`.

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
        kept = (record for record in backwards if not is_abandoned(record, rewinds)) if rewinds else backwards
        found += itertools.islice(kept, missing)
    return found[::-1]


def _backwards(
    run: RunFolder, segment: Segment, kind: type[Record], page: int, connection: duckdb.DuckDBPyConnection | None
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
        raise _damaged([run], [], error) from None


def _lines_backwards(segment: Segment, codec: Codec[Any]) -> Iterator[Any]:
    with reader(segment.path) as file:
        at = file.seek(0, os.SEEK_END)
        begun = False  # whether the last newline was seen; the text after it is still being written
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
    with attached(database if connection is None else connection.cursor) as tables:
        yield tables


def _listed(runs: Sequence[RunFolder], streams: Collection[str]) -> list[list[Segment]]:
    return [run.layout.segments(stream) for run in runs for stream in streams]


def _damaged(runs: Sequence[RunFolder], streams: Collection[str], error: Exception) -> RunFormatError:
    """Return the error for a damaged run. Each of several runs is read separately to find it."""
    if len(runs) > 1:
        for run in runs:
            ask(run, lambda tables: [tables.execute(f'SELECT min(time) FROM "{name}"') for name in streams], *streams)
    where = runs[0].path if len(runs) == 1 else f"the runs from {runs[0].path} to {runs[-1].path}"
    return RunFormatError(f"{where} cannot be read: {str(error).splitlines()[0]}; run `rlvitals verify` to find damage")

"""Questions to runs.

`ask` gives a connection in which each stream is a view of its name, `ask_in_parts` the same for one part of a stream
after the other, `last_records` the end of a stream without reading the rest of it.
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
"""Bytes of a record with few fields."""


def ask(
    run: RunFolder | Sequence[RunFolder],
    question: Callable[[duckdb.DuckDBPyConnection], T],
    *streams: str,
    nested: Callable[[str], Collection[str]] = lambda _: (),
    abandoned: bool = False,
    connection: duckdb.DuckDBPyConnection | None = None,
    numbers: Container[int] | None = None,
) -> T:
    """Put a question to a run, or to several at once.

    Args:
        run: The run, or the runs; they may be live. Rows of several say which run they are of.
        question: Takes a connection in which each stream is a view of its name. It is put again if a segment was sealed
            under it.
        *streams: The streams that are asked for.
        nested: Which dict fields of a stream are wanted.
        abandoned: Whether records of branches that a rewind left behind are among the rows.
        connection: Where to ask; for who asks many runs, as opening one takes longer than a small question.
        numbers: Only segments of these numbers.

    Returns:
        The answer.

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
    run: RunFolder, question: Callable[[duckdb.DuckDBPyConnection], T], stream: str, *, most_rows: int = _PART
) -> Iterator[T]:
    """Put a question to a stream part by part, in its order, so that the answers stay small however long the run is.

    Args:
        run: The run; it may be live.
        question: As for `ask`.
        stream: The stream.
        most_rows: How many records are a part at most, about; but a part is one segment at least.

    Raises:
        RunFormatError: A segment is damaged.
    """
    segments = run.layout.segments(stream)
    if not segments:
        return
    with connected() as connection:
        for numbers in _parts(segments, _rows_in(connection, segments), most_rows):
            yield ask(run, question, stream, connection=connection, numbers=numbers)


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
    """About how many records each segment has, as far as that can be told without reading it."""
    sealed = [segment for segment in segments if segment.sealed]
    found: dict[int, int] = {}
    if sealed:
        files = ", ".join(file_literal(segment.path.absolute()) for segment in sealed)
        with contextlib.suppress(duckdb.Error):  # one is damaged: whoever reads it is told
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
    with attached(database if connection is None else connection.cursor) as tables:
        yield tables


def _listed(runs: Sequence[RunFolder], streams: Collection[str]) -> list[list[Segment]]:
    return [run.layout.segments(stream) for run in runs for stream in streams]


def _damaged(runs: Sequence[RunFolder], streams: Collection[str], error: Exception) -> RunFormatError:
    """The error of the run that is damaged; of several each is tried alone."""
    if len(runs) > 1:
        for run in runs:
            ask(run, lambda tables: [tables.execute(f'SELECT min(time) FROM "{name}"') for name in streams], *streams)
    where = runs[0].path if len(runs) == 1 else f"the runs from {runs[0].path} to {runs[-1].path}"
    return RunFormatError(f"{where} cannot be read: {str(error).splitlines()[0]}")

"""A run, as its readers see it: live or finished, the same."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RecordError, RunFormatError
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.records.coercion import unspelled
from rlvitals.records.schema import Column, Field, fields
from rlvitals.runs.header import Header, Rewind, read_header
from rlvitals.runs.layout import Layout, Segment
from rlvitals.runs.status import Vitality, vitality

_REST = "_rest"
_BATCH = 2_000


class Run:
    """One run folder, opened for reading. It holds no file open, and sees what a live writer adds.

    Args:
        path: The run's folder.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, is damaged, or is of a newer format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.layout = Layout(self.path)
        read_header(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def header(self) -> Header:
        """What the run says of itself, read anew."""
        return read_header(self.path)

    @cached_property
    def run_id(self) -> str:
        """The run's name."""
        return self.header.run_id

    def vitality(self, *, clock: Clock = SYSTEM_CLOCK) -> Vitality:
        """Whether the run is alive."""
        return vitality(self.path, self.header, clock=clock)

    def records(self, stream: str, *, abandoned: bool = False) -> Iterator[Any]:
        """The records of a stream, in the order in which they were written.

        Args:
            stream: `episodes`, `updates`, `evaluations`, `system`, `scalars` or `events`.
            abandoned: Whether records of branches that a rewind left behind are given too.

        Raises:
            RunFormatError: There is no such stream, or a sealed segment is damaged.
        """
        rewinds = [] if abandoned else rewinds_of(self.header)
        for segment in self.layout.segments(_checked_stream(stream)):
            for record in records_in(segment, STREAMS[stream]):
                if not is_abandoned(record, rewinds):
                    yield record


def rewinds_of(header: Header) -> list[tuple[int, Rewind]]:
    """The rewinds of a run, each with the number of the writer that began with it."""
    return [(writer.writer, writer.rewind) for writer in header.writers if writer.rewind is not None]


def is_abandoned(record: Record, rewinds: list[tuple[int, Rewind]]) -> bool:
    """Whether a later writer went back to before a record."""
    return any(
        record.writer < writer and any(_beyond(record, clock, at) for clock, at in _clocks(rewind))
        for writer, rewind in rewinds
    )


def records_in(segment: Segment, kind: type[Record]) -> Iterator[Any]:
    """The records of one segment; lines that are torn are passed over.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    if segment.sealed:
        yield from _rows(segment.path, kind)
        return
    unpack = codec_of(kind).unpack
    try:
        content = segment.path.open("rb")
    except FileNotFoundError:  # sealed since it was listed
        yield from _rows(segment._replace(path=segment.path.with_suffix(".parquet")).path, kind)
        return
    with content:
        for line in content:
            if line.endswith(b"\n"):
                try:
                    record = unpack(line)
                except RecordError:
                    continue
                yield record


def _checked_stream(stream: str) -> str:
    if stream not in STREAMS:
        raise RunFormatError(f"there is no stream {stream!r}: the streams are {', '.join(STREAMS)}")
    return stream


def _clocks(rewind: Rewind) -> list[tuple[str, int]]:
    given = (("env_step", rewind.env_step), ("episode", rewind.episode), ("step", rewind.step))
    return [(clock, at) for clock, at in given if at is not None]


def _beyond(record: Record, clock: str, at: int) -> bool:
    said = getattr(record, clock, None)
    return said is not None and said > at


def _rows(path: Path, kind: type[Record]) -> Iterator[Any]:
    import duckdb  # noqa: PLC0415 - a reader of open segments needs no database

    from rlvitals.runs.columns import database  # noqa: PLC0415

    codec = codec_of(kind)
    try:
        with database() as connection:
            cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in cursor.description]
            readers = {field.name: field for field in fields(kind)}
            while rows := cursor.fetchmany(_BATCH):
                for row in rows:
                    yield codec.from_plain(_plain(dict(zip(names, row, strict=True)), readers))
    except (duckdb.Error, RecordError) as error:
        reason = str(error).partition("\n")[0]  # the rest is the query
        raise RunFormatError(f"{path} is damaged: {reason}") from None


def _plain(row: dict[str, Any], readers: dict[str, Field]) -> dict[str, Any]:
    """One row of a sealed segment, as plain values; NULL is absent."""
    # A dict that has no entry in the whole segment has no column there.
    values: dict[str, Any] = {field.name: {} for field in readers.values() if field.required and field.column.is_dict}
    for name, value in row.items():
        if value is None:
            continue
        field = readers.get(name)
        if field is not None and field.column.is_dict:
            values.setdefault(name, {}).update({key: item for key, item in value.items() if item is not None})
        elif field is not None:
            values[name] = unspelled(json.loads(value)) if field.column is Column.TREE else value
        elif name.endswith(_REST):
            values.setdefault(name.removesuffix(_REST), {}).update(unspelled(json.loads(value)))
    return values

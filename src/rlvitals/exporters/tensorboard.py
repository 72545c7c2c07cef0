"""A run as TensorBoard's events."""

import heapq
import math
from collections.abc import Iterator
from pathlib import Path

from rlvitals.errors import ExportError
from rlvitals.exporters.base import Exporter, Source
from rlvitals.records import Record
from rlvitals.sinks.context import SinkContext
from rlvitals.sinks.tensorboard import TensorBoardSink


class TensorBoardExporter(Exporter):
    """Writes a folder with an event file, as the sink `tensorboard` does while training, and `header.json`.

    Records come in the order of their times. TensorBoard keeps 32 bits of a number; what is nested, and the single
    items of evaluations, are left out.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self) -> None:
        self._sink = TensorBoardSink()

    def export(self, source: Source, target: Path) -> None:
        """Write the folder."""
        if not source.raw:
            raise ExportError("tensorboard holds records alone: without raw data export to json or to a folder of csv")
        target.mkdir()
        sink = self._sink
        sink.begin(context_of(source, target))
        try:
            for record in in_order(source):
                sink.write(record)
        finally:
            sink.close()
        source.write_header(target)


def context_of(source: Source, target: Path) -> SinkContext:
    """The run, as a sink is told of it."""
    header = source.header
    return SinkContext(
        path=target,
        artifacts=target,
        run_id=header.run_id,
        project=header.project,
        configuration=lambda: dict(header.configuration),
        resumed=False,
    )


def in_order(source: Source) -> Iterator[Record]:
    """The records of all streams in the order of their times; those of one stream in their own."""
    return heapq.merge(*map(source.records, source.streams), key=_moment)


def _moment(record: Record) -> float:
    return -math.inf if math.isnan(record.time) else record.time

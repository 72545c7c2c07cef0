"""Export to TensorBoard event files."""

import heapq
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import Record, Scalars, codec_of
from rlvitals.records.kinds import MAX_KEYS
from rlvitals.sinks.flattening import flat_settings
from rlvitals.sinks.sink_context import SinkContext
from rlvitals.sinks.tensorboard_sink import TensorBoardSink


class TensorBoardExporter(Exporter):
    """Exporter for TensorBoard: a folder with an event file, as the sink `tensorboard` writes it, and `header.json`.

    Records are sorted by time. TensorBoard stores numbers with 32 bits. Nested values and the per-item metrics of
    evaluations are left out.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self) -> None:
        self._sink = TensorBoardSink()

    def export(self, source: Source, target: Path) -> None:
        """Write the folder."""
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
    """Return the sink context of the exported run."""
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
    """Return the records of all streams sorted by time. The order within a stream stays unchanged.

    For an export without records, return one record with the numbers of the summary.
    """
    if not source.raw:
        numbers = {name: value for name, value in flat_settings(source.summary or {}) if isinstance(value, int | float)}
        kept = dict(itertools.islice(numbers.items(), MAX_KEYS))
        summary = {"time": source.header.started, "step": 0, "category": "summary", "values": kept}
        return iter(codec_of(Scalars).pack(summary)[:1])
    return heapq.merge(*map(source.records, source.streams), key=_moment)


def _moment(record: Record) -> float:
    return -math.inf if math.isnan(record.time) else record.time

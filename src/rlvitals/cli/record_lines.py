"""Records as a table with one line per record, for `rlvitals tail`."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rich.text import Text

from rlvitals.formatting import ABSENT, count, format_time
from rlvitals.records import Event, Record
from rlvitals.records.metrics import metric_of
from rlvitals.render.terminal import LABEL, STYLES, number_text
from rlvitals.text_escaping import escape_control

_CLOCK = slice(11, 19)
_DIGITS = 3


class LineColumn(NamedTuple):
    """Column for one field of a record. A negative width marks a text column, which is left-aligned."""

    field: str
    width: int
    title: str


_TEXTS = {"termination_reason": "end"}
_WIDTHS = {
    "episodes": {
        "episode": 7, "env_step": 9, "reward": 9, "length": 6, "quality_final": 7, "success": 7, "category": -8,
        "termination_reason": -1,
    },
    "updates": {
        "step": 9, "policy_loss": 9, "value_loss": 7, "entropy": 7, "kl_divergence": 7, "clip_fraction": 7,
        "explained_variance": 10, "gradient_norm": 8,
    },
    "evaluations": {
        "env_step": 9, "episode": 8, "reward": 9, "reward_std": 8, "quality": 7, "success_rate": 7, "episodes": 8,
        "policy": -1,
    },
    "system": {
        "env_step": 9, "episode": 8, "memory": 10, "cpu_percent": 5, "gpu_utilization": 5, "gpu_memory": 12,
        "env_steps_per_second": 8, "episodes_per_minute": 8,
    },
    "scalars": {"step": 9, "category": -12, "values": -1},
    "events": {"env_step": 9, "kind": -9, "message": -1},
}  # fmt: skip
"""Columns of each stream with their widths in characters. Each table fits into eighty columns."""


class RecordLines:
    """Formatter for the records of one stream. The first records determine the columns.

    Args:
        stream: Name of the stream.
    """

    def __init__(self, stream: str) -> None:
        self._possible = [
            LineColumn(field, width, _TEXTS.get(field) or metric_of(stream, field).short_label)
            for field, width in _WIDTHS[stream].items()
        ]
        self._columns: list[LineColumn] = []

    def of(self, records: list[Any]) -> Iterator[Text]:
        """Yield one line per record, preceded by the column titles on the first call that has records."""
        if records and not self._columns:
            self._columns = [
                column
                for column in self._possible
                if any(getattr(record, column.field) is not None for record in records)
            ]
            titles = [_padded(Text(column.title), column.width) for column in self._columns]
            yield _joined([Text("time    "), *titles], LABEL)
        for record in records:
            cells = [_padded(_cell(record, column.field), column.width) for column in self._columns]
            yield _joined([Text(format_time(record.time)[_CLOCK], LABEL), *cells])


def _joined(cells: list[Text], style: str = "") -> Text:
    line = Text(" ", style).join(cells)
    line.rstrip()
    return line


def _padded(cell: Text, width: int) -> Text:
    if width > 0:
        cell.pad_left(max(0, width - len(cell)))
    else:
        cell.pad_left(1)
        cell.pad_right(max(0, 1 - width - len(cell)))
    return cell


def _cell(record: Record, field: str) -> Text:
    if isinstance(record, Event) and field == "message":
        return _message(record)
    return _value_text(getattr(record, field))


def _message(event: Event) -> Text:
    if event.severity in {None, "info"}:
        return _value_text(event.message)
    return Text(f"{event.severity}: ", STYLES.get(str(event.severity), "")).append_text(_value_text(event.message))


def _value_text(value: Any) -> Text:
    match value:
        case None:
            return Text(ABSENT, LABEL)
        case bool():
            return Text("yes" if value else "no")
        case int():
            return Text(count(value))
        case float():
            return number_text(value, _DIGITS)
        case dict():
            return Text("  ").join(
                Text(f"{escape_control(name)} ").append_text(_value_text(of)) for name, of in value.items()
            )
        case _:
            return Text(escape_control(str(value)))

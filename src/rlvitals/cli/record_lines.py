"""Records as lines under one another, one a record."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rich.text import Text

from rlvitals.cli.screen import LABEL, STYLES, number_text
from rlvitals.cli.words import ABSENT, clean, count, moment
from rlvitals.records import Event, Record

_CLOCK = slice(11, 19)
_DIGITS = 3


class Column(NamedTuple):
    """A field of a record, in a line; a width below 0 is that of text, which begins on the left."""

    title: str
    field: str
    width: int


_COLUMNS = {
    "episodes": (
        Column("episode", "episode", 7),
        Column("step", "env_step", 9),
        Column("reward", "reward", 9),
        Column("length", "length", 6),
        Column("quality", "quality_final", 7),
        Column("success", "success", 7),
        Column("category", "category", -8),
        Column("end", "termination_reason", -1),
    ),
    "updates": (
        Column("step", "step", 9),
        Column("policy", "policy_loss", 9),
        Column("value", "value_loss", 8),
        Column("entropy", "entropy", 7),
        Column("KL", "kl_divergence", 8),
        Column("clipped", "clip_fraction", 7),
        Column("expl.var", "explained_variance", 8),
        Column("gradient", "gradient_norm", 8),
    ),
    "evaluations": (
        Column("step", "env_step", 9),
        Column("episode", "episode", 8),
        Column("reward", "reward", 9),
        Column("spread", "reward_std", 8),
        Column("quality", "quality", 7),
        Column("success", "success_rate", 7),
        Column("episodes", "episodes", 8),
        Column("policy", "policy", -1),
    ),
    "system": (
        Column("step", "env_step", 9),
        Column("episode", "episode", 8),
        Column("MiB", "memory", 8),
        Column("CPU %", "cpu_percent", 5),
        Column("GPU %", "gpu_utilization", 5),
        Column("GPU MiB", "gpu_memory", 8),
        Column("steps/s", "env_steps_per_second", 8),
        Column("episodes/min", "episodes_per_minute", 12),
    ),
    "scalars": (Column("step", "step", 9), Column("category", "category", -12), Column("values", "values", -1)),
    "events": (Column("step", "env_step", 9), Column("kind", "kind", -9), Column("message", "message", -1)),
}
"""What fits into eighty columns."""


class RecordLines:
    """Makes the lines of a stream. The first records decide which columns there are.

    Args:
        stream: The stream's name.
    """

    def __init__(self, stream: str) -> None:
        self._possible = _COLUMNS[stream]
        self._columns: list[Column] = []

    def of(self, records: list[Any]) -> Iterator[Text]:
        """The lines of some records; before the first of all, the titles."""
        if not self._columns:
            self._columns = [
                column
                for column in self._possible
                if any(getattr(record, column.field) is not None for record in records)
            ]
            titles = [_padded(Text(column.title), column.width) for column in self._columns]
            yield _joined([Text("time    "), *titles], LABEL)
        for record in records:
            cells = [_padded(_cell(record, column.field), column.width) for column in self._columns]
            yield _joined([Text(moment(record.time)[_CLOCK], LABEL), *cells])


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
    return _said(getattr(record, field))


def _message(event: Event) -> Text:
    if event.severity in {None, "info"}:
        return _said(event.message)
    return Text(f"{event.severity}: ", STYLES.get(str(event.severity), "")).append_text(_said(event.message))


def _said(value: Any) -> Text:
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
            return Text("  ").join(Text(f"{clean(name)} ").append_text(_said(of)) for name, of in value.items())
        case _:
            return Text(clean(str(value)))

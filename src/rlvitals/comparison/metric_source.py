"""Lookup of metrics, and containers for their values on a common axis."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ColumnError
from rlvitals.records import STREAMS
from rlvitals.records.schema import fields

BLOCKS = 100
LARGEST = 1e150
"""Values from here on count as infinite, because their squares overflow a float."""
_SEARCHED = ("episodes", "evaluations", "updates")
_BOOKKEEPING = {"time", "writer"}
_TEXTUAL = ("TEXT",)


class MetricSource(NamedTuple):
    """Location of a metric.

    Attributes:
        stream: Name of the stream.
        field: Name of the field, or `field.key` of a dict.
        nested: Name of the dict to read. Empty for a plain field.
    """

    stream: str
    field: str
    nested: tuple[str, ...]

    @property
    def name(self) -> str:
        """The metric as `stream.field`."""
        return f"{self.stream}.{self.field}"

    @property
    def sql(self) -> str:
        """SQL expression for the value as a number."""
        quoted = (part.replace('"', '""') for part in self.field.split(".", 1))
        return "CAST(" + ".".join(f'"{part}"' for part in quoted) + " AS DOUBLE)"


class MetricExtent(NamedTuple):
    """Extent of a metric in a run: number of values, non-finite values, last place, approximate number of places.

    Parallel environments have several values at one place.
    """

    values: int
    not_finite: int
    reached: float
    places: int


class Content(NamedTuple):
    """Digest of the records of a run.

    Attributes:
        rows: Sum of the hashes of the records, without times and other values that change when a training is repeated.
        instants: Sum of the hashes of the times. `None` if they are not clock times.
        varied: Approximate number of different values of the field that has most. Only fields that depend on chance
            count.
    """

    rows: int
    instants: int | None
    varied: int


class MetricBlocks(NamedTuple):
    """Block means. The blocks have equal width up to each run's horizon.

    Attributes:
        places: Upper ends of the blocks, shape `(runs, k)`.
        means: Mean of each run's finite values in each block, shape `(runs, k)`. NaN in blocks without values.
        counts: Number of finite values in each block, shape `(runs, k)`.
    """

    places: NDArray[np.float64]
    means: NDArray[np.float64]
    counts: NDArray[np.int64]


def metric_names() -> list[str]:
    """Return the names of the numbers that every run can have, for `source_of`: `reward`, `updates.entropy`, ..."""
    return [
        f"{'' if stream == _SEARCHED[0] else f'{stream}.'}{field.name}"
        for stream in _SEARCHED
        for field in fields(STREAMS[stream])
        if field.column.name in {"NUMBER", "COUNT"} and field.name not in _BOOKKEEPING
    ]


def source_of(metric: str) -> MetricSource:
    """Find a metric by name: `reward`, `evaluations.reward`, `updates.entropy`, `reward_parts.size`.

    Raises:
        ColumnError: No stream has a number with that name.
    """
    stream, _, rest = metric.partition(".")
    searched: Sequence[str] = _SEARCHED
    name = metric
    if stream in STREAMS and rest:
        searched, name = (stream,), rest
    head = name.partition(".")[0]
    for candidate in searched:
        if any(field.name == name and field.column.name not in _TEXTUAL for field in fields(STREAMS[candidate])):
            return MetricSource(candidate, name, ())
        if "." in name and any(field.name == head and field.column.is_dict for field in fields(STREAMS[candidate])):
            return MetricSource(candidate, name, (head,))
    known = ", ".join(name for name in metric_names() if "." not in name)
    raise ColumnError(
        f"there is no metric {metric!r}: use a number of {', '.join(_SEARCHED)} such as reward, evaluations.reward, "
        f"updates.entropy or extra.my_metric. Episodes have {known}"
    )

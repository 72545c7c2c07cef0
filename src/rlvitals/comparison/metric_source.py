"""What a metric is, and what runs measured of it on a common axis."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ColumnError
from rlvitals.records import STREAMS
from rlvitals.records.schema import fields

BLOCKS = 100
LARGEST = 1e150
"""From here on a value counts as infinite: its square is beyond what a float holds."""
_SEARCHED = ("episodes", "evaluations", "updates")
_BOOKKEEPING = {"time", "writer"}
_TEXTUAL = ("TEXT",)


class MetricSource(NamedTuple):
    """Where a metric is.

    Attributes:
        stream: The stream.
        field: The field, or `field.key` of a dict.
        nested: The dict that must be read; empty for a plain field.
    """

    stream: str
    field: str
    nested: tuple[str, ...]

    @property
    def name(self) -> str:
        """`stream.field`."""
        return f"{self.stream}.{self.field}"

    @property
    def sql(self) -> str:
        """The value, as a number."""
        quoted = (part.replace('"', '""') for part in self.field.split(".", 1))
        return "CAST(" + ".".join(f'"{part}"' for part in quoted) + " AS DOUBLE)"


class MetricExtent(NamedTuple):
    """How much of the metric a run has: values, those not finite, the last place, and how many places there are, about.

    Environments side by side have several values at one place.
    """

    values: int
    not_finite: int
    reached: float
    places: int


class Content(NamedTuple):
    """What the records of a run are, in a few numbers.

    Attributes:
        rows: Sum of a hash of each, without the times and what else is another when a training is done again.
        instants: Sum of a hash of each time; `None` where they are not of a clock.
        varied: Different values of the number that has most of them, about; of those that chance has a part in.
    """

    rows: int
    instants: int | None
    varied: int


class MetricBlocks(NamedTuple):
    """Blocks of equal width up to each run's horizon.

    Attributes:
        places: Upper ends of the blocks, shape `(runs, k)`.
        means: Mean of each run's finite values in each block, shape `(runs, k)`; NaN where there are none.
        counts: How many these are, shape `(runs, k)`.
    """

    places: NDArray[np.float64]
    means: NDArray[np.float64]
    counts: NDArray[np.int64]


def metric_names() -> list[str]:
    """The numbers that every run may have, by the names that `source_of` takes: `reward`, `updates.entropy`, ..."""
    return [
        f"{'' if stream == _SEARCHED[0] else f'{stream}.'}{field.name}"
        for stream in _SEARCHED
        for field in fields(STREAMS[stream])
        if field.column.name in {"NUMBER", "COUNT"} and field.name not in _BOOKKEEPING
    ]


def source_of(metric: str) -> MetricSource:
    """Where a metric is: `reward`, `evaluations.reward`, `updates.entropy`, `reward_parts.size`.

    Raises:
        ColumnError: No stream has a number of that name.
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
        f"updates.entropy or extra.my_metric; of episodes there are {known}"
    )

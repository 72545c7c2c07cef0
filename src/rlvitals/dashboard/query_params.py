"""Query parameters of the API, each with its validation, bounds and description."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from fastapi import Query
from numpy.typing import NDArray
from pydantic import StringConstraints

from rlvitals.comparison.result import Axis, Statistic

Clock = Literal["episode", "env_step", "update", "time"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
"""Clocks that a curve can be drawn over."""
AUTO = -1
"""Automatic smoothing: a window of one thirtieth of the visible values."""
FEWEST_POINTS = 50
MOST_POINTS = 4_000
MOST_COMPARED = 1_000
MOST_PATTERNS = 20
_MOST_FIELDS = 24
_MOST_SIDE_BY_SIDE = 12
_LONGEST = 1_000
_MOST_EVENTS = 2_000

_Short = Annotated[str, StringConstraints(max_length=_LONGEST)]

Key = Annotated[
    str, Query(min_length=1, max_length=_LONGEST, description="Key of the run: its path from the folder of runs.")
]
Keys = Annotated[list[_Short], Query(min_length=1, max_length=_MOST_SIDE_BY_SIDE, description="Keys of the runs.")]
StreamName = Annotated[Literal["episodes", "updates", "system", "scalars"], Query(description="Stream of the fields.")]
Fields = Annotated[
    list[_Short],
    Query(
        min_length=1,
        max_length=_MOST_FIELDS,
        description="Fields to draw; dict entries have a dot: `reward_parts.size`.",
    ),
]
ClockName = Annotated[
    Clock, Query(description="Clock of the horizontal axis; `time` is seconds since the start of the run.")
]
Low = Annotated[float | None, Query(alias="from", allow_inf_nan=False, description="Start of the visible range.")]
High = Annotated[float | None, Query(alias="to", allow_inf_nan=False, description="End of the visible range.")]
PointCount = Annotated[
    int,
    Query(ge=FEWEST_POINTS, le=MOST_POINTS, description="Approximate number of points per line; extremes are kept."),
]
Smoothing = Annotated[
    int, Query(ge=AUTO, le=1_000_000, description="Span of the moving average in values; 0 for none, -1 for automatic.")
]
Category = Annotated[str | None, Query(max_length=_LONGEST, description="Include only episodes of this category.")]
Grouping = Annotated[
    Literal["category", "difficulty", "termination_reason"], Query(description="Field to group the episodes by.")
]
EventKind = Annotated[str | None, Query(max_length=_LONGEST, description="Include only events of this kind.")]
EventCount = Annotated[
    int, Query(ge=1, le=_MOST_EVENTS, description="Maximum number of events; the last ones are returned.")
]
Name = Annotated[str, Query(min_length=1, max_length=_LONGEST)]

Members = Annotated[
    list[_Short], Query(alias="run", max_length=MOST_COMPARED, description="Keys of the runs to compare.")
]
Patterns = Annotated[
    list[_Short],
    Query(
        alias="group",
        max_length=MOST_PATTERNS,
        description="Pattern of keys of runs to compare, such as `base-*`, or `NAME=PATTERN` to name the group.",
    ),
]
Two = Annotated[list[_Short], Query(min_length=2, max_length=2, description="Keys of two runs.")]
Metric = Annotated[
    str, Query(min_length=1, max_length=_LONGEST, description="Metric to compare: `reward`, `evaluations.reward`, ...")
]
StatisticName = Annotated[
    Statistic,
    Query(description="Outcome of a run: mean over the last tenth, mean over the whole run, or best block mean."),
]
AxisName = Annotated[
    Axis | None,
    Query(description="Axis to align the runs along. Default: an axis that all runs have."),
]
By = Annotated[
    str | None,
    Query(max_length=_LONGEST, description="Setting to group by, or `run`. Default: all settings except the seed."),
]
Baseline = Annotated[str | None, Query(max_length=_LONGEST, description="Group to compare the other groups with.")]
Goal = Annotated[
    float | None, Query(allow_inf_nan=False, description="Target mean, to measure how soon runs reach it.")
]
Margin = Annotated[
    float | None, Query(gt=0.0, allow_inf_nan=False, description="Margin within which groups count as the same.")
]
Flag = Annotated[bool, Query()]


@dataclass(frozen=True)
class RowRange:
    """A range of rows on a clock, including both ends."""

    clock: ClockName = "episode"
    low: Low = None
    high: High = None

    @property
    def is_open(self) -> bool:
        """Whether the range includes all rows."""
        return self.low is None and self.high is None

    def contains(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return a mask of the positions in the range. NaN is outside unless the range is open at both ends."""
        inside = np.ones(positions.shape, dtype=bool)
        if self.low is not None:
            inside &= positions >= self.low
        if self.high is not None:
            inside &= positions <= self.high
        return inside


@dataclass(frozen=True)
class View(RowRange):
    """The part of the curves of a stream that a chart shows; see `curve_series.series`."""

    stream: StreamName = "episodes"
    points: PointCount = 1_000
    smoothing: Smoothing = AUTO
    category: Category = None


@dataclass(frozen=True)
class ComparisonOptions:
    """The options of `rlvitals.compare` that a page can set; `by` is the name of a setting, or `run`."""

    metric: Metric = "reward"
    statistic: StatisticName = "final"
    axis: AxisName = None
    by: By = None
    baseline: Baseline = None
    target: Goal = None
    margin: Margin = None
    lower_is_better: Flag = False
    every_pair: Flag = False

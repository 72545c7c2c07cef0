"""The parameters of the API: each checked, bounded and described once."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from fastapi import Query
from numpy.typing import NDArray
from pydantic import StringConstraints

from rlvitals.comparison.result import Axis, Statistic

Clock = Literal["episode", "env_step", "update", "time"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
"""What a curve can be drawn over."""
AUTO = -1
"""The smoothing that fits what is visible: a thirtieth of it."""
FEWEST_POINTS = 50
MOST_POINTS = 4_000
MOST_COMPARED = 1_000
MOST_PATTERNS = 20
_MOST_FIELDS = 24
_MOST_SIDE_BY_SIDE = 12
_LONGEST = 1_000
_MOST_EVENTS = 2_000

_Short = Annotated[str, StringConstraints(max_length=_LONGEST)]

Key = Annotated[str, Query(min_length=1, max_length=_LONGEST, description="The run: the way to it from the folder.")]
Keys = Annotated[list[_Short], Query(min_length=1, max_length=_MOST_SIDE_BY_SIDE, description="The runs, one each.")]
StreamName = Annotated[
    Literal["episodes", "updates", "system", "scalars"], Query(description="The stream that the fields are of.")
]
Fields = Annotated[
    list[_Short],
    Query(min_length=1, max_length=_MOST_FIELDS, description="What is drawn; entries of dicts as `reward_parts.size`."),
]
ClockName = Annotated[Clock, Query(description="What it is drawn over; `time` is seconds since the run began.")]
Low = Annotated[float | None, Query(alias="from", allow_inf_nan=False, description="Where the visible range begins.")]
High = Annotated[float | None, Query(alias="to", allow_inf_nan=False, description="Where it ends.")]
PointCount = Annotated[
    int, Query(ge=FEWEST_POINTS, le=MOST_POINTS, description="Points of a line, about; extremes are kept.")
]
Smoothing = Annotated[
    int, Query(ge=AUTO, le=1_000_000, description="Values that the average goes back; 0 for none, -1 for what fits.")
]
Category = Annotated[str | None, Query(max_length=_LONGEST, description="Only episodes of this category.")]
Grouping = Annotated[
    Literal["category", "difficulty", "termination_reason"], Query(description="What the episodes have in common.")
]
EventKind = Annotated[str | None, Query(max_length=_LONGEST, description="Only events of this kind.")]
EventCount = Annotated[int, Query(ge=1, le=_MOST_EVENTS, description="How many at most, the last ones.")]
Name = Annotated[str, Query(min_length=1, max_length=_LONGEST)]

Members = Annotated[
    list[_Short], Query(alias="run", max_length=MOST_COMPARED, description="Runs to compare, by their keys.")
]
Patterns = Annotated[
    list[_Short],
    Query(
        alias="group",
        max_length=MOST_PATTERNS,
        description="Runs to compare, by a pattern of keys such as `base-*`, or `NAME=PATTERN`.",
    ),
]
Two = Annotated[list[_Short], Query(min_length=2, max_length=2, description="Two runs.")]
Metric = Annotated[
    str, Query(min_length=1, max_length=_LONGEST, description="A number: `reward`, `evaluations.reward`, ...")
]
StatisticName = Annotated[
    Statistic,
    Query(description="What a run comes to: the mean over the last tenth, over all of it, or the best hundredth."),
]
AxisName = Annotated[
    Axis | None,
    Query(description="What runs are brought together by; by default what they all have."),
]
By = Annotated[
    str | None,
    Query(max_length=_LONGEST, description="The setting that makes a group, or `run`; by default all but the seed."),
]
Baseline = Annotated[str | None, Query(max_length=_LONGEST, description="The group that others are compared with.")]
Goal = Annotated[float | None, Query(allow_inf_nan=False, description="A mean to reach.")]
Margin = Annotated[
    float | None, Query(gt=0.0, allow_inf_nan=False, description="Within which groups count as the same.")
]
Flag = Annotated[bool, Query()]


@dataclass(frozen=True)
class RowRange:
    """The rows that are wanted: from where to where on a clock, both ends included."""

    clock: ClockName = "episode"
    low: Low = None
    high: High = None

    @property
    def is_open(self) -> bool:
        """Whether all rows are wanted."""
        return self.low is None and self.high is None

    def contains(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which positions are inside; NaN is not, unless the range is open on both sides."""
        inside = np.ones(positions.shape, dtype=bool)
        if self.low is not None:
            inside &= positions >= self.low
        if self.high is not None:
            inside &= positions <= self.high
        return inside


@dataclass(frozen=True)
class View(RowRange):
    """The part of a stream's curves that a chart shows; see `curve_series.series`."""

    stream: StreamName = "episodes"
    points: PointCount = 1_000
    smoothing: Smoothing = AUTO
    category: Category = None


@dataclass(frozen=True)
class ComparisonOptions:
    """The options of a comparison, as `rlvitals.compare` takes them; `by` is the name of a setting, or `run`."""

    metric: Metric = "reward"
    statistic: StatisticName = "final"
    axis: AxisName = None
    by: By = None
    baseline: Baseline = None
    target: Goal = None
    margin: Margin = None
    lower_is_better: Flag = False
    every_pair: Flag = False

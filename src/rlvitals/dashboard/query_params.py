"""The parameters of the API: each checked, bounded and described once."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import StringConstraints

from rlvitals.dashboard.curve_series import FEWEST_POINTS, MOST_POINTS
from rlvitals.dashboard.curve_views import MOST_FIELDS
from rlvitals.dashboard.group_comparison import MOST_COMPARED, MOST_PATTERNS
from rlvitals.dashboard.side_by_side import MOST_RUNS

_LONGEST = 1_000
_MOST_EVENTS = 2_000

_Short = Annotated[str, StringConstraints(max_length=_LONGEST)]

Key = Annotated[str, Query(min_length=1, max_length=_LONGEST, description="The run: the way to it from the folder.")]
Keys = Annotated[list[_Short], Query(min_length=1, max_length=MOST_RUNS, description="The runs, one each.")]
StreamName = Annotated[
    Literal["episodes", "updates", "system", "scalars"], Query(description="The stream that the fields are of.")
]
Fields = Annotated[
    list[_Short],
    Query(min_length=1, max_length=MOST_FIELDS, description="What is drawn; entries of dicts as `reward_parts.size`."),
]
ClockName = Annotated[
    Literal["episode", "env_step", "update", "time"],
    Query(description="What it is drawn over; `time` is seconds since the run began."),
]
Low = Annotated[float | None, Query(alias="from", allow_inf_nan=False, description="Where the visible range begins.")]
High = Annotated[float | None, Query(alias="to", allow_inf_nan=False, description="Where it ends.")]
PointCount = Annotated[
    int, Query(ge=FEWEST_POINTS, le=MOST_POINTS, description="Points of a line, about; extremes are kept.")
]
Smoothing = Annotated[
    int, Query(ge=-1, le=1_000_000, description="Values that the average goes back; 0 for none, -1 for what fits.")
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
    Literal["final", "area", "best"],
    Query(description="What a run comes to: the mean over the last tenth, over all of it, or the best hundredth."),
]
AxisName = Annotated[
    Literal["env_step", "episode", "update", "time"] | None,
    Query(description="What runs are brought together by; by default what they all have."),
]
By = Annotated[
    str | None,
    Query(max_length=_LONGEST, description="The setting that makes a group, or `run`; by default all but the seed."),
]
Baseline = Annotated[str | None, Query(max_length=_LONGEST, description="The group that others are held against.")]
Goal = Annotated[float | None, Query(allow_inf_nan=False, description="A mean to reach.")]
Margin = Annotated[
    float | None, Query(gt=0.0, allow_inf_nan=False, description="Within which groups count as the same.")
]
Flag = Annotated[bool, Query()]

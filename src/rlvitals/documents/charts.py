"""Contents of charts as plain values, from which SVG images and lines of text are drawn."""

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.formatting import number, percent

Floats = NDArray[np.float64]

GROUPS = tuple(f"group{place}" for place in range(1, 5))
"""Line kinds of compared groups: as many as can overlap with their bands."""


class Line(NamedTuple):
    """Connected points. Non-finite points interrupt the line.

    Attributes:
        x: Positions, shape `(k,)`.
        y: Values, shape `(k,)`.
        kind: `main`, `raw` (thin, drawn first), `other` (second series), `quiet` (third series), or one of `GROUPS`.
        label: Text in the legend.
        dots: Whether each point is also drawn as a dot.
    """

    x: Floats
    y: Floats
    kind: str = "main"
    label: str = ""
    dots: bool = False


class Band(NamedTuple):
    """A range of values at each position. Positions with a non-finite end interrupt the band."""

    x: Floats
    low: Floats
    high: Floats
    label: str = ""
    kind: str = "main"


class AxisMark(NamedTuple):
    """A marked position on the x axis, such as the onset of a finding."""

    x: float
    label: str
    severity: str
    text: str


class ReferenceLine(NamedTuple):
    """A horizontal reference: a goal, a baseline or a limit of the healthy range."""

    y: float
    label: str
    kind: str = "goal"


class Bad(NamedTuple):
    """Positions of non-finite values, which have no height."""

    x: Floats
    kind: str


class CurveChart(NamedTuple):
    """A chart of a quantity over the course of a run.

    Attributes:
        key: Stable name.
        title: Title.
        clock: Unit of the x axis.
        lines: Lines to draw, the topmost last.
        unit: Unit of the values.
        bands: Ranges drawn behind the lines.
        marks: Onsets of findings.
        levels: Reference lines.
        healthy: Healthy range from the metric dictionary.
        limits: Bounds that the y axis cannot exceed, such as 0 and 1 for a share.
        whole: Whether the y axis spans the full range between the limits.
        share: Whether the values are shares, shown in per cent.
        bad: Positions of non-finite values.
        note: Remark shown next to the chart.
        about: Meaning of the quantity.
        spark: The curve as a few numbers, for a line of text.
        below: Number of runs behind each line at each position, drawn as steps below the chart.
    """

    key: str
    title: str
    clock: str
    lines: tuple[Line, ...]
    unit: str = ""
    bands: tuple[Band, ...] = ()
    marks: tuple[AxisMark, ...] = ()
    levels: tuple[ReferenceLine, ...] = ()
    healthy: tuple[float, float] | None = None
    limits: tuple[float | None, float | None] = (None, None)
    whole: bool = False
    share: bool = False
    bad: tuple[Bad, ...] = ()
    note: str = ""
    about: str = ""
    spark: tuple[float | None, ...] = ()
    below: tuple[Line, ...] = ()

    def text(self, value: float) -> str:
        """Format a value of the y axis."""
        return percent(value) if self.share else number(value)

    @property
    def heights(self) -> Floats:
        """All finite values that are drawn."""
        parts = [line.y for line in self.lines]
        parts += [edge for band in self.bands for edge in (band.low, band.high)]
        every: Floats = np.concatenate(parts) if parts else np.empty(0)
        return every[np.isfinite(every)]

    @property
    def places(self) -> Floats:
        """All finite positions on the x axis."""
        every = [line.x for line in self.lines] + [bad.x for bad in self.bad]
        found: Floats = np.concatenate(every) if every else np.empty(0)
        return found[np.isfinite(found)]


class Estimate(NamedTuple):
    """One row of an interval chart. Its tone is that of a verdict: good, bad, watch, neutral or quiet."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    tone: str = ""


class IntervalChart(NamedTuple):
    """Estimates with their intervals, one per row.

    Attributes:
        axis: Label of the x axis.
        rows: Rows from top to bottom.
        limits: Limits of the x axis. `None` fits the rows.
        zero: Position of a line to compare intervals with.
        share: Whether the values are shares, shown in per cent.
    """

    key: str
    title: str
    axis: str
    rows: tuple[Estimate, ...]
    limits: tuple[float, float] | None = None
    zero: float | None = None
    share: bool = False
    note: str = ""


class Heat(NamedTuple):
    """Means over two parameters.

    Attributes:
        means: Mean of each cell, shape `(rows, columns)`. NaN in untried cells.
        counts: Number of episodes in each cell, shape `(rows, columns)`.
    """

    key: str
    title: str
    x: str
    y: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    means: Floats
    counts: NDArray[np.int64]
    note: str = ""


class Strip(NamedTuple):
    """The runs of a group, one dot per run.

    Attributes:
        label: Name of the group.
        kind: One of `GROUPS`, or `main`.
        values: Outcomes of its runs.
        names: Names of these runs.
        lost: Names of runs that count as worst.
        mean: Mean of the values with both ends of its interval. Unavailable values are `None`.
        text: Note next to the row.
    """

    label: str
    kind: str
    values: tuple[float, ...]
    names: tuple[str, ...]
    lost: tuple[str, ...]
    mean: tuple[float | None, float | None, float | None]
    text: str


class Strips(NamedTuple):
    """Groups of runs, one per row, drawn so that a group of three runs shows three dots.

    Attributes:
        axis: Label of the x axis.
        rows: Rows from top to bottom.
        limits: Limits of the x axis. Values outside are drawn as an arrow at the edge.
        worst_is_high: Whether the worst outcome is the highest. Runs that count as worst are drawn at that edge.
        zero: Position of a line to compare values with, such as a target.
    """

    key: str
    title: str
    axis: str
    rows: tuple[Strip, ...]
    limits: tuple[float, float] = (0.0, 1.0)
    worst_is_high: bool = False
    zero: float | None = None
    note: str = ""


Chart = CurveChart | IntervalChart | Heat | Strips


def legend(chart: Chart) -> list[tuple[str, str]]:
    """List kind and label of each line and shade of a chart.

    Kinds are those of lines, `band`, `bands` (of several groups) and `healthy`. Only curve charts have a legend.
    """
    if not isinstance(chart, CurveChart):
        return []
    parts = [(line.kind, line.label) for line in chart.lines if line.label and line.x.size]
    # Bands of groups have the colours of their lines, so one entry describes all of them.
    parts += [("bands" if band.kind in GROUPS else "band", band.label) for band in chart.bands if band.label]
    return [*parts, *([("healthy", "healthy")] if chart.healthy is not None else [])]


def titled(chart: Chart) -> str:
    """Return the title of a chart, with the unit of a curve if the title lacks it."""
    unit = chart.unit if isinstance(chart, CurveChart) else ""
    return f"{chart.title} ({unit})" if unit and unit not in chart.title.lower() else chart.title


class Axis(NamedTuple):
    """A range of numbers with the positions of its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return the relative position of a value: 0 at the low end, 1 at the high end, 0.5 if both ends are equal."""
        span = self.high / 2 - self.low / 2  # halved, to avoid overflow
        return (value / 2 - self.low / 2) / span if span else 0.5


_GREATEST = sys.float_info.max
_EXTREME = 6.0
_CORE = (0.01, 0.99)
_SURE = {"main", *GROUPS}
"""Lines of these kinds are never left outside the axis."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def axis(low: float, high: float, *, ticks: int = 4, whole: bool = False) -> Axis:
    """Make an axis from about `low` to `high`, with ticks at round numbers.

    The step between ticks is 1, 2, 2.5 or 5 times a power of ten (Heckbert 1990, Nice numbers for graph labels).

    Args:
        low: Smallest value.
        high: Largest value.
        ticks: Approximate number of ticks.
        whole: Whether ticks are whole numbers.
    """
    if not high > low:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, low + pad
    low, high = max(low, -_GREATEST), min(high, _GREATEST)
    raw = high / ticks - low / ticks
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(power * nice for nice in _STEPS if power * nice >= raw * 0.999))
    step = max(step, 1.0) if whole else step
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return Axis(low, high, tuple(place * step for place in range(first, last + 1)))


def height_axis(chart: CurveChart, *, ticks: int = 4) -> tuple[Axis, int, int]:
    """Return the y axis of a curve, and the number of points above and below it.

    The axis holds the drawn values and nearby reference lines. If a few values are so extreme that they would flatten
    the rest (the range is six times that of the middle 98 %), they are left outside and counted.
    """
    heights = chart.heights
    floor, ceiling = chart.limits
    if chart.whole and floor is not None and ceiling is not None:
        return axis(floor, ceiling, ticks=ticks), 0, 0
    if not heights.size:
        return axis(0.0, 1.0), 0, 0
    low, high = _shown_range(chart, heights)
    span = high / 2 - low / 2
    near = [level.y for level in chart.levels if low - 2 * span <= level.y <= high + 2 * span]
    near += [edge for edge in chart.healthy or () if low - span <= edge <= high + span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.05 * (high / 2 - low / 2) * 2
    low = low - pad if floor is None else max(floor, low - pad)
    high = high + pad if ceiling is None else min(ceiling, high + pad)
    drawn = np.concatenate([_finite(line.y) for line in chart.lines]) if chart.lines else heights
    return axis(low, high, ticks=ticks), int((drawn > high).sum()), int((drawn < low).sum())


def _shown_range(chart: CurveChart, heights: Floats) -> tuple[float, float]:
    """Return the range of the values without a few extremes. The main line is always inside."""
    low, high = float(heights.min()), float(heights.max())
    mains = [heights[:0], *(_finite(line.y) for line in chart.lines if line.kind in _SURE)]
    core = np.concatenate([np.quantile(heights, _CORE, method="inverted_cdf"), *mains])
    half = float(core.max()) / 2 - float(core.min()) / 2
    if half > 0 and (high / 2 - low / 2) > _EXTREME * half:
        return max(low, float(core.min()) - half * 0.5), min(high, float(core.max()) + half * 0.5)
    return low, high


def place_axis(chart: CurveChart, *, ticks: int = 5) -> Axis:
    """Return the x axis of a curve, over all its positions."""
    places = chart.places
    low, high = (float(places.min()), float(places.max())) if places.size else (0.0, 1.0)
    return axis(low, high, ticks=ticks)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]

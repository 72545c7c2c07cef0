"""What a chart holds, before anybody draws it: plain values that SVG and a line of text are made from."""

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.formatting import number, percent

Floats = NDArray[np.float64]

GROUPS = tuple(f"group{place}" for place in range(1, 5))
"""Kinds of the lines of groups that are held against each other: as many as may lie over each other with bands."""


class Line(NamedTuple):
    """Points that are joined; those that are not finite break it.

    Attributes:
        x: Shape `(k,)`.
        y: Shape `(k,)`.
        kind: `main`, `raw` (thin, behind it), `other` (a second series), `quiet` (a third), or one of `GROUPS`.
        label: What it is, for the key.
        dots: Whether each point is drawn too.
    """

    x: Floats
    y: Floats
    kind: str = "main"
    label: str = ""
    dots: bool = False


class Band(NamedTuple):
    """Where values lie: from low to high at each place; places where either is not finite break it."""

    x: Floats
    low: Floats
    high: Floats
    label: str = ""
    kind: str = "main"


class AxisMark(NamedTuple):
    """A moment on the x axis, such as where a finding began."""

    x: float
    label: str
    severity: str
    text: str


class ReferenceLine(NamedTuple):
    """A height that is compared with: a goal, a baseline, the edge of what is healthy."""

    y: float
    label: str
    kind: str = "goal"


class Bad(NamedTuple):
    """Values that are not finite, which have a place but no height."""

    x: Floats
    kind: str


class CurveChart(NamedTuple):
    """A chart of something over the course of a run.

    Attributes:
        key: Its stable name.
        title: What is drawn.
        unit: In what.
        clock: What the x axis counts.
        lines: What is drawn, the last one on top.
        bands: The spread behind them.
        marks: Findings.
        levels: Heights to compare with.
        healthy: Where the metric dictionary says that healthy values lie.
        limits: The y axis may not leave these; of a share 0 and 1.
        whole: Whether it shows all from the one to the other.
        share: Whether the values are shares, to be shown in per cent.
        bad: Values that are not finite.
        note: What should be known beside.
        about: What the quantity means.
        spark: The same in a few numbers, for a line of text.
        below: How many runs stand behind each line at each place, drawn as steps below it.
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
        """Format a height."""
        return percent(value) if self.share else number(value)

    @property
    def heights(self) -> Floats:
        """All finite heights that are drawn."""
        parts = [line.y for line in self.lines]
        parts += [edge for band in self.bands for edge in (band.low, band.high)]
        every: Floats = np.concatenate(parts) if parts else np.empty(0)
        return every[np.isfinite(every)]

    @property
    def places(self) -> Floats:
        """All finite places on the x axis."""
        every = [line.x for line in self.lines] + [bad.x for bad in self.bad]
        found: Floats = np.concatenate(every) if every else np.empty(0)
        return found[np.isfinite(found)]


class Estimate(NamedTuple):
    """One row of a chart of estimates; its tone is a verdict's: good, bad, watch, neutral or quiet."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    tone: str = ""


class IntervalChart(NamedTuple):
    """Estimates with their intervals, one under another.

    Attributes:
        axis: What the x axis is.
        rows: From the top down.
        limits: The x axis; what the rows need where none are given.
        zero: A line that intervals are compared with.
        share: Whether the values are shares, to be shown in per cent.
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
        means: Shape `(rows, columns)`; NaN where nothing was tried.
        counts: Episodes in each cell, likewise.
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
    """Every run of a group, a dot each.

    Attributes:
        label: The group.
        kind: One of `GROUPS`, or `main`.
        values: What its runs came to.
        names: What each of them is called.
        lost: What runs are called that came to nothing, and count as worst.
        mean: Of the values, with both ends of its interval; `None` for what there is not.
        text: Note next to it.
    """

    label: str
    kind: str
    values: tuple[float, ...]
    names: tuple[str, ...]
    lost: tuple[str, ...]
    mean: tuple[float | None, float | None, float | None]
    text: str


class Strips(NamedTuple):
    """Groups of runs, one under another, so that three runs look like three.

    Attributes:
        axis: What the x axis is.
        rows: From the top down.
        limits: Of the x axis; what lies outside stands at the edge, as an arrow.
        worst_is_high: Whether the worst outcome is the highest: runs that came to nothing stand at that edge.
        zero: A value that all are compared with, such as a target.
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
    """List what each line and shade of a chart is: its kind and its label.

    Kinds are those of lines, `band`, `bands` (of several groups) and `healthy`. Charts that are not curves have none.
    """
    if not isinstance(chart, CurveChart):
        return []
    parts = [(line.kind, line.label) for line in chart.lines if line.label and line.x.size]
    # Bands of groups have the colours of their lines, so one entry names all of them.
    parts += [("bands" if band.kind in GROUPS else "band", band.label) for band in chart.bands if band.label]
    return [*parts, *([("healthy", "healthy")] if chart.healthy is not None else [])]


def titled(chart: Chart) -> str:
    """Write the title of a chart, with the unit of a curve where the title does not name it."""
    unit = chart.unit if isinstance(chart, CurveChart) else ""
    return f"{chart.title} ({unit})" if unit and unit not in chart.title.lower() else chart.title


class Axis(NamedTuple):
    """A stretch of numbers, and where its ticks stand."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return the place of a value: 0 at the low end, 1 at the high end; the middle if both ends are equal."""
        span = self.high / 2 - self.low / 2  # halved, so that no range is too wide
        return (value / 2 - self.low / 2) / span if span else 0.5


_GREATEST = sys.float_info.max
_EXTREME = 6.0
_CORE = (0.01, 0.99)
_SURE = {"main", *GROUPS}
"""Lines of these kinds are never left outside."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def axis(low: float, high: float, *, ticks: int = 4, whole: bool = False) -> Axis:
    """An axis from about `low` to `high`, with ticks at round numbers.

    The step between ticks is 1, 2, 2.5 or 5 times a power of ten (Heckbert 1990, Nice numbers for graph labels).

    Args:
        low: The least value.
        high: The greatest.
        ticks: About how many ticks.
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
    """The y axis of a curve, and how many points lie above and below what it shows.

    It holds what is drawn, and the goals near by. A few values so far out that they would press all else into a line
    (the range is six times that of the middle 98 %) are left outside, and counted.
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
    """From the least to the greatest height, without a few that are far out; all of the main line is in it."""
    low, high = float(heights.min()), float(heights.max())
    mains = [heights[:0], *(_finite(line.y) for line in chart.lines if line.kind in _SURE)]
    core = np.concatenate([np.quantile(heights, _CORE, method="inverted_cdf"), *mains])
    half = float(core.max()) / 2 - float(core.min()) / 2
    if half > 0 and (high / 2 - low / 2) > _EXTREME * half:
        return max(low, float(core.min()) - half * 0.5), min(high, float(core.max()) + half * 0.5)
    return low, high


def place_axis(chart: CurveChart, *, ticks: int = 5) -> Axis:
    """The x axis of a curve: its places from end to end."""
    places = chart.places
    low, high = (float(places.min()), float(places.max())) if places.size else (0.0, 1.0)
    return axis(low, high, ticks=ticks)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]

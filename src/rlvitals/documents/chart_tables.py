"""Charts as tables, for text documents: each curve is a row, every other chart is a table."""

import math
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

import numpy as np

from rlvitals.documents.charts import GROUPS, Chart, CurveChart, Floats, Heat, IntervalChart, Strips, titled
from rlvitals.documents.document import Cell, Drawing, Spark, Table, Toned, table_of
from rlvitals.formatting import ABSENT, count, interval_line, number, share_bar, sparkline
from rlvitals.stats.series.down_sampling import sparks

_ENDS = ("first", "low", "high", "last")
_MOST_VALUES = 20


def chart_tables(charts: Iterable[Chart]) -> Iterator[Table]:
    """Convert charts to tables: one table with a row per curve, and one table for every other chart.

    Args:
        charts: Charts to convert.
    """
    charts = list(charts)
    curves = [chart for chart in charts if isinstance(chart, CurveChart)]
    rows = [row for curve in curves for row in _curve_rows(curve, is_alone=len(curves) == 1)]
    if rows:
        columns = {title: itemgetter(title) for title in rows[0]}
        caption = titled(curves[0]) if len(curves) == 1 < len(rows) else ""
        table = table_of(rows, columns, texts={"over the run", "note"}, sparse=columns.keys(), caption=caption)
        yield table._replace(spare=frozenset({"low", "high"}))
    for chart in charts:
        match chart:
            case IntervalChart():
                yield _estimate_table(chart)
            case Strips():
                groups = tuple((Toned(row.label, row.kind), row.text, _values(row.values)) for row in chart.rows)
                yield Table(("", chart.axis, "runs"), groups, (0, 1, 2), chart.title)
            case Heat() if np.isfinite(chart.means).any():
                yield _heat_table(chart)


def _curve_rows(curve: CurveChart, *, is_alone: bool) -> Iterator[dict[str, Cell]]:
    """Yield one row per curve, or one row per group for a curve that compares groups."""
    title = titled(curve)
    grouped = [line for line in curve.lines if line.kind in GROUPS]
    for line in grouped:
        name = Toned(line.label if is_alone else f"{title}: {line.label}", line.kind)
        yield {
            "": name,
            "over the run": Spark(sparks(line.y)),
            **_ends(curve, line.y[np.isfinite(line.y)]),
            "healthy": ABSENT,
            "note": ABSENT,
        }
    if not grouped:
        ends, healthy = _ends(curve, curve.lines[0].y), _healthy(curve)
        if isinstance(healthy, Toned) and healthy.tone == "watch":
            ends["last"] = Toned(curve.text(float(curve.lines[0].y[-1])), "watch")
        yield {
            "": title,
            "over the run": Spark(curve.spark),
            **ends,
            "healthy": healthy,
            "note": curve.note or ABSENT,
        }


def _ends(curve: CurveChart, values: Floats) -> dict[str, Cell]:
    """Format the first and last values, which can be non-finite, and the smallest and largest finite values."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return dict.fromkeys(_ENDS, ABSENT)
    ends = map(float, (values[0], finite.min(), finite.max(), values[-1]))
    return {
        title: curve.text(end) if math.isfinite(end) else Toned(number(end), "bad")
        for title, end in zip(_ENDS, ends, strict=True)
    }


def _healthy(curve: CurveChart) -> Cell:
    """Format the healthy range, and the side on which the last value is outside it."""
    if curve.healthy is None:
        return ABSENT
    low, high = curve.healthy
    last = float(curve.lines[0].y[-1]) if curve.lines[0].y.size else math.nan
    side = ": above" if last > high else ": below" if last < low else ""
    return Toned(f"{number(low)} to {number(high)}{side}", "watch" if side else "quiet")


def _estimate_table(chart: IntervalChart) -> Table:
    ends = [end for row in chart.rows for end in (row.value, row.low, row.high, chart.zero) if end is not None]
    finite = [end for end in ends if math.isfinite(end)] or [0.0, 1.0]
    edges = chart.limits or (min(finite), max(finite))
    lines = [share_bar(row.value) if chart.share else interval_line(*row[1:4], *edges) for row in chart.rows]
    rows = tuple((row.label, Drawing(line, row.tone), row.text) for row, line in zip(chart.rows, lines, strict=True))
    return Table(("", "", chart.axis), rows, (0, 1, 2), chart.title)


def _heat_table(chart: Heat) -> Table:
    """Draw the rows as lines of blocks, higher for larger means. A dot marks untried values."""
    finite = chart.means[np.isfinite(chart.means)]
    low, high = float(finite.min()), float(finite.max())
    lines = sparkline([None if math.isnan(mean) else mean for mean in chart.means.ravel().tolist()]).replace(" ", "·")
    wide = len(chart.columns)
    rows = tuple(
        (name, Drawing("".join(2 * block for block in lines[wide * place : wide * (place + 1)])))
        for place, name in enumerate(chart.rows)
    )
    titles = (chart.y, f"{chart.x}: {chart.columns[0]} to {chart.columns[-1]}")
    return Table(titles, rows, (1,), f"{chart.title}: {number(low)} (▁) to {number(high)} (█)")


def _values(values: Sequence[float]) -> str:
    shown = ", ".join(number(one) for one in sorted(values)[:_MOST_VALUES])
    return f"{shown}, and {count(len(values) - _MOST_VALUES)} more" if len(values) > _MOST_VALUES else shown or ABSENT

"""The levels of a run's episodes as a table: at first, recently and over all."""

from rlvitals.documents.document import Cell, Table
from rlvitals.documents.run_tables import interval, value
from rlvitals.formatting import ABSENT, count, percent
from rlvitals.records.metrics import metric_of
from rlvitals.summary.measures import Range
from rlvitals.summary.run_summary import RunSummary


def levels_table(summary: RunSummary) -> Table:
    """The level of each quantity of an episode: at first, recently and over all.

    Args:
        summary: The run.
    """
    levels = summary.overview.levels
    longest = max(level.window for level in levels.values())
    is_whole = longest >= (summary.overview.course.rewards if summary.overview.course else summary.episodes)
    rows: list[tuple[Cell, ...]] = []
    for name, level in levels.items():
        is_rate, found = name == "success", summary.measures.get(name)
        over_all, said = (summary.success.rate, percent) if is_rate else (found and found.mean, value)
        rows.append(
            (
                metric_of("episodes", name).label,
                ABSENT if is_whole else said(level.first),
                said(level.mean),
                interval(Range(level.mean, level.low, level.high), shares=is_rate),
                said(over_all.estimate if over_all else None),
                value(found.convergence.best if found else None),
            )
        )
    over = "whole run" if summary.window is None else f"last {count(summary.window)}"
    titles = ("mean of", f"first {count(longest)}", f"last {count(longest)}", "95 % interval", over, "best eighth")
    return Table(titles, tuple(rows))

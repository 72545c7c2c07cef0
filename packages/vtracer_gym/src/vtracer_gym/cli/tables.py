"""Terminal tables of an evaluation, and the sentence that sums it up."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final

from rich import box
from rich.measure import Measurement
from rich.table import Table

from vtracer_gym.baselines import COMPACT_NAME, PIPELINE_NAME
from vtracer_gym.logo_outcomes import (
    FIRST_TRY,
    TUNED,
    Summary,
    best_of,
    methods_of,
    relative_size,
    reward_gain,
    strongest_fixed,
    summarize,
    tries_to_match,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from rich.console import Console

    from vtracer_gym.intervals import Interval
    from vtracer_gym.logo_outcomes import LogoEvaluation

NAME_WIDTH: Final = 18
"""Columns of a method's name. Longer names take two lines, as the intervals do."""

MEANINGS: Final = {
    "x2": "x2, x4: SSIM at larger sizes.",
    "bytes": "bytes: ratio to the defaults.",
    "edge": "edge: distance in pixels.",
    "color": "color: error of areas in 8-bit levels.",
    "worse": "worse: lower SSIM than the defaults.",
}
"""Meanings of headings, for the caption."""

UNLIMITED: Final = 10_000
"""Columns of a terminal on which nothing is too wide."""

DISPENSABLE: Final = ("x4", "color", "edge", "x2", "worse")
"""Headings of columns that are left out on a narrow terminal, the first ones first."""


def headline(evaluations: Sequence[LogoEvaluation], method: str = FIRST_TRY) -> str:
    """Return a sentence about a method: bytes, similarity, ruined logos, and the gain over one setting for all logos.

    Whether the method is better than one fixed setting is decided by the interval of the paired difference.
    """
    summary = summarize(evaluations, method)
    clauses = [
        against_defaults(evaluations, method),
        f"worse than the defaults on {summary.worse} of {summary.logos} logos",
    ]
    fixed = strongest_fixed(evaluations)
    if fixed is not None:
        clauses.append(_gain(reward_gain(evaluations, method, fixed)))
    return "; ".join(clauses) + "."


def against_defaults(evaluations: Sequence[LogoEvaluation], method: str = FIRST_TRY) -> str:
    """Return bytes and similarity of a method compared with VTracer's defaults, as written and written compactly."""
    summary = summarize(evaluations, method)
    text = f"{_size(summary.byte_ratio.mean)} bytes than VTracer's defaults"
    if COMPACT_NAME in methods_of(evaluations):
        compact = _size(relative_size(evaluations, method, COMPACT_NAME).mean)
        text += f" ({compact} than the same drawing written compactly)"
    return f"{text} at {summary.quality_difference.mean:+.3f} SSIM"


def _size(ratio: float) -> str:
    return f"{100 * abs(1.0 - ratio):.0f} % {'fewer' if ratio <= 1.0 else 'more'}"


def _gain(gain: Interval) -> str:
    if math.isnan(gain.low):
        return f"{gain.mean:+.2f} reward compared with one fixed setting, on a single logo"
    seen = f"{gain.mean:+.2f} reward ({gain.low:+.2f} to {gain.high:+.2f})"
    if gain.low > 0.0:
        return f"better than one fixed setting by {seen}"
    if gain.high < 0.0:
        return f"worse than one fixed setting: {seen}"
    return f"not better than one fixed setting: {seen}"


def _interval(interval: Interval, form: str) -> str:
    if interval.low == interval.high or math.isnan(interval.low):
        return f"{interval.mean:{form}}"
    return f"{interval.mean:{form}}\n[dim]{interval.low:{form}}…{interval.high:{form}}[/]"


_COLUMNS: Final[dict[str, Callable[[Summary], str]]] = {
    "SSIM": lambda summary: f"{summary.quality:.3f}",
    "difference": lambda summary: _interval(summary.quality_difference, "+.3f"),
    "x2": lambda summary: f"{summary.detail:.3f}",
    "x4": lambda summary: f"{summary.sharp:.3f}",
    "bytes": lambda summary: _interval(summary.byte_ratio, ".3f"),
    "edge": lambda summary: f"{summary.edge_distance:.2f}",
    "color": lambda summary: f"{summary.color_error:.1f}",
    "worse": lambda summary: f"{summary.worse_share:.0%}\n[dim]{summary.worse}[/]",
}
"""Cells of a summary by heading."""


def _table(title: str, *headings: str, caption: str = "") -> Table:
    table = Table(
        title=f"\n{title}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for place, heading in enumerate(headings):
        width = None if place or heading else NAME_WIDTH
        table.add_column(heading, justify="right" if place else "left", width=width)
    return table


def _shown(summaries: Iterable[Summary], left_out: Collection[str]) -> list[str]:
    """Return the headings of the columns whose values are known, without those that are left out."""
    unknown = {"x4"} if any(math.isnan(summary.sharp) for summary in summaries) else set()
    return [heading for heading in _COLUMNS if heading not in {*unknown, *left_out}]


def _fitted(console: Console, table: Callable[[Collection[str]], Table]) -> Table:
    """Return the table with as many columns as fit the console."""
    unlimited = console.options.update_width(UNLIMITED)
    made = [table(DISPENSABLE[:count]) for count in range(len(DISPENSABLE) + 1)]
    fitting = (one for one in made if Measurement.get(console, unlimited, one).maximum <= console.width)
    return next(fitting, made[-1])


def methods_table(
    evaluations: Sequence[LogoEvaluation], attempts: int, size: int, left_out: Collection[str] = ()
) -> Table:
    """Return a table of all methods with 95 % intervals, at most 100 columns wide.

    Args:
        evaluations: Evaluations of the unseen logos.
        attempts: Number of the agent's tries per logo.
        size: Longest side of the logos in pixels.
        left_out: Headings of columns to leave out.
    """
    methods = methods_of(evaluations)
    reference = TUNED if TUNED in methods else PIPELINE_NAME
    summaries = {name: summarize(evaluations, name) for name in methods}
    shown = _shown(summaries.values(), left_out)
    table = _table(
        f"{len(evaluations)} unseen logos at {size} px, paired with VTracer's defaults (95 % intervals)",
        *("", *shown, "reward"),
        caption=" ".join(
            [*(MEANINGS[name] for name in shown if name in MEANINGS), f"reward: difference to {reference}."]
        ),
    )
    agents = [FIRST_TRY, best_of("agent", attempts)]
    searches = [name for name in methods if name.startswith("random")]
    others = [name for name in methods if name not in {*agents, *searches}]
    for group in (agents, others, searches):
        for name in dict.fromkeys(group):
            gain = "0" if name == reference else _interval(reward_gain(evaluations, name, reference), "+.2f")
            cells = [_COLUMNS[heading](summaries[name]) for heading in shown]
            table.add_row(f"[bold]{name}[/]" if name in agents else name, *cells, gain)
        table.add_section()
    return table


def categories_table(evaluations: Sequence[LogoEvaluation], left_out: Collection[str] = ()) -> Table:
    """Return a table of the agent's first try by logo type, without the columns that are left out."""
    categories = sorted({evaluation.category for evaluation in evaluations})
    summaries = {
        category: summarize([one for one in evaluations if one.category == category], FIRST_TRY)
        for category in categories
    }
    shown = _shown(summaries.values(), left_out)
    table = _table("The agent's first try, by type", "type", "logos", *shown)
    for category, summary in summaries.items():
        table.add_row(category, str(summary.logos), *(_COLUMNS[heading](summary) for heading in shown))
    return table


def search_sentence(evaluations: Sequence[LogoEvaluation], attempts: int) -> str:
    """Return a sentence with the number of random-search tries needed to match the agent."""
    parts = []
    tries = len(evaluations[0].search_curve)
    for method, name in ((FIRST_TRY, "first try"), (best_of("agent", attempts), f"best of {attempts}")):
        needed = tries_to_match(evaluations, method)
        said = f"{needed} tries" if needed is not None else f"more than {tries} tries"
        parts.append(f"{said} per logo to match the agent's {name}")
    return f"Random search needs {', and '.join(parts)} (mean reward)."


def show(console: Console, evaluations: Sequence[LogoEvaluation], attempts: int, size: int) -> None:
    """Print the sentence that sums the evaluation up, the tables, and the comparison with random search.

    Args:
        console: Console to print on.
        evaluations: Evaluations of the unseen logos.
        attempts: Number of the agent's tries per logo.
        size: Longest side of the logos in pixels.
    """
    console.print(f"First try at {size} px: {headline(evaluations)}", style="bold", highlight=False)
    console.print(_fitted(console, functools.partial(methods_table, evaluations, attempts, size)))
    console.print(_fitted(console, functools.partial(categories_table, evaluations)))
    console.print(search_sentence(evaluations, attempts), highlight=False)

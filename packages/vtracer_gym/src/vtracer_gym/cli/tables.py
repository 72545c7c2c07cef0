"""Terminal tables of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from vtracer_gym.evaluation import FIRST_TRY, Summary, best_of, summarize, tries_to_match
from vtracer_gym.gallery import kilobytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from vtracer_gym.evaluation import LogoEvaluation
    from vtracer_gym.intervals import Interval


def _interval(interval: Interval, form: str) -> str:
    return f"{interval.mean:{form}}\n[dim]{interval.low:{form}}…{interval.high:{form}}[/]"


def _row(table: Table, name: str, summary: Summary) -> None:
    table.add_row(
        name,
        f"{summary.quality:.4f}",
        _interval(summary.quality_difference, "+.3f"),
        kilobytes(summary.size_bytes),
        _interval(summary.byte_ratio, ".3f"),
        _interval(summary.reward, "+.2f"),
    )


def methods_table(evaluations: Sequence[LogoEvaluation], attempts: int) -> Table:
    """Return a table of all methods with 95 % intervals."""
    table = Table(
        title=f"{len(evaluations)} unseen logos, paired with VTracer's defaults (95 % intervals)",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for heading in ("SSIM", "difference", "bytes", "ratio", "reward"):
        table.add_column(heading, justify="right")
    agents = [FIRST_TRY, best_of("agent", attempts)]
    random = [best_of("random", tries) for tries in sorted({1, attempts})]
    others = [name for name in evaluations[0].outcomes if name not in {*agents, *random}]
    for group in (agents, random, others):
        for name in dict.fromkeys(group):
            _row(table, f"[bold]{name}[/]" if name in agents else name, summarize(evaluations, name))
        table.add_section()
    return table


def categories_table(evaluations: Sequence[LogoEvaluation]) -> Table:
    """Return a table of the agent's first try by logo type."""
    table = Table(title="The agent's first try, by type", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("type", "logos", "SSIM", "difference", "bytes", "ratio"):
        table.add_column(heading, justify="left" if heading == "type" else "right")
    for category in sorted({evaluation.category for evaluation in evaluations}):
        members = [evaluation for evaluation in evaluations if evaluation.category == category]
        summary = summarize(members, FIRST_TRY)
        table.add_row(
            category,
            str(len(members)),
            f"{summary.quality:.4f}",
            _interval(summary.quality_difference, "+.3f"),
            kilobytes(summary.size_bytes),
            _interval(summary.byte_ratio, ".3f"),
        )
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


def show(console: Console, evaluations: Sequence[LogoEvaluation], attempts: int) -> None:
    """Print the tables and the comparison with random search."""
    console.print(methods_table(evaluations, attempts))
    console.print(categories_table(evaluations))
    console.print(search_sentence(evaluations, attempts), highlight=False)

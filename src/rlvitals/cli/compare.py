"""`rlvitals compare A B ...`: which is better, what may be concluded, and what not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, run_argument
from rlvitals.cli.typed_command import typed
from rlvitals.cli.written_files import print_written, written_facts
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison import first_divergence, rank_in_history
from rlvitals.comparison.metric_source import metric_names
from rlvitals.comparison.result import Axis, Statistic
from rlvitals.comparison.run_selection import single_run
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.document import Bullets, brief_of
from rlvitals.errors import ComparisonError, ExportError
from rlvitals.records.metrics import metric_named
from rlvitals.render.report_writer import ENDINGS, PAGES, check_form, write_comparison
from rlvitals.render.terminal import LABEL, TITLE, make_screen, print_json
from rlvitals.render.terminal_document import print_blocks, print_document
from rlvitals.runs import find_runs
from rlvitals.text_escaping import escape_control

_ANSWERS = {"html", "output", "full", "as_json"}
_TWO = 2


def complete_metric(incomplete: str) -> list[str]:
    """Complete the name of a metric."""
    return [name for name in metric_names() if name.startswith(incomplete)]


def compare(
    context: typer.Context,
    runs: Annotated[list[str], run_argument("Runs, folders of runs, patterns, or NAME= and one of these.")],
    *,
    metric: Annotated[
        str, typer.Option(help="A number of the episodes, evaluations or updates.", autocompletion=complete_metric)
    ] = "reward",
    by: Annotated[str | None, typer.Option(help="What makes a group: a setting, or SQL over settings.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The group that others are held against.")] = None,
    statistic: Annotated[Statistic, typer.Option(help="What a run comes to.")] = "final",
    axis: Annotated[Axis | None, typer.Option(help="What runs are brought together by.")] = None,
    horizon: Annotated[float | None, typer.Option(help="Where they are compared on it.")] = None,
    target: Annotated[float | None, typer.Option(help="A mean to reach.")] = None,
    margin: Annotated[float | None, typer.Option(help="Within which groups count as the same.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="ENVIRONMENT=ZERO,ONE: the scores that are 0 and 1.")
    ] = None,
    every_pair: Annotated[bool, typer.Option("--every-pair", help="Compare every pair of groups.")] = False,
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Less of the metric is better.")] = False,
    unit: Annotated[str, typer.Option(help="What is compared: runs, and nothing else.")] = "run",
    seed: Annotated[int, typer.Option(help="Of resamples and permutations.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="A report as a page, written there too.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A report: .html, .md, .pdf or .png.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")] = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Say which group of runs is better, if that can be said.

    Runs that differ by their seed alone are one group. Of a single run it is said where it stands among the earlier
    ones; of two, also where they part.
    """
    targets = _targets(html, output)
    single = [run for word in runs if (run := single_run(word, folder)) is not None]
    screen = make_screen()
    if len(runs) == len(single) == 1 and unit == "run":
        (run,) = single
        if targets:
            raise ComparisonError(
                f"{run.path} is one run, and no comparison to report: give two runs or more, or a folder; "
                f"`rlvitals report {run.path.name}` writes a report of the run"
            )
        earlier, _ = find_runs(folder) if folder.is_dir() else ([], [])
        rank = rank_in_history(run, earlier, metric, axis=axis or "env_step")
        if as_json:
            print_json(rank)
            return
        screen.print(Text.assemble((escape_control(rank.run), TITLE), f"  {metric_named(rank.metric).phrase}"))
        screen.print()
        print_blocks(screen, (Bullets(tuple(rank.sentences)),))
        return
    found = compare_runs(
        *runs,
        folder=folder,
        metric=metric,
        by=by,
        baseline=baseline,
        statistic=statistic,
        axis=axis,
        horizon=horizon,
        target=target,
        margin=margin,
        references=_references(reference),
        every_pair=every_pair,
        higher_is_better=False if lower else None,
        unit=unit,
        seed=seed,
    )
    divergence = first_divergence(*single) if len(runs) == len(single) == _TWO else None
    call = typed(context, without=_ANSWERS)
    written = [write_comparison(found, target, divergence=divergence, call=call) for target in targets]
    if as_json:
        reports = {"reports": [written_facts(path) for path in written]} if written else {}
        print_json({**msgspec.to_builtins(found), "divergence": divergence, **reports})
        return
    whole = comparison_document(found, divergence, call, SYSTEM_CLOCK.time())
    print_document(screen, whole if full else brief_of(whole))
    if not full:
        screen.print(Text("\nMore: the same with --full.", LABEL))
    for path in written:
        screen.print()
        print_written(path)


def _targets(html: Path | None, output: Path | None) -> list[Path]:
    """Where reports are to be written; refused before anything is read if that cannot be."""
    if html is not None and html.suffix.lower() not in PAGES:
        raise ExportError(f"--html {html}: the name of a page ends with .html; -o writes {', '.join(ENDINGS)}")
    targets = list(dict.fromkeys(path for path in (html, output) if path is not None))
    for path in targets:
        check_form(path)
    return targets


def _references(given: Sequence[str] | None) -> dict[str, tuple[float, float]] | None:
    if not given:
        return None
    found = {}
    for word in given:
        name, _, scores = word.rpartition("=")
        try:
            zero, one = (float(score) for score in scores.split(","))
        except ValueError:
            raise ComparisonError(f"--reference {word!r}: write ENVIRONMENT=ZERO,ONE, as CartPole-v1=20,500") from None
        found[name] = (zero, one)
    return found

"""`rlvitals compare A B ...`: comparison of groups of runs, with its conclusions and their limits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, run_argument
from rlvitals.cli.typed_command import typed
from rlvitals.cli.written_files import print_written
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.comparison import HistoryRank
from rlvitals.comparison.metric_source import metric_names
from rlvitals.comparison.result import Axis, Statistic
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.document import Bullets, brief_of
from rlvitals.errors import ComparisonError, ExportError
from rlvitals.outputs.compare_output import compared, compared_runs
from rlvitals.records.metrics import metric_named
from rlvitals.render.report_writer import ENDINGS, PAGES, check_form, write_comparison
from rlvitals.render.terminal import LABEL, TITLE, make_screen, print_json
from rlvitals.render.terminal_document import print_blocks, print_document
from rlvitals.text_escaping import escape_control

_ANSWERS = {"html", "output", "full", "as_json"}


def complete_metric(incomplete: str) -> list[str]:
    """Return the metric names that start with the text typed at the prompt."""
    return [name for name in metric_names() if name.startswith(incomplete)]


def compare(
    context: typer.Context,
    runs: Annotated[list[str], run_argument("Runs, folders of runs or patterns; write NAME=RUN to name a group.")],
    *,
    metric: Annotated[
        str,
        typer.Option(help="Compare this metric of episodes, evaluations or updates.", autocompletion=complete_metric),
    ] = "reward",
    by: Annotated[
        str | None, typer.Option(help="Group runs by a setting or by an SQL expression over settings.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Compare the other groups with this group.")] = None,
    statistic: Annotated[Statistic, typer.Option(help="Reduce each run to one number with this statistic.")] = "final",
    axis: Annotated[Axis | None, typer.Option(help="Align runs along this axis.")] = None,
    horizon: Annotated[float | None, typer.Option(help="Compare runs at this position on the axis.")] = None,
    target: Annotated[float | None, typer.Option(help="Measure how soon each run reaches this mean.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="Treat groups as the same within this margin, in units of the metric.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="Normalise scores: ENVIRONMENT=ZERO,ONE gives the scores that become 0 and 1."),
    ] = None,
    every_pair: Annotated[bool, typer.Option("--every-pair", help="Compare every pair of groups.")] = False,
    lower: Annotated[
        bool, typer.Option("--lower-is-better", help="Treat lower values of the metric as better.")
    ] = False,
    unit: Annotated[str, typer.Option(help="Compare this unit; only 'run' is accepted.")] = "run",
    seed: Annotated[int, typer.Option(help="Seed the resampling and the permutation tests.")] = 0,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report as an HTML page to this path.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Also write the report to this path: .html, .md, .pdf or .png."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")] = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Compare groups of runs and report which is better.

    The verdict is "not enough runs" or "no difference shown" if the data do not support a conclusion. Runs that differ
    only in their seed form one group. A single run is ranked among the earlier runs of its environment. For two runs,
    the output also shows where they diverge.
    """
    targets = _targets(html, output)
    found = compared(
        runs,
        folder,
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
    screen = make_screen()
    if isinstance(found, HistoryRank):
        if targets:
            raise ComparisonError(
                f"{found.run} is a single run, so there is no comparison to report. Give two or more runs or a folder, "
                f"or run `rlvitals report {found.run}` for a report of this run"
            )
        if as_json:
            print_json(found)
            return
        screen.print(Text.assemble((escape_control(found.run), TITLE), f"  {metric_named(found.metric).phrase}"))
        screen.print()
        print_blocks(screen, (Bullets(tuple(found.sentences)),))
        return
    call = typed(context, without=_ANSWERS)
    comparison, divergence = found
    written = [write_comparison(comparison, target, divergence=divergence, call=call) for target in targets]
    if as_json:
        print_json(compared_runs(found, written))
        return
    whole = comparison_document(comparison, divergence, call, SYSTEM_CLOCK.time())
    print_document(screen, whole if full else brief_of(whole))
    if not full:
        screen.print(Text("\nMore: run the same command with --full.", LABEL))
    for path in written:
        screen.print()
        print_written(path)


def _targets(html: Path | None, output: Path | None) -> list[Path]:
    """Return the paths of the requested reports. Raise before any run is read if a path is invalid."""
    if html is not None and html.suffix.lower() not in PAGES:
        raise ExportError(f"--html {html}: the file name must end with .html. Use -o for {', '.join(ENDINGS)}")
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
            raise ComparisonError(
                f"--reference {word!r} is invalid: write ENVIRONMENT=ZERO,ONE, for example CartPole-v1=20,500"
            ) from None
        found[name] = (zero, one)
    return found

"""`rlvitals compare A B ...`: which is better, what may be concluded, and what not."""

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from rlvitals.cli.report import print_written
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, complete_run
from rlvitals.cli.typed_command import typed
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.comparison import Comparison, Divergence, HistoryRank, first_divergence, rank_in_history
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison.metric_source import metric_names
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.document import Bullets, brief_of
from rlvitals.errors import ComparisonError, ExportError, RunError
from rlvitals.records.metrics import metric_named
from rlvitals.render.report_writer import ENDINGS, PAGES, check_form, write_comparison
from rlvitals.render.terminal import LABEL, TITLE, make_screen, print_json
from rlvitals.render.terminal_document import print_blocks, print_document
from rlvitals.runs import Run, find_runs
from rlvitals.runs.layout import HEADER
from rlvitals.runs.search import is_pattern, places_of
from rlvitals.text_escaping import escape_control

_ANSWERS = {"html", "output", "full", "as_json"}
_TWO = 2


class Statistic(StrEnum):
    """What a run comes to."""

    FINAL = "final"
    AREA = "area"
    BEST = "best"


class AxisOption(StrEnum):
    """What runs are brought together by."""

    ENV_STEP = "env_step"
    EPISODE = "episode"
    UPDATE = "update"
    TIME = "time"


def complete_metric(incomplete: str) -> list[str]:
    """Complete the name of a metric."""
    return [name for name in metric_names() if name.startswith(incomplete)]


def compare(
    context: typer.Context,
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Runs, folders of runs, patterns, or NAME= and one of these.",
            metavar="RUN",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    *,
    metric: Annotated[
        str,
        typer.Option(help="A number of the episodes, evaluations or updates.", autocompletion=complete_metric),
    ] = "reward",
    by: Annotated[
        str | None, typer.Option(help="What makes a group: a setting, or SQL over settings.", show_default=False)
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The group that others are held against.", show_default=False)
    ] = None,
    statistic: Annotated[Statistic, typer.Option(help="What a run comes to.")] = Statistic.FINAL,
    axis: Annotated[
        AxisOption | None, typer.Option(help="What runs are brought together by.", show_default=False)
    ] = None,
    horizon: Annotated[float | None, typer.Option(help="Where they are compared on it.", show_default=False)] = None,
    target: Annotated[float | None, typer.Option(help="A mean to reach.", show_default=False)] = None,
    margin: Annotated[
        float | None, typer.Option(help="Within which groups count as the same.", show_default=False)
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="ENVIRONMENT=ZERO,ONE: the scores that are 0 and 1.", show_default=False),
    ] = None,
    every_pair: Annotated[bool, typer.Option("--every-pair", help="Compare every pair of groups.")] = False,
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Less of the metric is better.")] = False,
    unit: Annotated[str, typer.Option(help="What is compared: runs, and nothing else.")] = "run",
    seed: Annotated[int, typer.Option(help="Of resamples and permutations.")] = 0,
    html: Annotated[
        Path | None, typer.Option("--html", help="A report as a page, written there too.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A report: .html, .md, .pdf or .png.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every section and table of the report.")] = False,
    folder: Folder = LOGS,
    as_json: AsJson = False,
) -> None:
    """Say which group of runs is better, if that can be said.

    Runs that differ by their seed alone are one group. Of a single run it is said where it stands among the earlier
    ones; of two, also where they part.
    """
    targets = _targets(html, output)
    single = [path for word in runs for path in _single(word, folder)]
    if len(runs) == len(single) == 1 and unit == "run":
        if targets:
            raise ComparisonError(
                f"{single[0]} is one run, and no comparison to report: give two runs or more, or a folder; "
                f"`rlvitals report {single[0].name}` writes a report of the run"
            )
        earlier, _ = find_runs(folder) if folder.is_dir() else ([], [])
        place = rank_in_history(Run(single[0]), earlier, metric, axis=axis.value if axis else "env_step")
        if as_json:
            print_json(place)
        else:
            print_place(make_screen(), place)
        return
    found = compare_runs(
        *runs,
        folder=folder,
        metric=metric,
        by=by,
        baseline=baseline,
        statistic=statistic.value,
        axis=None if axis is None else axis.value,
        horizon=horizon,
        target=target,
        margin=margin,
        references=_references(reference),
        every_pair=every_pair,
        higher_is_better=False if lower else None,
        unit=unit,
        seed=seed,
    )
    parts = first_divergence(Run(single[0]), Run(single[1])) if len(runs) == len(single) == _TWO else None
    call = typed(context, without=_ANSWERS)
    written = [write_comparison(found, target, divergence=parts, call=call) for target in targets]
    if as_json:
        reports = [{"path": str(path.absolute()), "bytes": path.stat().st_size} for path in written]
        print_json(document(found, parts) | ({"reports": reports} if reports else {}))
        return
    screen = make_screen()
    whole = comparison_document(found, parts, call, SYSTEM_CLOCK.time())
    print_document(screen, whole if full else brief_of(whole))
    if not full:
        screen.print(Text("\nMore: the same with --full.", LABEL))
    for path in written:
        screen.print()
        print_written(screen, path)


def document(found: Comparison, parts: Divergence | None = None) -> dict[str, Any]:
    """A comparison as plain values, as `--json` prints it."""
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told | {"divergence": msgspec.to_builtins(parts)}


def print_place(screen: Console, place: HistoryRank) -> None:
    """Print where a run stands among earlier ones."""
    screen.print(Text.assemble((escape_control(place.run), TITLE), f"  {metric_named(place.metric).phrase}"))
    screen.print()
    print_blocks(screen, (Bullets(tuple(place.sentences)),))


def _targets(html: Path | None, output: Path | None) -> list[Path]:
    """Where reports are to be written; refused before anything is read if that cannot be."""
    if html is not None and html.suffix.lower() not in PAGES:
        raise ExportError(f"--html {html}: the name of a page ends with .html; -o writes {', '.join(ENDINGS)}")
    targets = list(dict.fromkeys(path for path in (html, output) if path is not None))
    for path in targets:
        check_form(path)
    return targets


def _single(word: str, folder: Path) -> list[Path]:
    """The run that a word names; none if it is a pattern, a folder of runs, or wrong."""
    with contextlib.suppress(RunError):
        places = places_of(word, folder)
        if len(places) == 1 and (places[0] / HEADER).exists() and not is_pattern(word):
            return places
    return []


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

"""`rlvitals compare A B ...`: which is better, what may be concluded, and what not."""

import contextlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rlvitals.cli.report import print_written
from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, complete_run
from rlvitals.cli.typed_command import typed
from rlvitals.comparison import (
    Comparison,
    Divergence,
    HistoryRank,
    IntervalEstimate,
    RunGroup,
    Versus,
    first_divergence,
    rank_in_history,
)
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison.caveats import foremost
from rlvitals.comparison.metric_source import metric_names
from rlvitals.comparison.result import PairedItems, SettingsEffect
from rlvitals.comparison.wording import UNKNOWN
from rlvitals.errors import ComparisonError, ExportError, RunError
from rlvitals.records.metrics import metric_named
from rlvitals.render.report_writer import ENDINGS, PAGES, check_form, write_comparison
from rlvitals.render.terminal import LABEL, TITLE, make_screen, number_text, print_json, readable_width
from rlvitals.render.terminal_text import count, escape_control, number, percent
from rlvitals.runs import Run, find_runs
from rlvitals.runs.layout import HEADER
from rlvitals.runs.search import is_pattern, places_of

_INDENT = 2
_ANSWERS = {"html", "output", "as_json"}
_MOST_GROUPS = 20
_MOST_COMPARISONS = 12
_MOST_SETTINGS = 12
_MOST_RUNS = 12
_TWO = 2
_STYLES = {"better": "bold green", "worse": "bold red", "different": "bold magenta", "the same": "bold blue"}


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
    written = [
        write_comparison(found, target, parting=parts, call=typed(context, without=_ANSWERS)) for target in targets
    ]
    if as_json:
        reports = [{"path": str(path.absolute()), "bytes": path.stat().st_size} for path in written]
        print_json(document(found, parts) | ({"reports": reports} if reports else {}))
        return
    screen = make_screen()
    print_comparison(screen, found)
    if parts is not None:
        _print_sentences(screen, "where they part", parts.sentences)
    for path in written:
        screen.print()
        print_written(screen, path)


def document(found: Comparison, parts: Divergence | None = None) -> dict[str, Any]:
    """A comparison as plain values, as `--json` prints it."""
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told | {"parting": msgspec.to_builtins(parts)}


def print_place(screen: Console, place: HistoryRank) -> None:
    """Print where a run stands among earlier ones."""
    screen.print(Text.assemble((escape_control(place.run), TITLE), f"  {metric_named(place.metric).phrase}"))
    _print_sentences(screen, "", place.sentences)


def print_comparison(screen: Console, found: Comparison) -> None:
    """Print a comparison: the groups, each verdict with what it means, what differs, and the rules applied."""
    title = f"{metric_named(found.metric).title}, {found.statistic}"
    ends = sorted(set(found.horizons.values()))
    where = number(ends[0]) if len(ends) == 1 else f"{number(ends[0])} to {number(ends[-1])}, by environment"
    screen.print(Text.assemble((escape_control(title), TITLE), (f"  at {found.axis} {where}", LABEL)))
    first = foremost(found)
    _print_sentences(screen, "", first)
    screen.print()
    screen.print(_groups(found))
    for versus in found.comparisons[:_MOST_COMPARISONS]:
        screen.print()
        _print_versus(screen, versus)
    if len(found.comparisons) > _MOST_COMPARISONS:
        screen.print(Text(f"\n{len(found.comparisons) - _MOST_COMPARISONS} more comparisons: --json has all", LABEL))
    if found.differences:
        screen.print()
        screen.print(_differences(found))
    if found.paired:
        screen.print()
        screen.print(_paired(found.paired))
    if found.settings is not None:
        _print_settings(screen, found.settings)
    _print_sentences(screen, "what may not be concluded", [one for one in found.limits if one not in first])
    _print_sentences(screen, "how", found.notes)


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


def _groups(found: Comparison) -> Table:
    wide = found.target is not None
    titles = ["group", "runs", "mean", "95 % interval", "median", "IQM", "spread", "lowest", "highest"]
    if any(group.optimality_gap for group in found.groups):
        titles.append("gap")
    if wide:
        titles += ["reached", "steps to target"]
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place else "left", overflow="fold")
    for group in found.groups[:_MOST_GROUPS]:
        table.add_row(*_row(group, found.statistic, gap="gap" in titles, target=wide))
    if len(found.groups) > _MOST_GROUPS:
        table.add_row(f"{len(found.groups) - _MOST_GROUPS} more")
    return table


def _row(group: RunGroup, statistic: str, *, gap: bool, target: bool) -> list[Text | str]:
    known = group.estimates[statistic]
    runs = count(group.counted) if group.counted == group.runs else f"{group.counted} of {group.runs}"
    row: list[Text | str] = [
        escape_control(group.name),
        runs,
        number_text(known.mean.estimate),
        _interval(known.mean),
        number_text(known.median.estimate),
        number_text(known.iqm.estimate),
        number_text(known.spread),
        number_text(known.lowest),
        number_text(known.highest),
    ]
    if gap:
        row.append(number_text(group.optimality_gap.estimate if group.optimality_gap else None))
    if target:
        reached = group.target
        row.append(f"{reached.reached} of {reached.runs}" if reached else "-")
        row.append(number_text(reached.restricted_mean.estimate if reached else None))
    return row


def _print_versus(screen: Console, versus: Versus) -> None:
    where = f" on {versus.task}" if versus.task else ""
    screen.print(
        Text.assemble(
            (escape_control(versus.group), TITLE),
            " against ",
            (escape_control(versus.baseline), TITLE),
            (escape_control(where), LABEL),
            "  ",
            (versus.verdict, _STYLES.get(versus.verdict, "bold")),
        )
    )
    said = list(versus.sentences)
    if versus.effect.estimate is not None:
        said.append(f"Hedges' g {number(versus.effect.estimate)} ({_interval(versus.effect)}).")
    if versus.target_p is not None:
        said.append(f"Way to the target: p = {number(versus.target_p)} (log-rank).")
    _print_indented(screen, said)


def _differences(found: Comparison) -> Table:
    names = [group.name for group in found.groups[:_MOST_GROUPS]]
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for title in ("what differs", *names):
        table.add_column(escape_control(title), overflow="fold")
    settings = list(found.differences.items())
    for setting, values in settings[:_MOST_SETTINGS]:
        table.add_row(escape_control(setting), *(_setting(values.get(name)) for name in names))
    if len(settings) > _MOST_SETTINGS:
        table.add_row(f"{len(settings) - _MOST_SETTINGS} more")
    return table


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return escape_control(", ".join(map(_setting, value)))
    return UNKNOWN if value is None else escape_control(str(value))


def _paired(rows: Sequence[PairedItems]) -> Table:
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    titles = ("item by item", "against", "metric", "category", "items", "difference", "95 % interval", "better on", "")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            escape_control(row.group),
            escape_control(row.baseline),
            escape_control(row.metric),
            escape_control(row.category or "all"),
            count(row.items),
            number_text(row.difference.estimate),
            _interval(row.difference),
            percent(row.improved.estimate),
            Text(row.verdict, _STYLES.get(row.verdict, "")),
        )
    return table


def _print_settings(screen: Console, settings: SettingsEffect) -> None:
    screen.print()
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for title in ("setting", "matters", "share", "best", "worst", "difference", "95 % interval", "p, adjusted"):
        table.add_column(title, overflow="fold")
    for one in settings.influences[:_MOST_SETTINGS]:
        table.add_row(
            escape_control(one.name),
            "yes" if one.matters else "not shown",
            percent(max(0.0, one.share)),
            _setting(one.best),
            _setting(one.worst),
            number_text(one.difference.estimate),
            _interval(one.difference),
            number(one.adjusted_p),
        )
    screen.print(table)
    _print_sentences(screen, "what to try", settings.advice)


def _interval(found: IntervalEstimate) -> str:
    if found.low is None or found.high is None:
        return "-"
    return f"{number(found.low)} to {number(found.high)}"


def _print_sentences(screen: Console, title: str, sentences: Iterable[str]) -> None:
    said = list(sentences)
    if said:
        screen.print()
        if title:
            screen.print(Text(title, LABEL))
        _print_indented(screen, said)


def _print_indented(screen: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        screen.print(Padding.indent(Text(escape_control(sentence)), _INDENT), width=readable_width(screen))

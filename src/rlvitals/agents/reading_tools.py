"""Tools that read runs. Each answers with the document that a command prints with `--json`."""

from pathlib import Path
from typing import Annotated

import msgspec

from rlvitals.agents.tool import Tool, ToolAnswer
from rlvitals.comparison.result import Axis, Statistic
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.documents.run_data import run_data
from rlvitals.errors import RunError
from rlvitals.formatting import counted
from rlvitals.outputs.check_output import checked_run
from rlvitals.outputs.command_outputs import OUTPUTS
from rlvitals.outputs.compare_output import compared, compared_runs
from rlvitals.outputs.ls_output import run_list
from rlvitals.outputs.report_output import ReportText
from rlvitals.outputs.show_output import shown_run
from rlvitals.outputs.sql_output import query_rows, run_query
from rlvitals.outputs.tail_output import LastRecords, StreamName
from rlvitals.render.report_writer import report_text
from rlvitals.runs import Run
from rlvitals.runs.named_runs import newest_run, run_named, runs_named
from rlvitals.runs.queries import last_records

_MOST_RUNS, _MOST_ROWS, _MOST_RECORDS = 200, 1_000, 500
_QUERY_S = 60.0
"""Time limit of a query in seconds, as in the description of the tool."""


class _Arguments(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base class of arguments."""


class OfRun(_Arguments, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Arguments of a tool for one run.

    Attributes:
        run: Name of the run, path of its folder, or a pattern that matches one run. Empty for the newest run.
    """

    run: str = ""


class ListRuns(_Arguments, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """List the training runs in the folder, newest first: status, progress, recent reward and success rate.

    Start here to find the names of runs. Verdict and health are null, because the list does not read whole runs: use
    check_run or show_run for these.

    Attributes:
        limit: Maximum number of runs.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST_RUNS)] = 20


class ShowRun(OfRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Summarise one training run: verdict, findings, statistics of rewards and updates, settings, evaluations, events.

    Use check_run for the findings alone, which is a much shorter answer.

    Attributes:
        window: Summarise only this number of the last episodes and updates.
        parameters: Whether to analyse the parameters that the episodes tried, which takes seconds.
    """

    window: Annotated[int, msgspec.Meta(ge=1)] | None = None
    parameters: bool = False


class CheckRun(OfRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Diagnose one training run: what is wrong, since which step, the evidence, the probable cause and what to try."""


class CompareRuns(_Arguments, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Compare groups of training runs, with intervals, p-values and the limits of the conclusions.

    Runs that differ only in their seed form one group. For two runs, the answer also shows where they diverge. A single
    run is ranked among the earlier runs of its environment.

    Attributes:
        runs: Runs, folders of runs or patterns. Write NAME=RUN to name a group.
        metric: Metric of episodes, evaluations or updates, such as reward, length or kl_divergence.
        by: Setting, or SQL expression over settings, that groups the runs.
        baseline: Group that the other groups are compared with.
        statistic: Number that each run is reduced to: the mean of the last tenth, the mean of everything, or the best.
        axis: Axis along which the runs are aligned. Default: env_step if it was recorded.
        horizon: Position on the axis at which the runs are compared.
        target: Mean of the metric for which the time to reach it is measured.
        margin: Difference up to which groups count as the same, in units of the metric.
        every_pair: Whether to compare every pair of groups.
        lower_is_better: Whether lower values are better.
        seed: Random seed for resampling.
    """

    runs: Annotated[list[str], msgspec.Meta(min_length=1)]
    metric: str = "reward"
    by: str | None = None
    baseline: str | None = None
    statistic: Statistic = "final"
    axis: Axis | None = None
    horizon: float | None = None
    target: float | None = None
    margin: float | None = None
    every_pair: bool = False
    lower_is_better: bool = False
    seed: int = 0


class QuerySql(_Arguments, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Query the records of runs with one SELECT in DuckDB SQL.

    The tables are episodes, updates, evaluations, system, scalars and events. The column run names the run. Dict
    entries are columns such as "parameters.speed". DESCRIBE episodes lists the columns. The query cannot read other
    files, and is stopped after 60 seconds.

    Attributes:
        query: One read-only statement.
        runs: Runs, folders of runs or patterns. Empty for all runs in the folder.
        limit: Maximum number of rows in the answer.
    """

    query: str
    runs: list[str] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ROWS)] = 100


class TailRecords(OfRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Read the last records of one stream of a training run, oldest first.

    Attributes:
        stream: Stream to read. Events hold findings, notes, milestones, requests and actions.
        number: Number of records.
    """

    stream: StreamName = "episodes"
    number: Annotated[int, msgspec.Meta(ge=1, le=_MOST_RECORDS)] = 20


class Report(OfRun, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Return the report of one training run as Markdown, to read or to quote. No file is written.

    Attributes:
        parameters: Whether to analyse the parameters that the episodes tried. Default: only if that is fast.
    """

    parameters: bool | None = None


def opened(name: str, folder: Path) -> tuple[Run, list[str]]:
    """Open the named run, or the newest run for an empty name. Return it with a note if it is the newest.

    Raises:
        RunNotFoundError: No run matches.
        RunFormatError: The folder is not a run, or several runs match.
    """
    if name:
        return run_named(name, folder), []
    run = newest_run(folder)
    return run, [f"this is the newest run, {run.run_id}"]


def _list_runs(arguments: ListRuns, folder: Path) -> ToolAnswer:
    found = run_list(folder)
    kept = msgspec.structs.replace(found, runs=found.runs[: arguments.limit])
    more = len(found.runs) - len(kept.runs)
    return ToolAnswer(kept, [f"{counted(more, 'older run')} not listed; raise limit to list more"] if more else [])


def _show_run(arguments: ShowRun, folder: Path) -> ToolAnswer:
    run, notes = opened(arguments.run, folder)
    return ToolAnswer(shown_run(run_data(run, parameters=arguments.parameters, window=arguments.window)), notes)


def _check_run(arguments: CheckRun, folder: Path) -> ToolAnswer:
    run, notes = opened(arguments.run, folder)
    return ToolAnswer(checked_run(run, diagnose(evidence_of(run))), notes)


def _compare_runs(arguments: CompareRuns, folder: Path) -> ToolAnswer:
    options = msgspec.structs.asdict(arguments)
    words, is_lower = options.pop("runs"), options.pop("lower_is_better")
    return ToolAnswer(compared_runs(compared(words, folder, higher_is_better=False if is_lower else None, **options)))


def _query_sql(arguments: QuerySql, folder: Path) -> ToolAnswer:
    runs, refused = runs_named(arguments.runs or [str(folder)], folder)
    notes = [f"skipped {path}: {error}" for path, error in refused]
    if arguments.runs and not runs:
        raise RunError("; ".join(notes))
    answer = run_query(arguments.query, runs, most_rows=arguments.limit + 1, limit_s=_QUERY_S)
    if len(answer) > arguments.limit:
        notes.append(
            f"rows: only the first {arguments.limit:,}, there are more; raise limit, or aggregate in the query"
        )
    return ToolAnswer(query_rows(answer, arguments.limit), notes)


def _tail_records(arguments: TailRecords, folder: Path) -> ToolAnswer:
    run, notes = opened(arguments.run, folder)
    records = last_records(run, arguments.stream, arguments.number)
    return ToolAnswer(LastRecords(run.run_id, arguments.stream, records), notes)


def _report(arguments: Report, folder: Path) -> ToolAnswer:
    run, notes = opened(arguments.run, folder)
    return ToolAnswer(ReportText(run.run_id, report_text(run, parameters=arguments.parameters)), notes)


READING_TOOLS = (
    Tool("list_runs", "List runs", ListRuns, OUTPUTS["ls"], _list_runs),
    Tool("show_run", "Show a run", ShowRun, OUTPUTS["show"], _show_run),
    Tool("check_run", "Diagnose a run", CheckRun, OUTPUTS["check"], _check_run),
    Tool("compare_runs", "Compare runs", CompareRuns, OUTPUTS["compare"], _compare_runs),
    Tool("query_sql", "Query runs with SQL", QuerySql, OUTPUTS["sql"], _query_sql),
    Tool("tail_records", "Read the last records", TailRecords, (LastRecords,), _tail_records),
    Tool("report", "Report of a run", Report, (ReportText,), _report),
)
"""Tools that read runs, in the order of the list."""

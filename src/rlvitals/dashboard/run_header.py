"""Header of the page of a run: its overview and findings."""

import msgspec
import numpy as np

from rlvitals.dashboard.run_row import RunEntry, entry_facts
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.diagnosis import Diagnosis, Finding
from rlvitals.diagnosis.finding import all_codes
from rlvitals.diagnosis.finding_events import recorded_findings
from rlvitals.formatting import dropped_text
from rlvitals.records.objectives import custom_objectives
from rlvitals.records.progress import STEPS, Throughput, first_said
from rlvitals.runs.answer import Column
from rlvitals.runs.artifacts import IMAGE
from rlvitals.summary.levels import LEVELS, RECENT_EPISODES
from rlvitals.summary.objective_columns import custom_columns_of
from rlvitals.summary.overview import Assessment, Overview, OverviewInputs, overview_from
from rlvitals.summary.status import state_of
from rlvitals.summary.throughput import episodes_per_minute, reported_step, throughput_of

_MOST_FINDINGS = 100


class FindingView(Finding, frozen=True, kw_only=True):
    """A finding on the page of a run.

    Attributes:
        at: Position of its onset, by clock.
        open: Whether the finding is open.
    """

    at: dict[str, float | None]
    open: bool


class RunHeader(RunEntry, frozen=True, kw_only=True):
    """The header of the page of a run.

    Attributes:
        now: Current time (UTC, seconds since 1970).
        is_replayed: Whether the first record is older than the run. Then the time that the writer was open differs
            from the duration of the training.
        not_finite: Number of non-finite values, by `stream.field`.
        findings: Open findings, the most likely cause first, followed by closed findings.
        skipped_rules: Rules with missing data, with the inputs to log to enable them, and rules that failed.
        rows: Number of rows of each stream; columns that are pushed later follow these rows.
        fields: Columns of each stream that have a value.
        dicts: Names of the dictionaries in the episodes: `parameters`, `algorithm`, ..., and `attempts`.
        labels: Texts of coded columns, by `stream.field`.
        pictures: Number of pictures.
        objectives: Columns of the custom objectives that episodes report (`rlvitals.records.objectives`).
        dropped_text: Number of dropped records by sink; empty if no records were dropped.
        failure: Exception that ended the run, otherwise empty.
        read_error: Reason why the run cannot be read now, otherwise empty.
    """

    now: float
    is_replayed: bool
    not_finite: dict[str, int]
    findings: list[FindingView]
    skipped_rules: dict[str, list[str]]
    rows: dict[str, int]
    fields: dict[str, list[str]]
    dicts: list[str]
    labels: dict[str, list[str]]
    evaluations: int
    events: int
    pictures: int
    objectives: list[str]
    dropped_text: str
    failure: str
    read_error: str


def run_header(run: WatchedRun, assessment: Assessment | None) -> RunHeader:
    """Return the header of the page of a run.

    Args:
        run: Run to read.
        assessment: Last assessment, if available.

    Raises:
        RunError: The run cannot be read.
    """
    header, episodes = run.header, run.columns["episodes"]
    state = state_of(run.reader, header, clock=run.clock)
    pace, rate = run.cached("pace", lambda: (_pace(run), episodes_per_minute(episodes.numbers("time")[: run.episodes])))
    columns = {name: episodes.cells(name).masked for name in LEVELS if episodes.has(name)}
    recent = columns | run.cached("objectives", lambda: _recent_objectives(run))
    overview = overview_from(
        OverviewInputs(
            header=header,
            state=state,
            episodes=run.episodes,
            updates=run.columns["updates"].rows,
            steps=(reported_step(run.reader, header, state, clock=run.clock),),
            recent=recent,
            first=columns,
            pace=pace,
            episode_pace=rate,
            series=run.series,
            assessment=assessment,
        )
    )
    diagnosis = None if assessment is None else assessment.diagnosis
    skipped = () if diagnosis is None else diagnosis.skipped_rules
    return RunHeader(
        **entry_facts(run.key, header, overview),
        now=run.clock.time(),
        is_replayed=run.begun < header.started,
        not_finite=run.cached("not_finite", lambda: _not_finite(run)),
        findings=_findings(run, diagnosis),
        skipped_rules={rule.code: [rule.text] for rule in skipped},
        rows={stream: columns.rows for stream, columns in run.columns.items()},
        fields={stream: columns.said for stream, columns in run.columns.items()},
        dicts=run.dicts("episodes"),
        labels={f"episodes.{field}": run.label("episodes", field) for field in ("category", "termination_reason")},
        evaluations=len(run.evaluations),
        events=len(run.events),
        objectives=_objective_columns(run, overview),
        pictures=sum(event.kind == IMAGE for event in run.events),
        dropped_text=dropped_text(state.dropped_records),
        failure="" if header.failure is None else header.failure.text,
        read_error=run.read_error,
    )


def _recent_objectives(run: WatchedRun) -> dict[str, Column]:
    """Read the custom objectives of the last episodes. They are entries of a dict, which are not kept in memory."""
    configuration = run.header.configuration
    if not custom_objectives(configuration):
        return {}
    return custom_columns_of(run.reader.episodes.last(RECENT_EPISODES), configuration)


def _objective_columns(run: WatchedRun, overview: Overview) -> list[str]:
    if "extra" not in run.dicts("episodes"):
        return []
    return [one.column for one in custom_objectives(run.header.configuration) if one.name in overview.levels]


def _pace(run: WatchedRun) -> Throughput:
    if not run.episodes and not run.columns["updates"].rows:
        return throughput_of(run.reader)  # only scalars can count, and these are not followed
    pace = Throughput()
    for stream, columns in run.columns.items():
        if stream in STEPS:
            # Rewards that replace missing episodes can have steps of another clock.
            rows = run.episodes if stream == "episodes" else columns.rows
            times, steps = columns.numbers("time"), first_said(*map(columns.numbers, STEPS[stream]))
            pace.take(stream, times[:rows], steps[:rows])
    pace.take_records("evaluations", run.evaluations)
    return pace


def _not_finite(run: WatchedRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream, columns in run.columns.items():
        for name in columns.said:
            cells = columns.cells(name)
            bad = int(np.count_nonzero(cells.present & ~np.isfinite(cells.values)))
            if bad:
                counts[f"{stream}.{name}"] = bad
    return counts


def _findings(run: WatchedRun, diagnosis: Diagnosis | None) -> list[FindingView]:
    found = [] if diagnosis is None else [(finding, True) for finding in diagnosis.findings]
    codes = all_codes(() if diagnosis is None else diagnosis.findings)
    # A recorded finding that is missing from the diagnosis is closed: a diagnosis older than it is never shown.
    recorded = [one for one in recorded_findings(run.events) if one.finding.code not in codes]
    found += [(one.finding, one.is_open and diagnosis is None) for one in recorded]
    found.sort(key=lambda one: not one[1])
    return [
        FindingView(
            **msgspec.structs.asdict(finding),
            open=is_open,
            at={} if finding.since_step is None else run.place(finding.since_step, run.header.started),
        )
        for finding, is_open in found[:_MOST_FINDINGS]
    ]

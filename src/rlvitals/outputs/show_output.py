"""Document of `rlvitals show --json` and `rlvitals stats --json`."""

from typing import Any

import msgspec

from rlvitals.diagnosis.printed_diagnosis import PrintedDiagnosis
from rlvitals.documents.run_curves import curves_of
from rlvitals.documents.run_data import RunData
from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.outputs.json_schema import as_objects
from rlvitals.records import Evaluation, Event
from rlvitals.runs.header import Failure, Writer
from rlvitals.stats.parameters.exploration import Exploration
from rlvitals.summary.overview import Overview
from rlvitals.summary.run_summary import RunSummary
from rlvitals.summary.status import RunState

_EVALUATIONS, _EVENTS = 8, 10
"""Maximum numbers of the last evaluations and events in the document."""


class _Header(msgspec.Struct, frozen=True):
    """Fields of the run header.

    Attributes:
        tags: Tags. `None` if there are none.
        goals: Goals of the run, such as `total_timesteps` and `target`, by name. `None` if there are none.
        configuration: Settings of the training. `None` if none were recorded.
        reproduction: Command, commit, packages and machine. `None` if they were not recorded.
        writers: Processes that wrote the run. `None` if there are none.
        failure: Exception that ended the run. `None` if there is none.
    """

    tags: list[str] | None
    goals: dict[str, float] | None
    configuration: dict[str, Any] | None
    reproduction: dict[str, Any] | None
    writers: list[Writer] | None
    failure: Failure | None


class _Rows(msgspec.Struct, frozen=True):
    """Rows of an analysis of parameters.

    Attributes:
        unit: What a row is: `attempt`, `episode`, or `trial` of a study.
        note: Note on the rows. Empty if there is none.
    """

    unit: str
    note: str


Explored = flat("Explored", "Analysis of the parameters of a training run.", as_objects(Exploration), _Rows)


class _RecordsAndCurves(msgspec.Struct, frozen=True):
    """Additional keys of the summary.

    Attributes:
        exploration: Analysis of the explored parameters, if it was requested. Otherwise `None`.
        algorithm: Metrics of the last episode, for a run without updates.
        diagnosis: Diagnosis, as in `check --json`.
        evaluations_total: Number of evaluations.
        evaluations: Last 8 evaluations.
        events_total: Number of events.
        events: Last 10 events, oldest first.
        curves: Each curve in at most 40 means, by name.
    """

    exploration: Explored | None  # type: ignore[valid-type]  # made from two structs
    algorithm: dict[str, float]
    diagnosis: PrintedDiagnosis
    evaluations_total: int
    evaluations: list[Evaluation]
    events_total: int
    events: list[Event]
    curves: dict[str, list[float | None]]


ShownRun = flat(
    "ShownRun",
    "Summary of a run. Times are UTC, seconds since 1970. Durations are in seconds. The overview covers the whole run, "
    "and the summary covers the window if there is one.",
    RunState,
    _Header,
    Overview,
    RunSummary,
    _RecordsAndCurves,
    without=frozenset({"state", "overview"}),
)


def shown_run(data: RunData) -> Any:
    """Return the summary of a run with its header, its findings, its last records and its curves."""
    header, summary = msgspec.to_builtins(data.header), data.summary
    return flattened(
        ShownRun,
        summary.overview.state,
        {name: header.get(name) for name in _Header.__struct_fields__},
        summary.overview,
        summary,
        {
            "algorithm": dict(data.algorithm),
            "diagnosis": data.diagnosis.printed(),
            "evaluations_total": len(data.evaluations),
            "evaluations": data.evaluations[-_EVALUATIONS:],
            "events_total": len(data.events),
            "events": sorted(data.events[-_EVENTS:], key=lambda event: event.time),
            "curves": {name: list(curve.spark) for name, curve in curves_of(data.recorded).items()},
        },
    )

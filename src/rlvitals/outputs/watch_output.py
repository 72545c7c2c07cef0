"""Document of `rlvitals watch --json`."""

from typing import Any

import msgspec

from rlvitals.diagnosis import Finding
from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.records import Evaluation, Event
from rlvitals.summary.overview import Overview
from rlvitals.summary.vital_signs import VitalMetric, Vitals


class _Watched(msgspec.Struct, frozen=True):
    """Run that was observed.

    Attributes:
        run_id: Name of the run.
    """

    run_id: str


class _ScreenValues(msgspec.Struct, frozen=True):
    """Additional values of the screen.

    Attributes:
        now: Time of the observation (UTC, seconds since 1970).
        memory: Resident memory in MiB.
        sparks: Curve of each level over the whole run.
        metrics: Metrics of the updates, by name.
        evaluation: Last evaluation of the agent, otherwise of a baseline. `None` if there is none.
        events: Last events.
        failure: Exception that ended the run. Otherwise empty.
        read_error: Reason why the run cannot be read now. Empty if it can be read.
        findings: Findings, the most probable cause first.
    """

    now: float
    memory: float | None
    sparks: dict[str, list[float | None]]
    metrics: dict[str, VitalMetric]
    evaluation: Evaluation | None
    events: list[Event]
    failure: str
    read_error: str
    findings: list[Finding]


WatchedRun = flat(
    "WatchedRun",
    "Vital signs of a run: its overview, and the other values of the screen.",
    _Watched,
    Overview,
    _ScreenValues,
)


def watched_run(vitals: Vitals) -> Any:
    """Return the vital signs of a run as a document."""
    return flattened(
        WatchedRun,
        {"run_id": vitals.state.run_id},
        vitals.overview,
        vitals._asdict(),
        {
            "metrics": {metric.name: metric._asdict() for metric in vitals.metrics},
            "findings": vitals.diagnosis.findings,
        },
    )

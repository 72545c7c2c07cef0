"""The state of a run, from its header and its last heartbeat, without reading its records."""

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.runs import Header, Run
from rlvitals.runs.header import ENDED
from rlvitals.runs.vitality import OPEN_STATUSES, Vitality

CLOSED = ENDED
"""Statuses of a run that its writer ended."""


class RunState(msgspec.Struct, frozen=True):
    """State of a run. Times are UTC, seconds since 1970; durations are seconds.

    Attributes:
        updated: The end, or the last record that is known of; of a replayed run the last heartbeat.
        duration: Wall time from the start to the end, to now if the run is open, else to the last sign of life. Time
            between the end of one session and the start of the next is not part of it. In an overview, it is the time
            that the records cover where that is more, as in a training that was replayed in a second.
        dropped_records: Number of dropped records, by where they were dropped.
    """

    run_id: str
    path: str
    project: str
    status: str
    reason: str
    started: float
    ended: float | None
    updated: float
    duration: float
    dropped_records: dict[str, int]

    @property
    def is_open(self) -> bool:
        """Whether the run may record more."""
        return self.status in OPEN_STATUSES


def state_of(run: Run, header: Header, *, clock: Clock = SYSTEM_CLOCK) -> RunState:
    """Return the state of a run.

    Args:
        run: The run.
        header: Its header, as just read.
        clock: Tells the time.
    """
    alive = run.vitality(clock=clock)
    return RunState(
        run_id=header.run_id,
        path=str(run.path.absolute()),
        project=header.project,
        status=alive.status,
        reason=alive.reason,
        started=header.started,
        ended=header.ended,
        updated=_updated(header, alive),
        duration=_duration(header, alive, clock),
        dropped_records=_losses(header, alive),
    )


def _updated(header: Header, alive: Vitality) -> float:
    beat = alive.heartbeat
    if header.ended is not None:
        return header.ended
    if beat is None:
        return header.started
    # Records from before the run began are replayed: their times do not tell when it was last written.
    return beat.last_record if beat.last_record and beat.last_record >= header.started else beat.beat


def _duration(header: Header, alive: Vitality, clock: Clock) -> float:
    beat = alive.heartbeat
    if header.ended is not None:
        end = header.ended
    elif alive.is_open:
        end = clock.time()
    else:
        end = header.started if beat is None else beat.beat
    return time_spent(header, end)


def time_spent(header: Header, end: float) -> float:
    """Seconds from a run's start to its end, or to now, without the time between two of its sessions."""
    return max(0.0, end - header.started - sum(until - since for since, until in away_of(header)))


def away_of(header: Header) -> list[tuple[float, float]]:
    """When a run was not open, between two of its sessions: from when to when."""
    sessions = zip(header.writers, header.writers[1:], strict=False)
    return [(before.ended, after.started) for before, after in sessions if before.ended is not None]


def _losses(header: Header, alive: Vitality) -> dict[str, int]:
    # A run that was never closed has the counts of dropped records in its last sign of life.
    beat = alive.heartbeat
    said = header.dropped_records or {"records": beat.lost if beat else 0}
    return {where: lost for where, lost in said.items() if lost}

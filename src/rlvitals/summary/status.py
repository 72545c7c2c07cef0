"""State of a run, from its header and its last heartbeat, without reading its records."""

import msgspec

from rlvitals.clock import FIRST_DATE, SYSTEM_CLOCK, Clock
from rlvitals.runs import Header, Run
from rlvitals.runs.header import ENDED
from rlvitals.runs.vitality import OPEN_STATUSES, Vitality

CLOSED = ENDED
"""Statuses of a run that its writer closed."""


class RunState(msgspec.Struct, frozen=True):
    """State of a run. Times are UTC, seconds since 1970. Durations are in seconds.

    Attributes:
        run_id: Name of the run.
        path: Absolute path of the run folder.
        project: Project of the run. Empty if it has none.
        status: running, paused, stalled, completed, failed, preempted or crashed.
        reason: Why the run has this status. Empty if there is nothing to add.
        started: Start of the run.
        ended: End of the run. `None` if it was not closed.
        updated: Time of the end, or of the last known record. For a replayed run, time of the last heartbeat.
        duration: Wall time from the start to the end, to now if the run is open, otherwise to the last heartbeat. The
            time between two sessions is excluded. In an overview, it is the time that the records cover if that is
            longer, such as for a training that was replayed in a second.
        dropped_records: Number of dropped records, by the place where they were dropped.
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
        """Whether the run can record more."""
        return self.status in OPEN_STATUSES

    def age(self, now: float) -> float | None:
        """Return the seconds since the last update. `None` if the records have no dates.

        Args:
            now: Current time (UTC, seconds since 1970).
        """
        return now - self.updated if self.updated >= FIRST_DATE else None


def state_of(run: Run, header: Header, *, clock: Clock = SYSTEM_CLOCK) -> RunState:
    """Return the state of a run.

    Args:
        run: The run.
        header: Header of the run, as just read.
        clock: Clock to use.
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
    # A record from before the start of the run is replayed, so its time is not the time of the last write.
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
    """Return the seconds from the start of a run to `end`, without the time between its sessions."""
    return max(0.0, end - header.started - sum(until - since for since, until in away_of(header)))


def away_of(header: Header) -> list[tuple[float, float]]:
    """Return the start and end of each period between two sessions of a run."""
    sessions = zip(header.writers, header.writers[1:], strict=False)
    return [(before.ended, after.started) for before, after in sessions if before.ended is not None]


def _losses(header: Header, alive: Vitality) -> dict[str, int]:
    # The last heartbeat of a run that was never closed holds its number of dropped records.
    beat = alive.heartbeat
    said = header.dropped_records or {"records": beat.lost if beat else 0}
    return {where: lost for where, lost in said.items() if lost}

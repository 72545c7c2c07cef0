"""Status of a run, derived from its header and its heartbeat."""

from pathlib import Path
from typing import NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.formatting import format_duration
from rlvitals.runs import header as headers
from rlvitals.runs.header import Header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, is_process_alive, is_silent, read_heartbeat

STALLED = "stalled"
CRASHED = "crashed"
OPEN_STATUSES = frozenset({headers.RUNNING, STALLED, headers.PAUSED})
"""Statuses of a run whose writer is running or paused."""

_IDLE_S = 600.0
"""Time without records after which a run with a live process is stalled, in seconds."""


class Vitality(NamedTuple):
    """Status of a run with its reason.

    Attributes:
        status: running, completed, failed, preempted or paused (reported by the writer); stalled or crashed (derived
            from the heartbeat).
        reason: Reason for the status, in one sentence.
        heartbeat: Last heartbeat; `None` if there is none.
    """

    status: str
    reason: str
    heartbeat: Heartbeat | None

    @property
    def is_open(self) -> bool:
        """Whether the run's writer is running or paused."""
        return self.status in OPEN_STATUSES


def vitality(path: Path, header: Header, *, clock: Clock = SYSTEM_CLOCK) -> Vitality:
    """Determine the status of a run.

    Args:
        path: Run folder.
        header: Current header of the run.
        clock: Clock for the current time.
    """
    beat = read_heartbeat(Layout(path).lock)
    if header.status in headers.ENDED:
        return Vitality(header.status, "reported by its writer", beat)
    return (
        Vitality(CRASHED, "it was not closed and has no heartbeat", None)
        if beat is None
        else _dead(beat, clock.time()) or _alive(beat, header, clock.time())
    )


def _dead(beat: Heartbeat, now: float) -> Vitality | None:
    """Return the status for a stale heartbeat or a missing process; `None` if the writer is alive."""
    alive, silent, silent_s = is_process_alive(beat), is_silent(beat, now), now - beat.beat
    if alive is False:
        return Vitality(CRASHED, f"it was not closed, and its process {beat.pid} no longer exists", beat)
    if alive and silent:
        why = f"process {beat.pid} is alive, but has sent no heartbeat for {format_duration(silent_s)}"
        return Vitality(STALLED, why, beat)
    if silent:
        why = f"it was not closed, and {beat.host} has sent no heartbeat for {format_duration(silent_s)}"
        return Vitality(CRASHED, why, beat)
    return None


def _alive(beat: Heartbeat, header: Header, now: float) -> Vitality:
    if header.status == headers.PAUSED:
        return Vitality(headers.PAUSED, "reported by its writer", beat)
    # A record from before the start of the run is replayed, so its time is not the time of the write.
    idle_s = now - max(header.started, beat.last_record or 0.0)
    if idle_s > _IDLE_S:
        return Vitality(STALLED, f"its process is alive, but has recorded nothing for {format_duration(idle_s)}", beat)
    return Vitality(headers.RUNNING, "its heartbeat is recent", beat)

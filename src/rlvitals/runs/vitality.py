"""Whether a run is alive: what its header says, held against its heartbeat."""

from pathlib import Path
from typing import NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.runs import header as headers
from rlvitals.runs.header import Header
from rlvitals.runs.layout import Layout
from rlvitals.runs.lock import Heartbeat, is_process_alive, is_silent, read_heartbeat

STALLED = "stalled"
CRASHED = "crashed"
OPEN_STATUSES = frozenset({headers.RUNNING, STALLED, headers.PAUSED})
"""Statuses of a run whose writer is running or paused."""

_IDLE_S = 600.0
"""Without any record for so long, a live process is called stalled."""


class Vitality(NamedTuple):
    """What is known of a run's life.

    Attributes:
        status: running, completed, failed, preempted, paused (said by its writer), stalled or crashed (seen from
            outside).
        reason: Why, in one sentence.
        heartbeat: The last sign of life.
    """

    status: str
    reason: str
    heartbeat: Heartbeat | None

    @property
    def is_open(self) -> bool:
        """Whether the run's writer is running or paused."""
        return self.status in OPEN_STATUSES


def vitality(path: Path, header: Header, *, clock: Clock = SYSTEM_CLOCK) -> Vitality:
    """Tell whether a run is alive.

    Args:
        path: The run's folder.
        header: Its header, as just read.
        clock: Tells the time.
    """
    beat = read_heartbeat(Layout(path).lock)
    if header.status in headers.ENDED:
        return Vitality(header.status, "its writer said so", beat)
    return (
        Vitality(CRASHED, "it was never closed, and there is no sign of life", None)
        if beat is None
        else _dead(beat, clock.time()) or _alive(beat, header, clock.time())
    )


def _dead(beat: Heartbeat, now: float) -> Vitality | None:
    """What a heartbeat that is old, or whose process is gone, tells; `None` if there is no doubt of life."""
    alive, silent, silent_s = is_process_alive(beat), is_silent(beat, now), now - beat.beat
    if alive is False:
        return Vitality(CRASHED, f"it was never closed, and its process {beat.pid} is gone", beat)
    if alive and silent:
        return Vitality(STALLED, f"process {beat.pid} lives, but has been silent for {silent_s:.0f} s", beat)
    if silent:
        why = f"it was never closed, and no sign of life came from {beat.host} for {silent_s:.0f} s"
        return Vitality(CRASHED, why, beat)
    return None


def _alive(beat: Heartbeat, header: Header, now: float) -> Vitality:
    if header.status == headers.PAUSED:
        return Vitality(headers.PAUSED, "its writer said so", beat)
    idle_s = now - (beat.last_record or header.started)
    if idle_s > _IDLE_S:
        return Vitality(STALLED, f"its process lives, but recorded nothing for {idle_s:.0f} s", beat)
    return Vitality(headers.RUNNING, "its heart beats", beat)

"""How fast a run goes now, and how much of it is left."""

import numpy as np

from rlvitals.summary.life import OPEN, Life
from rlvitals.summary.measures import Floats

_MINUTE = 60.0


def speed_of(times: Floats, steps: Floats) -> float | None:
    """Steps a second over the last minute that has records; `None` if that cannot be said."""
    known = np.isfinite(times) & np.isfinite(steps)
    times, steps = times[known], steps[known]
    if times.size < 2:  # noqa: PLR2004 - a speed needs two moments
        return None
    recent = times >= times[-1] - _MINUTE
    first = int(recent.argmax())
    lasted = float(times[-1] - times[first])
    return float(steps[-1] - steps[first]) / lasted if lasted > 0 and steps[-1] >= steps[first] else None


def progress_of(
    goal: float | None, furthest: float | None, speed: float | None, life: Life
) -> tuple[float | None, float | None]:
    """The share of the goal that is done, and the seconds that the rest takes; each `None` if it cannot be said."""
    if not goal or furthest is None:
        return None, None
    done = min(1.0, furthest / goal)
    return done, (goal - furthest) / speed if speed and life.status in OPEN and done < 1.0 else None

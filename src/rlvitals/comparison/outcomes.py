"""Outcome of each run, and the rules for runs that crashed, are still running or measured nothing."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.experiments import Member
from rlvitals.comparison.metric_source import MetricBlocks, MetricExtent, MetricSource
from rlvitals.comparison.result import RunOutcome, Standing
from rlvitals.formatting import counted, percent
from rlvitals.runs.header import COMPLETED, ENDED, PREEMPTED
from rlvitals.runs.vitality import OPEN_STATUSES
from rlvitals.stats.groups.aligned_curves import area

NEARLY = 0.9
"""Share of the horizon that a run must reach for its outcome to count."""
LAST_PART = 10
"""The last tenth of the horizon counts as the end of a run."""

_SHORT = 0.5
_ROUNDING = 1e-9
"""Relative to the largest outcome. Smaller differences count as rounding, here as in `stats.groups.permutation`."""
_DIGITS = 40


class Horizon(NamedTuple):
    """End of the comparison on the axis, and the reason for it."""

    place: float
    reason: str


def horizon_of(members: Sequence[Member], extents: Mapping[str, MetricExtent]) -> Horizon:
    """Return the place that every completed run of one task reached.

    Runs that got less than half as far as the median had a different budget, so they do not set the horizon. If no run
    is completed, all runs with the metric count.
    """
    reached = {member.label: extents[member.label].reached for member in members if member.label in extents}
    completed = {m.label: reached[m.label] for m in members if m.label in reached and m.header.status == COMPLETED}
    asked = completed or reached
    if not asked:
        return Horizon(math.nan, "")
    middle = float(np.median(list(asked.values())))
    long = {label: place for label, place in asked.items() if place >= _SHORT * middle}
    shortest = min(long, key=long.__getitem__)
    who = "the shortest completed run" if completed else "no run is completed; the shortest"
    return Horizon(long[shortest], f"{who} ({shortest}) ends there")


def status_of(member: Member) -> str:
    """Return the status that a run's writer recorded, or the status observed from outside."""
    said = member.header.status
    return said if said in ENDED else member.run.vitality().status


def outcome_of(
    member: Member,
    extent: MetricExtent | None,
    row: int,
    measured: MetricBlocks,
    source: MetricSource,
    axis: str,
    *,
    sign: float,
    target: float | None,
) -> RunOutcome:
    """Return the outcome of a run.

    Args:
        member: The run.
        extent: Extent of the metric in the run. `None` if it has no value.
        row: Row of the run in `measured`.
        measured: Block means of all runs.
        source: The metric.
        axis: Axis of the block means, such as `env_step`.
        sign: -1 if lower is better, otherwise 1.
        target: Mean of the metric to reach.
    """
    status = status_of(member)
    horizon = float(measured.places[row, -1])
    means, counts = measured.means[row], measured.counts[row]
    found = _outcomes(means, counts, sign) if extent is not None else {}
    standing, reason = _standing(extent, status, horizon, found, f"{source.name} along {axis}")
    steps = None
    if target is not None and extent is not None:
        there = np.flatnonzero(sign * means >= sign * target)  # NaN compares as false
        steps = float(measured.places[row, there[0]]) if there.size else None
    return RunOutcome(
        run=member.label,
        path=str(member.run.path),
        group=member.group,
        task=member.task,
        seed=member.seed,
        status=status,
        standing=standing,
        reason=reason,
        reached=extent.reached if extent is not None else None,
        values=extent.values if extent is not None else 0,
        not_finite=extent.not_finite if extent is not None else 0,
        outcomes=found if standing == "counted" else {},
        steps_to_target=steps,
    )


def scores_of(
    outcomes: Sequence[RunOutcome], statistic: str, task: str, *, worst: float | None = None
) -> NDArray[np.float64]:
    """Return the outcomes on one task of the runs that count, shape `(n,)`.

    Args:
        outcomes: Outcomes of the runs of a group.
        statistic: `final`, `area` or `best`.
        task: The task.
        worst: Value for runs that ended without an outcome. `None` leaves them out.
    """
    found = [one.outcomes[statistic] for one in outcomes if one.task == task and statistic in one.outcomes]
    if worst is not None:
        found += [worst for one in outcomes if one.task == task and one.standing == "counts as worst"]
    return levelled(np.array(found, dtype=np.float64))


def levelled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove rounding errors from outcomes. Outcomes that differ only by rounding become one number.

    The last digits of a mean depend on the order of its sum, and the mean of three equal numbers can differ from that
    number. Three runs at 0.1038 then have a spread of 1e-17. Each outcome is therefore rounded to 40 of 53 binary
    digits, so that thousands of equal outcomes are summed without rounding and their spread is zero.

    Args:
        values: Outcomes of the runs of one group and task, shape `(n,)`. Infinite values represent the worst outcome.
    """
    shares, exponents = np.frexp(values)
    rounded: NDArray[np.float64] = np.ldexp(np.round(np.ldexp(shares, _DIGITS)), exponents - _DIGITS)
    finite = rounded[np.isfinite(rounded)]
    if not finite.size or np.ptp(finite) > _ROUNDING * np.abs(finite).max():
        return rounded
    return np.where(np.isfinite(rounded), finite[0], rounded)


def _outcomes(means: NDArray[np.float64], counts: NDArray[np.int64], sign: float) -> dict[str, float]:
    known = counts > 0
    found: dict[str, float] = {}
    end = means.size - means.size // LAST_PART
    last = known.copy()
    last[:end] = False
    if last.any():
        found["final"] = float(np.average(means[last], weights=counts[last]))
    whole = float(area(means[None, :])[0])
    if not math.isnan(whole):
        found["area"] = whole
    if known.any():
        found["best"] = sign * float(np.max(sign * means[known]))
    return found


def _standing(
    extent: MetricExtent | None, status: str, horizon: float, found: Mapping[str, float], wanted: str
) -> tuple[Standing, str]:
    if extent is None:
        if status in {COMPLETED, PREEMPTED} or status in OPEN_STATUSES:
            return "left out", f"has no {wanted}"
        return "counts as worst", f"{status} before it had any {wanted}"
    if extent.reached < NEARLY * horizon:
        return _short_of(status, f"{percent(extent.reached / horizon)} of the horizon")
    if "final" not in found:
        odd = f", with {counted(extent.not_finite, 'non-finite value')}" if extent.not_finite else ""
        return "counts as worst", f"has no finite {wanted} in the last tenth{odd}"
    return "counted", ""


def _short_of(status: str, share: str) -> tuple[Standing, str]:
    """Return the standing of a run that ended, or currently is, well before the horizon."""
    if status in OPEN_STATUSES:
        return "left out", f"is still {status}, at {share}"
    if status == COMPLETED:
        return "left out", f"completed at {share}: it had a different budget"
    if status == PREEMPTED:
        return "left out", f"was preempted at {share}, which is not due to its method"
    return "counts as worst", f"{status} at {share}"

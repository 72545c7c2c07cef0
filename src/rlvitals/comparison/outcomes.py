"""What each run came to, and whether it counts: the rules for runs that crashed, run on, or measured nothing."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.experiments import Member
from rlvitals.comparison.metric_source import MetricBlocks, MetricExtent, MetricSource
from rlvitals.comparison.result import RunOutcome, Standing
from rlvitals.formatting import percent
from rlvitals.runs.header import COMPLETED, ENDED, PREEMPTED
from rlvitals.runs.vitality import OPEN_STATUSES
from rlvitals.stats.groups.aligned_curves import area

NEARLY = 0.9
"""Share of the horizon that a run must have reached for its outcome to count."""
LAST_PART = 10
"""The last tenth of the horizon is the end of a run."""

_SHORT = 0.5
_ROUNDING = 1e-9
"""Of the largest outcome: what outcomes differ by less is no spread, here as in `stats.groups.permutation`."""
_DIGITS = 40


class Horizon(NamedTuple):
    """Where runs are compared, and what set it."""

    place: float
    reason: str


def horizon_of(members: Sequence[Member], extents: Mapping[str, MetricExtent]) -> Horizon:
    """The place that every completed run of one task reached.

    Those that came less than half as far as the median had another budget, and do not set it. Where no run is
    completed, all that measured something count.
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
    """What a run's writer said, or what is seen of it from outside."""
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
    """What a run came to.

    Args:
        member: The run.
        extent: How much of the metric it has; `None` for nothing.
        row: Its row in what was measured.
        measured: What was measured.
        source: The metric.
        axis: What it was measured along, such as `env_step`.
        sign: -1 where less is better.
        target: The mean to reach.
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
    """The outcomes on one task of the runs that count.

    Args:
        outcomes: The runs of a group.
        statistic: `final`, `area` or `best`.
        task: The task.
        worst: Stands for runs that ended without an outcome; left out where none is given.
    """
    found = [one.outcomes[statistic] for one in outcomes if one.task == task and statistic in one.outcomes]
    if worst is not None:
        found += [worst for one in outcomes if one.task == task and one.standing == "counts as worst"]
    return levelled(np.array(found, dtype=np.float64))


def levelled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outcomes without what is rounding alone: where they differ by no more than that, they are one number.

    A mean depends in its last digits on the order in which it is summed; and the mean of three equal numbers need not
    be that number, so that three runs at 0.1038 have a spread of 1e-17. So each has 40 digits (of 53): thousands of
    equal ones are summed without rounding, and their spread is zero.

    Args:
        values: Outcomes of the runs of one group and task; infinite ones stand for the worst.
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
        return _short_of(status, f"{percent(extent.reached / horizon)} of the way")
    if "final" not in found:
        odd = f", {extent.not_finite} are not finite" if extent.not_finite else ""
        return "counts as worst", f"has no finite {wanted} in the last tenth{odd}"
    return "counted", ""


def _short_of(status: str, share: str) -> tuple[Standing, str]:
    """Of a run that ended, or stands, well before the horizon."""
    if status in OPEN_STATUSES:
        return "left out", f"is still {status}, at {share}"
    if status == COMPLETED:
        return "left out", f"is completed at {share}: it had another budget"
    if status == PREEMPTED:
        return "left out", f"was preempted at {share}, which says nothing of its method"
    return "counts as worst", f"{status} at {share}"

"""The speed of training: whether it fell, and not merely because training began."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import WARNING
from rlvitals.diagnosis.rules.rule import Sign, rule
from rlvitals.diagnosis.table import Floats, Table

_SLOW = 0.4
"""A slow update has less than this share of the usual speed. Evaluations and busy machines cost less."""
_FEWEST_SPEEDS = 15
"""Fewer speeds cannot show what is usual."""
_FEWEST_SLOW, _SLOW_SHARE = 8, 0.2
"""Single updates wait for an evaluation or for the disk: so many, or so large a share of all, do not."""
_FEWEST_BEFORE = 5
_LONGEST_WARM_UP = 0.6
"""The share of the budget beyond which a fast beginning is no warm-up of random actions: too little would be left."""
_LEARNT = 4.0
"""Standard errors by which returns rise where an agent learns. Random actions earn the same throughout."""
_FEWEST_RETURNS = 5


@rule(
    "throughput-drop",
    title="Training became slow",
    meaning="The last eight updates (a fifth of all, if that is more) were all slower than 40 % of the usual speed "
    "(the median of the faster half of all updates), nine of ten of them slower than four of five before, and they "
    "have taken half as long as all before; nor is it that they do so many epochs more. Speed counts from the first "
    "update with a loss, or from `learning_starts`, as random actions without updates are fast. Where neither is "
    "known, a fast phase at the beginning of the run counts only if returns rose during it, or if it took more than "
    "60 % of the budget.",
    needs=("updates.time|episodes.time",),
    series=("system.env_steps_per_second", "system.cpu_percent", "system.memory"),
    cause="Something takes the machine, or the environment, the logging or a buffer became slower as the run went on.",
    advice="Look at memory (swapping), at other processes, at what grows with the number of episodes.",
    source="By definition",
)
def _throughput_drop(evidence: Evidence) -> Sign | None:
    table = evidence.updates if evidence.updates.records else evidence.episodes
    began = signals.training_began(evidence)
    speeds, steps = _speeds(table, since=0.0 if began is None else began)
    fast = _fast_start(speeds) if began is None else 0
    if fast and _may_be_warm_up(evidence, until=float(steps[fast - 1])):
        speeds, steps = speeds[fast:], steps[fast:]
    slow = _slow_end(table, speeds)
    if not slow:
        return None
    shown = {"steps_per_second": float(np.median(speeds[-slow:])), "steps_per_second_before": _usual(speeds)}
    return Sign(WARNING, 0.9, shown, float(steps[speeds.size - slow]))


def _speeds(table: Table, *, since: float) -> tuple[Floats, Floats]:
    """Steps per second between neighbouring blocks that lie behind a step, and the step at which each ends."""
    steps, times = table.high("step"), table.high("time")
    walked, took = np.diff(steps), np.diff(times)
    sane = np.isfinite(walked) & np.isfinite(took) & (walked > 0.0) & (took > 0.0) & (steps[:-1] >= since)
    return walked[sane] / took[sane], steps[1:][sane]


def _usual(speeds: Floats) -> float:
    """The median of the faster half."""
    return float(np.median(np.sort(speeds)[-max(5, speeds.size // 2) :]))


def _fast_start(speeds: Floats) -> int:
    """How many of the first speeds come before the first that several in a row are far below; 0 where none are."""
    if speeds.size < _FEWEST_BEFORE + _FEWEST_SLOW:
        return 0
    highest = np.lib.stride_tricks.sliding_window_view(speeds, _FEWEST_SLOW).max(axis=1)
    candidates = np.flatnonzero(highest < _SLOW * float(speeds.max()))
    return next(
        (
            int(first)
            for first in candidates[candidates >= _FEWEST_BEFORE]
            if highest[first] < _SLOW * float(np.median(speeds[:first]))
        ),
        0,
    )


def _slow_end(table: Table, speeds: Floats) -> int:
    """How many of the last speeds are too low, compared with those before; 0 where that is no drop."""
    if speeds.size < _FEWEST_SPEEDS:
        return 0
    usual = _usual(speeds)
    slow = int((speeds < _SLOW * usual)[::-1].cumprod().sum())
    before, now = speeds[: speeds.size - slow], speeds[speeds.size - slow :]
    if slow < max(_FEWEST_SLOW, _SLOW_SHARE * speeds.size) or before.size < _FEWEST_BEFORE:
        return 0
    lasted, earlier = float(np.sum(1.0 / now)), float(np.sum(1.0 / before))
    if float(np.median(now)) * _longer_work(table, slow) > _SLOW * usual:
        return 0
    return slow if np.quantile(now, 0.9) < np.quantile(before, 0.2) and lasted > 0.5 * earlier else 0


def _longer_work(table: Table, last: int) -> float:
    """How many times as many epochs the last updates do as those before: `target_kl` stops fewer of them later."""
    epochs = table.mean("epochs") if "epochs" in table.names else np.empty(0)
    now, before = epochs[-last:], epochs[:-last]
    now, before = now[np.isfinite(now)], before[np.isfinite(before)]
    usual = float(np.median(before)) if before.size else 0.0
    return max(1.0, float(np.median(now)) / usual) if now.size and usual > 0.0 else 1.0


def _may_be_warm_up(evidence: Evidence, *, until: float) -> bool:
    """Whether a fast phase that began with the run may be one of random actions, without updates."""
    if evidence.budget is not None and until > _LONGEST_WARM_UP * evidence.budget:
        return False
    episodes = evidence.episodes
    returns = episodes.mean("reward")[(episodes.high("step") <= until) & (episodes.said("reward") > 0)]
    first, second = np.array_split(returns, 2)
    if second.size < _FEWEST_RETURNS:
        return True
    error = math.hypot(*(float(part.std(ddof=1)) / math.sqrt(part.size) for part in (first, second)))
    return not float(second.mean() - first.mean()) > _LEARNT * error

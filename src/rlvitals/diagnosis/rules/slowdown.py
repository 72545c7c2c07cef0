"""The rule about training speed. A slower phase after a fast warm-up is not a slowdown."""

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import WARNING
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.stats.series.trend import trend

_SLOW = Threshold(
    0.4, "%", "Share of the usual speed below which an update is slow. Evaluations and busy machines cost less."
)
_FEWEST_SPEEDS = Threshold(15, "updates", "Minimum number of updates to determine the usual speed.")
_FEWEST_SLOW = Threshold(
    8, "updates", "Minimum number of consecutive slow updates. Single slow updates wait for an evaluation or the disk."
)
_SLOW_SHARE = Threshold(0.2, "%", "Minimum share of slow updates among all updates.")
_FEWEST_BEFORE = Threshold(5, "updates", "Minimum number of updates before the slow ones.")
_NINE_OF_TEN = Threshold(0.9, "%", "Share of the slow updates that must be slower than most earlier updates.")
_FOUR_OF_FIVE = Threshold(0.8, "%", "Share of the earlier updates that must be faster.")
_LASTED = Threshold(0.5, "%", "Minimum time of the slow updates, as a share of the time of all earlier updates.")
_LONGEST_WARM_UP = Threshold(
    0.6, "%", "Budget beyond which a fast start is not a warm-up: too little training would remain."
)
_CONFIDENCE = Threshold(0.999, "%", "Confidence of a rise of returns that shows that a fast start is not a warm-up.")


@rule(
    "throughput-drop",
    title="Training slowed down",
    meaning=f"The last {_FEWEST_SLOW} or more ({_SLOW_SHARE} of all updates, if that is more) ran below {_SLOW} of "
    "the usual speed. The usual speed is the median of the faster half of all updates. Of the slow updates, "
    f"{_NINE_OF_TEN} were slower than {_FOUR_OF_FIVE} of the earlier ones. They took at least {_LASTED} of the time "
    "of all earlier ones, and not because they do more epochs. Speed counts from the first update with a loss, or "
    "from `learning_starts`, because random actions without updates are fast. If neither is known, a fast start "
    f"counts only if returns improve during it or it took more than {_LONGEST_WARM_UP} of the budget.",
    needs=("updates.time|episodes.time",),
    series=("system.env_steps_per_second", "system.cpu_percent", "system.memory"),
    cause="Another process uses the machine, or the environment, the logging or a buffer slows down as the run "
    "continues.",
    advice="Check memory (swapping) and other processes. Look for work that grows with the number of episodes.",
    source="By definition",
)
def _throughput_drop(evidence: Evidence) -> RuleResult | None:
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
    return RuleResult(WARNING, 0.9, shown, float(steps[speeds.size - slow]))


def _speeds(table: BlockTable, *, since: float) -> tuple[Floats, Floats]:
    """Return the steps per second between neighbouring blocks from a step on, and the step at which each ends."""
    steps, times = table.high("step"), table.high("time")
    walked, took = np.diff(steps), np.diff(times)
    sane = np.isfinite(walked) & np.isfinite(took) & (walked > 0.0) & (took > 0.0) & (steps[:-1] >= since)
    return walked[sane] / took[sane], steps[1:][sane]


def _usual(speeds: Floats) -> float:
    """Return the median of the faster half of the speeds."""
    return float(np.median(np.sort(speeds)[-max(int(_FEWEST_BEFORE), speeds.size // 2) :]))


def _fast_start(speeds: Floats) -> int:
    """Return the number of speeds before the first sustained drop; 0 if there is no such drop."""
    if speeds.size < _FEWEST_BEFORE + _FEWEST_SLOW:
        return 0
    highest = np.lib.stride_tricks.sliding_window_view(speeds, int(_FEWEST_SLOW)).max(axis=1)
    candidates = np.flatnonzero(highest < _SLOW * float(speeds.max()))
    return next(
        (
            int(first)
            for first in candidates[candidates >= _FEWEST_BEFORE]
            if highest[first] < _SLOW * float(np.median(speeds[:first]))
        ),
        0,
    )


def _slow_end(table: BlockTable, speeds: Floats) -> int:
    """Return the number of last speeds that are below the usual speed; 0 if they do not amount to a slowdown.

    Measured on the corpus: `stats.series.change_points` of all speeds found the same faults no earlier, and a diagnosis
    took 1.2 times as long.
    """
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
    is_slower = np.quantile(now, _NINE_OF_TEN) < np.quantile(before, 1.0 - _FOUR_OF_FIVE)
    return slow if is_slower and lasted > _LASTED * earlier else 0


def _longer_work(table: BlockTable, last: int) -> float:
    """Return the ratio of epochs per update in the last updates to those before, at least 1.

    The ratio grows if `target_kl` stops fewer updates early as training continues.
    """
    epochs = table.mean("epochs") if "epochs" in table.names else np.empty(0)
    now, before = epochs[-last:], epochs[:-last]
    now, before = now[np.isfinite(now)], before[np.isfinite(before)]
    usual = float(np.median(before)) if before.size else 0.0
    return max(1.0, float(np.median(now)) / usual) if now.size and usual > 0.0 else 1.0


def _may_be_warm_up(evidence: Evidence, *, until: float) -> bool:
    """Return whether a fast start of the run can be a phase of random actions without updates."""
    if evidence.budget is not None and until > _LONGEST_WARM_UP * evidence.budget:
        return False
    episodes = evidence.episodes
    returns = episodes.mean("reward")[(episodes.high("step") <= until) & (episodes.said("reward") > 0)]
    return trend(returns, confidence=_CONFIDENCE).verdict != "improving"

"""The speed of training: whether it fell, and not merely because training began."""

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import WARNING
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.stats.series.trend import trend

_SLOW = Threshold(
    0.4, "%", "Share of the usual speed below which an update is slow; evaluations and busy machines cost less."
)
_FEWEST_SPEEDS = Threshold(15, "updates", "Updates that show what is usual, at least.")
_FEWEST_SLOW = Threshold(
    8, "updates", "Slow updates in a row, at least: single ones wait for an evaluation or the disk."
)
_SLOW_SHARE = Threshold(0.2, "%", "Share of all updates that are slow, at least.")
_FEWEST_BEFORE = Threshold(5, "updates", "Updates before them, at least.")
_NINE_OF_TEN = Threshold(0.9, "%", "Share of the slow updates that are slower than most before.")
_FOUR_OF_FIVE = Threshold(0.8, "%", "Share of the updates before that are faster.")
_LASTED = Threshold(0.5, "%", "Time of the slow updates, of the time of all before, at least.")
_LONGEST_WARM_UP = Threshold(0.6, "%", "Budget beyond which a fast beginning is no warm-up: too little would be left.")
_CONFIDENCE = Threshold(0.999, "%", "Confidence of the rise of returns in a fast beginning that is no warm-up.")


@rule(
    "throughput-drop",
    title="Training became slow",
    meaning=f"The last {_FEWEST_SLOW} ({_SLOW_SHARE} of all, if that is more) were all slower than {_SLOW} of the "
    f"usual speed (the median of the faster half of all updates), {_NINE_OF_TEN} of them slower than "
    f"{_FOUR_OF_FIVE} of those before, and they have taken {_LASTED} of the time of all before; nor is it that "
    "they do so many epochs more. Speed counts from the first update with a loss, or from `learning_starts`, "
    "as random actions without updates are fast. Where neither is known, a fast phase at the beginning of the "
    "run counts only if the trend of the returns improves during it, or if it took more than "
    f"{_LONGEST_WARM_UP} of the budget.",
    needs=("updates.time|episodes.time",),
    series=("system.env_steps_per_second", "system.cpu_percent", "system.memory"),
    cause="Something takes the machine, or the environment, the logging or a buffer became slower as the run went on.",
    advice="Look at memory (swapping), at other processes, at what grows with the number of episodes.",
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
    """Steps per second between neighbouring blocks that lie behind a step, and the step at which each ends."""
    steps, times = table.high("step"), table.high("time")
    walked, took = np.diff(steps), np.diff(times)
    sane = np.isfinite(walked) & np.isfinite(took) & (walked > 0.0) & (took > 0.0) & (steps[:-1] >= since)
    return walked[sane] / took[sane], steps[1:][sane]


def _usual(speeds: Floats) -> float:
    """The median of the faster half."""
    return float(np.median(np.sort(speeds)[-max(int(_FEWEST_BEFORE), speeds.size // 2) :]))


def _fast_start(speeds: Floats) -> int:
    """How many of the first speeds come before the first that several in a row are far below; 0 where none are."""
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
    """Count the last speeds that are too low, compared with those before; 0 where that is no drop.

    `analysis.change_points` of all speeds in its place found the same faults of the corpus, no sooner, and a diagnosis
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
    return trend(returns, confidence=_CONFIDENCE).verdict != "improving"

"""The rule about returns that drop from their best level and do not recover."""

import math

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.learning import Learning, ReturnLevel, windows_of
from rlvitals.diagnosis.rules.return_history import GAIN, LAST_FIFTH, NEARLY_OVER, are_equal, evaluations_rose
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.stats.series.change_points import change_points

_LOST = Threshold(0.85, "%", "Share of the gain that must be lost. Healthy runs lose up to 75 % and recover.")
_ALL_LOST = Threshold(
    0.9, "%", "Share of the gain from which a loss is critical, and that an earlier, lasting loss must exceed."
)
_HALF = Threshold(0.5, "%", "Share of the gain, or of a drop, that must be regained for a recovery.")
_CERTAIN = Threshold(
    4.0,
    "standard errors",
    "Distance of the best level from the start and from the current level that is beyond chance.",
)
_BELOW_NOW = Threshold(
    1.5, "standard deviations", "Distance below an early level, relative to the current returns, that counts as lost."
)
_BELOW_BEST = Threshold(
    1.0,
    "standard deviations",
    "Distance below an early level, relative to the returns at that level, that counts as lost.",
)
_CERTAINLY_BELOW = Threshold(
    6.0,
    "standard errors",
    "Distance below an early level that is beyond chance. Healthy runs that lost their gain: up to 3.",
)
_PATIENCE = Threshold(0.3, "%", "Budget before which the loss of an early level is not reported.")
_LONG_PATIENCE = Threshold(
    0.5,
    "%",
    "Budget before which such a loss is not reported, if training can begin with random actions. Returns then fall "
    "with the first updates.",
)
_LASTING = Threshold(
    0.5, "%", "Minimum duration of such a drop, as a share of the steps so far, until the run is nearly over."
)
_NEAR = Threshold(0.03, "%", "Share of the gain below the best level at which a plateau begins.")
_PARTLY = Threshold(0.08, "%", "Share of the gain whose loss is reported at the end, if returns hardly vary.")
_TIGHT = Threshold(
    0.06,
    "%",
    "Standard deviation of returns that hardly vary, as a share of the gain. After drops in healthy runs it was 9 "
    "% or more.",
)
_SOME_SUCCESS = Threshold(0.05, "%", "Success rate above which some episodes succeed.")
_EARLY_SUCCESS = Threshold(0.1, "%", "Share of the first episodes that gives the early success rate.")
_RATE_JUMP = Threshold(10.0, "times", "Jump of the learning rate that explains a drop.")
_KL_JUMP = Threshold(20.0, "times", "Jump of the KL divergence that explains a drop.")
_BEFORE = Threshold(0.95, "%", "Share of the steps up to the best window after which jumps count.")
_TINY = 1e-12


@rule(
    "regression",
    title="Returns dropped and have not recovered",
    meaning=f"The last window of episodes has lost {_LOST} or more of the gain of the best window over the first "
    f"episodes. The gain must be at least {GAIN} of the returns within windows and of the first returns. Or an earlier "
    f"window had lost more than {_ALL_LOST}, and less than {_HALF} of the gain has come back since. The finding is "
    f"critical if more than {_ALL_LOST} is lost. Otherwise it is a warning. The rule also warns in two weaker "
    "cases. First, the best level was hardly above the first level (of random actions or a checkpoint), and "
    f"returns are now below it by more than {_BELOW_NOW} of the current returns, {_BELOW_BEST} of the returns at "
    f"that level, and {_CERTAINLY_BELOW}. The drop must have lasted for {_LASTING} of the steps so far, and the rule "
    f"waits for {_PATIENCE} of the budget. If the algorithm can begin with random actions, the rule waits for "
    f"{_LONG_PATIENCE}, counted from the first update, and needs a known budget. From {NEARLY_OVER} of the budget, "
    f"a drop of any duration counts. Second, from {NEARLY_OVER} of the budget, a change point after the plateau "
    f"(`rlvitals.stats.series.change_points`) lost more than {_PARTLY} of the gain. Returns before and after it must "
    f"vary by less than {_TIGHT} of the gain.",
    needs=("episodes.reward",),
    series=("episodes.reward", "updates.kl_divergence", "updates.learning_rate", "updates.entropy"),
    cause="The policy broke down after it had learned.",
    advice="Resume from the checkpoint of the best window, and anneal the learning rate and the clip range. Set "
    "`target_kl` to stop single destructive updates. If returns never rose, compare them with a random policy and "
    "check exploration, the learning rate and the sign of the loss.",
    source="Achiam et al. 2017, Constrained Policy Optimization; Dohare et al. 2024, Loss of Plasticity (policy "
    "collapse of PPO)",
)
def _regression(evidence: Evidence) -> RuleResult | None:
    course = evidence.course
    if course is None or are_equal(evidence):  # rounding differences are not levels
        return None
    return _gain_lost(evidence, course) or _best_lost(evidence, course) or _partly_lost(evidence, course)


def _gain_lost(evidence: Evidence, course: Learning) -> RuleResult | None:
    """Detect the loss of a gain over the start."""
    best, recent, start = course.best, course.recent, course.start
    # Also relative to the first returns, because random actions can scatter more widely than all later returns.
    if course.best_gain < GAIN or best.mean - start.mean < GAIN * start.deviation:
        return None
    is_lost_for_good = course.lost_at(course.trough) > _ALL_LOST and course.lost_at(course.regained) > _HALF
    if course.lost < _LOST and not is_lost_for_good:
        return None
    if best.mean - recent.mean < _CERTAIN * math.hypot(best.error, recent.error):
        return None
    if best.mean - start.mean < _CERTAIN * math.hypot(best.error, start.error):
        return None
    shown = {"best": best.mean, "recent": recent.mean, "start": start.mean, "lost": course.lost}
    cause, began = _what_broke(evidence, best.step)
    return RuleResult(CRITICAL if course.lost > _ALL_LOST else WARNING, 0.9, shown, began, cause)


def _best_lost(evidence: Evidence, course: Learning) -> RuleResult | None:
    """Detect the loss of a best level that is hardly above the first: random actions, or a continued checkpoint."""
    recent = course.recent
    # The best of many windows of random actions scatters widely, so the first level is tested as well.
    best = next((level for level in (course.best, course.start) if _lies_below(recent, level)), None)
    if course.lost < _LOST or best is None:
        return None
    drop = best.mean - recent.mean
    onset = _last_above(evidence.episodes, best.mean - _HALF * drop)
    if onset is None or evaluations_rose(evidence) or _succeeds_as_often(evidence.episodes):
        return None
    is_patient = evidence.settings.of_family.warms_up is not False
    if is_patient and evidence.budget is None:
        return None
    if not signals.trained_past(evidence, NEARLY_OVER):
        patience = _LONG_PATIENCE if is_patient else _PATIENCE
        if not signals.trained_past(evidence, patience) or evidence.env_step - onset < _LASTING * evidence.env_step:
            return None
    shown = {"best": best.mean, "recent": recent.mean, "start": course.start.mean}
    cause = "Returns fell below their early level (of random actions or a checkpoint) and have not recovered."
    broke, began = _what_broke(evidence, onset)
    return RuleResult(WARNING, 0.45, shown, began, broke or cause)


def _lies_below(recent: ReturnLevel, level: ReturnLevel) -> bool:
    """Return whether returns are below a level by more than the scatter of either, and beyond chance."""
    drop = level.mean - recent.mean
    deep = max(_BELOW_NOW * recent.deviation, _BELOW_BEST * level.deviation)
    return drop > deep and drop > _CERTAINLY_BELOW * math.hypot(level.error, recent.error)


def _partly_lost(evidence: Evidence, course: Learning) -> RuleResult | None:
    """Detect a small drop since the plateau that exceeds the noise of the plateau."""
    windows = windows_of(evidence.episodes)
    if windows is None or course.best_gain < GAIN or not evidence.past(NEARLY_OVER):
        return None
    gain = course.best.mean - course.start.mean
    reached = windows.whole[windows.means[windows.whole] + windows.middle >= course.best.mean - _NEAR * gain]
    returns = evidence.episodes.mean("reward")
    rows = reached[0] + np.flatnonzero(np.isfinite(returns[reached[0] :]))
    found = change_points(returns[rows], windows.steps[rows])
    if not found.changes or not found.changes[-1].after < found.changes[-1].before:
        return None
    lost = (max(found.levels) - found.levels[-1]) / gain
    cuts = [0, *(change.place for change in found.changes), rows.size]
    top = int(np.argmax(found.levels))
    noise = max(
        _deviation(evidence.episodes, rows[cuts[top] : cuts[top + 1]]), _deviation(evidence.episodes, rows[cuts[-2] :])
    )
    if lost < _PARTLY or noise > _TIGHT * gain:
        return None
    shown = {"best": max(found.levels), "recent": found.levels[-1], "start": course.start.mean, "lost": lost}
    cause, began = _what_broke(evidence, found.regressed)
    return RuleResult(
        WARNING, 0.6, shown, began, cause or f"Returns have lost {lost:.0%} of their gain since the best level."
    )


def _last_above(episodes: BlockTable, level: float) -> float | None:
    """Return the last step at which returns were above a level; `None` if they still are or never were."""
    windows = windows_of(episodes)
    if windows is None:
        return None
    above = np.flatnonzero(windows.means[windows.whole] + windows.middle >= level)
    if not above.size or above[-1] == windows.whole.size - 1:
        return None
    return float(windows.steps[windows.whole[above[-1]]])


def _succeeds_as_often(episodes: BlockTable) -> bool:
    """Return whether episodes succeed at least as often as at first, so that only the reward became smaller."""
    late = signals.share_of(episodes, "success", last=LAST_FIFTH)
    tenth = slice(0, max(1, int(_EARLY_SUCCESS * len(episodes))))
    said = float(episodes.said("success")[tenth].sum())
    return late > _SOME_SUCCESS and said > 0.0 and late >= float(episodes.total("success")[tenth].sum()) / said


def _deviation(episodes: BlockTable, rows: NDArray[np.int64]) -> float:
    """Return the standard deviation of the single returns in some rows."""
    number = float(episodes.said("reward")[rows].sum())
    mean = float(episodes.total("reward")[rows].sum()) / number
    # Relative to the mean, to avoid cancellation of large squares.
    squares = episodes.total("reward_squared")[rows] - 2.0 * mean * episodes.total("reward")[rows]
    return math.sqrt(max(float(squares.sum()) / number + mean * mean, 0.0))


def _what_broke(evidence: Evidence, after: float) -> tuple[str, float]:
    """Return the jump in the updates that explains the drop, in words, and the step of the onset."""
    updates = evidence.updates
    steps = updates.low("step")
    for name, factor, words in (
        ("learning_rate", _RATE_JUMP, "The learning rate jumped to {value:g}, and the policy broke down."),
        ("kl_divergence", _KL_JUMP, "An update with a KL divergence of {value:.3g} broke the policy."),
    ):
        column = updates.mean(name)
        before = column[(steps <= after) & np.isfinite(column)]
        late = np.flatnonzero((steps > after * _BEFORE) & np.isfinite(column))
        if before.size and late.size:
            usual = float(np.median(before))
            jumped = late[column[late] > factor * max(usual, _TINY)]
            if jumped.size:
                return words.format(value=float(column[jumped].max())), float(steps[jumped[0]])
    return "", after

"""Returns that fall from their best level, wherever that was, and do not come back."""

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

_LOST = Threshold(0.85, "%", "Share of the gain that is lost; healthy trainings fall back by up to 75 % and recover.")
_ALL_LOST = Threshold(0.9, "%", "Share of the gain whose loss is critical, or was lost once for good.")
_HALF = Threshold(0.5, "%", "Share of the gain, or of a fall, that must have come back.")
_CERTAIN = Threshold(4.0, "standard errors", "Distance between the best level, the start and now that is no chance.")
_BELOW_NOW = Threshold(1.5, "standard deviations", "Of the returns now: distance below an early level that is lost.")
_BELOW_BEST = Threshold(1.0, "standard deviations", "Of the returns at an early level: distance below it that is lost.")
_CERTAINLY_BELOW = Threshold(
    6.0,
    "standard errors",
    "Distance below an early level that is no chance; healthy trainings that lost their gain: to 3.",
)
_PATIENCE = Threshold(0.3, "%", "Budget before which the loss of an early level is no alarm.")
_LONG_PATIENCE = Threshold(
    0.5, "%", "Such budget where training may begin with random actions: returns fall with its first updates."
)
_LASTING = Threshold(0.5, "%", "Share of the steps so far that such a fall has lasted, until the run is nearly over.")
_NEAR = Threshold(0.03, "%", "Share of the gain below the best at which a plateau begins.")
_PARTLY = Threshold(0.08, "%", "Share of the gain whose loss is a finding at the end, where returns hardly vary.")
_TIGHT = Threshold(
    0.06, "%", "Standard deviation of returns that hardly vary, of the gain. After healthy falls it was 9 % or more."
)
_SOME_SUCCESS = Threshold(0.05, "%", "Success rate above which some episodes succeed.")
_EARLY_SUCCESS = Threshold(0.1, "%", "Share of the episodes whose success rate is the early one.")
_RATE_JUMP = Threshold(10.0, "times", "Jump of the learning rate that explains a fall.")
_KL_JUMP = Threshold(20.0, "times", "Jump of the KL divergence that explains a fall.")
_BEFORE = Threshold(0.95, "%", "Share of the steps up to the best window after which jumps count.")
_TINY = 1e-12


@rule(
    "regression",
    title="The reward fell and has not come back",
    meaning=f"The last window of episodes has lost {_LOST} or more of what the best window had gained over the first "
    f"episodes, a gain of at least {GAIN} (of returns within windows, and of the first ones); or an earlier "
    f"one had lost {_ALL_LOST}, and not even {_HALF} of it has come back since. Critical from {_ALL_LOST}. Or, "
    "as a warning, the best level was hardly above the first, of random actions or of a checkpoint, and is "
    f"lost: returns are below it by {_BELOW_NOW} of the returns now, {_BELOW_BEST} of those at the best level "
    f"and {_CERTAINLY_BELOW}, for {_LASTING} of the steps so far, in {_PATIENCE} of the budget (where the "
    f"algorithm may begin with random actions: in {_LONG_PATIENCE}, counted from the first update, and only "
    f"where the budget is known), or at the end. Or, as a warning from {NEARLY_OVER} of the budget, returns "
    f"have a change point since the plateau (`rlvitals.stats.series.change_points`) that lost more than {_PARTLY} "
    f"of the gain, and vary by less than {_TIGHT} of it before and after.",
    needs=("episodes.reward",),
    series=("episodes.reward", "updates.kl_divergence", "updates.learning_rate", "updates.entropy"),
    cause="The policy has broken down after it had learnt.",
    advice="Go back to the checkpoint of the best window. Anneal the learning rate and the clip range; `target_kl` "
    "stops single destructive updates. If the run never was above its first level, compare it with a random policy, "
    "and check the settings of exploration, the learning rate and the sign of the loss.",
    source="Achiam et al. 2017, Constrained Policy Optimization; Dohare et al. 2024, Loss of Plasticity (policy "
    "collapse of PPO)",
)
def _regression(evidence: Evidence) -> RuleResult | None:
    course = evidence.course
    if course is None or are_equal(evidence):  # differences of rounding are no levels
        return None
    return _gain_lost(evidence, course) or _best_lost(evidence, course) or _partly_lost(evidence, course)


def _gain_lost(evidence: Evidence, course: Learning) -> RuleResult | None:
    """What was gained over the start is lost again."""
    best, recent, start = course.best, course.recent, course.start
    # Of the first returns, too: random actions may scatter more widely than all that comes later.
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
    """The best level was hardly above the first: that of random actions, or of a checkpoint that the run continues."""
    recent = course.recent
    # The best of many windows of random actions scatters widely: the first level may show what it cannot.
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
    cause = "Returns have lost their early level, of random actions or of a checkpoint, and do not come back."
    broke, began = _what_broke(evidence, onset)
    return RuleResult(WARNING, 0.45, shown, began, broke or cause)


def _lies_below(recent: ReturnLevel, level: ReturnLevel) -> bool:
    """Whether returns are below a level by more than either scatters, and beyond chance."""
    drop = level.mean - recent.mean
    deep = max(_BELOW_NOW * recent.deviation, _BELOW_BEST * level.deviation)
    return drop > deep and drop > _CERTAINLY_BELOW * math.hypot(level.error, recent.error)


def _partly_lost(evidence: Evidence, course: Learning) -> RuleResult | None:
    """The level has changed for the worse since the plateau, by little, but beyond what the plateau's noise allows."""
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
    return RuleResult(WARNING, 0.6, shown, began, cause or f"{lost:.0%} of the gain is lost since the best level.")


def _last_above(episodes: BlockTable, level: float) -> float | None:
    """The step at which returns were above a level for the last time; `None` where they still are, or never were."""
    windows = windows_of(episodes)
    if windows is None:
        return None
    above = np.flatnonzero(windows.means[windows.whole] + windows.middle >= level)
    if not above.size or above[-1] == windows.whole.size - 1:
        return None
    return float(windows.steps[windows.whole[above[-1]]])


def _succeeds_as_often(episodes: BlockTable) -> bool:
    """Whether episodes succeed, and no less often than at first: then it is the reward that became less."""
    late = signals.share_of(episodes, "success", last=LAST_FIFTH)
    tenth = slice(0, max(1, int(_EARLY_SUCCESS * len(episodes))))
    said = float(episodes.said("success")[tenth].sum())
    return late > _SOME_SUCCESS and said > 0.0 and late >= float(episodes.total("success")[tenth].sum()) / said


def _deviation(episodes: BlockTable, rows: NDArray[np.int64]) -> float:
    """Standard deviation of the single returns in some rows."""
    number = float(episodes.said("reward")[rows].sum())
    mean = float(episodes.total("reward")[rows].sum()) / number
    # Relative to the mean, so that squares do not drown in it.
    squares = episodes.total("reward_squared")[rows] - 2.0 * mean * episodes.total("reward")[rows]
    return math.sqrt(max(float(squares.sum()) / number + mean * mean, 0.0))


def _what_broke(evidence: Evidence, after: float) -> tuple[str, float]:
    """What the updates did between the best window and now, and where it began."""
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

"""Conditions on the returns that several rules share."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.baseline_comparisons import deciding
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.stats.series.trend import trend

NEARLY_OVER = Threshold(
    0.9, "%", "Budget before which the absence of learning is not a warning, because hard tasks start late."
)
LAST_FIFTH = Threshold(0.2, "%", "Share of the last episodes that gives the current success rate.")
SUCCEEDS = Threshold(0.5, "%", "Success rate above which returns need not rise.")
LEAST_RISE = Threshold(0.1, "standard deviations", "Change of the trend below which a significant rise does not count.")
GAIN = Threshold(
    2.0, "standard deviations", "Gain of the best window below which it can be luck, because it is the best of many."
)
MAY_RISE = Threshold(
    0.84, "%", "Probability of a rising trend above which returns can be rising, unless the trend is stable."
)
_SAME = Threshold(1e-9, "times", "Difference of returns, relative to their size, up to which they are the same.")
_STOPPED_AT = Threshold(0.6, "%", "Budget before which a stop of the rise in returns does not count.")
_SMALL_GAIN = Threshold(3.0, "standard deviations", "Gain above which returns that no longer rise have risen enough.")
_NEVER_SUCCEEDS = Threshold(0.02, "%", "Success rate up to which episodes never succeed.")
_FIRST_RISE = Threshold(0.3, "%", "Share of the steps so far that contains a small initial rise.")
_LATER_RISE = Threshold(
    0.5, "standard deviations", "Significant rise after the initial rise below which returns have stopped rising."
)
_FEWEST_LATER = Threshold(10, "values", "Minimum number of values after the initial rise.")
_FEWEST_EVALUATIONS = Threshold(4, "evaluations", "Minimum number of evaluations to show a rise.")
_EVALUATIONS_NOW = Threshold(3, "evaluations", "Number of last evaluations whose median is the current level.")
_EVALUATED_RISE = Threshold(
    3.0, "standard deviations", "Rise of evaluations over the first returns that shows learning."
)


def are_equal(evidence: Evidence) -> bool:
    """Return whether all returns so far are the same to nine digits, so that nothing can be learned from them."""
    low, high = float(evidence.episodes.low("reward").min()), float(evidence.episodes.high("reward").max())
    return high - low <= _SAME * max(abs(low), abs(high))


def has_not_risen(evidence: Evidence) -> bool:
    """Return whether returns vary but have not risen beyond chance, in a task whose returns should rise."""
    course, target = evidence.course, evidence.context.target
    if course is None or not math.isfinite(course.significance) or course.best_gain >= GAIN:
        return False  # a rise that was lost again is a regression
    if are_equal(evidence) or (target is not None and course.recent.mean >= target):
        return False
    succeeds = signals.share_of(evidence.episodes, "success", last=LAST_FIFTH)
    if succeeds > SUCCEEDS or (course.spread == 0.0 and not course.late.mean < course.opening.mean):
        return False  # successful or solved, unless returns fell to a constant
    going = evidence.reward_trend
    return going.verdict != "improving" or going.effect < LEAST_RISE


def beats_a_baseline(evidence: Evidence) -> bool:
    """Return whether the last evaluation is better than that of a comparable baseline."""
    return any(one.found.verdict == "better" for one in deciding(evidence.baselines))


def may_be_rising(evidence: Evidence) -> bool:
    """Return whether returns probably rise, although neither a rise nor a stable level is proven."""
    going = evidence.reward_trend
    return going.verdict != "stable" and going.probability > MAY_RISE


def stopped_early(evidence: Evidence) -> bool:
    """Return whether returns rose a little, then stopped, and no episode succeeded although success is known."""
    course, episodes = evidence.course, evidence.episodes
    if (
        course is None
        or not evidence.judges_success
        or not evidence.past(_STOPPED_AT)
        or course.best_gain > _SMALL_GAIN
        or are_equal(evidence)
    ):
        return False
    succeeds = signals.share_of(episodes, "success")
    if succeeds > _NEVER_SUCCEEDS or evidence.evaluations.total("success_rate").sum() > 0.0:
        return False
    steps = episodes.high("step")
    later = steps > _FIRST_RISE * steps[-1]
    going = trend(episodes.mean("reward")[later], steps[later])
    return going.used >= _FEWEST_LATER and (going.verdict != "improving" or going.effect < _LATER_RISE)


def same_returns(evidence: Evidence) -> float:
    """Return the share of episodes with exactly the lowest return: those that met no sparse reward."""
    episodes = evidence.episodes
    low = episodes.low("reward")
    same = (low == episodes.high("reward")) & (low == low.min(initial=np.inf))
    said = episodes.said("reward")
    return float(said[same].sum() / max(1.0, said.sum()))


def evaluations_rose(evidence: Evidence) -> bool:
    """Return whether evaluations (at least four) are well above the first training returns."""
    rewards = signals.values(evidence.evaluations, "reward")
    course = evidence.course
    if rewards.size < _FEWEST_EVALUATIONS or course is None:
        return False
    return float(np.median(rewards[-int(_EVALUATIONS_NOW) :])) > course.start.mean + _EVALUATED_RISE * course.spread

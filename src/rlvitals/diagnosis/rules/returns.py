"""What returns say, where several rules ask it."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.learning import window_means

NEARLY_OVER = 0.9
"""The share of the budget before which "nothing was learnt so far" says little: hard tasks start late."""


def has_not_risen(evidence: Evidence) -> bool:
    """Whether returns are not higher than at first, beyond what chance gives."""
    course = evidence.course
    if course is None or not math.isfinite(course.significance):
        return False
    succeeds = signals.share_of(evidence.episodes, "success", last=0.2)
    if succeeds > 0.5 or (course.spread == 0.0 and not course.late.mean < course.opening.mean):  # noqa: PLR2004
        return False  # what succeeds need not rise, nor what is solved; but what fell to the same return each time
    flat = course.rise_significance < 3.0 or course.rise < 0.1  # noqa: PLR2004 - standard errors, and deviations
    return flat and course.best_gain < 2.0  # noqa: PLR2004 - what rose and fell is another matter


def stopped_early(evidence: Evidence) -> bool:
    """Whether returns rose a little at first, stopped, and no episode ever succeeded where success is known."""
    course = evidence.course
    if course is None or not evidence.judges_success or not evidence.past(0.6) or course.best_gain > 3.0:  # noqa: PLR2004
        return False
    ends, means = window_means(evidence.episodes, 10)
    succeeds = signals.share_of(evidence.episodes, "success")
    if ends.size < 10 or succeeds > 0.02 or evidence.evaluations.total("success_rate").sum() > 0.0:  # noqa: PLR2004
        return False
    return float(means[-2:].mean() - means[3:5].mean()) < 0.5 * course.spread


def same_returns(evidence: Evidence) -> float:
    """The share of episodes whose return is exactly the lowest one: those that found nothing of a sparse reward."""
    episodes = evidence.episodes
    low = episodes.low("reward")
    same = (low == episodes.high("reward")) & (low == low.min(initial=np.inf))
    said = episodes.said("reward")
    return float(said[same].sum() / max(1.0, said.sum()))


def evaluations_rose(evidence: Evidence) -> bool:
    """Whether evaluations, four or more, are well above the first training returns."""
    rewards = signals.values(evidence.evaluations, "reward")
    course = evidence.course
    if rewards.size < 4 or course is None:  # noqa: PLR2004 - too few to compare
        return False
    return float(np.median(rewards[-3:])) > course.start.mean + 3.0 * course.spread

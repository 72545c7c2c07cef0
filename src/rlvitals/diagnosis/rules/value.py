"""The critic, the advantages and the discount."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.rules.blind import policy_moves, too_strong
from rlvitals.diagnosis.rules.returns import NEARLY_OVER, has_not_risen, same_returns, stopped_early
from rlvitals.diagnosis.rules.rule import Sign, rule

_NEVER_EXPLAINED = 0.1
_LOOKS = 5.0
"""Episodes so many times as long as a discount looks ahead are not understood by it."""
_MYOPIC = 0.5
_ONE_STEP = 1.5
"""Mean length of episodes of one step: there is nothing to discount."""
_FEWEST = 5
_MOST_ATTEMPTS = 20
"""Attempts at one task are few. A fixed length beyond that is a time limit (see `truncation-as-termination`)."""
_RESIDUAL = 1e-3
_KNOWS_ALL, _LONG = 0.93, 0.6


@rule(
    "value-not-learning",
    title="The critic does not learn",
    meaning="The coefficient of the value loss is zero; or explained variance was never above 0.1 (medians of five "
    "updates, where returns vary) in a fifth of the budget, and the critic is off on the whole: it has moved by less "
    "than 5 % of its error since it began; or its mean error is "
    "more than half the spread of the advantages, or explained variance stays below -0.5. Where a third of the "
    "episodes have one and the same return, as in sparse tasks, only if it is off by more than that spread. A critic "
    "that was good once and explains little of what little varies on a solved task is healthy.",
    needs=("updates.explained_variance",),
    series=("updates.explained_variance", "updates.value_loss", "updates.value_mean", "updates.return_mean"),
    cause="The value function does not follow the returns: its weights do not change, or its gradient does not "
    "reach them.",
    advice="Look at the value coefficient (0.5), at what the optimiser holds, and at the scale of returns "
    "(normalise them).",
    source="Schulman et al. 2016, High-Dimensional Continuous Control Using GAE; Andrychowicz et al. 2021, section 3.2",
)
def _value_not_learning(evidence: Evidence) -> Sign | None:  # noqa: PLR0911 - one a way in which it shows
    updates, course = evidence.updates, evidence.course
    smooth = signals.explained(evidence)
    if not smooth.size or updates.records < 3:  # noqa: PLR2004 - one update may be an accident
        return None
    best, now, offset = float(smooth.max()), float(smooth[-1]), signals.critic_offset(evidence)
    began = float(updates.low("step")[0])
    shown = {"explained_variance": now, "explained_variance_best": best, "critic_offset": offset}
    coefficient = evidence.settings.value_coefficient
    if coefficient == 0.0 and float(np.median(smooth)) < 0.5:  # noqa: PLR2004 - one trained elsewhere may be good
        return Sign(
            CRITICAL, 0.95, {"value_coefficient": 0.0, **shown}, began, "The coefficient of the value loss is 0."
        )
    if smooth.size < signals.FEWEST_UPDATES:
        return None
    if best > _NEVER_EXPLAINED or not evidence.past(0.2) or not policy_moves(evidence):
        return None
    if _is_held(evidence) and not too_strong(evidence):
        return Sign(CRITICAL, 0.9, shown, began, "The critic stays where it began, though the returns are elsewhere.")
    stays = offset > 0.5 and not _approaches(evidence)  # noqa: PLR2004 - see the rule's meaning
    if course is None or course.spread == 0.0 or same_returns(evidence) > 0.3:  # noqa: PLR2004 - little to explain
        # The mean is there to be learnt all the same.
        if stays and offset > 1.0 and best < 0.0 and not _loss_falls(evidence) and not too_strong(evidence):
            return Sign(CRITICAL, 0.88, shown, began)
        return None
    low = float(np.median(smooth)) < -0.5 and now < -0.5 and not _loss_falls(evidence)  # noqa: PLR2004 - see the meaning
    if stays or low:
        return Sign(CRITICAL, 0.7, shown, began)
    return None


@rule(
    "discount",
    title="The discount cannot be right",
    meaning="The discount is 0.5 or less though episodes are more than five times as long as it looks ahead, "
    "1 / (1 - discount) steps: what comes three steps later counts for an eighth (of shorter episodes, whose steps may "
    "well stand alone, it is a remark). Where steps are independent attempts, such a discount is right: the rule is "
    "silent where `independent_steps` in the configuration says so, where episodes have one step, and where all of "
    "them end by themselves after the same number of steps, at most 20 (a remark at the end, if returns have not "
    "risen). Or it is 1 though episodes are cut off by a time limit, and the critic "
    "explains nothing: the sum that it is to predict has no end.",
    needs=("settings.gamma", "episodes.length"),
    series=("updates.explained_variance", "updates.return_mean", "episodes.reward"),
    cause="The agent does not see further than the next step.",
    advice="A discount of 0.9 to 0.999, so that 1 / (1 - discount) is the number of steps that an action matters for. "
    "If no reward depends on earlier actions, set `independent_steps` to true in the run's configuration.",
    source="Andrychowicz et al. 2021, section 3.4 (discount is among the most important choices); Pardo et al. "
    "2018, Time Limits in Reinforcement Learning; Langford & Zhang 2007, The Epoch-Greedy Algorithm (contextual "
    "bandits)",
)
def _discount(evidence: Evidence) -> Sign | None:
    gamma, length = evidence.settings.gamma, signals.mean_length(evidence)
    if gamma is None or not length > _ONE_STEP or evidence.updates.records + evidence.episodes.records < _FEWEST:
        return None
    if gamma <= _MYOPIC:
        return None if evidence.settings.independent_steps else _short_sighted(evidence, gamma, length)
    return _unbounded(evidence, gamma)


def _short_sighted(evidence: Evidence, gamma: float, length: float) -> Sign | None:
    """A discount that hides what comes a few steps later."""
    shown = {"gamma": gamma, "mean_length": length}
    if _are_attempts(evidence):
        if not (evidence.past(NEARLY_OVER) and has_not_risen(evidence)):
            return None
        cause = "Returns have not risen. If rewards depend on earlier actions of an episode, the agent cannot see it."
        return Sign(INFO, 0.3, shown, 0.0, cause)
    if length * (1.0 - gamma) > _LOOKS:
        return Sign(CRITICAL, 0.94, shown, 0.0)
    # A few steps may each be worth what they are worth at once: attempts at one task, hands of a game.
    return Sign(INFO, 0.4, shown, 0.0)


def _are_attempts(evidence: Evidence) -> bool:
    """Whether every episode ended by itself after the same few steps: their number is part of the task."""
    episodes = evidence.episodes
    low, high = float(episodes.low("length").min()), float(episodes.high("length").max())
    return low == high <= _MOST_ATTEMPTS and not signals.share_of(episodes, "truncated") > 0.0


def _unbounded(evidence: Evidence, gamma: float) -> Sign | None:
    """No discount, and episodes that are cut off."""
    cut = signals.share_of(evidence.episodes, "truncated")
    smooth = signals.explained(evidence)
    if gamma >= 1.0 and cut > 0.5 and smooth.size >= signals.FEWEST_UPDATES and evidence.past(0.1):  # noqa: PLR2004
        explained = float(np.median(smooth))
        if explained < _NEVER_EXPLAINED:
            cause = "Without a discount the return of an episode that is cut off has no bound for the critic to learn."
            shown = {"gamma": gamma, "explained_variance": explained, "truncated_share": cut}
            return Sign(CRITICAL, 0.85, shown, 0.0, cause)
    return None


@rule(
    "advantage-estimation",
    title="The advantages are not what they should be",
    meaning="Advantages break the recursion that defines them (where the adapter checks it); or the mean return is "
    "more than twice the largest sum of rewards of any episode in the second half so far, though episodes end by "
    "themselves; or, for want of a better explanation, returns do not rise in 90 % of the budget (or stop early, "
    "and nothing ever succeeds) while the policy moves and the critic explains more than 80 % of their variance (60 %, "
    "where they rose by less than one standard error); in 60 % of the budget, where it explains more than 93 %.",
    needs=("updates.advantage_residual|updates.return_mean|updates.explained_variance",),
    series=("updates.advantage_std", "updates.return_mean", "updates.explained_variance", "episodes.reward"),
    cause="The critic learns and the policy moves, but not towards more reward: advantages do not belong to their "
    "actions.",
    advice="Test the computation of advantages against a slow loop: the mask at the end of episodes, the order of "
    "samples, the bootstrap value.",
    source="Schulman et al. 2016, equation 16; Huang et al. 2022, detail 5",
)
def _advantage_estimation(evidence: Evidence) -> Sign | None:
    updates, course = evidence.updates, evidence.course
    residual = signals.median(updates, "advantage_residual")
    if residual > _RESIDUAL and updates.records >= 3:  # noqa: PLR2004 - one update may be an accident
        return Sign(CRITICAL, 0.96, {"advantage_residual": residual}, float(updates.low("step")[0]))
    if math.isfinite(residual) or course is None or updates.records < signals.FEWEST_UPDATES:
        return None
    impossible = _impossible_return(evidence)
    if impossible is not None:
        return impossible
    explained = signals.recent(updates, "explained_variance", share=0.3)
    moved = signals.recent(updates, "kl_divergence", share=0.3)
    idle = has_not_risen(evidence) or stopped_early(evidence)
    due = _LONG if explained > _KNOWS_ALL else NEARLY_OVER  # who starts late has a critic that knows less
    enough = 0.8 if course.rise_significance > 1.0 else 0.6
    if explained > enough and 1e-3 < moved < 0.1 and evidence.past(due) and idle:  # noqa: PLR2004
        shown = {"explained_variance": explained, "gain": course.gain, "kl_divergence": moved}
        return Sign(WARNING, 0.5, shown, course.start.step)
    return None


def _impossible_return(evidence: Evidence) -> Sign | None:
    """Returns beyond what any episode holds: rewards flow on behind the end of episodes."""
    episodes = evidence.episodes
    ended = signals.share_of(episodes, "terminated")
    if not ended > 0.9 or evidence.settings.reward_normalized or not signals.mean_length(evidence) > 1.5:  # noqa: PLR2004
        return None
    late = slice(len(episodes) // 2, None)
    extremes = np.abs(np.concatenate((episodes.high("reward")[late], episodes.low("reward")[late])))
    most = float(extremes[np.isfinite(extremes)].max(initial=0.0))
    column = np.abs(signals.values(evidence.updates, "return_mean"))
    smooth = signals.explained(evidence)
    if not smooth.size or not float(smooth[-1]) < 0.0 or not evidence.past(0.05) or most == 0.0:
        return None
    said = float(np.median(column[-5:]))
    if said > 2.0 * most and _same_rewards(evidence):
        shown = {"return_mean": said, "episode_reward_most": most, "explained_variance": float(smooth[-1])}
        cause = "The mean return is beyond what any episode holds: rewards leak across the end of episodes."
        began = signals.since(evidence.updates, "return_mean", column > 2.0 * most)
        return Sign(CRITICAL, 0.8, shown, began, cause)
    return None


def _same_rewards(evidence: Evidence) -> bool:
    """Whether updates see the rewards that episodes sum up, within a factor of three, as far as is said.

    Wrappers that normalise rewards stand between the two in some libraries, and no setting says so.
    """
    a_step, late = signals.recent(evidence.updates, "reward_mean", share=0.5), len(evidence.episodes) // 2
    length = float(evidence.episodes.total("length")[late:].sum())
    summed = float(evidence.episodes.total("reward")[late:].sum())
    if math.isnan(a_step) or not length > 0.0 or summed == 0.0:
        return True
    return 1.0 / 3.0 < a_step * length / summed < 3.0  # noqa: PLR2004 - see above


def _approaches(evidence: Evidence) -> bool:
    """Whether the critic's mean has ever gone a tenth as far towards the returns as they are from where it began.

    Returns may move back to where it began: what counts is that the critic is not held where it was. One that wanders
    the other way is not one that learns.
    """
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.isfinite(means) & np.isfinite(returns)
    if said.sum() < 2:  # noqa: PLR2004 - nothing to compare
        return False
    way, gone = (signals.rolling(column[said], 5) - means[said][0] for column in (returns, means))
    return float((gone * np.sign(way)).max()) > 0.1 * float(np.abs(way).max())


def _is_held(evidence: Evidence) -> bool:
    """Whether the critic's mean has moved by less than 5 % of what it is off, in all of the run."""
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.isfinite(means) & np.isfinite(returns)
    if said.sum() < signals.FEWEST_UPDATES:
        return False
    return float(np.ptp(means[said])) < 0.05 * float(np.median(np.abs(returns[said] - means[said])))


def _loss_falls(evidence: Evidence) -> bool:
    """Whether the value loss is lower than at first by a third."""
    return signals.recent(evidence.updates, "value_loss") < 0.67 * signals.early(evidence.updates, "value_loss")

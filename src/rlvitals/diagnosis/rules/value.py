"""The critic, the advantages and the discount."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.rules.observations import policy_moves, too_strong
from rlvitals.diagnosis.rules.return_history import (
    NEARLY_OVER,
    has_not_risen,
    may_be_rising,
    same_returns,
    stopped_early,
)
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_TRAINED_ELSEWHERE = Threshold(0.5, "", "Median explained variance from which on a critic is good, trained or not.")
_NEVER_EXPLAINED = Threshold(
    0.1, "", "Explained variance (running median) up to which the critic never explained anything."
)
_FROM = Threshold(0.2, "%", "Budget from which a critic that never explained anything counts.")
_HELD = Threshold(0.05, "%", "Share of its error within which the critic's mean stays where it began.")
_OFFSET = Threshold(0.5, "", "Mean advantage over its standard deviation above which the critic is off on the whole.")
_FAR_OFF = Threshold(1.0, "", "Mean advantage over its standard deviation likewise, where returns hardly vary.")
_SAME_RETURNS = Threshold(0.3, "%", "Share of the episodes with the same, lowest return above which they hardly vary.")
_WORSE_THAN_NOTHING = Threshold(-0.5, "", "Explained variance (median and now) below which the critic misleads.")
_APPROACHED = Threshold(0.1, "%", "Share of the way to the returns that a critic that learns has gone.")
_LOSS_LEFT = Threshold(0.67, "%", "Share of the first value loss below which the loss falls.")
_MYOPIC = Threshold(0.5, "", "Discount up to which what comes three steps later counts for an eighth.")
_LOOKS = Threshold(5.0, "times", "Length of episodes over what the discount looks ahead above which it hides them.")
_ONE_STEP = Threshold(1.5, "steps", "Mean length up to which episodes have one step: there is nothing to discount.")
_FEWEST = Threshold(5, "records", "Episodes and updates, at least.")
_MOST_ATTEMPTS = Threshold(
    20, "steps", "Same length of all episodes that may be attempts at one task; beyond, a time limit."
)
_CUT_OFF = Threshold(0.5, "%", "Share of episodes that are cut off above which returns have no end.")
_CUT_OFF_FROM = Threshold(0.1, "%", "Budget from which returns without an end count.")
_RESIDUAL = Threshold(1e-3, "", "Median residual of the recursion of the advantages above which it is broken.")
_LATELY = Threshold(0.3, "%", "Share of the updates that explained variance and KL divergence are taken over.")
_KNOWS_ALL = Threshold(0.93, "", "Explained variance above which idle returns count early; late starters: to 0.78.")
_EARLY = Threshold(0.6, "%", "Budget from which idle returns count where the critic knows nearly all.")
_KNOWS = Threshold(0.8, "", "Explained variance above which idle returns count in a run that is nearly over.")
_KNOWS_SOME = Threshold(0.6, "", "Explained variance above which it counts there, where returns may not be rising.")
_MOVES = Threshold(1e-3, "nats", "KL divergence above which the policy moves.")
_SANE = Threshold(0.1, "nats", "KL divergence below which its steps are sane.")
_END_BY_THEMSELVES = Threshold(0.9, "%", "Share of the episodes that terminate.")
_SECOND_HALF = Threshold(0.5, "%", "Share of the updates that the mean reward a step is taken over.")
_IMPOSSIBLE_FROM = Threshold(0.05, "%", "Budget from which impossible returns count.")
_IMPOSSIBLE = Threshold(2.0, "times", "Mean return over the largest sum of rewards of any episode.")
_SAME_REWARDS = Threshold(
    3.0, "times", "Ratio of the rewards of updates and of episodes up to which they are the same."
)


@rule(
    "value-not-learning",
    title="The critic does not learn",
    meaning=f"The coefficient of the value loss is zero; or explained variance was never above {_NEVER_EXPLAINED} "
    f"(running medians, where returns vary) in {_FROM} of the budget, and the critic is off on the whole: it "
    f"has moved by less than {_HELD} of its error since it began; or its mean error is more than {_OFFSET} of "
    f"the spread of the advantages, or explained variance stays below {_WORSE_THAN_NOTHING}. Where more than "
    f"{_SAME_RETURNS} of the episodes have one and the same return, as in sparse tasks, only if it is off by "
    f"more than {_FAR_OFF} of that spread. A critic that was good once and explains little of what little "
    "varies on a solved task is healthy.",
    needs=("updates.explained_variance",),
    series=("updates.explained_variance", "updates.value_loss", "updates.value_mean", "updates.return_mean"),
    cause="The value function does not follow the returns: its weights do not change, or its gradient does not "
    "reach them.",
    advice="Look at the value coefficient (0.5), at what the optimiser holds, and at the scale of returns "
    "(normalise them).",
    source="Schulman et al. 2016, High-Dimensional Continuous Control Using GAE; Andrychowicz et al. 2021, section 3.2",
)
def _value_not_learning(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one a way in which it shows
    updates, course = evidence.updates, evidence.course
    smooth = signals.explained(evidence)
    if not smooth.size or updates.records < signals.NO_ACCIDENT:
        return None
    best, now, offset = float(smooth.max()), float(smooth[-1]), signals.critic_offset(evidence)
    began = float(updates.low("step")[0])
    shown = {"explained_variance": now, "explained_variance_best": best, "critic_offset": offset}
    coefficient = evidence.settings.value_coefficient
    if coefficient == 0.0 and float(np.median(smooth)) < _TRAINED_ELSEWHERE:
        return RuleResult(
            CRITICAL, 0.95, {"value_coefficient": 0.0, **shown}, began, "The coefficient of the value loss is 0."
        )
    if smooth.size < signals.FEWEST_UPDATES:
        return None
    if best > _NEVER_EXPLAINED or not evidence.past(_FROM) or not policy_moves(evidence):
        return None
    if _is_held(evidence) and not too_strong(evidence):
        return RuleResult(
            CRITICAL, 0.9, shown, began, "The critic stays where it began, though the returns are elsewhere."
        )
    stays = offset > _OFFSET and not _approaches(evidence)
    if course is None or course.spread == 0.0 or same_returns(evidence) > _SAME_RETURNS:
        # The mean is there to be learnt all the same.
        if stays and offset > _FAR_OFF and best < 0.0 and not _loss_falls(evidence) and not too_strong(evidence):
            return RuleResult(CRITICAL, 0.88, shown, began)
        return None
    low = max(float(np.median(smooth)), now) < _WORSE_THAN_NOTHING and not _loss_falls(evidence)
    if stays or low:
        return RuleResult(CRITICAL, 0.7, shown, began)
    return None


@rule(
    "discount",
    title="The discount cannot be right",
    meaning=f"The discount is {_MYOPIC} or less though episodes are more than {_LOOKS} as long as it looks ahead, 1 / "
    "(1 - discount) steps (of shorter episodes, whose steps may well stand alone, it is a remark). Where "
    "steps are independent attempts, such a discount is right: the rule is silent where `independent_steps` "
    "in the configuration says so, where episodes have one step, and where all of them end by themselves "
    f"after the same number of steps, at most {_MOST_ATTEMPTS} (a remark at the end, if returns have not "
    "risen). Or it is 1 though episodes are cut off by a time limit, and the critic explains nothing: the sum "
    "that it is to predict has no end.",
    needs=("settings.gamma", "episodes.length"),
    series=("updates.explained_variance", "updates.return_mean", "episodes.reward"),
    cause="The agent does not see further than the next step.",
    advice="A discount of 0.9 to 0.999, so that 1 / (1 - discount) is the number of steps that an action matters for. "
    "If no reward depends on earlier actions, set `independent_steps` to true in the run's configuration.",
    source="Andrychowicz et al. 2021, section 3.4 (discount is among the most important choices); Pardo et al. "
    "2018, Time Limits in Reinforcement Learning; Langford & Zhang 2007, The Epoch-Greedy Algorithm (contextual "
    "bandits)",
)
def _discount(evidence: Evidence) -> RuleResult | None:
    gamma, length = evidence.settings.gamma, signals.mean_length(evidence)
    if gamma is None or not length > _ONE_STEP or evidence.updates.records + evidence.episodes.records < _FEWEST:
        return None
    if gamma <= _MYOPIC:
        return None if evidence.settings.independent_steps else _short_sighted(evidence, gamma, length)
    return _unbounded(evidence, gamma)


def _short_sighted(evidence: Evidence, gamma: float, length: float) -> RuleResult | None:
    """A discount that hides what comes a few steps later."""
    shown = {"gamma": gamma, "mean_length": length}
    if _are_attempts(evidence):
        if not (evidence.past(NEARLY_OVER) and has_not_risen(evidence)):
            return None
        cause = "Returns have not risen. If rewards depend on earlier actions of an episode, the agent cannot see it."
        return RuleResult(INFO, 0.3, shown, 0.0, cause)
    if length * (1.0 - gamma) > _LOOKS:
        return RuleResult(CRITICAL, 0.94, shown, 0.0)
    # A few steps may each be worth what they are worth at once: attempts at one task, hands of a game.
    return RuleResult(INFO, 0.4, shown, 0.0)


def _are_attempts(evidence: Evidence) -> bool:
    """Whether every episode ended by itself after the same few steps: their number is part of the task."""
    episodes = evidence.episodes
    low, high = float(episodes.low("length").min()), float(episodes.high("length").max())
    return low == high <= _MOST_ATTEMPTS and not signals.share_of(episodes, "truncated") > 0.0


def _unbounded(evidence: Evidence, gamma: float) -> RuleResult | None:
    """No discount, and episodes that are cut off."""
    cut = signals.share_of(evidence.episodes, "truncated")
    smooth = signals.explained(evidence)
    if gamma >= 1.0 and cut > _CUT_OFF and smooth.size >= signals.FEWEST_UPDATES and evidence.past(_CUT_OFF_FROM):
        explained = float(np.median(smooth))
        if explained < _NEVER_EXPLAINED:
            cause = "Without a discount the return of an episode that is cut off has no bound for the critic to learn."
            shown = {"gamma": gamma, "explained_variance": explained, "truncated_share": cut}
            return RuleResult(CRITICAL, 0.85, shown, 0.0, cause)
    return None


@rule(
    "advantage-estimation",
    title="The advantages are not what they should be",
    meaning="Advantages break the recursion that defines them (where the adapter checks it); or the mean return is "
    f"more than {_IMPOSSIBLE} the largest sum of rewards of any episode in the second half so far, though "
    f"episodes end by themselves; or, for want of a better explanation, returns do not rise in {NEARLY_OVER} "
    "of the budget (or stop early, and nothing ever succeeds) while the policy moves and explained variance "
    f"is above {_KNOWS} ({_KNOWS_SOME}, where they may not be rising at all); in {_EARLY} of the budget, where "
    f"it is above {_KNOWS_ALL}.",
    needs=("updates.advantage_residual|updates.return_mean|updates.explained_variance",),
    series=("updates.advantage_std", "updates.return_mean", "updates.explained_variance", "episodes.reward"),
    cause="The critic learns and the policy moves, but not towards more reward: advantages do not belong to their "
    "actions.",
    advice="Test the computation of advantages against a slow loop: the mask at the end of episodes, the order of "
    "samples, the bootstrap value.",
    source="Schulman et al. 2016, equation 16; Huang et al. 2022, detail 5",
)
def _advantage_estimation(evidence: Evidence) -> RuleResult | None:
    updates, course = evidence.updates, evidence.course
    residual = signals.median(updates, "advantage_residual")
    if residual > _RESIDUAL and updates.records >= signals.NO_ACCIDENT:
        return RuleResult(CRITICAL, 0.96, {"advantage_residual": residual}, float(updates.low("step")[0]))
    if math.isfinite(residual) or course is None or updates.records < signals.FEWEST_UPDATES:
        return None
    impossible = _impossible_return(evidence)
    if impossible is not None:
        return impossible
    explained = signals.recent(updates, "explained_variance", share=_LATELY)
    moved = signals.recent(updates, "kl_divergence", share=_LATELY)
    due = _EARLY if explained > _KNOWS_ALL else NEARLY_OVER  # who starts late has a critic that knows less
    if not explained > _KNOWS_SOME or not _MOVES < moved < _SANE or not evidence.past(due):
        return None
    idle = has_not_risen(evidence) or stopped_early(evidence)
    if idle and (explained > _KNOWS or not may_be_rising(evidence)):
        shown = {"explained_variance": explained, "gain": course.gain, "kl_divergence": moved}
        return RuleResult(WARNING, 0.5, shown, course.start.step)
    return None


def _impossible_return(evidence: Evidence) -> RuleResult | None:
    """Returns beyond what any episode holds: rewards flow on behind the end of episodes."""
    episodes = evidence.episodes
    ended = signals.share_of(episodes, "terminated")
    if not ended > _END_BY_THEMSELVES or evidence.settings.reward_normalized:
        return None
    if not signals.mean_length(evidence) > _ONE_STEP:
        return None
    late = slice(len(episodes) // 2, None)
    extremes = np.abs(np.concatenate((episodes.high("reward")[late], episodes.low("reward")[late])))
    most = float(extremes[np.isfinite(extremes)].max(initial=0.0))
    column = np.abs(signals.values(evidence.updates, "return_mean"))
    smooth = signals.explained(evidence)
    if not smooth.size or not float(smooth[-1]) < 0.0 or not evidence.past(_IMPOSSIBLE_FROM) or most == 0.0:
        return None
    said = float(np.median(column[-int(signals.FEWEST_RECENT) :]))
    if said > _IMPOSSIBLE * most and _same_rewards(evidence):
        shown = {"return_mean": said, "episode_reward_most": most, "explained_variance": float(smooth[-1])}
        cause = "The mean return is beyond what any episode holds: rewards leak across the end of episodes."
        began = signals.since(evidence.updates, "return_mean", column > _IMPOSSIBLE * most)
        return RuleResult(CRITICAL, 0.8, shown, began, cause)
    return None


def _same_rewards(evidence: Evidence) -> bool:
    """Whether updates see the rewards that episodes sum up, as far as both are logged.

    Wrappers that normalise rewards stand between the two in some libraries, and no setting says so.
    """
    a_step, late = signals.recent(evidence.updates, "reward_mean", share=_SECOND_HALF), len(evidence.episodes) // 2
    length = float(evidence.episodes.total("length")[late:].sum())
    summed = float(evidence.episodes.total("reward")[late:].sum())
    if math.isnan(a_step) or not length > 0.0 or summed == 0.0:
        return True
    return 1.0 / _SAME_REWARDS < a_step * length / summed < _SAME_REWARDS


def _approaches(evidence: Evidence) -> bool:
    """Whether the critic's mean has ever gone some of the way to the returns from where it began.

    Returns may move back to where it began: what counts is that the critic is not held where it was. One that wanders
    the other way is not one that learns.
    """
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.isfinite(means) & np.isfinite(returns)
    if said.sum() <= 1:
        return False
    way, gone = (
        signals.rolling(column[said], int(signals.FEWEST_EARLY)) - means[said][0] for column in (returns, means)
    )
    return float((gone * np.sign(way)).max()) > _APPROACHED * float(np.abs(way).max())


def _is_held(evidence: Evidence) -> bool:
    """Whether the critic's mean has hardly moved in all of the run, compared with what it is off."""
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.isfinite(means) & np.isfinite(returns)
    if said.sum() < signals.FEWEST_UPDATES:
        return False
    return float(np.ptp(means[said])) < _HELD * float(np.median(np.abs(returns[said] - means[said])))


def _loss_falls(evidence: Evidence) -> bool:
    """Whether the value loss is clearly lower than at first.

    `stats.series.trend` in place of the two levels was measured on the corpus: one critic that does not learn was no
    longer named (109 of 111, 110 with these).
    """
    return signals.recent(evidence.updates, "value_loss") < _LOSS_LEFT * signals.early(evidence.updates, "value_loss")

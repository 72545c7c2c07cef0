"""Rules about the critic, the advantages and the discount."""

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

_TRAINED_ELSEWHERE = Threshold(
    0.5, "", "Median explained variance from which a critic is good, whatever its loss coefficient."
)
_NEVER_EXPLAINED = Threshold(
    0.1, "", "Explained variance (running median) that a critic must exceed once to have explained anything."
)
_FROM = Threshold(0.2, "%", "Budget from which a critic that never explained anything counts.")
_HELD = Threshold(
    0.05, "%", "Movement of the critic's mean, as a share of its error, below which it stays at its initial level."
)
_OFFSET = Threshold(0.5, "", "Mean advantage relative to its standard deviation above which the critic is biased.")
_FAR_OFF = Threshold(
    1.0,
    "",
    "Mean advantage relative to its standard deviation above which the critic is biased, if returns hardly vary.",
)
_SAME_RETURNS = Threshold(0.3, "%", "Share of episodes with the same, lowest return above which returns hardly vary.")
_WORSE_THAN_NOTHING = Threshold(-0.5, "", "Explained variance (median and latest) below which the critic misleads.")
_APPROACHED = Threshold(0.1, "%", "Share of the distance to the returns that a learning critic covers.")
_LOSS_LEFT = Threshold(0.67, "%", "Share of the first value loss below which the loss falls.")
_MYOPIC = Threshold(0.5, "", "Discount up to which a reward three steps later counts for at most an eighth.")
_LOOKS = Threshold(
    5.0, "times", "Episode length relative to the horizon of the discount above which the discount hides later rewards."
)
_ONE_STEP = Threshold(
    1.5, "steps", "Mean length up to which episodes have one step, so that there is nothing to discount."
)
_FEWEST = Threshold(5, "records", "Minimum number of episodes and updates.")
_MOST_ATTEMPTS = Threshold(
    20, "steps", "Constant episode length up to which steps can be attempts at one task. A longer one is a time limit."
)
_CUT_OFF = Threshold(0.5, "%", "Share of truncated episodes above which returns are unbounded.")
_CUT_OFF_FROM = Threshold(0.1, "%", "Budget from which unbounded returns count.")
_RESIDUAL = Threshold(1e-3, "", "Median residual of the advantage recursion above which it is violated.")
_LATELY = Threshold(0.3, "%", "Share of the last updates that gives explained variance and KL divergence.")
_KNOWS_ALL = Threshold(
    0.93, "", "Explained variance above which returns without a rise count early. Runs that start late reach 0.78."
)
_EARLY = Threshold(
    0.6, "%", "Budget from which returns without a rise count, if the critic explains nearly everything."
)
_KNOWS = Threshold(0.8, "", "Explained variance above which returns without a rise count in a run that is nearly over.")
_KNOWS_SOME = Threshold(
    0.6, "", "Explained variance above which returns without a sign of a rise count in a run that is nearly over."
)
_MOVES = Threshold(1e-3, "nats", "KL divergence above which the policy changes.")
_SANE = Threshold(0.1, "nats", "KL divergence below which policy updates have a normal size.")
_END_BY_THEMSELVES = Threshold(0.9, "%", "Share of terminated episodes above which episodes end without a time limit.")
_SECOND_HALF = Threshold(0.5, "%", "Share of the last updates that gives the mean reward per step.")
_IMPOSSIBLE_FROM = Threshold(0.05, "%", "Budget from which impossible returns count.")
_IMPOSSIBLE = Threshold(2.0, "times", "Mean return relative to the largest sum of rewards of any episode.")
_SAME_REWARDS = Threshold(
    3.0, "times", "Ratio between the rewards of updates and of episodes up to which they are the same."
)


@rule(
    "value-not-learning",
    title="Critic not learning",
    meaning=f"The coefficient of the value loss is zero, or the critic has not explained anything at {_FROM} of the "
    f"budget. In the second case, explained variance was never above {_NEVER_EXPLAINED} (running medians, without "
    "updates whose returns do not vary), and one of three conditions holds. The critic's mean has moved by less "
    f"than {_HELD} of its error since the start. Or its mean error is more than {_OFFSET} times the spread of the "
    f"advantages. Or explained variance stays below {_WORSE_THAN_NOTHING}. If more than {_SAME_RETURNS} of the "
    f"episodes have the same return, as in sparse tasks, a mean error above {_FAR_OFF} times that spread replaces the "
    "last two conditions. A critic that was good before and explains little of the remaining variance of a solved "
    "task is healthy.",
    needs=("updates.explained_variance",),
    series=("updates.explained_variance", "updates.value_loss", "updates.value_mean", "updates.return_mean"),
    cause="The value function does not follow the returns: its weights do not change, or they receive no gradient.",
    advice="Check the value coefficient (0.5) and that the optimiser holds the critic's parameters. Check the "
    "scale of the returns and normalise them.",
    source="Schulman et al. 2016, High-Dimensional Continuous Control Using GAE; Andrychowicz et al. 2021, section 3.2",
)
def _value_not_learning(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one return per symptom
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
            CRITICAL,
            0.9,
            shown,
            began,
            "The critic stays at its initial level, although the returns are at a different one.",
        )
    stays = offset > _OFFSET and not _approaches(evidence)
    if course is None or course.spread == 0.0 or same_returns(evidence) > _SAME_RETURNS:
        # A critic can still learn the mean of such returns.
        if stays and offset > _FAR_OFF and best < 0.0 and not _loss_falls(evidence) and not too_strong(evidence):
            return RuleResult(CRITICAL, 0.88, shown, began)
        return None
    low = max(float(np.median(smooth)), now) < _WORSE_THAN_NOTHING and not _loss_falls(evidence)
    if stays or low:
        return RuleResult(CRITICAL, 0.7, shown, began)
    return None


@rule(
    "discount",
    title="Unsuitable discount",
    meaning=f"The discount is {_MYOPIC} or less although episodes are more than {_LOOKS} as long as its horizon of "
    "1 / (1 - discount) steps. For shorter episodes the finding is info, because their steps can be independent. "
    "The rule does not fire if `independent_steps` is true in the configuration, or if episodes have one step. If "
    f"all episodes terminate after the same number of steps (at most {_MOST_ATTEMPTS}), the steps can be "
    "independent attempts. Such a discount is right for them, so the rule only reports info at the end, if returns "
    "have not risen. The rule also fires if the discount is 1, a time limit truncates episodes, and the critic "
    "explains nothing, because the return is then unbounded.",
    needs=("settings.gamma", "episodes.length"),
    series=("updates.explained_variance", "updates.return_mean", "episodes.reward"),
    cause="The agent does not learn from rewards beyond the next few steps.",
    advice="Use a discount between 0.9 and 0.999, so that 1 / (1 - discount) is the number of steps that an action "
    "affects. If no reward depends on earlier actions, set `independent_steps` to true in the run's configuration.",
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
    """Detect a discount that hides rewards a few steps later."""
    shown = {"gamma": gamma, "mean_length": length}
    if _are_attempts(evidence):
        if not (evidence.past(NEARLY_OVER) and has_not_risen(evidence)):
            return None
        cause = "Returns have not risen. If rewards depend on earlier actions, the discount hides this from the agent."
        return RuleResult(INFO, 0.3, shown, 0.0, cause)
    if length * (1.0 - gamma) > _LOOKS:
        return RuleResult(CRITICAL, 0.94, shown, 0.0)
    # The steps of a short episode can be independent: attempts at one task, hands of a game.
    return RuleResult(INFO, 0.4, shown, 0.0)


def _are_attempts(evidence: Evidence) -> bool:
    """Return whether every episode terminated after the same few steps, so that their number is part of the task."""
    episodes = evidence.episodes
    low, high = float(episodes.low("length").min()), float(episodes.high("length").max())
    return low == high <= _MOST_ATTEMPTS and not signals.share_of(episodes, "truncated") > 0.0


def _unbounded(evidence: Evidence, gamma: float) -> RuleResult | None:
    """Detect undiscounted returns of truncated episodes."""
    cut = signals.share_of(evidence.episodes, "truncated")
    smooth = signals.explained(evidence)
    if gamma >= 1.0 and cut > _CUT_OFF and smooth.size >= signals.FEWEST_UPDATES and evidence.past(_CUT_OFF_FROM):
        explained = float(np.median(smooth))
        if explained < _NEVER_EXPLAINED:
            cause = "Without a discount, the return of a truncated episode has no bound that the critic can learn."
            shown = {"gamma": gamma, "explained_variance": explained, "truncated_share": cut}
            return RuleResult(CRITICAL, 0.85, shown, 0.0, cause)
    return None


@rule(
    "advantage-estimation",
    title="Wrong advantage estimates",
    meaning="Advantages violate the recursion that defines them (if the adapter checks it). Or the mean return is "
    f"more than {_IMPOSSIBLE} the largest absolute return of any episode in the second half so far, although episodes "
    f"terminate. With low confidence, the rule also warns if returns have not risen at {NEARLY_OVER} of the "
    "budget, or have stopped rising early without any success. The policy must change, and explained variance must be "
    f"above {_KNOWS}, or above {_KNOWS_SOME} if returns show no sign of a rise. With explained variance above "
    f"{_KNOWS_ALL}, the rule warns from {_EARLY} of the budget.",
    needs=("updates.advantage_residual|updates.return_mean|updates.explained_variance",),
    series=("updates.advantage_std", "updates.return_mean", "updates.explained_variance", "episodes.reward"),
    cause="The policy changes, but not towards more reward, because advantages belong to the wrong actions. The critic "
    "often learns all the same.",
    advice="Test the advantage computation against a slow, simple loop. Check the mask at the end of episodes, the "
    "order of samples and the bootstrap value.",
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
    due = _EARLY if explained > _KNOWS_ALL else NEARLY_OVER  # the critics of runs that start late explain less
    if not explained > _KNOWS_SOME or not _MOVES < moved < _SANE or not evidence.past(due):
        return None
    idle = has_not_risen(evidence) or stopped_early(evidence)
    if idle and (explained > _KNOWS or not may_be_rising(evidence)):
        shown = {"explained_variance": explained, "gain": course.gain, "kl_divergence": moved}
        return RuleResult(WARNING, 0.5, shown, course.start.step)
    return None


def _impossible_return(evidence: Evidence) -> RuleResult | None:
    """Detect returns beyond those of any episode: rewards leak across the end of episodes."""
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
    if not (column.size and smooth.size and float(smooth[-1]) < 0.0 and evidence.past(_IMPOSSIBLE_FROM) and most):
        return None
    said = float(np.median(column[-int(signals.FEWEST_RECENT) :]))
    if said > _IMPOSSIBLE * most and _same_rewards(evidence):
        shown = {"return_mean": said, "episode_reward_most": most, "explained_variance": float(smooth[-1])}
        cause = "The mean return exceeds that of every episode: rewards leak across the end of episodes."
        began = signals.since(evidence.updates, "return_mean", column > _IMPOSSIBLE * most)
        return RuleResult(CRITICAL, 0.8, shown, began, cause)
    return None


def _same_rewards(evidence: Evidence) -> bool:
    """Return whether the rewards in updates match those of episodes, as far as both are logged.

    In some libraries, wrappers normalise rewards in between, and no setting reports it.
    """
    a_step, late = signals.recent(evidence.updates, "reward_mean", share=_SECOND_HALF), len(evidence.episodes) // 2
    length = float(evidence.episodes.total("length")[late:].sum())
    summed = float(evidence.episodes.total("reward")[late:].sum())
    if math.isnan(a_step) or not length > 0.0 or summed == 0.0:
        return True
    return 1.0 / _SAME_REWARDS < a_step * length / summed < _SAME_REWARDS


def _approaches(evidence: Evidence) -> bool:
    """Return whether the critic's mean has ever moved towards the returns from its initial level.

    Returns can move back to that level, so the furthest approach counts. A critic that moves the other way does not
    learn.
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
    """Return whether the critic's mean has hardly moved during the run, relative to its error."""
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.isfinite(means) & np.isfinite(returns)
    if said.sum() < signals.FEWEST_UPDATES:
        return False
    return float(np.ptp(means[said])) < _HELD * float(np.median(np.abs(returns[said] - means[said])))


def _loss_falls(evidence: Evidence) -> bool:
    """Return whether the value loss is clearly lower than at first.

    Measured on the corpus: with `stats.series.trend` instead of the two levels, one critic that does not learn was no
    longer named (109 of 111 faults instead of 110).
    """
    return signals.recent(evidence.updates, "value_loss") < _LOSS_LEFT * signals.early(evidence.updates, "value_loss")

"""Whether the agent learns: not at all, or no further."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import INFO, WARNING
from rlvitals.diagnosis.learning import window_means
from rlvitals.diagnosis.rules.entropy import is_frozen, relative_std
from rlvitals.diagnosis.rules.returns import NEARLY_OVER, evaluations_rose, has_not_risen
from rlvitals.diagnosis.rules.rule import Sign, rule

_TINY_STD = 0.05
_OPENING = 0.25
"""The share of the way beyond which the first episodes are no beginning: they show what was learnt before."""
_ENOUGH = 100
"""Episodes with which a rise of about one standard deviation is more than three standard errors. The first tenth of
fewer is ten episodes still: they do not show such a rise, nor that there is none."""


@rule(
    "no-learning",
    title="The agent does not learn",
    meaning="The last quarter of the returns is not higher than the first tenth (by less than three standard errors, "
    "or a tenth of a standard deviation), they never were, and fewer than half of the episodes succeed: a remark after "
    "half of the budget (counted from the first update, where there is a warm-up), as hard tasks start late, if they "
    "have not risen by one standard error either; a warning from 90 %. It stays a remark while the budget is not known "
    "and the run goes on, with fewer than 100 episodes, which do not show a rise of one standard deviation, and where "
    "the first episodes end beyond a quarter of the way, as in a run that continues from a checkpoint. What else was "
    "found may say why.",
    needs=("episodes.reward",),
    cause="What the agent does lately is rewarded no more than what it did at first, beyond chance.",
    advice="See that a simple task is learnt by the same code (CartPole), then look at observations, rewards and "
    "their scale; compare with a random policy's return.",
    source="Henderson et al. 2018, Deep Reinforcement Learning that Matters; SB3 RL tips",
)
def _no_learning(evidence: Evidence) -> Sign | None:
    course = evidence.course
    if course is None or not signals.trained_past(evidence, 0.5) or not has_not_risen(evidence):
        return None
    if evaluations_rose(evidence):
        return None
    if evidence.context.target is not None and course.recent.mean >= evidence.context.target:
        return None
    rising, late = course.rise_significance > 1.0, signals.trained_past(evidence, NEARLY_OVER)
    if rising and not late:
        return None  # it may well be on its way
    shown = {"first_tenth": course.opening.mean, "last_quarter": course.late.mean, "rise": course.rise}
    is_beginning = course.opening.step <= _OPENING * course.late.step
    sure = evidence.budget is not None and is_beginning and _are_enough(evidence)
    return Sign(WARNING if late and sure else INFO, 0.4, shown, course.start.step)


def _are_enough(evidence: Evidence) -> bool:
    """Whether there are enough episodes; values of a series are means of several, and fewer are enough."""
    return bool(evidence.reward_source) or float(evidence.episodes.said("reward").sum()) >= _ENOUGH


@rule(
    "plateau",
    title="Stuck, with too little exploration",
    meaning="The standard deviation of the actions was below 5 % of half the action range from the first update on, "
    "and returns creep; or, in a fifth of the budget, no episode succeeded, all ran into the time limit, and the "
    "policy explores ever less.",
    needs=("episodes.reward", "updates.entropy|updates.action_std"),
    series=("episodes.reward", "episodes.success", "updates.action_std", "updates.entropy"),
    cause="The policy explores too little to find what lies beyond: a local optimum.",
    advice="Begin with a larger standard deviation (`log_std_init`), use gSDE or correlated noise, an entropy "
    "bonus, or reward progress towards the goal.",
    source="Raffin et al. 2021, Smooth Exploration for Robotic Reinforcement Learning; Andrychowicz et al. 2021, "
    "section 3.2 (initial standard deviation)",
)
def _plateau(evidence: Evidence) -> Sign | None:
    course, updates = evidence.course, evidence.updates
    if updates.records < signals.FEWEST_UPDATES:
        return None
    born = relative_std(evidence, "early") if evidence.settings.discrete is not True else math.nan
    if born < _TINY_STD and not is_frozen(evidence) and course is not None and evidence.past(0.1):
        succeeds = signals.share_of(evidence.episodes, "success", last=0.2)
        if succeeds < 0.5 or (math.isnan(succeeds) and course.significance > 3.0):  # noqa: PLR2004 - it is not done
            shown = {"action_std": born, "gain": course.gain}
            return Sign(WARNING, 0.85, shown, float(updates.low("step")[0]))
    episodes, entropy = evidence.episodes, signals.values(updates, "entropy")
    if not evidence.past(0.2) or not evidence.judges_success or episodes.records < 3 or entropy.size < 8:  # noqa: PLR2004
        return None
    never = (
        signals.share_of(episodes, "success") == 0.0 and not float(evidence.evaluations.total("success_rate").sum()) > 0
    )
    limited = signals.share_of(episodes, "truncated") == 1.0 and bool(np.ptp(episodes.mean("length")) == 0.0)
    dimension = evidence.settings.action_dimension if not evidence.settings.discrete else 1.0
    fall = (float(entropy[0]) - signals.recent(updates, "entropy")) / (dimension or 1.0)
    if never and limited and fall > 0.25:  # noqa: PLR2004 - nats a dimension: a standard deviation a fifth smaller
        shown = {"success_rate": 0.0, "entropy_fall": fall, "length": float(episodes.mean("length")[-1])}
        return Sign(WARNING, 0.75, shown, float(updates.low("step")[0]))
    return None


@rule(
    "evaluation-gap",
    title="Evaluations are far below training",
    meaning="The last evaluations are more than three standard deviations of single returns, and more than half of "
    "what was learnt, below training. This is common in healthy runs, as deterministic policies can be brittle: a "
    "remark.",
    needs=("evaluations.reward", "episodes.reward"),
    cause="The deterministic policy, or the environment of the evaluation, is not what was trained.",
    advice="Evaluate the sampled policy too; check that normalisation statistics and wrappers are the same.",
    source="SB3 documentation, evaluation and `sync_envs_normalization`; Henderson et al. 2018",
)
def _evaluation_gap(evidence: Evidence) -> Sign | None:
    course = evidence.course
    rewards = signals.values(evidence.evaluations, "reward")
    if course is None or rewards.size < 3 or not course.best_gain > 2.0:  # noqa: PLR2004 - nothing learnt, no gap
        return None
    said = np.isfinite(evidence.evaluations.mean("reward"))
    ends, means = window_means(evidence.episodes, 20)
    trained = np.interp(evidence.evaluations.mean("step")[said], ends, means)  # at the same moments: both may rise
    evaluated = float(np.median(rewards[-3:]))
    gap = float(np.median((trained - rewards)[-3:]))
    if gap > 3.0 * course.spread and gap > 0.5 * (course.best.mean - course.start.mean):
        return Sign(INFO, 0.6, {"training": course.recent.mean, "evaluation": evaluated}, None)
    return None


@rule(
    "below-baseline",
    title="Below the baseline",
    meaning="A baseline (the return of a random policy, or of a heuristic) was given, and after half of the budget "
    "returns are below it by more than three standard errors.",
    needs=("episodes.reward", "context.baseline"),
    cause="The agent is worse than what needs no learning.",
    advice="Check the sign of reward and loss first.",
    source="SB3 RL tips: compare with a random agent",
)
def _below_baseline(evidence: Evidence) -> Sign | None:
    course, baseline = evidence.course, evidence.context.baseline
    if course is None or baseline is None or not evidence.past(0.5):
        return None
    if course.recent.mean + 3.0 * course.recent.error < baseline:
        return Sign(WARNING, 0.5, {"recent": course.recent.mean, "baseline": baseline}, None)
    return None

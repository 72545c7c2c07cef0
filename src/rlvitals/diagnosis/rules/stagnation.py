"""Whether the agent learns: not at all, or no further."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import INFO, WARNING
from rlvitals.diagnosis.learning import window_means
from rlvitals.diagnosis.rules.entropy import TINY_STD, is_frozen, relative_std
from rlvitals.diagnosis.rules.return_history import (
    GAIN,
    LAST_FIFTH,
    NEARLY_OVER,
    SUCCEEDS,
    evaluations_rose,
    has_not_risen,
    may_be_rising,
)
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_HALFWAY = Threshold(0.5, "%", "Budget before which nothing is said.")
_OPENING = Threshold(0.25, "%", "Share of the late stretch's steps beyond which the opening is no beginning.")
_ENOUGH = Threshold(
    100, "episodes", "Episodes below which it stays a remark: they do not show a rise, nor that there is none."
)
_CREEPS_FROM = Threshold(0.1, "%", "Budget from which creeping returns count.")
_CREEPS = Threshold(3.0, "standard errors", "Rise of creeping returns, where success is not known.")
_LONG_ENOUGH = Threshold(0.2, "%", "Budget from which it counts that no episode succeeded.")
_FEWEST_LIMITED = Threshold(3, "episodes", "Episodes that ran into the time limit, at least.")
_ENTROPY_FALL = Threshold(0.25, "nats a dimension", "Fall of the entropy: a standard deviation a fifth smaller.")
_EVALUATIONS = Threshold(3, "evaluations", "Last evaluations whose median gap counts.")
_PARTS = Threshold(20, "windows", "Windows of training returns that evaluations are compared with.")
_GAP = Threshold(3.0, "standard deviations", "Gap between training and evaluation above which they differ.")
_GAP_OF_GAIN = Threshold(0.5, "%", "Share of what was learnt that the gap exceeds.")
_BELOW = Threshold(3.0, "standard errors", "Distance below the baseline beyond chance.")


@rule(
    "no-learning",
    title="The agent does not learn",
    meaning="The trend of the returns is not improving (`rlvitals.stats.series.trend`), no window of episodes was "
    f"better than the first by {GAIN}, and fewer than {SUCCEEDS} of the episodes succeed: a remark from {_HALFWAY} of "
    "the budget (counted from the first update, where there is a warm-up), as hard tasks start late; a "
    f"warning from {NEARLY_OVER}. It stays a remark while the budget is not known and the run goes on, with "
    f"fewer than {_ENOUGH}, and where the opening ends late, as in a run that continues from a checkpoint. "
    "Another finding may give the reason.",
    needs=("episodes.reward",),
    cause="What the agent does lately is rewarded no more than what it did at first, beyond chance.",
    advice="See that a simple task is learnt by the same code (CartPole), then look at observations, rewards and "
    "their scale; compare with a random policy's return.",
    source="Henderson et al. 2018, Deep Reinforcement Learning that Matters; SB3 RL tips",
)
def _no_learning(evidence: Evidence) -> RuleResult | None:
    course = evidence.course
    if course is None or not signals.trained_past(evidence, _HALFWAY) or not has_not_risen(evidence):
        return None
    if evaluations_rose(evidence):
        return None
    rising = may_be_rising(evidence)
    late = signals.trained_past(evidence, NEARLY_OVER)
    if rising and not late:
        return None  # it may well be on its way
    shown = {"first_tenth": course.opening.mean, "last_quarter": course.late.mean, "rise": course.rise}
    is_beginning = course.opening.step <= _OPENING * course.late.step
    sure = evidence.budget is not None and is_beginning and _are_enough(evidence)
    return RuleResult(WARNING if late and sure else INFO, 0.4, shown, course.start.step)


def _are_enough(evidence: Evidence) -> bool:
    """Whether there are enough episodes; values of a series are means of several, and fewer are enough."""
    return bool(evidence.reward_source) or float(evidence.episodes.said("reward").sum()) >= _ENOUGH


@rule(
    "plateau",
    title="Stuck, with too little exploration",
    meaning=f"The standard deviation of the actions was below {TINY_STD} of half the action range from the first "
    f"update on, and returns creep; or, from {_LONG_ENOUGH} of the budget, no episode succeeded, all ran into "
    "the time limit, and the policy explores ever less.",
    needs=("episodes.reward", "updates.entropy|updates.action_std"),
    series=("episodes.reward", "episodes.success", "updates.action_std", "updates.entropy"),
    cause="The policy explores too little to find what lies beyond: a local optimum.",
    advice="Begin with a larger standard deviation (`log_std_init`), use gSDE or correlated noise, an entropy "
    "bonus, or reward progress towards the goal.",
    source="Raffin et al. 2021, Smooth Exploration for Robotic Reinforcement Learning; Andrychowicz et al. 2021, "
    "section 3.2 (initial standard deviation)",
)
def _plateau(evidence: Evidence) -> RuleResult | None:
    course, updates = evidence.course, evidence.updates
    if updates.records < signals.FEWEST_UPDATES:
        return None
    born = relative_std(evidence, "early") if evidence.settings.discrete is not True else math.nan
    if born < TINY_STD and not is_frozen(evidence) and course is not None and evidence.past(_CREEPS_FROM):
        succeeds = signals.share_of(evidence.episodes, "success", last=LAST_FIFTH)
        if succeeds < SUCCEEDS or (math.isnan(succeeds) and course.significance > _CREEPS):
            shown = {"action_std": born, "gain": course.gain}
            return RuleResult(WARNING, 0.85, shown, float(updates.low("step")[0]))
    episodes, entropy = evidence.episodes, signals.values(updates, "entropy")
    if not evidence.past(_LONG_ENOUGH) or not evidence.judges_success:
        return None
    if episodes.records < _FEWEST_LIMITED or entropy.size < signals.FEWEST_UPDATES:
        return None
    never = (
        signals.share_of(episodes, "success") == 0.0 and not float(evidence.evaluations.total("success_rate").sum()) > 0
    )
    limited = signals.share_of(episodes, "truncated") == 1.0 and bool(np.ptp(episodes.mean("length")) == 0.0)
    dimension = evidence.settings.action_dimension if not evidence.settings.discrete else 1.0
    fall = (float(entropy[0]) - signals.recent(updates, "entropy")) / (dimension or 1.0)
    if never and limited and fall > _ENTROPY_FALL:
        shown = {"success_rate": 0.0, "entropy_fall": fall, "length": float(episodes.mean("length")[-1])}
        return RuleResult(WARNING, 0.75, shown, float(updates.low("step")[0]))
    return None


@rule(
    "evaluation-gap",
    title="Evaluations are far below training",
    meaning=f"The last evaluations are more than {_GAP} of single returns, and more than {_GAP_OF_GAIN} of what was "
    "learnt, below training. This is common in healthy runs, as deterministic policies can be brittle: a "
    "remark.",
    needs=("evaluations.reward", "episodes.reward"),
    cause="The deterministic policy, or the environment of the evaluation, is not what was trained.",
    advice="Evaluate the sampled policy too; check that normalisation statistics and wrappers are the same.",
    source="SB3 documentation, evaluation and `sync_envs_normalization`; Henderson et al. 2018",
)
def _evaluation_gap(evidence: Evidence) -> RuleResult | None:
    course = evidence.course
    rewards = signals.values(evidence.evaluations, "reward")
    last = int(_EVALUATIONS)
    if course is None or rewards.size < last or not course.best_gain > GAIN:
        return None
    said = np.isfinite(evidence.evaluations.mean("reward"))
    ends, means = window_means(evidence.episodes, int(_PARTS))
    trained = np.interp(evidence.evaluations.mean("step")[said], ends, means)  # at the same moments: both may rise
    evaluated = float(np.median(rewards[-last:]))
    gap = float(np.median((trained - rewards)[-last:]))
    if gap > _GAP * course.spread and gap > _GAP_OF_GAIN * (course.best.mean - course.start.mean):
        return RuleResult(INFO, 0.6, {"training": course.recent.mean, "evaluation": evaluated}, None)
    return None


@rule(
    "below-baseline",
    title="Below the baseline",
    meaning=f"A baseline (the return of a random policy, or of a heuristic) was given, and from {_HALFWAY} of the "
    f"budget returns are below it by more than {_BELOW}.",
    needs=("episodes.reward", "context.baseline"),
    cause="The agent is worse than what needs no learning.",
    advice="Check the sign of reward and loss first.",
    source="SB3 RL tips: compare with a random agent",
)
def _below_baseline(evidence: Evidence) -> RuleResult | None:
    course, baseline = evidence.course, evidence.context.baseline
    if course is None or baseline is None or not evidence.past(_HALFWAY):
        return None
    if course.recent.mean + _BELOW * course.recent.error < baseline:
        return RuleResult(WARNING, 0.5, {"recent": course.recent.mean, "baseline": baseline}, None)
    return None

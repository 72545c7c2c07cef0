"""Rules about missing or stopped progress."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import INFO, WARNING
from rlvitals.diagnosis.learning import window_means
from rlvitals.diagnosis.rules.entropy import TINY_STD, is_frozen, relative_std
from rlvitals.diagnosis.rules.return_history import (
    GAIN,
    LAST_FIFTH,
    NEARLY_OVER,
    SUCCEEDS,
    are_equal,
    beats_a_baseline,
    evaluations_rose,
    has_not_risen,
    may_be_rising,
)
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import percent
from rlvitals.stats.series.convergence import Convergence, convergence
from rlvitals.stats.series.trend import trend

_HALFWAY = Threshold(0.5, "%", "Budget before which the rule does not fire.")
_OPENING = Threshold(
    0.25,
    "%",
    "Step at which the opening ends, relative to the end of the late stretch, up to which the opening shows the start "
    "of training.",
)
_ENOUGH = Threshold(
    100,
    "episodes",
    "Number of episodes below which the finding stays info: fewer can neither show nor rule out a rise.",
)
_CREEPS_FROM = Threshold(0.1, "%", "Budget from which slowly rising returns count.")
_CREEPS = Threshold(3.0, "standard errors", "Rise of slowly rising returns, if success is unknown.")
_LONG_ENOUGH = Threshold(0.2, "%", "Budget from which the absence of success counts.")
_FEWEST_LIMITED = Threshold(3, "episodes", "Minimum number of episodes that reached the time limit.")
_ENTROPY_FALL = Threshold(
    0.25, "nats per dimension", "Fall of the entropy, equivalent to a standard deviation smaller by a fifth."
)
_EVALUATIONS = Threshold(3, "evaluations", "Number of last evaluations whose median gap counts.")
_PARTS = Threshold(20, "windows", "Number of windows of training returns that evaluations are compared with.")
_GAP = Threshold(3.0, "standard deviations", "Gap between training and evaluation above which they differ.")
_GAP_OF_GAIN = Threshold(0.5, "%", "Gap, as a share of the gain, above which training and evaluation differ.")
_LEVEL_SHARE = Threshold(0.5, "%", "Minimum share of the steps so far at the same level.")


@rule(
    "no-learning",
    title="No learning progress",
    meaning="The trend of the returns is not improving (`rlvitals.stats.series.trend`), and no window of episodes "
    f"is better than the first by {GAIN}. At most {SUCCEEDS} of the episodes succeed. The finding is info from "
    f"{_HALFWAY} of the budget, because hard tasks start late, and a warning from {NEARLY_OVER}. After a warm-up, "
    "the budget counts from the first update. The finding stays info while the budget of a running training is "
    f"unknown, and with fewer than {_ENOUGH}. It also stays info if the opening ends late, as in a run that "
    "continues from a checkpoint. Another finding can give the reason. A policy that is better than an "
    "evaluated baseline is left to `gain-stopped`.",
    needs=("episodes.reward",),
    cause="Recent returns exceed the first returns by no more than chance.",
    advice="Check that the same code learns a simple task (CartPole). Then check observations, rewards and their "
    "scale. Compare the return with that of a random policy.",
    source="Henderson et al. 2018, Deep Reinforcement Learning that Matters; SB3 RL tips",
)
def _no_learning(evidence: Evidence) -> RuleResult | None:
    course = evidence.course
    if course is None or not signals.trained_past(evidence, _HALFWAY) or not has_not_risen(evidence):
        return None
    if evaluations_rose(evidence) or beats_a_baseline(evidence):
        return None
    rising = may_be_rising(evidence)
    late = signals.trained_past(evidence, NEARLY_OVER)
    if rising and not late:
        return None  # learning can be under way
    shown = {"first_tenth": course.opening.mean, "last_quarter": course.late.mean, "rise": course.rise}
    is_beginning = course.opening.step <= _OPENING * course.late.step
    sure = evidence.budget is not None and is_beginning and _are_enough(evidence)
    return RuleResult(WARNING if late and sure else INFO, 0.4, shown, course.start.step)


def _are_enough(evidence: Evidence) -> bool:
    """Return whether there are enough episodes. Each value of a reward series averages several, so fewer values do."""
    return bool(evidence.reward_source) or float(evidence.episodes.said("reward").sum()) >= _ENOUGH


@rule(
    "plateau",
    title="Plateau with too little exploration",
    meaning=f"The standard deviation of the actions was below {TINY_STD} of half the action range from the first "
    f"update on, and returns rise only slowly. Or, from {_LONG_ENOUGH} of the budget, no episode has succeeded, all "
    "reached the time limit, and the policy explores less and less.",
    needs=("episodes.reward", "updates.entropy|updates.action_std"),
    series=("episodes.reward", "episodes.success", "updates.action_std", "updates.entropy"),
    cause="The policy explores too little to leave a local optimum.",
    advice="Start with a larger standard deviation (`log_std_init`). Use gSDE or correlated noise, or an entropy "
    "bonus. Otherwise, reward progress towards the goal.",
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
    title="Evaluations far below training",
    meaning=f"The last evaluations are below training by more than {_GAP} of single returns and more than "
    f"{_GAP_OF_GAIN} of the gain. The finding is info because healthy runs often show a gap: deterministic policies "
    "can be brittle.",
    needs=("evaluations.reward", "episodes.reward"),
    cause="The deterministic policy or the evaluation environment differs from that of training.",
    advice="Evaluate the stochastic policy too. Check that normalisation statistics and wrappers are the same.",
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
    # Compare at the same steps, because both can rise.
    trained = np.interp(evidence.evaluations.mean("step")[said], ends, means)
    evaluated = float(np.median(rewards[-last:]))
    gap = float(np.median((trained - rewards)[-last:]))
    if gap > _GAP * course.spread and gap > _GAP_OF_GAIN * (course.best.mean - course.start.mean):
        return RuleResult(INFO, 0.6, {"training": course.recent.mean, "evaluation": evaluated}, None)
    return None


@rule(
    "gain-stopped",
    title="No further gain",
    meaning="The returns have converged or never rose (`rlvitals.stats.series.convergence`), and the level covers at "
    f"least {_LEVEL_SHARE} of the steps so far. At this level, neither returns, success, quality nor evaluations "
    f"improve. The rule needs {_ENOUGH} and {_HALFWAY} of the budget. A task that was never learned is left to "
    "`no-learning`. The finding is info, because a solved task also stops improving.",
    needs=("episodes.reward",),
    cause="Returns have reached the level that this policy, exploration and reward allow.",
    advice="Stop at this level and keep the checkpoint, or change something that can raise it: exploration, the "
    "learning rate, the observations, the action space or the reward.",
    source="`stats.series.convergence`: settling time, and two one-sided tests for the drift (Schuirmann 1987)",
)
def _gain_stopped(evidence: Evidence) -> RuleResult | None:
    if evidence.course is None or not _are_enough(evidence) or not signals.trained_past(evidence, _HALFWAY):
        return None
    if are_equal(evidence) or (has_not_risen(evidence) and not beats_a_baseline(evidence)):
        return None
    found = _level_for_long(evidence)
    if found is None:
        return None
    if found.status == "flat":
        cause = "Returns are still at the level of the first episodes."
        return RuleResult(INFO, 0.6, {"level": found.level.estimate}, None, cause)
    first, *_, last = evidence.episodes.high("step")
    cause = f"Returns have stayed level for the last {percent((last - found.since) / (last - first))} of the steps."
    shown = {"level": found.level.estimate, "gain": found.gain}
    return RuleResult(INFO, 0.6, shown, found.since, cause)


def _level_for_long(evidence: Evidence) -> Convergence | None:
    """Return the convergence of returns that have been level for long, unless another metric still improves."""
    steps, returns = evidence.episodes.high("step"), evidence.episodes.mean("reward")
    half = float(steps[-1] - _LEVEL_SHARE * (steps[-1] - steps[0]))
    if _improves(evidence.episodes, "reward", half):
        return None
    found = convergence(returns, steps, known_trend=evidence.reward_trend)
    if found.status not in {"converged", "flat"} or found.since > half:
        return None
    metrics = [(evidence.episodes, name) for name in ("reward", "success", "quality")]
    metrics += [(evidence.evaluations, name) for name in ("reward", "success_rate", "quality")]
    return None if any(_improves(table, name, found.since) for table, name in metrics) else found


def _improves(table: BlockTable, name: str, since: float) -> bool:
    """Return whether a metric, for which higher is better, has improved since a step."""
    later = table.high("step") >= since
    return table.has(name) and trend(table.mean(name)[later], table.high("step")[later]).verdict == "improving"

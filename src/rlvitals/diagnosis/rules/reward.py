"""Rules about the reward: variation, scale, sign and reward hacking."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.learning import window_means
from rlvitals.diagnosis.rules.observations import too_strong
from rlvitals.diagnosis.rules.return_history import LAST_FIFTH, NEARLY_OVER, are_equal
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.stats.series.trend import trend

_FEWEST = Threshold(20, "episodes", "Minimum number of episodes, all with the same return.")
_UNLIKE = Threshold(0.01, "times", "Difference of evaluations, relative to their size, above which they differ.")
_MANY = Threshold(100, "episodes", "Number of episodes that is enough if their lengths differ or are one step.")
_HALFWAY = Threshold(0.5, "%", "Budget from which that many episodes are enough.")
_FEWEST_LONG = Threshold(4, "updates", "Minimum number of updates. It is low because long rollouts give few updates.")
_CLIPPED = Threshold(100.0, "", "Limit of the gradient norm below which gradients are clipped.")
_TOO_LONG = Threshold(10_000.0, "times", "Gradient norm relative to its limit above which rewards are too large.")
_LONG = Threshold(
    5_000.0,
    "times",
    "Gradient norm relative to its limit above which rewards are too large, if the policy does not change.",
)
_STILL = Threshold(1e-4, "nats", "Median KL divergence below which the policy does not change.")
_TINY = Threshold(1e-2, "", "Spread and range of the returns below which rewards can be too small.")
_FIRST_ADVANTAGES = Threshold(20, "updates", "Number of first updates whose advantage spread is compared.")
_NOISE = Threshold(
    5.0, "times", "Spread of the advantages relative to that of the returns, if the critic explains nothing."
)
_DROWNED = Threshold(
    100.0, "times", "Spread of the advantages relative to that of the returns, whatever the critic explains."
)
_QUARTERS = Threshold(4, "parts", "Number of parts of the episodes that must each show opposed return and quality.")
_OPPOSED = Threshold(-0.2, "", "Correlation of return and quality in a part below which they are opposed.")
_OPPOSED_AT_ONCE = Threshold(-0.7, "", "Correlation of return and quality below which the sign is flipped.")
_FEWEST_PAIRS = Threshold(30, "rows", "Minimum number of rows with both values for a correlation.")
_CONFIDENCE = Threshold(0.999, "%", "Confidence of the falling trend of quality.")
_OPPOSED_FROM = Threshold(0.3, "%", "Budget from which a correlation in every part, or a baseline, counts.")
_FIRST = Threshold(0.08, "%", "Budget before which returns are no evidence of a sign.")
_BELOW = Threshold(3.0, "standard errors", "Distance below the baseline that is beyond chance.")
_SANE_KL = Threshold(0.2, "nats", "Median KL divergence up to which policy updates have a normal size.")
_SANE_RATE = Threshold(0.01, "", "Learning rate below which policy updates have a normal size.")
_SINKS = Threshold(-5.0, "standard errors", "Change of the returns below which they fall beyond chance.")
_SINKS_BY = Threshold(-0.5, "standard deviations", "Change of the returns below which the fall is large enough.")
_SINKS_BELOW = Threshold(2.0, "times", "Loss relative to the gain above which returns are well below the start.")
_SINKS_FROM = Threshold(0.2, "%", "Budget from which falling returns count.")
_KNOWS = Threshold(
    0.8, "", "Explained variance above which the critic is not the fault: 0.96 or more in runs with a flipped sign."
)
_FEWEST_EVALUATIONS = Threshold(4, "evaluations", "Minimum number of evaluations to detect a flipped sign.")
_PARTS = Threshold(20, "windows", "Number of windows of episodes for the comparison with evaluations or quality.")
_WITHIN = Threshold(
    2.0, "times", "Maximum ratio between an evaluation and the negated training return at the same step."
)
_MOST = Threshold(0.8, "%", "Share of the evaluations that must be within that ratio.")
_SOME_SUCCESS = Threshold(0.05, "%", "Success rate above which successes are not chance.")
_FEWEST_ROWS = Threshold(40, "rows", "Minimum number of episode rows: two in each window.")
_END_BY_THEMSELVES = Threshold(0.99, "%", "Share of terminated episodes above which episodes end without a time limit.")
_ONE_STEP = Threshold(1.5, "steps", "Mean length up to which episodes have one step.")
_SAME_COST = Threshold(
    1e-6, "times", "Difference of rewards per step, relative to their size, up to which they are the same."
)
_ENDS = Threshold(10, "rows", "Number of first and last rows whose lengths are compared.")
_SHORTER = Threshold(0.7, "%", "Share of the first length below which episodes have become shorter.")
_HACKED_FROM = Threshold(0.05, "%", "Budget from which reward and quality are compared.")
_ROSE = Threshold(0.5, "standard deviations", "Minimum rise of the returns.")
_FELL = Threshold(4.0, "standard errors", "Minimum fall of quality or success.")
_NOT_BACK = Threshold(3, "windows", "Number of last windows in which quality has not recovered.")


@rule(
    "reward-constant",
    title="Constant reward",
    meaning=f"Every episode so far ({_FEWEST} at least) has the same return to nine digits, but evaluations have "
    "other returns. Those returns vary, or the constant is zero. Without such evaluations, the constant can be a "
    f"sparse reward that the agent has not met yet. The rule then warns from {_HALFWAY} of the budget, after "
    f"{_MANY} whose lengths differ or are one step. If all episodes have the same length, it waits for "
    f"{NEARLY_OVER}. A return that becomes constant after it has varied (a solved task) is healthy.",
    needs=("episodes.reward",),
    series=("episodes.reward", "evaluations.reward"),
    cause="The reward does not depend on the agent's actions, or it is sparse and exploration has never met it.",
    advice="Print rewards as the agent receives them. If they are sparse, reward progress or explore more.",
    source="By definition: without variance there is no advantage; Ng et al. 1999, Policy invariance under reward "
    "transformations (shaping)",
)
def _reward_constant(evidence: Evidence) -> RuleResult | None:
    episodes = evidence.episodes
    if not episodes.has("reward") or episodes.not_finite("reward").any() or episodes.records < _FEWEST:
        return None
    if not are_equal(evidence):
        return None
    high = float(episodes.high("reward").max())
    shortest, longest = float(episodes.low("length").min()), float(episodes.high("length").max())
    shown = {"reward": high, "episodes": episodes.records}
    began = float(episodes.low("step")[0])
    evaluated = signals.values(evidence.evaluations, "reward")
    size = max(abs(high), float(np.abs(evaluated).max(initial=0.0)))
    unlike = high == 0.0 or (
        evaluated.size > 1 and float(np.ptp(evaluated)) > _UNLIKE * size
    )  # otherwise only the scale or sign differs
    if evaluated.size > 1 and unlike and bool(np.all(np.abs(evaluated - high) > _UNLIKE * size)):
        cause = "Evaluations have other returns, but training receives a reward that does not vary."
        return RuleResult(CRITICAL, 0.97, {**shown, "evaluation": float(np.median(evaluated))}, began, cause)
    differs = episodes.records >= _MANY and (shortest != longest or longest == 1.0)
    if evidence.past(_HALFWAY if differs else NEARLY_OVER):
        return RuleResult(WARNING, 0.85, shown, began)
    return None


@rule(
    "reward-scale",
    title="Reward scale too large or too small",
    meaning=f"Rewards are too large if the gradient norm is more than {_TOO_LONG} its clipping limit. If the policy "
    f"does not change (KL divergence below {_STILL}), {_LONG} is enough. Rewards are too small if returns differ by "
    f"less than {_TINY} and the critic's own noise outweighs them. Advantages then spread more than {_DROWNED} as "
    f"much as returns, or more than {_NOISE} as much if explained variance is below zero. The rule does not check "
    "for small rewards if rewards are normalised.",
    needs=("updates.gradient_norm|updates.advantage_std",),
    series=("updates.gradient_norm", "updates.advantage_std", "updates.kl_divergence", "updates.value_loss"),
    cause="The reward scale does not suit networks with outputs of about 1.",
    advice="Normalise rewards (`VecNormalize`), or scale them so that returns are about 1 to 100.",
    source="Engstrom et al. 2020, Implementation Matters in Deep Policy Gradients (reward scaling); Henderson et "
    "al. 2018",
)
def _reward_scale(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    if updates.records < _FEWEST_LONG:
        return None
    limit, norm = signals.gradient_limit(evidence), signals.median(updates, "gradient_norm")
    sure = 0.6 if math.isnan(limit) else 0.9
    limit = signals.USUAL_LIMIT if math.isnan(limit) else limit
    # Over the whole run, because a learning rate that has decayed to zero ends with no change.
    moved = signals.median(updates, "kl_divergence")
    began = float(updates.low("step")[0])
    rate = signals.learning_rate(evidence)
    if limit < _CLIPPED and math.isfinite(norm) and not rate < signals.LITTLE_CHANGE:
        ratio = norm / limit
        still = moved < _STILL and ratio > _LONG
        if still or (ratio > _TOO_LONG and too_strong(evidence)):
            cause = "Rewards are so large that the critic's gradient fills the clipped step: the policy receives none."
            shown = {"gradient_norm": norm, "gradient_norm_limit": limit, "kl_divergence": moved}
            return RuleResult(CRITICAL, sure, shown, began, cause)
    course = evidence.course
    if course is None or evidence.settings.reward_normalized or not 0.0 < course.spread < _TINY:
        return None
    if updates.records < signals.FEWEST_UPDATES or are_equal(evidence):
        return None
    largest = course.best.mean - course.worst.mean
    noise = signals.early(updates, "advantage_std", count=_FIRST_ADVANTAGES)
    explained = signals.explained(evidence)
    blind = not explained.size or float(np.median(explained)) < 0.0
    drowned = noise > _DROWNED * course.spread  # bootstrapped returns explain themselves
    if largest < _TINY and (drowned or (noise > _NOISE * course.spread and blind)):
        cause = "Rewards are so small that the critic's own noise outweighs them."
        return RuleResult(CRITICAL, 0.9, {"reward_spread": course.spread, "advantage_std": noise}, began, cause)
    return None


def _opposed_throughout(evidence: Evidence) -> bool:
    """Return whether return and quality are opposed in every quarter of the episodes: one rises, the other falls.

    An agent that exploits a reward term other than quality is still paid for quality, so return and quality agree again
    afterwards. With a flipped sign they never agree, whatever other terms the reward has.
    """
    reward, quality = evidence.episodes.mean("reward"), evidence.episodes.mean("quality")
    both = np.isfinite(reward) & np.isfinite(quality)
    rewards, qualities = (np.array_split(column[both], int(_QUARTERS)) for column in (reward, quality))
    if not all(_correlation(*part) < _OPPOSED for part in zip(rewards, qualities, strict=True)):
        return False
    rises = trend(reward[both]).change > 0.0
    return rises and trend(quality[both], confidence=_CONFIDENCE).verdict == "declining"


def _correlation(reward: Floats, quality: Floats) -> float:
    """Correlate the changes of return and quality between neighbouring blocks of episodes, so that trends do not count.

    Return NaN for fewer than `_FEWEST_PAIRS` blocks, or if either does not vary.
    """
    both = np.isfinite(reward) & np.isfinite(quality)
    if both.sum() < _FEWEST_PAIRS:
        return math.nan
    rose, bettered = np.diff(reward[both]), np.diff(quality[both])
    sizes = float(np.sqrt(np.sum(rose**2) * np.sum(bettered**2)))
    return float(np.sum(rose * bettered)) / sizes if sizes > 0.0 else math.nan


@rule(
    "reward-sign",
    title="Wrong sign of reward or policy loss",
    meaning="The rule fires on any of five patterns. (1) Return and quality of episodes are opposed (correlation below "
    f"{_OPPOSED_AT_ONCE}). From {_OPPOSED_FROM} of the budget, a correlation below {_OPPOSED} in each of {_QUARTERS} "
    "of the episodes is enough if returns rise and quality falls. (2) Evaluations match training returns with the "
    f"opposite sign. (3) From {_OPPOSED_FROM} of the budget, returns are below a configured baseline by more than "
    f"{_BELOW}. (4) From {_SINKS_FROM} of the budget, returns are far below those of the untrained policy, although "
    f"the critic predicts them well (explained variance above {_KNOWS}) and policy updates have a normal size. (5) "
    "Every step costs the same, episodes terminate earlier and earlier, and none is a success.",
    needs=("episodes.reward",),
    series=("episodes.reward", "episodes.length", "episodes.quality_improvement", "updates.entropy"),
    cause="The agent learns to perform badly: the sign of the reward or of the policy loss is flipped.",
    advice="Check the sign of the reward (a cost is negative) and of the policy loss (it is minimised). Log the "
    "return of a random policy as a baseline.",
    source="Schulman et al. 2017, equation 7 (the surrogate is maximised)",
)
def _reward_sign(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one return per pattern
    correlation = _correlation(evidence.episodes.mean("reward"), evidence.episodes.mean("quality"))
    if correlation < _OPPOSED_AT_ONCE or (evidence.past(_OPPOSED_FROM) and _opposed_throughout(evidence)):
        cause = "Episodes of high quality receive low rewards: the sign of the reward is flipped."
        return RuleResult(CRITICAL, 0.95, {"correlation_reward_quality": correlation}, 0.0, cause)
    if _mirrored(evidence):
        cause = "Evaluations equal training returns with the opposite sign: one of the two is flipped."
        return RuleResult(CRITICAL, 0.85, {"evaluation": signals.recent(evidence.evaluations, "reward")}, 0.0, cause)
    course = evidence.course
    if course is None or not evidence.past(_FIRST):
        return None
    baseline = evidence.context.baseline
    is_below = baseline is not None and course.recent.mean + _BELOW * course.recent.error < baseline
    if is_below and evidence.past(_OPPOSED_FROM):
        shown = {"recent": course.recent.mean, "baseline": baseline}
        return RuleResult(CRITICAL, 0.7, shown, None, "Returns stay below the baseline.")
    flees = _flees(evidence)
    if flees is not None:
        return flees
    explained, moved = signals.explained(evidence), signals.median(evidence.updates, "kl_divergence")
    sane = not moved > _SANE_KL and not signals.learning_rate(evidence) >= _SANE_RATE
    # Measured on the corpus: with `stats.series.trend` (declining, by as much) instead of the first two conditions, one
    # flipped sign of the policy gradient was no longer named first (109 of 111 faults instead of 110).
    sinks = course.significance < _SINKS and course.gain < _SINKS_BY and course.lost > _SINKS_BELOW
    knows = bool(explained.size) and float(explained[-1]) > _KNOWS  # the critic is not the fault
    if sinks and sane and knows and evidence.past(_SINKS_FROM) and not _succeeds(evidence):
        shown = {"recent": course.recent.mean, "start": course.start.mean, "gain": course.gain}
        return RuleResult(CRITICAL, 0.75, shown, course.start.step)
    return None


def _mirrored(evidence: Evidence) -> bool:
    """Return whether evaluations (at least four) match the negated training returns at the same steps."""
    evaluated, steps = evidence.evaluations.mean("reward"), evidence.evaluations.mean("step")
    said = np.isfinite(evaluated) & np.isfinite(steps)
    ends, means = window_means(evidence.episodes, int(_PARTS))
    if said.sum() < _FEWEST_EVALUATIONS or not ends.size:
        return False
    trained = np.interp(steps[said], ends, means)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = -evaluated[said] / trained
    return bool(np.mean((ratio > 1.0 / _WITHIN) & (ratio < _WITHIN)) > _MOST)


def _succeeds(evidence: Evidence) -> bool:
    return signals.share_of(evidence.episodes, "success", last=LAST_FIFTH) > _SOME_SUCCESS


def _flees(evidence: Evidence) -> RuleResult | None:
    """Detect an agent that learns to end episodes without success because every step costs the same."""
    episodes = evidence.episodes
    length, reward = episodes.mean("length"), episodes.mean("reward")
    if not evidence.judges_success or signals.share_of(episodes, "success") != 0.0 or len(length) < _FEWEST_ROWS:
        return None
    ends = signals.share_of(episodes, "terminated") > _END_BY_THEMSELVES
    if not ends or not signals.mean_length(evidence) > _ONE_STEP:
        return None
    a_step = reward / length
    same = bool(np.all(a_step < 0.0)) and float(np.ptp(a_step)) < _SAME_COST * abs(float(a_step[0]))
    first, last = float(np.mean(length[: int(_ENDS)])), float(np.mean(length[-int(_ENDS) :]))
    if same and last < _SHORTER * first:
        cause = "Each step costs the same, and the agent learns to end episodes as early as possible."
        shown = {"reward_a_step": float(a_step[0]), "length_at_first": first, "length": last}
        return RuleResult(CRITICAL, 0.8, shown, 0.0, cause)
    return None


def _part_means(table_total: Floats, table_said: Floats) -> Floats:
    """Return the means of `_PARTS` equal parts of a stream, without parts that have no values."""
    totals = np.array([part.sum() for part in np.array_split(table_total, int(_PARTS))])
    counts = np.array([part.sum() for part in np.array_split(table_said, int(_PARTS))])
    means: Floats = totals[counts > 0] / counts[counts > 0]
    return means


@rule(
    "reward-hacking",
    title="Reward hacking",
    meaning=f"Returns are higher than at first by more than {_ROSE}. Quality or success is lower than at first by "
    f"more than {_FELL} and has not recovered.",
    needs=("episodes.reward", "episodes.quality|episodes.success"),
    series=("episodes.reward", "episodes.quality_improvement", "episodes.success"),
    cause="The reward pays for something other than the goal, and the agent exploits it.",
    advice="Inspect the episodes with the highest reward. Derive the reward from the quality itself, or bound its "
    "other terms.",
    source="Amodei et al. 2016, Concrete Problems in AI Safety, section 4; Skalse et al. 2022, Defining and "
    "Characterizing Reward Hacking",
)
def _reward_hacking(evidence: Evidence) -> RuleResult | None:
    episodes, course = evidence.episodes, evidence.course
    if course is None or len(episodes) < _FEWEST_ROWS or not evidence.past(_HACKED_FROM):
        return None
    reward = _part_means(episodes.total("reward"), episodes.said("reward"))
    for name in ("quality", "success"):
        if not episodes.has(name) or episodes.said(name).sum() < episodes.records:
            continue
        wanted = _part_means(episodes.total(name), episodes.said(name))
        noise = _noise_of_part(evidence, name)
        fell = wanted[0] - wanted[-1]
        rose = (reward[-1] - reward[0]) / course.spread if course.spread > 0.0 else 0.0
        # Measured on the corpus: with `stats.series.trend` of returns and of quality instead of these, a reward that is
        # hacked late was no longer found (109 of 111 faults instead of 110).
        is_low = wanted[-int(_NOT_BACK) :].max() < wanted[0]
        if wanted.size == reward.size and rose > _ROSE and fell > _FELL * noise and is_low:
            shown = {"reward_rise": float(rose), f"{name}_at_first": float(wanted[0]), name: float(wanted[-1])}
            return RuleResult(CRITICAL, 0.94, shown, float(episodes.low("step")[0]))
    return None


def _noise_of_part(evidence: Evidence, name: str) -> float:
    """Estimate the standard error of the mean of one of `_PARTS` parts from differences of neighbouring blocks."""
    column = signals.values(evidence.episodes, name)
    steps = np.diff(column)
    return float(np.sqrt(np.mean(steps**2) / 2.0 / max(1.0, column.size / _PARTS))) if steps.size else math.inf

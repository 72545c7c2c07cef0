"""The reward: whether it varies, its scale, its sign, and what it pays for."""

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

_FEWEST = Threshold(20, "episodes", "Episodes that must all have the same return, at least.")
_UNLIKE = Threshold(0.01, "times", "Difference of evaluations, relative to their size, above which they differ.")
_MANY = Threshold(100, "episodes", "Episodes that count as many where their lengths differ or are one step.")
_HALFWAY = Threshold(0.5, "%", "Budget in which so many have to pass.")
_FEWEST_LONG = Threshold(
    4, "updates", "Updates with too long gradients, at least: a run of long rollouts has so many soon."
)
_CLIPPED = Threshold(100.0, "", "Limit of the gradient norm below which gradients are clipped.")
_TOO_LONG = Threshold(10_000.0, "times", "Gradient norm over its limit above which rewards are too large.")
_LONG = Threshold(5_000.0, "times", "Gradient norm over its limit above which they are, while the policy stands still.")
_STILL = Threshold(1e-4, "nats", "Median KL divergence below which the policy stands still.")
_TINY = Threshold(1e-2, "", "Spread and range of the returns below which rewards may be too small.")
_FIRST_ADVANTAGES = Threshold(20, "updates", "First updates whose spread of advantages is compared.")
_NOISE = Threshold(
    5.0, "times", "Spread of the advantages over that of the returns, where the critic explains nothing."
)
_DROWNED = Threshold(100.0, "times", "Spread of the advantages over that of the returns, whatever the critic explains.")
_QUARTERS = Threshold(4, "parts", "Parts of the episodes in each of which return and quality are opposed.")
_OPPOSED = Threshold(-0.2, "", "Correlation of return and quality below which they are opposed in a part.")
_OPPOSED_AT_ONCE = Threshold(-0.7, "", "Correlation of return and quality below which the sign is flipped.")
_FEWEST_PAIRS = Threshold(30, "rows", "Rows with both that a correlation needs.")
_CONFIDENCE = Threshold(0.999, "%", "Confidence of the trend by which quality must fall.")
_OPPOSED_FROM = Threshold(0.3, "%", "Budget from which a correlation in every part, or a baseline, counts.")
_FIRST = Threshold(0.08, "%", "Budget before which returns say nothing of a sign.")
_BELOW = Threshold(3.0, "standard errors", "Distance below the baseline beyond chance.")
_SANE_KL = Threshold(0.2, "nats", "Median KL divergence up to which the steps of the policy are sane.")
_SANE_RATE = Threshold(0.01, "", "Learning rate below which the steps of the policy are sane.")
_SINKS = Threshold(-5.0, "standard errors", "Change of the returns below which they sink.")
_SINKS_BY = Threshold(-0.5, "standard deviations", "Change of the returns below which they sink by enough.")
_SINKS_BELOW = Threshold(2.0, "times", "Loss relative to the gain above which they sink below the start.")
_SINKS_FROM = Threshold(0.2, "%", "Budget from which sinking returns count.")
_KNOWS = Threshold(
    0.8, "", "Explained variance of a critic that is not what is wrong: 0.96 or more where a sign was flipped."
)
_FEWEST_EVALUATIONS = Threshold(4, "evaluations", "Evaluations that may be mirrored, at least.")
_PARTS = Threshold(20, "windows", "Windows of episodes that evaluations, or quality, are compared by.")
_WITHIN = Threshold(2.0, "times", "Ratio of an evaluation and the mirrored return of its time, at most.")
_MOST = Threshold(0.8, "%", "Share of the evaluations within that ratio.")
_SOME_SUCCESS = Threshold(0.05, "%", "Success rate above which more than chance succeeds.")
_FEWEST_ROWS = Threshold(40, "rows", "Rows of episodes, at least: two in each window.")
_END_BY_THEMSELVES = Threshold(0.99, "%", "Share of the episodes that terminate.")
_ONE_STEP = Threshold(1.5, "steps", "Mean length up to which episodes have one step.")
_SAME_COST = Threshold(
    1e-6, "times", "Difference of rewards a step, relative to their size, up to which they are the same."
)
_ENDS = Threshold(10, "rows", "First and last rows whose lengths are compared.")
_SHORTER = Threshold(0.7, "%", "Share of the first length below which episodes end ever sooner.")
_HACKED_FROM = Threshold(0.05, "%", "Budget from which reward and quality are compared.")
_ROSE = Threshold(0.5, "standard deviations", "Rise of the returns.")
_FELL = Threshold(4.0, "standard errors", "Fall of quality or success.")
_NOT_BACK = Threshold(3, "windows", "Last windows in which quality has not come back.")


@rule(
    "reward-constant",
    title="The reward is constant",
    meaning=f"Every episode so far, {_FEWEST} at least, has the same return to nine digits, and evaluations have "
    "others, which vary or are not zero where it is. Without such evaluations a sparse reward that nobody has "
    f"met yet looks the same: {_MANY} whose lengths differ or are one step have to pass in {_HALFWAY} of the "
    f"budget, or {NEARLY_OVER} of the budget where all have one length. A return that becomes constant after "
    "it has varied (a solved task) is healthy.",
    needs=("episodes.reward",),
    series=("episodes.reward", "evaluations.reward"),
    cause="The reward does not depend on what the agent does; or, if it is sparse, exploration has never met it.",
    advice="Print rewards as the agent gets them. If they are sparse: reward progress, or explore more.",
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
    )  # else: another scale or sign
    if evaluated.size > 1 and unlike and bool(np.all(np.abs(evaluated - high) > _UNLIKE * size)):
        cause = "Evaluations are rewarded, and by another amount: training sees a reward that does not vary."
        return RuleResult(CRITICAL, 0.97, {**shown, "evaluation": float(np.median(evaluated))}, began, cause)
    differs = episodes.records >= _MANY and (shortest != longest or longest == 1.0)
    if evidence.past(_HALFWAY if differs else NEARLY_OVER):
        return RuleResult(WARNING, 0.85, shown, began)
    return None


@rule(
    "reward-scale",
    title="Rewards are far too large or too small",
    meaning=f"Too large: gradients are {_TOO_LONG} longer than the norm that they are clipped to, or {_LONG} while the "
    f"policy stands still (KL divergence below {_STILL}). Too small: returns differ by less than {_TINY}, "
    f"advantages by more than {_NOISE} as much as returns do while explained variance is below zero, or by "
    f"more than {_DROWNED} as much: the critic's own noise outweighs the rewards. Too small is not judged "
    "where rewards are normalised.",
    needs=("updates.gradient_norm|updates.advantage_std",),
    series=("updates.gradient_norm", "updates.advantage_std", "updates.kl_divergence", "updates.value_loss"),
    cause="The scale of the rewards does not fit networks whose outputs are about 1.",
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
    moved = signals.median(updates, "kl_divergence")  # of the whole run: a rate that decays ends with none
    began = float(updates.low("step")[0])
    rate = signals.learning_rate(evidence)
    if limit < _CLIPPED and math.isfinite(norm) and not rate < signals.LITTLE_CHANGE:
        ratio = norm / limit
        still = moved < _STILL and ratio > _LONG
        if still or (ratio > _TOO_LONG and too_strong(evidence)):
            cause = (
                "Rewards are so large that the critic's gradient fills the whole clipped step: the policy gets none."
            )
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
    """Whether return and quality are opposed in every quarter of the episodes, and the one rose while the other fell.

    An agent that has found what a reward pays beside quality is still paid for quality, too, so that the two go
    together again as soon as it has. Where a sign is flipped they never do, however much else a reward is made of.
    """
    reward, quality = evidence.episodes.mean("reward"), evidence.episodes.mean("quality")
    both = np.isfinite(reward) & np.isfinite(quality)
    rewards, qualities = (np.array_split(column[both], int(_QUARTERS)) for column in (reward, quality))
    if not all(_correlation(*part) < _OPPOSED for part in zip(rewards, qualities, strict=True)):
        return False
    rises = trend(reward[both]).change > 0.0
    return rises and trend(quality[both], confidence=_CONFIDENCE).verdict == "declining"


def _correlation(reward: Floats, quality: Floats) -> float:
    """Correlate return and quality from one block of episodes to the next, so that trends of either do not count.

    NaN for fewer than `_FEWEST_PAIRS` blocks, and where either does not vary.
    """
    both = np.isfinite(reward) & np.isfinite(quality)
    if both.sum() < _FEWEST_PAIRS:
        return math.nan
    rose, bettered = np.diff(reward[both]), np.diff(quality[both])
    sizes = float(np.sqrt(np.sum(rose**2) * np.sum(bettered**2)))
    return float(np.sum(rose * bettered)) / sizes if sizes > 0.0 else math.nan


@rule(
    "reward-sign",
    title="Something has the wrong sign",
    meaning=f"Return and quality of episodes are opposed (correlation below {_OPPOSED_AT_ONCE}; or, in {_OPPOSED_FROM} "
    f"of the budget, below {_OPPOSED} in each of {_QUARTERS} of the episodes while returns rise and quality "
    "falls); or evaluations are what training returns are, with the other sign; or returns are far below "
    f"those of the untrained policy, in {_SINKS_FROM} of the budget, while the critic predicts them well "
    f"(explained variance above {_KNOWS}) and the steps of the policy are sane; or every step costs the same, "
    "episodes end by themselves sooner and sooner, and none is called a success.",
    needs=("episodes.reward",),
    series=("episodes.reward", "episodes.length", "episodes.quality_improvement", "updates.entropy"),
    cause="The agent learns to do badly: the sign of the reward or of the policy's loss is flipped.",
    advice="Check the sign of the reward (a cost is negative) and of the policy's loss (it is minimised). Log a "
    "random policy's return as a baseline, to see what untrained means.",
    source="Schulman et al. 2017, equation 7 (the surrogate is maximised)",
)
def _reward_sign(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one a way in which it shows
    correlation = _correlation(evidence.episodes.mean("reward"), evidence.episodes.mean("quality"))
    if correlation < _OPPOSED_AT_ONCE or (evidence.past(_OPPOSED_FROM) and _opposed_throughout(evidence)):
        cause = "Episodes of high quality get low rewards: the sign of the reward is flipped."
        return RuleResult(CRITICAL, 0.95, {"correlation_reward_quality": correlation}, 0.0, cause)
    if _mirrored(evidence):
        cause = "Evaluations are what training returns are with the other sign: one of the two is flipped."
        return RuleResult(CRITICAL, 0.85, {"evaluation": signals.recent(evidence.evaluations, "reward")}, 0.0, cause)
    course = evidence.course
    if course is None or not evidence.past(_FIRST):
        return None
    baseline = evidence.context.baseline
    is_below = baseline is not None and course.recent.mean + _BELOW * course.recent.error < baseline
    if is_below and evidence.past(_OPPOSED_FROM):
        shown = {"recent": course.recent.mean, "baseline": baseline}
        return RuleResult(CRITICAL, 0.7, shown, None, "Returns are below those of the baseline, and do not come back.")
    flees = _flees(evidence)
    if flees is not None:
        return flees
    explained, moved = signals.explained(evidence), signals.median(evidence.updates, "kl_divergence")
    sane = not moved > _SANE_KL and not signals.learning_rate(evidence) >= _SANE_RATE
    # `stats.series.trend` (declining, by as much) in place of the first two was measured on the corpus: one flipped
    # sign of the policy's gradient was no longer named first (109 of 111, 110 with these).
    sinks = course.significance < _SINKS and course.gain < _SINKS_BY and course.lost > _SINKS_BELOW
    knows = bool(explained.size) and float(explained[-1]) > _KNOWS  # the critic is not what is wrong
    if sinks and sane and knows and evidence.past(_SINKS_FROM) and not _succeeds(evidence):
        shown = {"recent": course.recent.mean, "start": course.start.mean, "gain": course.gain}
        return RuleResult(CRITICAL, 0.75, shown, course.start.step)
    return None


def _mirrored(evidence: Evidence) -> bool:
    """Whether evaluations, four or more, are the training returns of the same time with the opposite sign."""
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
    """Every step costs the same, and the agent has learnt to end episodes, none of which is a success."""
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
        cause = "Each step costs the same, and the agent learns to end episodes as soon as it can."
        shown = {"reward_a_step": float(a_step[0]), "length_at_first": first, "length": last}
        return RuleResult(CRITICAL, 0.8, shown, 0.0, cause)
    return None


def _part_means(table_total: Floats, table_said: Floats) -> Floats:
    """Average `_PARTS` equal parts of a stream; parts without a value are left out."""
    totals = np.array([part.sum() for part in np.array_split(table_total, int(_PARTS))])
    counts = np.array([part.sum() for part in np.array_split(table_said, int(_PARTS))])
    means: Floats = totals[counts > 0] / counts[counts > 0]
    return means


@rule(
    "reward-hacking",
    title="The reward rises, the quality falls",
    meaning=f"Returns are higher than at first by more than {_ROSE}, and quality or success is lower than at first by "
    f"more than {_FELL}, and has not come back.",
    needs=("episodes.reward", "episodes.quality|episodes.success"),
    series=("episodes.reward", "episodes.quality_improvement", "episodes.success"),
    cause="The reward pays for something else than what is wanted, and the agent has found it.",
    advice="Look at the episodes with the highest reward; take the reward from the quality itself, or bound its "
    "other parts.",
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
        # `stats.series.trend` of returns and of quality in place of these was measured on the corpus: a reward that is
        # hacked late was no longer found (109 of 111, 110 with these).
        is_low = wanted[-int(_NOT_BACK) :].max() < wanted[0]
        if wanted.size == reward.size and rose > _ROSE and fell > _FELL * noise and is_low:
            shown = {"reward_rise": float(rose), f"{name}_at_first": float(wanted[0]), name: float(wanted[-1])}
            return RuleResult(CRITICAL, 0.94, shown, float(episodes.low("step")[0]))
    return None


def _noise_of_part(evidence: Evidence, name: str) -> float:
    """Estimate the standard error of the mean of one of `_PARTS` parts, from differences of neighbouring blocks."""
    column = signals.values(evidence.episodes, name)
    steps = np.diff(column)
    return float(np.sqrt(np.mean(steps**2) / 2.0 / max(1.0, column.size / _PARTS))) if steps.size else math.inf

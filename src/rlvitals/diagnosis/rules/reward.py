"""The reward: whether it varies, its scale, its sign, and what it pays for."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.learning import window_means
from rlvitals.diagnosis.rules.blind import too_strong
from rlvitals.diagnosis.rules.rule import Sign, rule
from rlvitals.diagnosis.table import Floats

_SAME = 1e-9
_TINY = 1e-2
_OPPOSED = -0.2
_KNOWS = 0.8
"""Explained variance of a critic that predicts well how badly the agent does. Where a sign was flipped, it was 0.96 or
more; a policy that merely breaks down has a critic that lags behind."""
_FEWEST_LONG = 4
"""Updates of gradients thousands of times too long that are no accident: as many as a run of long rollouts has soon."""


@rule(
    "reward-constant",
    title="The reward is constant",
    meaning="Every episode so far, twenty at least, has the same return to nine digits, and evaluations have others, "
    "which vary or are not zero where it is. Without such evaluations a sparse reward that nobody has met yet looks "
    "the same: a hundred episodes whose lengths differ or are one step have to pass in half of the budget, or 90 % of "
    "the budget where all have one length. A return that becomes constant after it has varied (a solved task) is "
    "healthy.",
    needs=("episodes.reward",),
    series=("episodes.reward", "evaluations.reward"),
    cause="The reward does not depend on what the agent does; or, if it is sparse, exploration has never met it.",
    advice="Print rewards as the agent gets them. If they are sparse: reward progress, or explore more.",
    source="By definition: without variance there is no advantage; Ng et al. 1999, Policy invariance under reward "
    "transformations (shaping)",
)
def _reward_constant(evidence: Evidence) -> Sign | None:
    episodes = evidence.episodes
    if not episodes.has("reward") or episodes.not_finite("reward").any() or episodes.records < 20:  # noqa: PLR2004
        return None
    low, high = float(episodes.low("reward").min()), float(episodes.high("reward").max())
    if high - low > _SAME * max(abs(low), abs(high)):
        return None
    shortest, longest = float(episodes.low("length").min()), float(episodes.high("length").max())
    shown = {"reward": high, "episodes": episodes.records}
    began = float(episodes.low("step")[0])
    evaluated = signals.values(evidence.evaluations, "reward")
    size = max(abs(high), float(np.abs(evaluated).max(initial=0.0)))
    unlike = high == 0.0 or (
        evaluated.size > 1 and float(np.ptp(evaluated)) > 0.01 * size
    )  # else: another scale or sign
    if evaluated.size > 1 and unlike and bool(np.all(np.abs(evaluated - high) > 0.01 * size)):
        cause = "Evaluations are rewarded, and by another amount: training sees a reward that does not vary."
        return Sign(CRITICAL, 0.97, {**shown, "evaluation": float(np.median(evaluated))}, began, cause)
    differs = episodes.records >= 100 and (shortest != longest or longest == 1.0)  # noqa: PLR2004 - see the meaning
    if evidence.past(0.5 if differs else 0.9):
        return Sign(WARNING, 0.85, shown, began)
    return None


@rule(
    "reward-scale",
    title="Rewards are far too large or too small",
    meaning="Too large: gradients are 10,000 times longer than the norm that they are clipped to, or 5,000 times "
    "while the policy stands still (KL divergence below 1e-4). Too small: returns differ by less than 0.01, "
    "advantages by more than five times as much as returns do while explained variance is below zero, or by more "
    "than a hundred times as much: the critic's own noise outweighs the rewards. Too small is not judged where rewards "
    "are normalised.",
    needs=("updates.gradient_norm|updates.advantage_std",),
    series=("updates.gradient_norm", "updates.advantage_std", "updates.kl_divergence", "updates.value_loss"),
    cause="The scale of the rewards does not fit networks whose outputs are about 1.",
    advice="Normalise rewards (`VecNormalize`), or scale them so that returns are about 1 to 100.",
    source="Engstrom et al. 2020, Implementation Matters in Deep Policy Gradients (reward scaling); Henderson et "
    "al. 2018",
)
def _reward_scale(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    if updates.records < _FEWEST_LONG:
        return None
    limit, norm = signals.gradient_limit(evidence), signals.median(updates, "gradient_norm")
    sure = 0.6 if math.isnan(limit) else 0.9
    limit = signals.USUAL_LIMIT if math.isnan(limit) else limit
    moved = signals.median(updates, "kl_divergence")  # of the whole run: a rate that decays ends with none
    began = float(updates.low("step")[0])
    rate = signals.learning_rate(evidence)
    if limit < 100.0 and math.isfinite(norm) and not rate < 1e-5:  # noqa: PLR2004 - what is clipped, by a rate that moves
        ratio = norm / limit
        still = moved < 1e-4 and ratio > 5000.0  # noqa: PLR2004 - see the rule's meaning
        if still or (ratio > 1e4 and too_strong(evidence)):  # noqa: PLR2004 - see the rule's meaning
            cause = (
                "Rewards are so large that the critic's gradient fills the whole clipped step: the policy gets none."
            )
            shown = {"gradient_norm": norm, "gradient_norm_limit": limit, "kl_divergence": moved}
            return Sign(CRITICAL, sure, shown, began, cause)
    course = evidence.course
    if course is None or evidence.settings.reward_normalized or not 0.0 < course.spread < _TINY:
        return None
    if updates.records < signals.FEWEST_UPDATES:
        return None
    largest = course.best.mean - course.worst.mean
    noise = signals.early(updates, "advantage_std", count=20)
    explained = signals.explained(evidence)
    blind = not explained.size or float(np.median(explained)) < 0.0
    drowned = noise > 100.0 * course.spread  # bootstrapped returns explain themselves
    if largest < _TINY and (drowned or (noise > 5.0 * course.spread and blind)):
        cause = "Rewards are so small that the critic's own noise outweighs them."
        return Sign(CRITICAL, 0.9, {"reward_spread": course.spread, "advantage_std": noise}, began, cause)
    return None


def _opposed_throughout(evidence: Evidence) -> bool:
    """Whether return and quality are opposed in every quarter of the episodes, and the one rose while the other fell.

    An agent that has found what a reward pays beside quality is still paid for quality, too, so that the two go
    together again as soon as it has. Where a sign is flipped they never do, however much else a reward is made of.
    """
    reward, quality = evidence.episodes.mean("reward"), evidence.episodes.mean("quality")
    both = np.isfinite(reward) & np.isfinite(quality)
    rewards, qualities = (np.array_split(column[both], 4) for column in (reward, quality))
    if not all(_correlation(*part) < _OPPOSED for part in zip(rewards, qualities, strict=True)):
        return False
    noise = _noise_of_part(evidence, "quality")
    rose, fell = float(rewards[-1].mean() - rewards[0].mean()), float(qualities[0].mean() - qualities[-1].mean())
    return rose > 0.0 and fell > 4.0 * noise


def _correlation(reward: Floats, quality: Floats) -> float:
    """Of return and quality, from one block of episodes to the next, so that trends of either do not count.

    NaN for fewer than thirty blocks, and where either does not vary.
    """
    both = np.isfinite(reward) & np.isfinite(quality)
    if both.sum() < 30:  # noqa: PLR2004 - too few for a correlation
        return math.nan
    rose, bettered = np.diff(reward[both]), np.diff(quality[both])
    sizes = float(np.sqrt(np.sum(rose**2) * np.sum(bettered**2)))
    return float(np.sum(rose * bettered)) / sizes if sizes > 0.0 else math.nan


@rule(
    "reward-sign",
    title="Something has the wrong sign",
    meaning="Return and quality of episodes are opposed (correlation below -0.7; or, in 30 % of the budget, below -0.2 "
    "in each quarter of the episodes while returns rise and quality falls); or evaluations are what training "
    "returns are, with the other sign; or returns are far below those of "
    "the untrained policy, in a fifth of the budget, while the critic predicts them well (it explains more than 80 %) "
    "and the steps of the policy are sane; or every step costs the same, episodes end by themselves sooner and sooner, "
    "and none is called a success.",
    needs=("episodes.reward",),
    series=("episodes.reward", "episodes.length", "episodes.quality_improvement", "updates.entropy"),
    cause="The agent learns to do badly: the sign of the reward or of the policy's loss is flipped.",
    advice="Check the sign of the reward (a cost is negative) and of the policy's loss (it is minimised). Log a "
    "random policy's return as a baseline, to see what untrained means.",
    source="Schulman et al. 2017, equation 7 (the surrogate is maximised)",
)
def _reward_sign(evidence: Evidence) -> Sign | None:  # noqa: PLR0911 - one a way in which it shows
    correlation = _correlation(evidence.episodes.mean("reward"), evidence.episodes.mean("quality"))
    if correlation < -0.7 or (evidence.past(0.3) and _opposed_throughout(evidence)):  # noqa: PLR2004 - see the meaning
        cause = "Episodes of high quality get low rewards: the sign of the reward is flipped."
        return Sign(CRITICAL, 0.95, {"correlation_reward_quality": correlation}, 0.0, cause)
    if _mirrored(evidence):
        cause = "Evaluations are what training returns are with the other sign: one of the two is flipped."
        return Sign(CRITICAL, 0.85, {"evaluation": signals.recent(evidence.evaluations, "reward")}, 0.0, cause)
    course = evidence.course
    if course is None or not evidence.past(0.08):
        return None
    baseline = evidence.context.baseline
    if baseline is not None and course.recent.mean + 3.0 * course.recent.error < baseline and evidence.past(0.3):
        shown = {"recent": course.recent.mean, "baseline": baseline}
        return Sign(CRITICAL, 0.7, shown, None, "Returns are below those of the baseline, and do not come back.")
    flees = _flees(evidence)
    if flees is not None:
        return flees
    explained, moved = signals.explained(evidence), signals.median(evidence.updates, "kl_divergence")
    sane = not moved > 0.2 and not signals.learning_rate(evidence) >= 0.01  # noqa: PLR2004 - healthy below
    sinks = course.significance < -5.0 and course.gain < -0.5 and course.lost > 2.0  # noqa: PLR2004 - clearly
    knows = bool(explained.size) and float(explained[-1]) > _KNOWS  # the critic is not what is wrong
    if sinks and sane and knows and evidence.past(0.2) and not _succeeds(evidence):
        shown = {"recent": course.recent.mean, "start": course.start.mean, "gain": course.gain}
        return Sign(CRITICAL, 0.75, shown, course.start.step)
    return None


def _mirrored(evidence: Evidence) -> bool:
    """Whether evaluations, four or more, are the training returns of the same time with the opposite sign."""
    evaluated, steps = evidence.evaluations.mean("reward"), evidence.evaluations.mean("step")
    said = np.isfinite(evaluated) & np.isfinite(steps)
    ends, means = window_means(evidence.episodes, 20)
    if said.sum() < 4 or not ends.size:  # noqa: PLR2004 - too few to be no accident
        return False
    trained = np.interp(steps[said], ends, means)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = -evaluated[said] / trained
    return bool(np.mean((ratio > 0.5) & (ratio < 2.0)) > 0.8)  # noqa: PLR2004 - most, within a factor of two


def _succeeds(evidence: Evidence) -> bool:
    return signals.share_of(evidence.episodes, "success", last=0.2) > 0.05  # noqa: PLR2004 - more than chance


def _flees(evidence: Evidence) -> Sign | None:
    """Every step costs the same, and the agent has learnt to end episodes, none of which is a success."""
    episodes = evidence.episodes
    length, reward = episodes.mean("length"), episodes.mean("reward")
    if not evidence.judges_success or signals.share_of(episodes, "success") != 0.0 or len(length) < 40:  # noqa: PLR2004
        return None
    if not signals.share_of(episodes, "terminated") > 0.99 or not signals.mean_length(evidence) > 1.5:  # noqa: PLR2004
        return None
    a_step = reward / length
    same = bool(np.all(a_step < 0.0)) and float(np.ptp(a_step)) < 1e-6 * abs(float(a_step[0]))
    first, last = float(np.mean(length[:10])), float(np.mean(length[-10:]))
    if same and last < 0.7 * first:
        cause = "Each step costs the same, and the agent learns to end episodes as soon as it can."
        shown = {"reward_a_step": float(a_step[0]), "length_at_first": first, "length": last}
        return Sign(CRITICAL, 0.8, shown, 0.0, cause)
    return None


def _tenths(table_total: Floats, table_said: Floats, parts: int = 20) -> Floats:
    """Means of equal parts of a stream; parts without a value are left out."""
    totals = np.array([part.sum() for part in np.array_split(table_total, parts)])
    counts = np.array([part.sum() for part in np.array_split(table_said, parts)])
    means: Floats = totals[counts > 0] / counts[counts > 0]
    return means


@rule(
    "reward-hacking",
    title="The reward rises, the quality falls",
    meaning="Returns are higher than at first by more than half a standard deviation, and quality or success is "
    "lower than at first, both beyond chance, and quality has not come back.",
    needs=("episodes.reward", "episodes.quality|episodes.success"),
    series=("episodes.reward", "episodes.quality_improvement", "episodes.success"),
    cause="The reward pays for something else than what is wanted, and the agent has found it.",
    advice="Look at the episodes with the highest reward; take the reward from the quality itself, or bound its "
    "other parts.",
    source="Amodei et al. 2016, Concrete Problems in AI Safety, section 4; Skalse et al. 2022, Defining and "
    "Characterizing Reward Hacking",
)
def _reward_hacking(evidence: Evidence) -> Sign | None:
    episodes, course = evidence.episodes, evidence.course
    if course is None or len(episodes) < 40 or not evidence.past(0.05):  # noqa: PLR2004 - two blocks a part
        return None
    reward = _tenths(episodes.total("reward"), episodes.said("reward"))
    for name in ("quality", "success"):
        if not episodes.has(name) or episodes.said(name).sum() < episodes.records:
            continue
        wanted = _tenths(episodes.total(name), episodes.said(name))
        noise = _noise_of_part(evidence, name)
        fell = wanted[0] - wanted[-1]
        rose = (reward[-1] - reward[0]) / course.spread if course.spread > 0.0 else 0.0
        if wanted.size == reward.size and rose > 0.5 and fell > 4.0 * noise and wanted[-3:].max() < wanted[0]:  # noqa: PLR2004
            shown = {"reward_rise": float(rose), f"{name}_at_first": float(wanted[0]), name: float(wanted[-1])}
            return Sign(CRITICAL, 0.94, shown, float(episodes.low("step")[0]))
    return None


def _noise_of_part(evidence: Evidence, name: str) -> float:
    """The standard error of the mean of a twentieth of the episodes, from differences of neighbouring blocks."""
    column = signals.values(evidence.episodes, name)
    steps = np.diff(column)
    return float(np.sqrt(np.mean(steps**2) / 2.0 / max(1.0, column.size / 20.0))) if steps.size else math.inf

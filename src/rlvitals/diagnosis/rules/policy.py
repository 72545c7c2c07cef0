"""Rules about the size of policy updates: KL divergence, clipping, learning rate and reuse of data."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.rules.return_history import GAIN
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_LARGE_KL = Threshold(
    1.0,
    "nats",
    "Median KL divergence of recent updates above which it is too large (targets: 0.01 to 0.05; healthy runs: up "
    "to 0.25).",
)
_SINCE_KL = Threshold(1.0 / 3.0, "nats", "KL divergence that marks the onset.")
_RAISED_KL = Threshold(
    0.08,
    "nats",
    "Median KL divergence of the run above which updates are large (targets: up to 0.05; most healthy runs: up to "
    "0.06).",
)
_MUCH_CLIPPED = Threshold(0.4, "%", "Median clip fraction of the run above which updates are large.")
_HURT_FROM = Threshold(0.5, "%", "Budget from which declining returns make the finding a warning.")
_LEAPS = Threshold(0.3, "nats", "KL divergence above which the clip range or the learning rate can be the cause.")
_WIDE_CLIP = Threshold(1.0, "", "Clip range from which nothing is clipped.")
_OPENING = Threshold(10, "updates", "Number of first updates whose median KL divergence counts.")
_HIGH_RATE = Threshold(
    0.01, "", "Learning rate that is too high if any symptom is present (usual for Adam: 1e-5 to 3e-3)."
)
_BEYOND_SANE = Threshold(3.1e-3, "", "Learning rate above which it is too high if KL divergence is large.")
_ENTROPY_GONE = Threshold(0.1, "%", "Share of the maximum entropy below which the entropy is lost.")
_LOW_RATE = Threshold(1e-5, "", "Learning rate below which it is too low.")
_STILL_KL = Threshold(1e-5, "nats", "Median KL divergence below which the policy does not change.")
_CREEPING_KL = Threshold(
    1e-3, "nats", "Median KL divergence below which the policy changes too slowly, if no sample is ever clipped."
)
_CREEPING_FROM = Threshold(0.2, "%", "Budget from which slow changes count.")
_FIRST_RATES = Threshold(3, "updates", "Number of first updates whose learning rate must be low.")
_GONE = Threshold(1e-3, "times", "Share of the usual learning rate (90 % quantile) up to which it counts as zero.")
_USUAL = 0.9
_STEPS_LEFT = Threshold(0.05, "%", "Minimum remaining budget.")
_REPEATS = Threshold(0.2, "%", "Share of updates on a repeated rollout above which data is reused.")
_MANY_EPOCHS = Threshold(40.0, "epochs", "Number of epochs per rollout above which data is overused.")
_LATELY = Threshold(0.3, "%", "Share of the last updates that the heuristic uses.")
_GUESS_FROM = Threshold(0.2, "%", "Budget from which the heuristic applies.")
_CLIPPED = Threshold(0.1, "%", "Clip fraction above which it is large.")
_HEALTHY_KL = Threshold(0.05, "nats", "KL divergence below which it does not explain the clip fraction.")
_OFF = Threshold(1.0, "", "Mean advantage relative to its standard deviation above which the critic is biased.")
_STALE_ERROR = Threshold(
    8.0, "times", "Critic error on new data relative to its training loss. Healthy runs reach half of that."
)
_SURROGATE = Threshold(-0.1, "clip ranges", "Policy loss below which the surrogate is far below zero.")
_USUAL_CLIP = Threshold(0.2, "", "Clip range if none is known.")
_STILL_ENTROPY = Threshold(0.05, "nats", "Change of the entropy in the second half below which it is constant.")


@rule(
    "kl-too-large",
    title="KL divergence too large",
    meaning=f"The median KL divergence between the old and the new policy is above {_LARGE_KL} in recent updates. "
    f"If the clip range is {_WIDE_CLIP} or more, which clips nothing, the limit is {_LEAPS} in the "
    "first or recent updates.",
    needs=("updates.kl_divergence",),
    series=("updates.kl_divergence", "updates.clip_fraction"),
    cause="Each update moves the policy so far that the rollout no longer describes the new policy.",
    advice="Use a clip range of 0.1 to 0.3, fewer epochs and a lower learning rate. Set `target_kl` between 0.02 "
    "and 0.05 to stop each update in time.",
    source="Schulman et al. 2017, Proximal Policy Optimization Algorithms, section 3; Spinning Up: target_kl 0.01 "
    "to 0.05",
)
def _kl_too_large(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    level = signals.recent(updates, "kl_divergence")
    column = signals.values(updates, "kl_divergence")
    opening = signals.early(updates, "kl_divergence", count=_OPENING)
    width = signals.clip_range(evidence)
    if column.size < signals.NO_ACCIDENT:
        return None
    if width >= _WIDE_CLIP and max(level, opening) > _LEAPS:
        cause = f"The clip range of {width:g} clips nothing, so nothing bounds the update."
        shown = {"kl_divergence": level, "clip_range": width, "clip_fraction": signals.recent(updates, "clip_fraction")}
        return RuleResult(CRITICAL, 0.94, shown, float(updates.low("step")[0]), cause)
    if level > _LARGE_KL:
        began = signals.since(updates, "kl_divergence", column > _SINCE_KL)
        return RuleResult(CRITICAL, 0.6, {"kl_divergence": level, "kl_divergence_at_first": opening}, began)
    return None


@rule(
    "large-policy-updates",
    title="Large policy updates",
    meaning=f"Over the whole run, the median KL divergence between the old and the new policy is above {_RAISED_KL}, "
    f"and the median clip fraction above {_MUCH_CLIPPED}. The finding is info, because some healthy runs learn at such "
    f"values. It is a warning from {_HURT_FROM} of the budget if returns decline.",
    needs=("updates.kl_divergence", "updates.clip_fraction"),
    cause="Each update moves the policy up to the limits of the clip range for a large part of the samples.",
    advice="Lower the learning rate or use fewer epochs, or set `target_kl` between 0.02 and 0.05. Compare the final "
    "evaluation of both runs.",
    source="Schulman et al. 2017, Proximal Policy Optimization Algorithms, section 3; Spinning Up: target_kl 0.01 "
    "to 0.05",
)
def _large_policy_updates(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    moved, clipped = signals.median(updates, "kl_divergence"), signals.median(updates, "clip_fraction")
    if updates.records < signals.FEWEST_UPDATES or not (moved > _RAISED_KL and clipped > _MUCH_CLIPPED):
        return None
    is_hurt = evidence.past(_HURT_FROM) and evidence.reward_trend.verdict == "declining"
    shown = {"kl_divergence": moved, "clip_fraction": clipped}
    return RuleResult(WARNING if is_hurt else INFO, 0.5, shown, float(updates.low("step")[0]))


@rule(
    "learning-rate-too-high",
    title="Learning rate too high",
    meaning=f"The learning rate is {_HIGH_RATE} or more and shows one of three symptoms. KL divergence is above "
    f"{_LEAPS} in the first or recent updates. Or the median policy loss is positive: the surrogate gets worse. Or "
    f"the entropy is below {_ENTROPY_GONE} of the maximum. The rule also fires if the learning rate is above "
    f"{_BEYOND_SANE} and KL divergence is above {_LEAPS}, although the clip range is below {_WIDE_CLIP}.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence|updates.policy_loss|updates.entropy"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy", "updates.policy_loss"),
    cause="Each optimiser step overshoots and moves the policy far from the one that collected the data.",
    advice="Divide the learning rate by 10 until KL divergence stays below 0.05. A common starting value is 3e-4.",
    source="Andrychowicz et al. 2021, What Matters in On-Policy RL, section 3.7 (Adam, 3e-4)",
)
def _learning_rate_too_high(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    rate = signals.early(updates, "learning_rate")
    rate = rate if math.isfinite(rate) else evidence.settings.learning_rate or math.nan
    if not rate > _BEYOND_SANE or updates.records < signals.NO_ACCIDENT:
        return None
    opening, level = signals.early(updates, "kl_divergence"), signals.recent(updates, "kl_divergence")
    worse = signals.median(updates, "policy_loss")
    if rate < _HIGH_RATE:
        leap = max(opening, level)
        if not leap > _LEAPS or signals.clip_range(evidence) >= _WIDE_CLIP:
            return None
        return RuleResult(CRITICAL, 0.93, {"learning_rate": rate, "kl_divergence": leap}, float(updates.low("step")[0]))
    share = signals.entropy_share(evidence)
    shows = {
        "kl_divergence": max(opening, level) > _LEAPS,
        "policy_loss": worse > 0.0,
        "entropy": bool(share.size) and float(share[-1]) < _ENTROPY_GONE,
    }
    if not any(shows.values()):
        return None
    shown = {"learning_rate": rate, "kl_divergence": max(opening, level), "policy_loss": worse}
    return RuleResult(CRITICAL, 0.93, shown, float(updates.low("step")[0]))


@rule(
    "learning-rate-too-low",
    title="Learning rate too low",
    meaning=f"The learning rate is below {_LOW_RATE} but not zero, and the policy does not change: the median KL "
    f"divergence is below {_STILL_KL}. From {_CREEPING_FROM} of the budget, the rule warns if KL divergence is "
    f"below {_CREEPING_KL} and no sample of any update has been clipped.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy"),
    cause="The optimiser steps are so small that the policy does not change within the budget.",
    advice="Raise the learning rate. A common starting value is 3e-4.",
    source="Andrychowicz et al. 2021, What Matters in On-Policy RL, section 3.7",
)
def _learning_rate_too_low(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    rate, moved = signals.learning_rate(evidence), signals.median(updates, "kl_divergence")
    if updates.records < signals.FEWEST_UPDATES or not 0.0 < rate < _LOW_RATE:
        return None
    if not signals.early(updates, "learning_rate", count=_FIRST_RATES) < _LOW_RATE and updates.has("learning_rate"):
        return None
    shown = {"learning_rate": rate, "kl_divergence": moved}
    if moved < _STILL_KL:
        return RuleResult(CRITICAL, 0.93, shown, float(updates.low("step")[0]))
    untouched = updates.has("clip_fraction") and not float(updates.total("clip_fraction").sum()) > 0.0
    if untouched and moved < _CREEPING_KL and evidence.past(_CREEPING_FROM):
        return RuleResult(WARNING, 0.8, {**shown, "clip_fraction": 0.0}, float(updates.low("step")[0]))
    return None


@rule(
    "learning-rate-zero",
    title="Learning rate is zero",
    meaning=f"For at least {signals.NO_ACCIDENT} in a row, the learning rate is zero or at most {_GONE} its usual "
    f"value. At least {_STEPS_LEFT} of the budget is left. A schedule that ends with the budget is healthy.",
    needs=("updates.learning_rate",),
    series=("updates.learning_rate", "updates.kl_divergence"),
    cause="The schedule decays to zero before training ends, so later updates change nothing.",
    advice="Let the schedule end with the budget, or stop the training here.",
    source="By definition",
)
def _learning_rate_zero(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    rates = signals.values(updates, "learning_rate")
    if not rates.size:
        return None
    gone = rates <= _GONE * float(np.quantile(rates, _USUAL))  # a quantile, so that a spike is not the usual rate
    began = signals.since(updates, "learning_rate", gone)
    count = int(gone[::-1].cumprod().sum()) * updates.block
    if began is None or count < signals.NO_ACCIDENT:
        return None
    total = evidence.context.total_timesteps
    left = 1.0 - began / total if total else count / max(1, updates.records)
    if left < _STEPS_LEFT:
        return None
    return RuleResult(CRITICAL, 0.97, {"learning_rate": float(rates[-1]), "updates": count, "budget_left": left}, began)


@rule(
    "stale-data",
    title="Stale rollout data",
    meaning=f"An update makes more than {_MANY_EPOCHS} on its rollout, or more than {_REPEATS} of the updates reuse "
    "the previous rollout. A reused rollout has the same explained variance or spread of observations to the last "
    f"digit. A heuristic also warns if more than {_CLIPPED} of the samples are clipped although KL divergence is "
    f"small. The surrogate must be far below zero, and the critic's error on new data more than {_STALE_ERROR} its "
    "training loss.",
    needs=("updates.epochs|settings.epochs|updates.explained_variance",),
    series=("updates.epochs", "updates.clip_fraction", "updates.kl_divergence"),
    cause="The policy is fitted to data from an older policy, and the surrogate is accurate only close to that policy.",
    advice="Use 3 to 10 epochs and a fresh rollout for each update. Check where the buffer is reset.",
    source="Schulman et al. 2017 (3 to 15 epochs); Andrychowicz et al. 2021, section 3.5",
)
def _stale_data(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    done = signals.median(updates, "epochs")
    epochs = done if math.isfinite(done) else evidence.settings.epochs or math.nan
    share = signals.share_of(updates, "repeated")
    if updates.records >= signals.FEWEST_UPDATES and share > _REPEATS:
        holds = signals.values(updates, "repeated") > 0.0
        began = float(updates.low("step")[int(holds.argmax())])
        return RuleResult(
            CRITICAL, 0.9, {"repeated_rollouts": share}, began, "Rollouts repeat because the buffer is not refreshed."
        )
    if epochs > _MANY_EPOCHS and updates.records >= signals.NO_ACCIDENT:
        began = float(updates.low("step")[0])
        return RuleResult(CRITICAL, 0.92, {"epochs": epochs}, began, f"Each rollout is used for {epochs:.0f} epochs.")
    return _accumulated(evidence)


def _accumulated(evidence: Evidence) -> RuleResult | None:
    """Detect clipping that KL divergence of fresh data does not explain, in a run without a gain."""
    updates = evidence.updates
    clipped, moved = (
        signals.recent(updates, "clip_fraction", share=_LATELY),
        signals.recent(updates, "kl_divergence", share=_LATELY),
    )
    loss, width = signals.recent(updates, "policy_loss", share=_LATELY), signals.clip_range(evidence)
    offset = signals.critic_offset(evidence)
    course = evidence.course
    if course is None or not evidence.past(_GUESS_FROM) or not clipped > _CLIPPED or not moved < _HEALTHY_KL:
        return None
    width = width if math.isfinite(width) else _USUAL_CLIP
    entropy = signals.values(updates, "entropy")[-max(int(signals.FEWEST_RECENT), len(updates) // 2) :]
    still = float(np.ptp(entropy)) if entropy.size else 1.0
    fresh = signals.critic_error(evidence)  # on new data, relative to the training loss
    idle = course.gain < GAIN or still < _STILL_ENTROPY
    if offset > _OFF and fresh > _STALE_ERROR and loss < _SURROGATE * width and idle:
        shown = {"clip_fraction": clipped, "kl_divergence": moved, "policy_loss": loss, "critic_offset": offset}
        return RuleResult(WARNING, 0.55, shown, None)
    return None

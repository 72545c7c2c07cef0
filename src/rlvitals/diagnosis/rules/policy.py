"""The size of the policy's steps: KL divergence, clipping, the learning rate, the reuse of data."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.return_history import GAIN
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_LARGE_KL = Threshold(
    1.0,
    "nats",
    "KL divergence of recent updates above which the policy leaps (targets: 0.01 to 0.05; healthy: to 0.25).",
)
_SINCE_KL = Threshold(1.0 / 3.0, "nats", "KL divergence above which it has leapt since.")
_LEAPS = Threshold(0.3, "nats", "KL divergence that shows what the clip range or the learning rate explain.")
_WIDE_CLIP = Threshold(1.0, "", "Clip range from which on nothing is clipped.")
_OPENING = Threshold(10, "updates", "First updates whose median KL divergence counts.")
_HIGH_RATE = Threshold(0.01, "", "Learning rate that is too high if it shows in any way (sane for Adam: 1e-5 to 3e-3).")
_BEYOND_SANE = Threshold(3.1e-3, "", "Learning rate above which it is too high if the policy leaps.")
_ENTROPY_GONE = Threshold(0.1, "%", "Share of the greatest possible entropy below which it is gone at once.")
_LOW_RATE = Threshold(1e-5, "", "Learning rate below which it is too low.")
_STILL_KL = Threshold(1e-5, "nats", "Median KL divergence below which the policy stands still.")
_CREEPING_KL = Threshold(1e-3, "nats", "Median KL divergence below which it creeps, where no sample is ever clipped.")
_CREEPING_FROM = Threshold(0.2, "%", "Budget from which creeping counts.")
_FIRST_RATES = Threshold(3, "updates", "First updates whose learning rate was low already.")
_GONE = Threshold(1e-3, "times", "Share of the usual (90 % quantile) learning rate up to which it is gone.")
_USUAL = 0.9
_STEPS_LEFT = Threshold(0.05, "%", "Budget that is left, at least.")
_REPEATS = Threshold(0.2, "%", "Share of updates on a rollout that came before above which data is reused.")
_MANY_EPOCHS = Threshold(40.0, "epochs", "Epochs on each rollout above which data is overused.")
_LATELY = Threshold(0.3, "%", "Share of the updates that the guess looks at.")
_GUESS_FROM = Threshold(0.2, "%", "Budget from which the guess is made.")
_CLIPPED = Threshold(0.1, "%", "Clip fraction above which it is large.")
_HEALTHY_KL = Threshold(0.05, "nats", "KL divergence below which it does not explain the clipping.")
_OFF = Threshold(1.0, "", "Mean advantage over its standard deviation above which the critic is off.")
_STALE_ERROR = Threshold(8.0, "times", "The critic's error on new data over its loss; healthy runs have half of that.")
_SURROGATE = Threshold(-0.1, "clip ranges", "Policy loss below which the surrogate is far below zero.")
_USUAL_CLIP = Threshold(0.2, "", "Clip range where none is known.")
_STILL_ENTROPY = Threshold(0.05, "nats", "Change of the entropy in the second half below which it is still.")


@rule(
    "kl-too-large",
    title="The policy leaps",
    meaning=f"The KL divergence between the old policy and the new is above {_LARGE_KL} in the median of recent "
    f"updates, or above {_LEAPS} where the clip range is {_WIDE_CLIP} or more, which clips nothing.",
    needs=("updates.kl_divergence",),
    series=("updates.kl_divergence", "updates.clip_fraction"),
    cause="An update moves the policy so far that the data it was computed on says nothing of where it lands.",
    advice="Clip at 0.1 to 0.3, fewer epochs, a lower learning rate; `target_kl` of 0.02 to 0.05 stops in time.",
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
        cause = f"The clip range of {width:g} clips nothing, so that nothing bounds the update."
        shown = {"kl_divergence": level, "clip_range": width, "clip_fraction": signals.recent(updates, "clip_fraction")}
        return RuleResult(CRITICAL, 0.94, shown, float(updates.low("step")[0]), cause)
    if level > _LARGE_KL:
        began = signals.since(updates, "kl_divergence", column > _SINCE_KL)
        return RuleResult(CRITICAL, 0.6, {"kl_divergence": level, "kl_divergence_at_first": opening}, began)
    return None


@rule(
    "learning-rate-too-high",
    title="The learning rate is too high",
    meaning=f"The learning rate is {_HIGH_RATE} or more and it shows: KL divergence above {_LEAPS} in the first "
    "updates or now, a surrogate loss that gets worse instead of better, or an entropy that is gone at once. "
    f"Or it is above {_BEYOND_SANE}, and KL divergence above {_LEAPS}, though the clip range is below "
    f"{_WIDE_CLIP}.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence|updates.policy_loss|updates.entropy"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy", "updates.policy_loss"),
    cause="Each step of the optimiser overshoots: the policy is thrown far from where its data was collected.",
    advice="Divide the learning rate by 10 until KL divergence stays below 0.05; 3e-4 is the common start.",
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
    title="The learning rate is too low",
    meaning=f"The learning rate is below {_LOW_RATE} but not zero, and the policy stands still: the median KL "
    f"divergence of an update is below {_STILL_KL}. Or, as a warning, in {_CREEPING_FROM} of the budget: it "
    f"creeps, by a KL divergence below {_CREEPING_KL}, and no sample of any update has come to the clip range.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy"),
    cause="The steps of the optimiser are so small that the policy does not change within the budget.",
    advice="Raise the learning rate: 3e-4 is the common start.",
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
    title="The learning rate is zero",
    meaning=f"The learning rate is zero, or {_GONE} what it was, in at least {signals.NO_ACCIDENT} in a row, and at "
    f"least {_STEPS_LEFT} of the budget is left. A schedule that ends with the budget is healthy.",
    needs=("updates.learning_rate",),
    series=("updates.learning_rate", "updates.kl_divergence"),
    cause="The schedule has decayed to nothing before the training ends: what follows changes nothing.",
    advice="Let the schedule end with the budget, or stop the training here.",
    source="By definition",
)
def _learning_rate_zero(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    rates = signals.values(updates, "learning_rate")
    if not rates.size:
        return None
    gone = rates <= _GONE * float(np.quantile(rates, _USUAL))  # a spike is not what it usually was
    began = signals.since(updates, "learning_rate", gone)
    count = int(gone[::-1].cumprod().sum()) * updates.block
    if began is None or count < signals.NO_ACCIDENT:
        return None
    total = evidence.context.total_timesteps or evidence.settings.total_timesteps
    left = 1.0 - began / total if total else count / max(1, updates.records)
    if left < _STEPS_LEFT:
        return None
    return RuleResult(CRITICAL, 0.97, {"learning_rate": float(rates[-1]), "updates": count, "budget_left": left}, began)


@rule(
    "stale-data",
    title="The same data is used too often",
    meaning=f"More than {_MANY_EPOCHS} on each rollout, or rollouts whose explained variance (or spread of "
    f"observations) is the same to the last digit as that of the one before, in more than {_REPEATS} of the "
    f"updates. Or, as a guess: more than {_CLIPPED} of the samples clipped at a KL divergence that is small, a "
    f"surrogate far below zero, and a critic whose error on new data is more than {_STALE_ERROR} the loss that "
    "it is trained with.",
    needs=("updates.epochs|settings.epochs|updates.explained_variance",),
    series=("updates.epochs", "updates.clip_fraction", "updates.kl_divergence"),
    cause="The policy is fitted to data that another policy has collected: the surrogate holds close to that one only.",
    advice="3 to 10 epochs, and a fresh rollout for each update: look at where the buffer is reset.",
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
            CRITICAL, 0.9, {"repeated_rollouts": share}, began, "Rollouts come again: the buffer is not renewed."
        )
    if epochs > _MANY_EPOCHS and updates.records >= signals.NO_ACCIDENT:
        began = float(updates.low("step")[0])
        return RuleResult(CRITICAL, 0.92, {"epochs": epochs}, began, f"{epochs:.0f} epochs on each rollout.")
    return _accumulated(evidence)


def _accumulated(evidence: Evidence) -> RuleResult | None:
    """Clipping that stays far beyond what the KL divergence of fresh data explains, while nothing is gained by it."""
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
    fresh = signals.critic_error(evidence)  # of new data, in units of the loss on the data that is learnt from
    idle = course.gain < GAIN or still < _STILL_ENTROPY
    if offset > _OFF and fresh > _STALE_ERROR and loss < _SURROGATE * width and idle:
        shown = {"clip_fraction": clipped, "kl_divergence": moved, "policy_loss": loss, "critic_offset": offset}
        return RuleResult(WARNING, 0.55, shown, None)
    return None

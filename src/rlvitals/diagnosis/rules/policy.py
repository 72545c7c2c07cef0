"""The size of the policy's steps: KL divergence, clipping, the learning rate, the reuse of data."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.rule import Sign, rule

_LARGE_KL = 1.0
_HIGH_RATE, _BEYOND_SANE, _LEAPS = 0.01, 3.1e-3, 0.3
_LOW_RATE = 1e-5
_STILL_KL, _CREEPING_KL = 1e-5, 1e-3
_WIDE_CLIP = 1.0
_MANY_EPOCHS = 40.0
_GONE = 1e-3
_STEPS_LEFT = 0.05
_REPEATS = 0.2


@rule(
    "kl-too-large",
    title="The policy leaps",
    meaning="The KL divergence between the old policy and the new is above 1 nat in the median of recent updates "
    "(the usual target is 0.01 to 0.05, and healthy runs of one-step tasks reach 0.25), or above 0.3 where the clip "
    "range is 1 or more, which clips nothing.",
    needs=("updates.kl_divergence",),
    series=("updates.kl_divergence", "updates.clip_fraction"),
    cause="An update moves the policy so far that the data it was computed on says nothing of where it lands.",
    advice="Clip at 0.1 to 0.3, fewer epochs, a lower learning rate; `target_kl` of 0.02 to 0.05 stops in time.",
    source="Schulman et al. 2017, Proximal Policy Optimization Algorithms, section 3; Spinning Up: target_kl 0.01 "
    "to 0.05",
)
def _kl_too_large(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    level = signals.recent(updates, "kl_divergence")
    column = signals.values(updates, "kl_divergence")
    opening = signals.early(updates, "kl_divergence", count=10)
    width = signals.clip_range(evidence)
    if column.size < 3:  # noqa: PLR2004 - one update may be an accident
        return None
    if width >= _WIDE_CLIP and max(level, opening) > 0.3:  # noqa: PLR2004 - see the rule's meaning
        cause = f"The clip range of {width:g} clips nothing, so that nothing bounds the update."
        shown = {"kl_divergence": level, "clip_range": width, "clip_fraction": signals.recent(updates, "clip_fraction")}
        return Sign(CRITICAL, 0.94, shown, float(updates.low("step")[0]), cause)
    if level > _LARGE_KL:
        began = signals.since(updates, "kl_divergence", column > _LARGE_KL / 3.0)
        return Sign(CRITICAL, 0.6, {"kl_divergence": level, "kl_divergence_at_first": opening}, began)
    return None


@rule(
    "learning-rate-too-high",
    title="The learning rate is too high",
    meaning="The learning rate is 0.01 or more (sane values for Adam are 1e-5 to 3e-3) and it shows: KL divergence "
    "above 0.3 in the first updates or now, a surrogate loss that gets worse instead of better, or an entropy that "
    "is gone at once. Or it is above 3e-3, and KL divergence above 0.3, though the clip range is below 1.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence|updates.policy_loss|updates.entropy"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy", "updates.policy_loss"),
    cause="Each step of the optimiser overshoots: the policy is thrown far from where its data was collected.",
    advice="Divide the learning rate by 10 until KL divergence stays below 0.05; 3e-4 is the common start.",
    source="Andrychowicz et al. 2021, What Matters in On-Policy RL, section 3.7 (Adam, 3e-4)",
)
def _learning_rate_too_high(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    rate = signals.early(updates, "learning_rate")
    rate = rate if math.isfinite(rate) else evidence.settings.learning_rate or math.nan
    if not rate > _BEYOND_SANE or updates.records < 3:  # noqa: PLR2004 - one update may be an accident
        return None
    opening, level = signals.early(updates, "kl_divergence"), signals.recent(updates, "kl_divergence")
    worse = signals.median(updates, "policy_loss")
    if rate < _HIGH_RATE:
        leap = max(opening, level)
        if not leap > _LEAPS or signals.clip_range(evidence) >= _WIDE_CLIP:
            return None
        return Sign(CRITICAL, 0.93, {"learning_rate": rate, "kl_divergence": leap}, float(updates.low("step")[0]))
    share = signals.entropy_share(evidence)
    shows = {
        "kl_divergence": max(opening, level) > _LEAPS,
        "policy_loss": worse > 0.0,
        "entropy": bool(share.size) and float(share[-1]) < 0.1,  # noqa: PLR2004 - the same
    }
    if not any(shows.values()):
        return None
    shown = {"learning_rate": rate, "kl_divergence": max(opening, level), "policy_loss": worse}
    return Sign(CRITICAL, 0.93, shown, float(updates.low("step")[0]))


@rule(
    "learning-rate-too-low",
    title="The learning rate is too low",
    meaning="The learning rate is below 1e-5 but not zero, and the policy stands still: the median KL divergence of "
    "an update is below 1e-5. Or, as a warning, in a fifth of the budget: it creeps, by a KL divergence below 1e-3, "
    "and no sample of any update has come to the clip range.",
    needs=("updates.learning_rate|settings.learning_rate", "updates.kl_divergence"),
    series=("updates.learning_rate", "updates.kl_divergence", "updates.entropy"),
    cause="The steps of the optimiser are so small that the policy does not change within the budget.",
    advice="Raise the learning rate: 3e-4 is the common start.",
    source="Andrychowicz et al. 2021, What Matters in On-Policy RL, section 3.7",
)
def _learning_rate_too_low(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    rate, moved = signals.learning_rate(evidence), signals.median(updates, "kl_divergence")
    if updates.records < signals.FEWEST_UPDATES or not 0.0 < rate < _LOW_RATE:
        return None
    if not signals.early(updates, "learning_rate", count=3) < _LOW_RATE and updates.has("learning_rate"):
        return None
    shown = {"learning_rate": rate, "kl_divergence": moved}
    if moved < _STILL_KL:
        return Sign(CRITICAL, 0.93, shown, float(updates.low("step")[0]))
    untouched = updates.has("clip_fraction") and not float(updates.total("clip_fraction").sum()) > 0.0
    if untouched and moved < _CREEPING_KL and evidence.past(0.2):
        return Sign(WARNING, 0.8, {**shown, "clip_fraction": 0.0}, float(updates.low("step")[0]))
    return None


@rule(
    "learning-rate-zero",
    title="The learning rate is zero",
    meaning="The learning rate is zero, or a thousandth of what it was, in at least three updates in a row, and at "
    "least 5 % of the budget is left. A schedule that ends with the budget is healthy.",
    needs=("updates.learning_rate",),
    series=("updates.learning_rate", "updates.kl_divergence"),
    cause="The schedule has decayed to nothing before the training ends: what follows changes nothing.",
    advice="Let the schedule end with the budget, or stop the training here.",
    source="By definition",
)
def _learning_rate_zero(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    rates = signals.values(updates, "learning_rate")
    if not rates.size:
        return None
    gone = rates <= _GONE * float(np.quantile(rates, 0.9))  # a spike is not what it usually was
    began = signals.since(updates, "learning_rate", gone)
    count = int(gone[::-1].cumprod().sum()) * updates.block
    if began is None or count < 3:  # noqa: PLR2004 - one update may be an accident
        return None
    total = evidence.context.total_timesteps or evidence.settings.total_timesteps
    left = 1.0 - began / total if total else count / max(1, updates.records)
    if left < _STEPS_LEFT:
        return None
    return Sign(CRITICAL, 0.97, {"learning_rate": float(rates[-1]), "updates": count, "budget_left": left}, began)


@rule(
    "stale-data",
    title="The same data is used too often",
    meaning="More than 40 epochs on each rollout, or rollouts whose explained variance (or spread of observations) "
    "is the same to the last digit as that of the one before, in more than a fifth of the updates. Or, as a guess: "
    "a third of the samples clipped at a KL divergence that is small, a surrogate far below zero, and a critic whose "
    "error on new data is eight times the loss that it is trained with.",
    needs=("updates.epochs|settings.epochs|updates.explained_variance",),
    series=("updates.epochs", "updates.clip_fraction", "updates.kl_divergence"),
    cause="The policy is fitted to data that another policy has collected: the surrogate holds close to that one only.",
    advice="3 to 10 epochs, and a fresh rollout for each update: look at where the buffer is reset.",
    source="Schulman et al. 2017 (3 to 15 epochs); Andrychowicz et al. 2021, section 3.5",
)
def _stale_data(evidence: Evidence) -> Sign | None:
    updates = evidence.updates
    done = signals.median(updates, "epochs")
    epochs = done if math.isfinite(done) else evidence.settings.epochs or math.nan
    share = signals.share_of(updates, "repeated")
    if updates.records >= signals.FEWEST_UPDATES and share > _REPEATS:
        holds = signals.values(updates, "repeated") > 0.0
        began = float(updates.low("step")[int(holds.argmax())])
        return Sign(
            CRITICAL, 0.9, {"repeated_rollouts": share}, began, "Rollouts come again: the buffer is not renewed."
        )
    if epochs > _MANY_EPOCHS and updates.records >= 3:  # noqa: PLR2004 - one update may be an accident
        began = float(updates.low("step")[0])
        return Sign(CRITICAL, 0.92, {"epochs": epochs}, began, f"{epochs:.0f} epochs on each rollout.")
    return _accumulated(evidence)


def _accumulated(evidence: Evidence) -> Sign | None:
    """Clipping that stays far beyond what the KL divergence of fresh data explains, while nothing is gained by it."""
    updates = evidence.updates
    clipped, moved = (
        signals.recent(updates, "clip_fraction", share=0.3),
        signals.recent(updates, "kl_divergence", share=0.3),
    )
    loss, width = signals.recent(updates, "policy_loss", share=0.3), signals.clip_range(evidence)
    offset = signals.critic_offset(evidence)
    course = evidence.course
    if course is None or not evidence.past(0.2) or not clipped > 0.1 or not moved < 0.05:  # noqa: PLR2004 - healthy KL
        return None
    width = width if math.isfinite(width) else 0.2
    entropy = signals.values(updates, "entropy")[-max(5, len(updates) // 2) :]
    still = float(np.ptp(entropy)) if entropy.size else 1.0
    fresh = signals.critic_error(evidence)  # of new data, in units of the loss on the data that is learnt from
    if offset > 1.0 and fresh > 8.0 and loss < -0.1 * width and (course.gain < 2.0 or still < 0.05):  # noqa: PLR2004 - half of that is healthy
        shown = {"clip_fraction": clipped, "kl_divergence": moved, "policy_loss": loss, "critic_offset": offset}
        return Sign(WARNING, 0.55, shown, None)
    return None

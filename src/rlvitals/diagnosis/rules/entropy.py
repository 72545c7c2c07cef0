"""Rules about exploration: entropy, the spread of actions, and actions at their bounds."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.return_history import GAIN
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_GONE = Threshold(0.05, "%", "Share of the maximum entropy below which the policy hardly explores.")
_BORN = Threshold(0.1, "%", "Minimum share of the maximum entropy in the first update for a later fall to count.")
_LOW_AT_BIRTH = Threshold(
    0.45, "%", "Share of the maximum entropy in the first update below which the policy starts too deterministic."
)
_HIGH = Threshold(0.85, "%", "Share of the maximum entropy above which the policy stays random.")
_HIGH_RATE = Threshold(0.01, "", "Learning rate from which the learning rate is the cause instead.")
TINY_STD = Threshold(
    0.05, "%", "Standard deviation of the actions, as a share of half the action range, below which it is tiny."
)
_SAME = Threshold(1e-6, "", "Change of the entropy, relative to its size, up to which it is constant.")
_LITTLE_GAIN = Threshold(1.0, "standard deviations", "Gain of the returns below which the run has not improved.")
_LARGE_COEFFICIENT = Threshold(0.1, "", "Entropy coefficient from which it is too large.")
_RISE = Threshold(0.02, "nats per dimension", "Rise of a Gaussian policy's entropy that shows the effect of the bonus.")
_FALL = Threshold(2.0, "nats per dimension", "Fall of a Gaussian policy's entropy that counts as a collapse.")
_EARLY = Threshold(1.0 / 3.0, "", "Share of the budget before which such a fall counts as a collapse.")
_AT_BOUNDS = Threshold(0.85, "%", "Share of action components at a bound from the first rollout on.")
_HALF_AT_BOUNDS = Threshold(0.45, "%", "Share of action components at a bound late in a run without a gain.")
_QUARTER_AT_BOUNDS = Threshold(0.25, "%", "Share of action components at a bound that marks the onset.")
_AS_MANY = Threshold(2.0, "times", "Growth of the share of action components at a bound since the first rollout.")
_AT_THE_END = Threshold(0.9, "%", "Budget from which actions that reached their bounds during training count.")
GAUSSIAN = 0.5 * math.log(2.0 * math.pi * math.e)
"""Entropy of a Gaussian with standard deviation 1, in nats."""


def relative_std(evidence: Evidence, when: str) -> float:
    """Return the standard deviation of actions relative to half the width of the action space (1 if unknown).

    Args:
        evidence: Evidence of the run.
        when: `early` or `recent`.
    """
    ask = signals.early if when == "early" else signals.recent
    std = ask(evidence.updates, "action_std")
    dimension = evidence.settings.action_dimension
    if math.isnan(std) and evidence.settings.discrete is False and dimension:
        with np.errstate(over="ignore"):
            std = float(np.exp(ask(evidence.updates, "entropy") / dimension - GAUSSIAN))
    return std / (evidence.settings.action_half_range or 1.0)


def is_frozen(evidence: Evidence) -> bool:
    """Return whether the entropy is the same to the last digits in every update, although the policy changes."""
    updates = evidence.updates
    entropy = signals.values(updates, "entropy")
    if entropy.size < signals.FEWEST_UPDATES or not signals.median(updates, "kl_divergence") > 0.0:
        return False
    return float(np.ptp(entropy)) <= _SAME * max(1.0, abs(float(entropy[0])))


@rule(
    "entropy-collapse",
    title="Entropy collapse",
    meaning="The entropy coefficient is negative and the entropy falls. Or a discrete policy's entropy has fallen "
    f"below {_GONE} of the maximum without a gain in returns. Or a Gaussian policy's entropy has fallen by {_FALL} "
    f"within the first third of the budget without a gain. Or the entropy was below {_LOW_AT_BIRTH} of the maximum "
    "from the first update, although returns later rose far above their first level. Or a Gaussian policy's "
    "standard deviation is tiny and never changes. A low entropy after returns have risen is convergence, and "
    "healthy. A negative entropy is also healthy.",
    needs=("updates.entropy",),
    series=("updates.entropy", "updates.action_std", "episodes.reward"),
    cause="The policy became almost deterministic before it found good actions.",
    advice="Raise the entropy coefficient (usual values: 0.001 to 0.01) and lower the learning rate. If the standard "
    "deviation is clamped or frozen at a small value, free it. Check the initial scale of the last layer (0.01 for "
    "the policy).",
    source="Mnih et al. 2016, Asynchronous Methods for Deep RL (entropy bonus); Huang et al. 2022, detail 2 (layer "
    "initialisation); Ahmed et al. 2019, Understanding the Impact of Entropy on Policy Optimization",
)
def _entropy_collapse(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one return per symptom
    updates = evidence.updates
    share, entropy = signals.entropy_share(evidence), signals.values(updates, "entropy")
    began = float(updates.low("step")[0])
    coefficient = evidence.settings.entropy_coefficient
    if (
        coefficient is not None
        and coefficient < 0.0
        and entropy.size >= signals.NO_ACCIDENT
        and entropy[-1] < entropy[0]
    ):
        cause = f"The entropy coefficient is {coefficient:g}, which penalises entropy."
        return RuleResult(
            CRITICAL, 0.94, {"entropy_coefficient": coefficient, "entropy": float(entropy[-1])}, began, cause
        )
    std = relative_std(evidence, "recent")
    if is_frozen(evidence) and std < TINY_STD:
        cause = "The standard deviation of the actions stays at a tiny value and never changes."
        return RuleResult(CRITICAL, 0.9, {"action_std": std, "entropy": float(entropy[-1])}, began, cause)
    course = evidence.course
    if course is None or entropy.size < signals.FEWEST_UPDATES:
        return None
    if share.size:
        born, now = float(share[0]), signals.recent(updates, "entropy") / (evidence.settings.action_entropy or 1.0)
        sane = not signals.learning_rate(evidence) >= _HIGH_RATE
        if born < _LOW_AT_BIRTH and course.best_gain > GAIN and sane:
            return RuleResult(CRITICAL, 0.7, {"entropy_share_at_first": born, "entropy_share": now}, began)
        if born > _BORN and now < _GONE and course.gain < _LITTLE_GAIN:
            below = signals.since(updates, "entropy", share < _GONE)
            return RuleResult(CRITICAL, 0.55, {"entropy_share_at_first": born, "entropy_share": now}, below)
        return None
    dimension = evidence.settings.action_dimension
    if not dimension:
        return None
    fall = (float(entropy[0]) - signals.recent(updates, "entropy")) / dimension
    if fall > _FALL and course.gain < _LITTLE_GAIN and not evidence.past(_EARLY):
        return RuleResult(WARNING, 0.5, {"fall_a_dimension": fall}, None)
    return None


@rule(
    "entropy-too-high",
    title="Entropy too high",
    meaning=f"The entropy coefficient is {_LARGE_COEFFICIENT} or more, and the entropy stays high: a discrete "
    f"policy's entropy is above {_HIGH} of the maximum, or a Gaussian policy's entropy has risen above its first "
    "value.",
    needs=("updates.entropy", "settings.entropy_coefficient"),
    series=("updates.entropy", "episodes.reward"),
    cause="The entropy bonus outweighs the normalised advantages, whose size is about 1.",
    advice="Set the entropy coefficient to a value between 0 and 0.01.",
    source="Andrychowicz et al. 2021, section 3.6 (regularisation helps little; 0 to 0.01)",
)
def _entropy_too_high(evidence: Evidence) -> RuleResult | None:
    updates, coefficient = evidence.updates, evidence.settings.entropy_coefficient or 0.0
    share, entropy = signals.entropy_share(evidence), signals.values(updates, "entropy")
    if coefficient < _LARGE_COEFFICIENT or entropy.size < signals.FEWEST_UPDATES:
        return None
    began = float(updates.low("step")[0])
    shown = {"entropy_coefficient": coefficient, "entropy": float(entropy[-1])}
    if share.size and signals.recent(updates, "entropy") > _HIGH * (evidence.settings.action_entropy or 1.0):
        return RuleResult(CRITICAL, 0.93, {**shown, "entropy_share": float(share[-1])}, began)
    dimension = evidence.settings.action_dimension or 1.0
    if not share.size and signals.recent(updates, "entropy") > float(entropy[0]) + _RISE * dimension:
        return RuleResult(CRITICAL, 0.93, {**shown, "entropy_at_first": float(entropy[0])}, began)
    return None


@rule(
    "actions-saturated",
    title="Saturated actions",
    meaning=f"More than {_AT_BOUNDS} of the action components are at a bound from the first rollout on, before any "
    f"update. The rule also warns from {_AT_THE_END} of the budget if more than {_HALF_AT_BOUNDS} are at a bound, "
    f"more than {_AS_MANY} the initial share. Returns must then have gained less than {_LITTLE_GAIN}. Healthy "
    "policies can end at the bounds but do not start there.",
    needs=("updates.action_bound_fraction",),
    series=("updates.action_bound_fraction", "updates.action_std", "updates.entropy"),
    cause="The policy's actions are far larger than the action space, and clipping hides this from the policy.",
    advice="Scale actions to [-1, 1] and start with a standard deviation of 1 or less (`log_std_init` of 0 or "
    "below). Check how the environment transforms actions.",
    source="Chou et al. 2017, Improving Stochastic Policy Gradients with the Beta Distribution; SB3 RL tips "
    "(normalise the action space)",
)
def _actions_saturated(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    born = signals.early(updates, "action_bound_fraction", count=1)  # the untrained policy, before any update
    now = signals.recent(updates, "action_bound_fraction")
    if updates.records < signals.NO_ACCIDENT:
        return None
    shown = {"action_bound_fraction": now, "action_bound_fraction_at_first": born}
    if born > _AT_BOUNDS and now > _AT_BOUNDS:
        return RuleResult(CRITICAL, 0.92, shown, float(updates.low("step")[0]))
    course = evidence.course
    if course is None or not evidence.past(_AT_THE_END):
        return None
    idle = course.gain < _LITTLE_GAIN and course.best_gain < _LITTLE_GAIN
    if now > _HALF_AT_BOUNDS and now > _AS_MANY * born and idle:
        column = signals.values(updates, "action_bound_fraction")
        return RuleResult(
            WARNING, 0.55, shown, signals.since(updates, "action_bound_fraction", column > _QUARTER_AT_BOUNDS)
        )
    return None

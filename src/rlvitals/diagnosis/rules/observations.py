"""Rules about agents that cannot tell states apart: frozen observations and dead policy networks."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL
from rlvitals.diagnosis.rules.return_history import has_not_risen
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_CONSTANT = Threshold(0.02, "", "Absolute explained variance below which the critic explains nothing in an update.")
_CONSTANT_UPDATES = Threshold(0.8, "%", "Share of such updates above which the critic is constant.")
_CONSTANT_MEDIAN = Threshold(0.01, "", "Maximum absolute median of the explained variance of a constant critic.")
_ROUNDING = Threshold(1e-5, "", "Absolute explained variance below which it is zero up to rounding.")
_ROUNDING_UPDATES = Threshold(0.9, "%", "Share of such updates above which the critic is exactly constant.")
_MOVES = Threshold(1e-4, "nats", "Median KL divergence above which the policy changes: a fiftieth of a healthy update.")
_NO_DIMENSION_VARIES = Threshold(
    0.95, "%", "Share of observation dimensions that never change, above which observations are frozen."
)
_LATE = Threshold(0.75, "%", "Budget from which a critic that is not exactly constant counts.")
_IDLE_CLIPPING = Threshold(0.08, "%", "Clip fraction (90 % quantile) below which there is nothing to learn.")
_LONG_RUN = Threshold(24, "updates", "Number of updates from which the critic's mean must follow the returns.")
_FIRST_UPDATES = Threshold(10, "updates", "Number of first updates in which the reach of a single weight is measured.")
_FEWEST_MEANS = Threshold(
    4, "updates", "Minimum number of mean values among them. Fewer do not show how fast the critic moves."
)
_REACH = Threshold(
    1.2,
    "times",
    "Movement of the critic's mean, relative to the reach of one weight, up to which only one weight learns.",
)
_TOO_STRONG = Threshold(
    1_000.0, "times", "Gradient norm relative to its limit above which the critic is not used as evidence."
)
_REACTION = Threshold(20, "updates", "Number of first updates in which a working policy reacts.")
_REACHES_CLIP = Threshold(
    0.03, "%", "Clip fraction (90 % quantile) of a working policy. Healthy runs start at 5 to 40 %."
)
_REACTS_KL = Threshold(2e-3, "nats", "KL divergence of a working policy, if the clip fraction is not logged.")
_GAP_CLOSED = Threshold(
    0.15, "%", "Remaining share of the distance to the returns below which the critic's mean has arrived."
)
_OFFSET = Threshold(
    0.5, "", "Mean advantage relative to its standard deviation below which the critic's mean follows the returns."
)
_UPPER = 0.9


def critic_is_constant(evidence: Evidence) -> bool:
    """Return whether the critic predicts one value for all states: explained variance is zero in most updates."""
    column = signals.values(evidence.updates, "explained_variance")
    if column.size < signals.FEWEST_UPDATES:
        return False
    return (
        bool(np.mean(np.abs(column) < _CONSTANT) > _CONSTANT_UPDATES)
        and abs(float(np.median(column))) < _CONSTANT_MEDIAN
    )


def critic_is_exactly_constant(evidence: Evidence) -> bool:
    """Return whether explained variance is zero up to rounding in nine of ten updates, including the first.

    A critic whose units saturate on large returns also predicts one value for a while and then recovers. But its first
    predictions differ.
    """
    column = signals.values(evidence.updates, "explained_variance")
    if column.size < signals.FEWEST_UPDATES:
        return False
    return bool(np.mean(np.abs(column) < _ROUNDING) > _ROUNDING_UPDATES) and abs(float(column[0])) < _ROUNDING


def policy_moves(evidence: Evidence) -> bool:
    """Return whether updates change the policy: the median KL divergence is large enough, or is not logged."""
    moved = signals.median(evidence.updates, "kl_divergence")
    return math.isnan(moved) or moved > _MOVES


@rule(
    "observations-frozen",
    title="Frozen observations",
    meaning="If the adapter measures observations, the rule fires when a rollout's observations have no spread or "
    f"more than {_NO_DIMENSION_VARIES} of their dimensions never change. Otherwise, the rule fires if the critic (1) "
    "predicts the same value for every state (explained variance is zero in each update) although returns vary, and "
    "(2) follows the mean return faster than a single weight could.",
    needs=("updates.observation_std|updates.explained_variance",),
    series=("updates.explained_variance", "updates.observation_std", "episodes.reward"),
    cause="The agent receives the same observation at every step, so critic and policy cannot tell states apart.",
    advice="Print a few observations as the policy receives them. Check for a wrapper error, a copy that is never "
    "refreshed, and normalisation that clips every value.",
    source="By definition: a function of a constant is constant; SB3 `check_env`",
)
def _observations_frozen(evidence: Evidence) -> RuleResult | None:  # noqa: PLR0911 - one return per exclusion
    updates = evidence.updates
    if updates.records < signals.NO_ACCIDENT:
        return None
    spread, share = (
        signals.recent(updates, "observation_std"),
        signals.recent(updates, "observation_constant_fraction"),
    )
    began = float(updates.low("step")[0])
    if math.isfinite(spread):
        if spread == 0.0 or share > _NO_DIMENSION_VARIES:
            shown = {"observation_std": spread, "observation_constant_fraction": share}
            return RuleResult(CRITICAL, 0.97, shown, began)
        return None
    if (
        not critic_is_constant(evidence)
        or too_strong(evidence)
        or signals.learning_rate(evidence) < signals.LITTLE_CHANGE
    ):
        return None
    if not critic_is_exactly_constant(evidence):
        clipped = signals.values(updates, "clip_fraction")
        idle = bool(clipped.size) and float(np.quantile(clipped, _UPPER)) < _IDLE_CLIPPING
        if not evidence.past(_LATE) or not idle or not policy_moves(evidence) or not has_not_risen(evidence):
            return None
    alone = bias_alone_learns(evidence)
    if alone is False or (alone is None and _reacts(evidence) and _follows(evidence)):
        explained = signals.median(updates, "explained_variance")
        if alone is None or _follows(evidence) or evidence.updates.records < _LONG_RUN:
            return RuleResult(CRITICAL, 0.8, {"explained_variance": explained}, began)
    return None


@rule(
    "dead-policy",
    title="Dead policy network",
    meaning="The critic predicts the same value for every state, and the policy does not react. Fewer than "
    f"{_REACHES_CLIP} of the samples reach the clip range in the first updates. In addition, measured observations "
    "must vary, or the critic's mean must move no further than the learning rate lets a single weight move. This "
    "additional condition does not apply if that distance is unknown.",
    needs=("updates.explained_variance", "updates.clip_fraction|updates.kl_divergence"),
    series=("updates.kl_divergence", "updates.clip_fraction", "updates.explained_variance", "updates.entropy"),
    cause="Only the biases of the last layers learn, because the network does not propagate its inputs.",
    advice="Check the initialisation (orthogonal, never zeros). Check the activations for dead ReLUs, and use tanh "
    "or a lower learning rate.",
    source="Lu et al. 2020, Dying ReLU and Initialization; Huang et al. 2022, detail 2",
)
def _dead_policy(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    rate = signals.learning_rate(evidence)
    if not critic_is_exactly_constant(evidence) or rate < signals.LITTLE_CHANGE:
        return None
    if too_strong(evidence):
        return None
    spread = signals.recent(updates, "observation_std")
    seen = spread > 0.0 and not signals.recent(updates, "observation_constant_fraction") > _NO_DIMENSION_VARIES
    alone = bias_alone_learns(evidence)
    if _reacts(evidence) or (alone is False and not seen):
        return None
    shown = {
        "explained_variance": signals.median(updates, "explained_variance"),
        "kl_divergence": signals.median(updates, "kl_divergence"),
        "clip_fraction": signals.median(updates, "clip_fraction"),
    }
    return RuleResult(CRITICAL, 0.9 if seen or alone else 0.7, shown, float(updates.low("step")[0]))


def bias_alone_learns(evidence: Evidence) -> bool | None:
    """Return whether the critic's mean moved in its first updates no further than a single weight can move.

    Adam moves a weight by about its learning rate per step (Kingma & Ba 2015, section 2.1). Suppose that the mean value
    is off but changes by at most `learning rate * steps of an update`. Then only the bias of the last layer moves it,
    because the layers before pass nothing on. A critic whose layers work moves many times as far. Return `None` if the
    number of steps is unknown.
    """
    updates, settings = evidence.updates, evidence.settings
    first = int(_FIRST_UPDATES)
    means, steps = updates.mean("value_mean")[:first], updates.high("step")[:first]
    said = np.isfinite(means) & np.isfinite(steps)
    epochs = signals.median(updates, "epochs")
    epochs = epochs if math.isfinite(epochs) else settings.epochs or math.nan
    rate = signals.early(updates, "learning_rate")
    rate = rate if math.isfinite(rate) else settings.learning_rate or math.nan
    if said.sum() < _FEWEST_MEANS or not settings.batch_size:
        return None
    reach = rate * epochs * float(np.ptp(steps[said])) / settings.batch_size
    if not reach > 0.0:
        return None
    return bool(float(np.ptp(means[said])) <= _REACH * reach)


def too_strong(evidence: Evidence) -> bool:
    """Return whether gradients exceed their clipping norm by a factor of a thousand."""
    limit = signals.gradient_limit(evidence)
    limit = signals.USUAL_LIMIT if math.isnan(limit) else limit
    norm = signals.recent(evidence.updates, "gradient_norm")
    return bool(limit < math.inf and norm > _TOO_STRONG * limit)


def _reacts(evidence: Evidence) -> bool:
    """Return whether the policy changed at the start of training as policies do: samples reached the clip range."""
    clipped = signals.values(evidence.updates, "clip_fraction")[: int(_REACTION)]
    if clipped.size:
        return float(np.quantile(clipped, _UPPER)) > _REACHES_CLIP
    return signals.early(evidence.updates, "kl_divergence", count=_REACTION) > _REACTS_KL


def _follows(evidence: Evidence) -> bool:
    """Return whether the critic's mean follows the mean return, or has almost reached it.

    The offset is measured in units of the spread of the advantages, which vanishes if all returns become the same.
    """
    means, returns = evidence.updates.mean("value_mean"), evidence.updates.mean("return_mean")
    said = np.flatnonzero(np.isfinite(means) & np.isfinite(returns))
    if said.size > 1:
        last = said[-int(signals.FEWEST_RECENT) :]
        gap = float(np.median(np.abs(returns[last] - means[last])))
        if gap < _GAP_CLOSED * abs(float(np.median(returns[last])) - float(means[said[0]])):
            return True
    offset = signals.critic_offset(evidence)
    return math.isnan(offset) or offset < _OFFSET

"""Rules about non-finite values and exploding gradients."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.failure_kinds import NON_FINITE, kind_of, shortened_failure
from rlvitals.diagnosis.finding import CRITICAL, WARNING
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold

_WATCHED = (
    "policy_loss",
    "value_loss",
    "loss",
    "entropy",
    "kl_divergence",
    "gradient_norm",
    "gradient_norm_max",
    "action_std",
    "advantage_mean",
    "advantage_std",
    "value_mean",
    "return_mean",
)
_MOST_SERIES = 4
_UNCLIPPED = Threshold(100.0, "", "Gradient norm limit from which gradients count as unclipped.")
_BURST = Threshold(50.0, "", "Norm of unclipped gradients above which they count as exploding.")
_OPENING = Threshold(
    10, "updates", "Number of first updates whose median norm is tested, in addition to the recent norm."
)
_RISE = Threshold(1_000.0, "times", "Rise of the norm over the first updates, if the limit is unknown.")


@rule(
    "non-finite",
    title="Non-finite values",
    meaning="A loss, the entropy, a gradient, an advantage or a return is NaN or infinite. Otherwise, with a lower "
    "confidence, an exception about non-finite values ended the run. Explained variance is ignored because it is NaN "
    "by definition when returns do not vary. Non-finite episode rewards alone are a warning if no update was logged or "
    "a later update has finite losses. Episode rewards are ignored if the configuration declares them missing "
    "(`episode_reward` begins with `missing`).",
    series=("updates.loss", "updates.policy_loss", "updates.gradient_norm", "episodes.reward"),
    cause="A NaN or an infinity entered the network and stays there, from a non-finite observation or reward, or "
    "from an overflow.",
    advice="Check observations and rewards for non-finite values (`VecCheckNan`). Lower the learning rate and clip "
    "gradients. Resume from the last checkpoint before that step, because the current weights are lost.",
    source="Stable-Baselines3 documentation, Dealing with NaNs and infs",
)
def _non_finite(evidence: Evidence) -> RuleResult | None:
    found: dict[str, int] = {}
    first = math.inf
    for table, stream, names in (
        (evidence.recorded_updates, "updates", _WATCHED),
        (evidence.episodes, "episodes", () if evidence.settings.reward_missing else ("reward",)),
    ):
        steps = table.low("step")
        for name in names:
            bad = table.not_finite(name)
            if bad.any():
                found[f"{stream}.{name}"] = int(bad.sum())
                first = min(first, float(steps[int(bad.argmax())]))
    began = first if math.isfinite(first) else None
    shown = {f"{series.partition('.')[2]}_not_finite": count for series, count in found.items()}
    if set(found) == {"episodes.reward"} and (not evidence.updates.records or _updated_since(evidence, first)):
        spared = "The losses of later updates are finite, so the rewards did not reach the network."
        unknown = "No updates were logged, so it is unknown whether the rewards reached the network."
        return RuleResult(
            WARNING,
            0.9,
            shown,
            began,
            f"Episodes reported non-finite rewards. {spared if evidence.updates.records else unknown}",
            ("episodes.reward",),
            title="Non-finite rewards",
            advice="Check the rewards that the environment returns. Use `VecCheckNan` to find the step.",
        )
    if found:
        return RuleResult(CRITICAL, 0.99, shown, began, series=tuple(found)[:_MOST_SERIES])
    failure = evidence.context.failure
    if kind_of(failure) is NON_FINITE:
        return RuleResult(
            CRITICAL,
            0.8,
            {"exception": shortened_failure(failure)},
            evidence.env_step or None,
            "No recorded value is non-finite, but the exception that ended the run reports one.",
            title="Non-finite values in an exception",
        )
    return None


def _updated_since(evidence: Evidence, step: float) -> bool:
    """Return whether an update with a finite loss was recorded after a step."""
    updates = evidence.recorded_updates
    has_loss = updates.said("policy_loss") + updates.said("value_loss") + updates.said("loss") > 0
    return bool((updates.high("step")[has_loss] > step).any())


@rule(
    "gradient-explosion",
    title="Exploding gradients",
    meaning=f"Gradients are effectively unclipped (a norm limit of {_UNCLIPPED} or more) and their norm is above "
    f"{_BURST}. If the limit is unknown, the rule fires when the recent norm is more than {_RISE} that of the first "
    "updates.",
    needs=("updates.gradient_norm",),
    cause="Gradients are not clipped, so a single minibatch can move the weights very far.",
    advice="Set `max_grad_norm` to about 0.5. Normalise rewards and lower the learning rate.",
    source="Huang et al. 2022, The 37 Implementation Details of PPO (global gradient clipping at 0.5); Andrychowicz "
    "et al. 2021, What Matters in On-Policy RL",
)
def _gradient_explosion(evidence: Evidence) -> RuleResult | None:
    updates = evidence.updates
    norms = signals.values(updates, "gradient_norm")
    limit = signals.gradient_limit(evidence)
    if norms.size >= signals.NO_ACCIDENT and limit >= _UNCLIPPED:
        level = float(np.median(norms[: int(_OPENING)]))
        level = max(level, signals.recent(updates, "gradient_norm"))
        if level > _BURST:
            shown = {"gradient_norm": level, "gradient_norm_limit": limit}
            return RuleResult(CRITICAL, 0.95, shown, float(updates.low("step")[0]))
        return None
    first, last = signals.early(updates, "gradient_norm"), signals.recent(updates, "gradient_norm")
    if math.isnan(limit) and norms.size > signals.FEWEST_UPDATES and first > 0.0 and last > _RISE * first:
        holds = norms > _RISE * first
        began = signals.since(updates, "gradient_norm", holds)
        return RuleResult(WARNING, 0.6, {"gradient_norm": last, "gradient_norm_at_first": first}, began)
    return None

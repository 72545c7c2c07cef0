"""Other programs' names for what a policy update or an evaluation computes.

Log calls and importers use the same tables: a metric named `approx_kl`, `train/approx_kl` or `losses/approx_kl` is the
field `kl_divergence` of `PolicyUpdate`, whatever numeric type its value has.
"""

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple

from rlvitals.records.coercion import number_or_none
from rlvitals.records.kinds import Evaluation, PolicyUpdate
from rlvitals.records.schema import Column, fields

SB3_NAMES: dict[str, str] = {
    "policy_gradient_loss": "policy_loss",
    "policy_loss": "policy_loss",
    "value_loss": "value_loss",
    "approx_kl": "kl_divergence",
    "clip_fraction": "clip_fraction",
    "explained_variance": "explained_variance",
    "learning_rate": "learning_rate",
    "clip_range": "clip_range",
    "loss": "loss",
    "std": "action_std",
}
"""Stable-Baselines3's keys below `train/`, and the fields of `PolicyUpdate` that hold them.

Its `entropy_loss` is not among them: it is the entropy's negative.
"""

SYNONYMS: dict[str, str] = {
    **{name: field for name, field in SB3_NAMES.items() if name not in {field, "std"}},
    "approx_kl_div": "kl_divergence",
    "approxkl": "kl_divergence",
    "clip_frac": "clip_fraction",
    "clipfrac": "clip_fraction",
    "cur_lr": "learning_rate",
    "explained_var": "explained_variance",
    "grad_gnorm": "gradient_norm",
    "grad_norm": "gradient_norm",
    "grad_norm_max": "gradient_norm_max",
    "lr": "learning_rate",
    "max_grad_norm": "gradient_norm_limit",
    "mean_kl_loss": "kl_divergence",
    "pg_clipfrac": "clip_fraction",
    "pg_loss": "policy_loss",
    "ppo_kl": "kl_divergence",
    "v_loss": "value_loss",
    "vf_explained_var": "explained_variance",
    "vf_loss": "value_loss",
}
"""Names that mean one thing only in the PPO of Stable-Baselines3, CleanRL, Tianshou, RLlib, TRL, verl and OpenRLHF.

`kl` is not among them: it is the divergence from the old policy in RLlib, and from the reference model in TRL.
"""

ENTROPY_LOSS = "train/entropy_loss"
"""Stable-Baselines3's name for the negative of the entropy; without its group, programs disagree on the sign."""

UPDATE_TAGS: dict[str, str] = {
    ENTROPY_LOSS: "entropy",
    "train/std": "action_std",
    "train/clip_ratio/region_mean": "clip_fraction",
    "charts/learning_rate": "learning_rate",
    "time/iterations": "update",
    "loss/clip": "policy_loss",
    "loss/vf": "value_loss",
    "loss/ent": "entropy",
    "loss/policy_avg": "policy_loss",
    "loss/value_avg": "value_loss",
    "policy/approxkl_avg": "kl_divergence",
    "policy/clipfrac_avg": "clip_fraction",
    "policy/entropy_avg": "entropy",
    "learners/default_policy/default_optimizer_learning_rate": "learning_rate",
    "learners/default_policy/gradients_default_optimizer_global_norm": "gradient_norm",
    "info/learner/default_policy/learner_stats/kl": "kl_divergence",
}
"""Whole tags, where the name behind the group is not enough: SB3, CleanRL, Tianshou (`loss/`), TRL's PPO, RLlib."""

EVALUATION_SYNONYMS: dict[str, str] = {
    "mean_reward": "reward",
    "mean_ep_length": "length",
    "ep_len_mean": "length",
    "ep_length": "length",
    "mean_length": "length",
    "std_reward": "reward_std",
}
"""Names of an evaluation's metrics in Stable-Baselines3 and Tianshou, and the fields of `Evaluation`."""

_UPDATE_GROUPS = (
    "train/",
    "losses/",
    "actor/",
    "critic/",
    "learners/default_policy/",
    "info/learner/default_policy/learner_stats/",
)
_RLLIB = "ray/tune/"
_MAX_NAMES = 4_096


def _metric_fields(kind: type[PolicyUpdate | Evaluation]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind) if field.column is Column.NUMBER) - {"time"}


UPDATE_METRICS = _metric_fields(PolicyUpdate)
"""The fields of `PolicyUpdate` that hold a metric."""


class SynonymTarget(NamedTuple):
    """The field that a name means.

    Attributes:
        field: The record's field.
        sign: -1 where the name stands for the field's negative.
    """

    field: str
    sign: float = 1.0


@lru_cache(_MAX_NAMES)
def update_field(name: str) -> SynonymTarget | None:
    """Find the field of `PolicyUpdate` that another program's name means.

    Args:
        name: A metric's name, with or without the group that a logger puts before it (`train/approx_kl`).

    Returns:
        The field; `None` for an unknown name, and for a field's own name, which needs no translation.
    """
    if name in SYNONYMS:
        return SynonymTarget(SYNONYMS[name])
    tag = name.removeprefix(_RLLIB)
    if tag in UPDATE_TAGS:
        return SynonymTarget(UPDATE_TAGS[tag], -1.0 if tag == ENTROPY_LOSS else 1.0)
    for group in _UPDATE_GROUPS:
        if tag.startswith(group):
            rest = tag.removeprefix(group)
            field = SYNONYMS.get(rest, rest if rest in UPDATE_METRICS else None)
            return None if field is None else SynonymTarget(field)
    return None


@lru_cache(_MAX_NAMES)
def evaluation_field(name: str) -> SynonymTarget | None:
    """Find the field of `Evaluation` that another program's name means; `None` for an unknown name."""
    rest = name.removeprefix("eval/")
    if rest in EVALUATION_SYNONYMS:
        return SynonymTarget(EVALUATION_SYNONYMS[rest])
    return SynonymTarget(rest) if rest != name and rest in _metric_fields(Evaluation) else None


def take_synonyms(
    more: MutableMapping[str, Any],
    values: MutableMapping[str, Any],
    field_of: Callable[[str], SynonymTarget | None] = update_field,
) -> dict[str, str]:
    """Move numbers that were given under another program's name to the field that means the same.

    A value is converted before its name is looked at, so a NumPy scalar, an array or tensor of one element and a float
    are treated alike. A field that was given keeps its value; of two synonyms the first one fills the field.

    Args:
        more: Metrics under names that no field has; those that fill a field are removed, the rest stays.
        values: Fields, of which those that are absent or `None` are filled.
        field_of: Looks up the field of a name.

    Returns:
        The field of each name whose value is not one number, so that it stayed in `more`.
    """
    refused: dict[str, str] = {}
    for name in list(more):
        target = field_of(name)
        if target is None or more[name] is None or values.get(target.field) is not None:
            continue
        number = number_or_none(more[name])
        if number is None:
            refused[name] = target.field
        else:
            del more[name]
            values[target.field] = target.sign * number
    return refused


def with_field_names(metrics: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Rename an algorithm's metrics to the fields of `PolicyUpdate` that mean the same.

    Args:
        metrics: Values by name, in any program's names.

    Returns:
        The same values in the same order; a name stays where its field is given too or its value is not a number.
    """
    if metrics.keys() <= UPDATE_METRICS:
        return metrics
    renamed: dict[str, Any] = {}
    for name, value in metrics.items():
        target = update_field(name) if isinstance(name, str) else None
        if target is not None and target.field not in metrics.keys() | renamed.keys():
            number = number_or_none(value)
            if number is not None:
                renamed[target.field] = target.sign * number
                continue
        renamed[name] = value
    return renamed

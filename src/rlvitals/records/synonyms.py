"""Names that other programs use for the metrics of a policy update or an evaluation.

Log calls and importers share these tables. A metric named `approx_kl`, `train/approx_kl` or `losses/approx_kl` is the
field `kl_divergence` of `PolicyUpdate`, whatever its numeric type.
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
    "kl_divergence_loss": "kl_divergence",
    "clip_fraction": "clip_fraction",
    "explained_variance": "explained_variance",
    "learning_rate": "learning_rate",
    "clip_range": "clip_range",
    "loss": "loss",
    "std": "action_std",
}
"""Keys of Stable-Baselines3 and sb3-contrib under `train/`, and the matching fields of `PolicyUpdate`."""

NEGATED: dict[str, str] = {
    "train/entropy_loss": "entropy",
    "train/policy_objective": "policy_loss",
}
"""Keys of the same libraries for the negative of a field.

Without the group, programs disagree on the sign of the entropy loss. TRPO logs the objective that it maximises.
"""

SYNONYMS: dict[str, str] = {
    **{name: field for name, field in SB3_NAMES.items() if name not in {field, "std"}},
    "actor_lr": "learning_rate",
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
    "ppo_clip_ratio": "clip_fraction",
    "ppo_kl": "kl_divergence",
    "v_loss": "value_loss",
    "vf_explained_var": "explained_variance",
    "vf_loss": "value_loss",
}
"""Unambiguous names in the PPO of Stable-Baselines3, CleanRL, Tianshou, RLlib, TRL, verl and OpenRLHF.

`kl` is left out: it is the divergence from the old policy in RLlib and from the reference model in TRL.
"""

OPENRLHF_TAGS = frozenset({"train/ppo_clip_ratio", "train/response_length"})
"""Tags of OpenRLHF, whose `train/entropy_loss` is the entropy itself."""

RLLIB_LEARNER = "learners/default_policy/"
"""Group of the learner statistics in RLlib, with one policy."""

RLLIB_OLD_LEARNER = "info/learner/default_policy/learner_stats/"
"""The same in RLlib's old API stack."""

UPDATE_TAGS: dict[str, str] = {
    **NEGATED,
    "train/std": "action_std",
    "train/clip_ratio": "clip_fraction",
    "train/clip_ratio/region_mean": "clip_fraction",
    "train/step_time": "duration",
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
    "critic/vf_loss": "value_loss",
    "critic/vf_explained_var": "explained_variance",
    "critic/returns/mean": "return_mean",
    "critic/values/mean": "value_mean",
    "critic/advantages/mean": "advantage_mean",
    "entropy/all/mean": "entropy",
    "optim/lr": "learning_rate",
    "optim/grad_norm": "gradient_norm",
    f"{RLLIB_LEARNER}default_optimizer_learning_rate": "learning_rate",
    f"{RLLIB_LEARNER}gradients_default_optimizer_global_norm": "gradient_norm",
    f"{RLLIB_LEARNER}total_loss": "loss",
    f"{RLLIB_OLD_LEARNER}kl": "kl_divergence",
    f"{RLLIB_OLD_LEARNER}total_loss": "loss",
}
"""Whole tags whose last part is ambiguous: SB3, CleanRL, Tianshou (`loss/`), TRL, verl, prime-rl, RLlib."""

EVALUATION_SYNONYMS: dict[str, str] = {
    "mean_reward": "reward",
    "mean_ep_length": "length",
    "ep_len_mean": "length",
    "ep_length": "length",
    "mean_length": "length",
    "std_reward": "reward_std",
}
"""Names of evaluation metrics in Stable-Baselines3 and Tianshou, and the fields of `Evaluation`."""

TRAIN = "train/"
"""Group of the update metrics in Stable-Baselines3 and in the logs of Hugging Face trainers."""

_UPDATE_GROUPS = (TRAIN, "losses/", "actor/", RLLIB_LEARNER, RLLIB_OLD_LEARNER)
_RLLIB = "ray/tune/"
_MAX_NAMES = 4_096


def _metric_fields(kind: type[PolicyUpdate | Evaluation]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind) if field.column is Column.NUMBER) - {"time"}


UPDATE_METRICS = _metric_fields(PolicyUpdate)
"""Fields of `PolicyUpdate` that hold a metric."""

UNAMBIGUOUS_METRICS = UPDATE_METRICS - {"loss", "duration", "epochs", "reward_mean", "return_mean", "return_std"}
"""The same without names that, logged without a group, often mean something else.

Examples are the loss of another model, the duration of an episode, the number of passes over a data set, and the mean
return of recent episodes.
"""


class SynonymTarget(NamedTuple):
    """Field that a name refers to.

    Attributes:
        field: Field of the record.
        sign: -1 if the name is the negative of the field.
    """

    field: str
    sign: float = 1.0


@lru_cache(_MAX_NAMES)
def update_field(name: str) -> SynonymTarget | None:
    """Find the field of `PolicyUpdate` for a name from another program.

    Args:
        name: Name of a metric, with or without the group that a logger adds (`train/approx_kl`).

    Returns:
        The field. `None` for an unknown name, and for a field name, which needs no translation.
    """
    if name in SYNONYMS:
        return SynonymTarget(SYNONYMS[name])
    tag = name.removeprefix(_RLLIB)
    if tag in UPDATE_TAGS:
        return SynonymTarget(UPDATE_TAGS[tag], -1.0 if tag in NEGATED else 1.0)
    for group in _UPDATE_GROUPS:
        if tag.startswith(group):
            rest = tag.removeprefix(group)
            # Hugging Face trainers add `train/` to the names of TRL's PPO, which have groups of their own.
            field = SYNONYMS.get(rest) or UPDATE_TAGS.get(rest) or (rest if rest in UPDATE_METRICS else None)
            return None if field is None else SynonymTarget(field)
    return None


@lru_cache(_MAX_NAMES)
def evaluation_field(name: str) -> SynonymTarget | None:
    """Find the field of `Evaluation` for a name from another program. Return `None` for an unknown name."""
    rest = name.removeprefix("eval/")
    if rest in EVALUATION_SYNONYMS:
        return SynonymTarget(EVALUATION_SYNONYMS[rest])
    return SynonymTarget(rest) if rest != name and rest in _metric_fields(Evaluation) else None


def take_synonyms(
    more: MutableMapping[str, Any],
    values: MutableMapping[str, Any],
    field_of: Callable[[str], SynonymTarget | None] = update_field,
) -> dict[str, str]:
    """Move numbers with another program's name to the matching field.

    Each value is converted first, so that NumPy scalars, arrays and tensors with one element and floats are treated
    alike. A field that already has a value keeps it. If two synonyms match a field, the first one fills it.

    Args:
        more: Metrics whose names are not fields. Entries that fill a field are removed.
        values: Values by field. Absent and `None` entries are filled.
        field_of: Function that returns the field for a name.

    Returns:
        The field of each matching name whose value is not a single number. These entries stay in `more`.
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
    """Rename an algorithm's metrics to the matching fields of `PolicyUpdate`.

    Args:
        metrics: Values by name, with names from any program.

    Returns:
        The same values in the same order. A name is kept if its field is also present or if its value is not a number.
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

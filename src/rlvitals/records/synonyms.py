"""Other programs' names for what an update of a policy computes."""

from collections.abc import MutableMapping
from typing import Any

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
    "clipfrac": "clip_fraction",
    "clip_frac": "clip_fraction",
    "explained_var": "explained_variance",
    "grad_norm": "gradient_norm",
    "grad_norm_max": "gradient_norm_max",
    "lr": "learning_rate",
    "pg_loss": "policy_loss",
    "v_loss": "value_loss",
    "vf_loss": "value_loss",
}
"""Names that mean one thing only in the PPO of Stable-Baselines3, CleanRL, Tianshou and RLlib."""


def take_synonyms(more: MutableMapping[str, Any], values: MutableMapping[str, Any]) -> None:
    """Move numbers that were given under another program's name to the field that means the same.

    Args:
        more: What was given under names that no field has; what is understood is taken out.
        values: Fields, of which those that are absent or `None` are filled.
    """
    for name in SYNONYMS.keys() & more.keys():
        if values.get(SYNONYMS[name]) is None and isinstance(more[name], int | float):
            values[SYNONYMS[name]] = more.pop(name)

"""Hyperparameters of a training, independent of the names that each library uses."""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from rlvitals.diagnosis.families import NAMED, Family, family_of
from rlvitals.records.setting_names import settings_by_name

_NAMES: dict[str, tuple[str, ...]] = {
    "gamma": ("gamma", "discount", "discount_factor"),
    "gae_lambda": ("gae_lambda", "lambda", "lam", "lambda_"),
    "entropy_coefficient": ("ent_coef", "entropy_coef", "entropy_coeff", "entropy_coefficient"),
    "value_coefficient": ("vf_coef", "value_coef", "vf_loss_coeff", "value_loss_coef", "critic_coef"),
    "gradient_limit": ("max_grad_norm", "grad_clip", "gradient_norm_limit"),
    "clip_range": ("clip_range", "clip_coef", "clip_param", "clip_ratio", "eps_clip"),
    "epochs": ("n_epochs", "update_epochs", "num_epochs", "num_sgd_iter", "ppo_epoch", "epochs"),
    "rollout_steps": ("n_steps", "num_steps"),
    "environments": ("n_envs", "num_envs"),
    "batch_size": ("batch_size", "minibatch_size", "sgd_minibatch_size"),
    "learning_rate": ("learning_rate", "lr"),
    "target_kl": ("target_kl",),
    "log_std_init": ("log_std_init",),
    "action_dimension": ("action_dimension", "action_dim"),
    "action_count": ("action_count", "n_actions"),
    "action_low": ("action_low",),
    "action_high": ("action_high",),
    "max_episode_steps": ("max_episode_steps",),
    "learning_starts": ("learning_starts", "learning_start", "start_timesteps", "start_steps", "random_steps"),
}
"""Names of each setting in Stable-Baselines3, CleanRL, RLlib and other libraries."""

REWARD_FACT = "episode_reward"
"""Configuration key that describes `reward` if it is not the sum of plain rewards."""

REWARD_MISSING = "missing"
"""Prefix of its value if episodes are recorded without a return (NaN)."""

_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
_SPACE_COUNT = re.compile(r"Discrete\((\d+)\)")
_SPACE_SHAPE = re.compile(r"\((\d+(?:,\s*\d+)*),?\)")


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True):
    """Hyperparameters by library-independent names; `None` if not reported.

    `action_entropy` is the maximum entropy of the action space in nats, for discrete actions only. `reward_normalized`
    is whether the algorithm receives other rewards than the logged ones. `reward_missing` is whether episodes are
    recorded without a return (NaN). `learning_starts` is the environment step of the first update. `independent_steps`
    is declared by the user: no reward depends on earlier actions of its episode, so a discount of 0 is right. `family`
    is the `name` of a `families.Family`.
    """

    family: str = ""
    gamma: float | None = None
    gae_lambda: float | None = None
    entropy_coefficient: float | None = None
    value_coefficient: float | None = None
    gradient_limit: float | None = None
    clip_range: float | None = None
    epochs: float | None = None
    rollout_steps: float | None = None
    environments: float | None = None
    batch_size: float | None = None
    learning_rate: float | None = None
    target_kl: float | None = None
    log_std_init: float | None = None
    action_dimension: float | None = None
    action_low: float | None = None
    action_high: float | None = None
    max_episode_steps: float | None = None
    discrete: bool | None = None
    action_entropy: float | None = None
    reward_normalized: bool | None = None
    reward_missing: bool | None = None
    learning_starts: float | None = None
    independent_steps: bool | None = None

    @property
    def of_family(self) -> Family:
        """The algorithm family, which determines the meaning of the inputs."""
        return NAMED[self.family]

    @property
    def action_half_range(self) -> float | None:
        """Half the width of the action space, if it is bounded and known."""
        if self.action_low is None or self.action_high is None:
            return None
        half = 0.5 * (self.action_high - self.action_low)
        return half if 0.0 < half < math.inf else None


def hyperparameters_of(configuration: Mapping[str, Any]) -> Hyperparameters:
    """Read hyperparameters from a nested or flat configuration. Unknown settings are ignored.

    Args:
        configuration: Configuration from the header of the run.
    """
    flat = settings_by_name(configuration)
    found: dict[str, Any] = {}
    for setting, names in _NAMES.items():
        number = next((value for name in names if (value := _number(flat.get(name))) is not None), None)
        if number is not None:
            found[setting] = number
    count = found.pop("action_count", None)
    discrete = _discrete(flat)
    if discrete and count is None:
        space = _SPACE_COUNT.search(str(flat.get("action_space", "")))
        count = float(space[1]) if space else found.get("action_dimension")
    counts = flat.get("action_count")
    if isinstance(counts, list) and counts:
        entropy = sum(math.log(float(n)) for n in counts if _number(n))
    elif discrete and count is not None and count > 1:
        entropy = math.log(count) * (found.get("action_dimension", 1.0) if "action_count" in flat else 1.0)
    else:
        entropy = 0.0
    shape = _SPACE_SHAPE.search(str(flat.get("action_space", "")))
    if discrete is False and "action_dimension" not in found and shape:
        found["action_dimension"] = float(math.prod(int(size) for size in shape[1].split(",")))
    normalized = next((flat[name] for name in ("norm_reward", "normalize_reward") if flat.get(name) is not None), None)
    independent = flat.get("independent_steps")
    return Hyperparameters(
        **found,
        family=family_of(configuration).name,
        independent_steps=independent if isinstance(independent, bool) else None,
        discrete=discrete,
        action_entropy=entropy or None,
        reward_missing=str(flat.get(REWARD_FACT, "")).startswith(REWARD_MISSING) or None,
        reward_normalized=None if normalized is None else bool(normalized),
    )


def _number(value: Any) -> float | None:
    """Return a value as a number, also from text; a schedule (`lin_3e-4`) gives the number that it contains."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and len(value) < 40 and (found := _NUMBER.search(value)):  # noqa: PLR2004 - no schedule is longer
        return float(found[0])
    return None


def _discrete(flat: Mapping[str, Any]) -> bool | None:
    kind = str(flat.get("action_kind") or flat.get("action_space") or "").lower()
    if "discrete" in kind or "binary" in kind:
        return True
    return False if "box" in kind or "continuous" in kind else None

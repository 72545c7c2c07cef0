"""Configuration of a model and its environment, so that users need not enter it."""

from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper, VecNormalize

from rlvitals.records.coercion import plain_scalar

_PLAIN = (
    "n_envs",
    "n_steps",
    "batch_size",
    "n_epochs",
    "gamma",
    "gae_lambda",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "target_kl",
    "normalize_advantage",
    "use_sde",
    "sde_sample_freq",
    "seed",
    # off-policy
    "buffer_size",
    "learning_starts",
    "tau",
    "gradient_steps",
    "target_entropy",
    "policy_delay",
    "top_quantiles_to_drop_per_net",
    "exploration_fraction",
    "exploration_initial_eps",
    "exploration_final_eps",
    "target_update_interval",
    # TRPO and ARS of sb3-contrib
    "cg_max_steps",
    "cg_damping",
    "line_search_max_iter",
    "n_critic_updates",
    "n_delta",
    "n_top",
)
_SCHEDULES = {
    "learning_rate": "lr_schedule",
    "clip_range": "clip_range",
    "clip_range_vf": "clip_range_vf",
    "delta_std": "delta_std_schedule",
}


def configuration_of(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the hyperparameters of a model and facts about its environment, under the names of Stable-Baselines3.

    A schedule is represented by its first value. If its last value differs, it is stored as `<name>_final`.

    Args:
        model: Algorithm, after its setup.

    Returns:
        Plain values by name. Attributes that the model lacks are left out.
    """
    found: dict[str, Any] = {"algorithm": type(model).__name__}
    found |= {name: getattr(model, name, None) for name in _PLAIN}
    for name, attribute in _SCHEDULES.items():
        found |= _schedule(name, getattr(model, attribute, None))
    found |= _policy(model)
    found |= _spaces(model)
    env = model.get_env()
    if env is not None:
        found |= _environment(env)
    found |= {
        "device": str(model.device),
        "stable_baselines3": stable_baselines3.__version__,
        "gymnasium": gymnasium.__version__,
        "torch": torch.__version__,
    }
    return {name: _plain(value) for name, value in found.items() if value is not None}


def _schedule(name: str, schedule: Any) -> dict[str, Any]:
    if not callable(schedule):
        return {name: schedule}
    first, last = float(schedule(1.0)), float(schedule(0.0))
    return {name: first} if first == last else {name: first, f"{name}_final": last}


def _policy(model: BaseAlgorithm) -> dict[str, Any]:
    policy = model.policy
    activation = getattr(policy, "activation_fn", None)
    return {
        "policy": type(policy).__name__,
        "net_arch": getattr(policy, "net_arch", None),
        "activation": getattr(activation, "__name__", None),
        "features_extractor": getattr(getattr(policy, "features_extractor_class", None), "__name__", None),
        "optimizer": type(policy.optimizer).__name__ if getattr(policy, "optimizer", None) is not None else None,
        "parameter_count": sum(parameter.numel() for parameter in policy.parameters()),
    }


def _spaces(model: BaseAlgorithm) -> dict[str, Any]:
    action = model.action_space
    facts: dict[str, Any] = {
        "observation_space": str(model.observation_space),
        "action_space": str(action),
        "action_kind": "continuous" if isinstance(action, spaces.Box) else "discrete",
    }
    if isinstance(action, spaces.Box):
        facts["action_dimension"] = int(np.prod(action.shape))
    elif isinstance(action, spaces.Discrete):
        facts |= {"action_dimension": 1, "action_count": int(action.n)}
    elif isinstance(action, spaces.MultiDiscrete):
        facts |= {"action_dimension": int(action.nvec.size), "action_count": action.nvec.reshape(-1).tolist()}
    elif isinstance(action, spaces.MultiBinary):
        facts |= {"action_dimension": int(np.prod(action.shape)), "action_count": 2}
    return facts


def _environment(env: VecEnv) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    wrappers: list[str] = []
    inner: VecEnv = env
    while isinstance(inner, VecEnvWrapper):
        wrappers.append(type(inner).__name__)
        if isinstance(inner, VecNormalize):
            facts |= {"normalize_observation": inner.norm_obs, "normalize_reward": inner.norm_reward}
        inner = inner.venv
    facts["vector_environment"] = [*wrappers, type(inner).__name__]
    if isinstance(inner, DummyVecEnv):
        first: Any = inner.envs[0]
        facts["environment"] = str(first)
        if first.spec is not None:
            facts |= {"environment_id": first.spec.id, "max_episode_steps": first.spec.max_episode_steps}
    elif isinstance(inner, SubprocVecEnv):
        # Only text is requested: a subprocess that cannot pickle its answer dies and takes the training with it.
        facts["environment"] = inner.env_method("__str__", indices=[0])[0]
    return facts


def _plain(value: Any) -> Any:
    value = plain_scalar(value)
    return value if isinstance(value, bool | int | float | str | list | dict) else str(value)

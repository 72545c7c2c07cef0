"""Health signals of a rollout, read once from the buffer before the update consumes it."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer

Array = NDArray[Any]

_SAMPLED = 200_000
"""Maximum number of observation values to examine. Full image observations would take longer than the update."""
_SQUASHED_BOUND = 0.999
"""Bound of a squashed action, which never quite reaches 1."""


def rollout_signals(buffer: RolloutBuffer | DictRolloutBuffer, *, squashed: bool = False) -> dict[str, Any]:
    """Compute the signals of one rollout.

    All signals cover the whole rollout, over steps and environments, as the algorithm sees it. Rewards and observations
    are normalised if the environment normalises them. Advantages are not normalised yet.

    Args:
        buffer: Full buffer with computed advantages, from which no minibatch was taken yet.
        squashed: Whether the policy squashes its actions into [-1, 1].

    Returns:
        Fields of `records.PolicyUpdate`, and in `extra`: `reward_std`, `value_std`, `advantage_residual` (see
            `advantage_residual`), `observation_std` (standard deviation of each observation dimension, averaged over
            dimensions) and `observation_constant_fraction` (share of dimensions that never change).
    """
    with np.errstate(all="ignore"):  # non-finite rewards are data, not an error of rlvitals
        return {
            "advantage_mean": _mean(buffer.advantages),
            "advantage_std": _std(buffer.advantages),
            "return_mean": _mean(buffer.returns),
            "return_std": _std(buffer.returns),
            "value_mean": _mean(buffer.values),
            "action_bound_fraction": bound_fraction(buffer.actions, buffer.action_space, squashed=squashed),
            "extra": {
                "reward_std": _std(buffer.rewards),
                "value_std": _std(buffer.values),
                "advantage_residual": advantage_residual(
                    buffer.rewards,
                    buffer.values,
                    buffer.episode_starts,
                    buffer.advantages,
                    gamma=buffer.gamma,
                    gae_lambda=buffer.gae_lambda,
                ),
                **observation_spread(buffer.observations),
            },
        }


def advantage_residual(
    rewards: Array, values: Array, episode_starts: Array, advantages: Array, *, gamma: float, gae_lambda: float
) -> float | None:
    """Compute the deviation of advantages from generalised advantage estimation, relative to their size.

    The residual is the root mean square over steps of `A_t - (r_t + gamma n_t V_{t+1} - V_t + gamma lambda n_t
    A_{t+1})`, divided by that of `A_t`. Here `n_t` is 0 if `t` ends an episode and 1 otherwise (Schulman et al. 2016,
    equation 16, as a recursion). It is about 1e-7 for correct advantages. The last step is left out, because it needs a
    value from outside the rollout.

    Args:
        rewards: Rewards, shape `(steps, environments)`.
        values: Value estimates, same shape.
        episode_starts: 1 if a step begins an episode, same shape.
        advantages: Advantages to check, same shape.
        gamma: Discount factor.
        gae_lambda: Lambda of generalised advantage estimation.

    Returns:
        The residual, or `None` if there is nothing to compare.
    """
    goes_on = gamma * (1.0 - episode_starts[1:])
    expected = rewards[:-1] - values[:-1] + goes_on * (values[1:] + gae_lambda * advantages[1:])
    size = float(np.square(advantages[:-1], dtype=np.float64).mean()) if len(expected) else 0.0
    if size == 0.0:
        return None
    return float(np.sqrt(np.square(advantages[:-1] - expected, dtype=np.float64).mean() / size))


def bound_fraction(actions: Array, space: spaces.Space[Any], *, squashed: bool = False) -> float | None:
    """Compute the share of action components at or beyond their bounds.

    Args:
        actions: Actions as sampled by the policy, before clipping, shape `(steps, environments, dimensions)`.
        space: Action space.
        squashed: Whether the policy squashes its actions into [-1, 1].

    Returns:
        Share from 0 to 1, or `None` if no component has a bound.
    """
    if not isinstance(space, spaces.Box):
        return None
    if squashed:
        return float((np.abs(actions) >= _SQUASHED_BOUND).mean())
    low, high = space.low.reshape(-1), space.high.reshape(-1)
    bounded = np.isfinite(low) | np.isfinite(high)
    if not bounded.any():
        return None
    return float(((actions <= low) | (actions >= high))[..., bounded].mean())


def observation_spread(observations: Array | dict[str, Array]) -> dict[str, float]:
    """Measure how much observations vary within a rollout.

    Args:
        observations: Observations, shape `(steps, environments, ...)`, or a dict of these. Large arrays are subsampled
            regularly.

    Returns:
        `observation_std` and `observation_constant_fraction`.
    """
    parts = observations.values() if isinstance(observations, dict) else (observations,)
    spreads = np.concatenate([_spread(part) for part in parts])
    return {
        "observation_std": float(spreads.mean()),
        "observation_constant_fraction": float((spreads == 0.0).mean()),
    }


def _spread(observations: Array) -> Array:
    """Return the standard deviation of each dimension."""
    flat = observations.reshape(len(observations) * observations.shape[1], -1)
    across = -(-flat.shape[1] // (_SAMPLED // 100))  # at least a hundred samples per dimension, whatever the size
    flat = flat[:, ::across]
    flat = flat[:: -(-flat.size // _SAMPLED)]
    spread: Array = flat.std(axis=0, dtype=np.float64)
    spread[(flat == flat[0]).all(axis=0)] = 0.0  # rounding errors leave a small spread in constant dimensions
    return spread


def _mean(values: Array) -> float:
    return float(values.mean(dtype=np.float64))


def _std(values: Array) -> float:
    return float(values.std(dtype=np.float64))

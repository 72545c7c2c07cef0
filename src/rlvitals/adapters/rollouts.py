"""What a rollout says of a training's health, read from the buffer once, before the update consumes it."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer

Array = NDArray[Any]

_SAMPLED = 200_000
"""Most observation values that are looked at: image observations would cost more than the update."""
_SQUASHED_BOUND = 0.999
"""What counts as the bound of a squashed action, which never quite reaches 1."""


def rollout_signals(buffer: RolloutBuffer | DictRolloutBuffer, *, squashed: bool = False) -> dict[str, Any]:
    """Signals of one rollout.

    All are over the whole rollout, steps and environments together, as the algorithm sees them: rewards and
    observations are normalised where the environment is, and advantages are not yet.

    Args:
        buffer: A full buffer whose advantages are computed, and that no minibatch was taken from yet.
        squashed: Whether the policy squashes its actions into [-1, 1].

    Returns:
        Fields of `records.PolicyUpdate`, and in `extra`: `reward_std`, `value_std`, `advantage_residual` (how far the
        advantages are from the recursion that defines them, see `advantage_residual`), `observation_std` (mean over the
        observation's dimensions of its standard deviation) and `observation_constant_fraction` (share of dimensions
        that never change).
    """
    with np.errstate(all="ignore"):  # non-finite rewards are data, not an error of ours
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
    """How far advantages are from generalised advantage estimation, relative to their own size.

    Root mean square over steps of `A_t - (r_t + gamma n_t V_{t+1} - V_t + gamma lambda n_t A_{t+1})`, divided by that
    of `A_t`, where `n_t` is 0 when `t` ends an episode, else 1 (Schulman et al. 2016, equation 16, as a recursion).
    About 1e-7 where the advantages are what they should be; the last step, which needs a value from outside, is left
    out.

    Args:
        rewards: Shape (steps, environments), as are the others.
        values: The value function's.
        episode_starts: 1 where a step begins an episode.
        advantages: To be checked.
        gamma: The discount.
        gae_lambda: The weight of longer looks ahead.

    Returns:
        The residual; `None` where there is nothing to compare.
    """
    goes_on = gamma * (1.0 - episode_starts[1:])
    expected = rewards[:-1] - values[:-1] + goes_on * (values[1:] + gae_lambda * advantages[1:])
    size = float(np.square(advantages[:-1], dtype=np.float64).mean()) if len(expected) else 0.0
    if size == 0.0:
        return None
    return float(np.sqrt(np.square(advantages[:-1] - expected, dtype=np.float64).mean() / size))


def bound_fraction(actions: Array, space: spaces.Space[Any], *, squashed: bool = False) -> float | None:
    """Share of the action components that lie at or beyond their bounds.

    Args:
        actions: As the policy sampled them, before clipping; shape (steps, environments, dimensions).
        space: The action space.
        squashed: Whether the policy squashes its actions into [-1, 1].

    Returns:
        0 to 1; `None` where no component has a bound.
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
    """How much observations vary within a rollout.

    Args:
        observations: Shape (steps, environments, ...), or a dict of such. Of large ones a regular sample is taken.

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
    """The standard deviation of each dimension."""
    flat = observations.reshape(len(observations) * observations.shape[1], -1)
    across = -(-flat.shape[1] // (_SAMPLED // 100))  # at least a hundred moments, whatever the size
    flat = flat[:, ::across]
    flat = flat[:: -(-flat.size // _SAMPLED)]
    spread: Array = flat.std(axis=0, dtype=np.float64)
    spread[(flat == flat[0]).all(axis=0)] = 0.0  # rounding leaves a little where there is none
    return spread


def _mean(values: Array) -> float:
    return float(values.mean(dtype=np.float64))


def _std(values: Array) -> float:
    return float(values.std(dtype=np.float64))

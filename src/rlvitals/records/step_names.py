"""Names under which training programs log the number of environment steps."""

import math
from collections.abc import Mapping
from typing import Any

from rlvitals.records.coercion import number_or_none

RLLIB_STEP_NAMES = (
    "num_env_steps_sampled_lifetime",
    "env_runners/num_env_steps_sampled_lifetime",
    "timesteps_total",
)
"""Keys of the total number of environment steps in results of RLlib, the most reliable first."""
ENV_STEP_NAMES = (
    "env_step",
    "env_steps",
    "environment_steps",
    "global_step",
    "timesteps",
    "total_timesteps",
    "num_timesteps",
    "total_steps",
    "total_env_steps",
    "num_env_steps",
    "time/total_timesteps",
    *RLLIB_STEP_NAMES,
)
"""Names of the total number of environment steps so far, the most reliable first.

`train/global_step` is not among them: the trainers of transformers count optimizer steps under this name.
"""


def env_step_in(values: Mapping[str, Any]) -> int | None:
    """Return the environment step that is logged among other values.

    Args:
        values: Logged values by name.

    Returns:
        The first value in `ENV_STEP_NAMES` that is a whole number of at least 0. `None` if there is none.
    """
    for name in ENV_STEP_NAMES:
        number = number_or_none(values[name]) if name in values else None
        if number is not None and math.isfinite(number) and number >= 0 and number == int(number):
            return int(number)
    return None

"""Names of the environment step among logged values."""

import math
from collections.abc import Mapping
from typing import Any

from rlvitals.records.coercion import number_or_none

ENV_STEP_NAMES = (
    "env_step",
    "env_steps",
    "global_step",
    "global_steps",
    "num_timesteps",
    "timesteps",
    "total_timesteps",
    "total_steps",
    "time/total_timesteps",
    "train/global_step",
    "charts/global_step",
)
"""Names under which training loops log the environment step, the most specific first."""


def env_step_in(values: Mapping[str, Any]) -> int | None:
    """Return the environment step among values by name; `None` if no name is known or the value is not a step."""
    for name in ENV_STEP_NAMES:
        number = number_or_none(values[name]) if name in values else None
        if number is not None and math.isfinite(number) and number >= 0:
            return int(number)
    return None

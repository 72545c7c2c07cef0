"""Environment steps are found under the names of training programs."""

import math
from typing import Any

import numpy as np
import pytest

from rlvitals.records.step_names import env_step_in


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"loss": 1.0, "global_step": 64}, 64),
        ({"global_step": 64, "env_step": 32}, 32),
        ({"time/total_timesteps": np.int64(128)}, 128),
        ({"total_timesteps": 1e6}, 1_000_000),
        ({"global_step": 0}, 0),
        ({"_step": 7, "step": 8, "train/global_step": 9, "epoch": 1}, None),
        ({"global_step": math.nan}, None),
        ({"global_step": -1}, None),
        ({"global_step": 1.5}, None),
        ({"global_step": "64"}, None),
        ({}, None),
    ],
)
def test_the_environment_step_is_a_whole_number_under_a_known_name(values: dict[str, Any], found: int | None) -> None:
    """Steps of a tracker or an optimizer are not environment steps."""
    assert env_step_in(values) == found

"""Hyperparameters under the names that other libraries use."""

import math
from typing import Any

import pytest

from rlvitals.diagnosis import hyperparameters_of


@pytest.mark.parametrize(
    ("configuration", "name", "value"),
    [
        ({"ent_coef": 0.01}, "entropy_coefficient", 0.01),
        ({"clip_coef": 0.2}, "clip_range", 0.2),
        ({"update_epochs": 4}, "epochs", 4.0),
        ({"learning_rate": "lin_0.0003"}, "learning_rate", 0.0003),
        ({"hyperparameters": {"gamma": 0.9}}, "gamma", 0.9),
        ({"gamma": 0.99, "hyperparameters": {"gamma": 0.9}}, "gamma", 0.99),
        ({"norm_reward": True}, "reward_normalized", True),
        ({"max_grad_norm": None}, "gradient_limit", None),
        ({"action_kind": "discrete", "action_count": 4}, "action_entropy", math.log(4)),
        ({"action_space": "Discrete(3)"}, "action_entropy", math.log(3)),
        ({"action_space": "Discrete", "action_dim": 2}, "action_entropy", math.log(2)),
        ({"action_kind": "discrete", "action_count": [2, 3], "action_dimension": 2}, "action_entropy", math.log(6)),
        ({"action_space": "Box(-1.0, 1.0, (2, 3), float32)"}, "action_dimension", 6.0),
        ({"action_space": "Box(-1.0, 1.0, (3,), float32)"}, "action_entropy", None),
    ],
)
def test_settings_are_read_under_their_usual_names(
    configuration: dict[str, Any], name: str, value: float | bool | None
) -> None:
    """Names of Stable-Baselines3 and CleanRL, nested or flat settings, and numbers as text are read."""

    assert getattr(hyperparameters_of(configuration), name) == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize("odd", [{"gamma": []}, {"gamma": "high"}, {"lr": "schedule " * 9}, {"action_count": "x"}])
def test_invalid_settings_are_ignored(odd: dict[str, Any]) -> None:
    """Invalid values are ignored without an exception."""

    assert hyperparameters_of(odd) == hyperparameters_of({})

"""Rules that assume PPO evaluate only runs with the inputs of PPO."""

from typing import Any

import numpy as np
import pytest

from rlvitals.diagnosis import Hyperparameters, diagnose, hyperparameters_of
from rlvitals.diagnosis.evidence_builder import UPDATE_COLUMNS
from rlvitals.diagnosis.families import FAMILIES, UNKNOWN
from rlvitals.diagnosis.finding import all_codes
from rlvitals.testing.trainings import MadeTraining


@pytest.mark.parametrize(
    ("configuration", "family"),
    [
        ({"algorithm": "PPO"}, "ppo"),
        ({"algorithm": "MaskablePPO"}, "ppo"),
        ({"algo": "sb3_contrib.qrdqn.QRDQN"}, "dqn"),
        ({"algorithm": "A2C", "n_epochs": 1}, "a2c"),
        ({"hyperparameters": {"algorithm": "my-SAC"}}, "sac"),
        ({"algorithm": "isaacgym_ppo"}, "ppo"),
        ({"algorithm": "GRPO"}, "grpo"),
        ({"algorithm": "ARS"}, "search"),
        ({"algorithm": "OnlineDPO"}, "tuning"),
        ({"algorithm": "Optuna TPESampler", "parameter_bounds": {"clip_range": [0.1, 0.3]}}, "study"),
        ({"algorithm": "Isaac"}, ""),
        ({"algorithm": "mine", "clip_range": 0.2}, "ppo"),
        ({"update_epochs": 4, "clip_coef": 0.2, "learning_rate": 1e-3}, "ppo"),
        ({"buffer_size": 1_000_000, "start_e": 1.0}, "dqn"),
        ({"learning_starts": 100, "target_entropy": "auto"}, "sac"),
        ({"num_generations": 8, "learning_rate": 1e-6}, "grpo"),
        ({"clip_range": None, "learning_rate": 1e-3}, ""),
        ({}, ""),
    ],
)
def test_the_family_follows_from_the_algorithm_or_the_settings(configuration: dict[str, Any], family: str) -> None:
    """The algorithm name takes precedence over settings that only one family has."""

    assert hyperparameters_of(configuration).family == family


def test_each_input_belongs_to_a_family() -> None:
    """Every column and setting is an input of some family, so that none is hidden by oversight."""

    known = set().union(*(family.inputs for family in FAMILIES))
    assert {f"updates.{name}" for name in UPDATE_COLUMNS} <= known
    assert {f"settings.{name}" for name in Hyperparameters.__struct_fields__} <= known


def looks_wrong_for_ppo(made: MadeTraining) -> MadeTraining:
    """Give every input of the PPO rules a value that is a fault in PPO."""
    made.configure(ent_coef=0.5, vf_coef=0.0, n_epochs=100, clip_range=100.0, max_grad_norm=1e9, learning_rate=0.01)
    made.set("updates", kl_divergence=5.0, clip_fraction=0.9, clip_range=100.0, policy_loss=80.0, epochs=100.0)
    made.set("updates", entropy=0.69, explained_variance=1e-8 * made.generator.standard_normal(60), value_mean=0.0)
    made.set("updates", gradient_norm=1e5, gradient_norm_limit=1e9, advantage_std=1e3, advantage_mean=1e3)
    made.set("updates", learning_rate=0.01, action_bound_fraction=0.97, return_mean=1e4)
    made.extra["advantage_residual"] = np.full(60, 0.8)
    return made


@pytest.mark.parametrize("algorithm", ["DQN", "SAC", "TD3", "ARS"])
def test_faults_of_ppo_are_not_faults_of_other_families(algorithm: str) -> None:
    """Values that give at least eight findings in PPO give none in other families."""

    assert len(all_codes(diagnose(looks_wrong_for_ppo(MadeTraining()).evidence()).findings)) >= 8
    other = looks_wrong_for_ppo(MadeTraining()).configure(algorithm=algorithm)
    assert all_codes(diagnose(other.evidence()).findings) == set()


@pytest.mark.parametrize(
    ("algorithm", "column", "value", "code"),
    [
        ("A2C", "kl_divergence", 5.0, "kl-too-large"),
        ("GRPO", "kl_divergence", 5.0, "kl-too-large"),
        ("A2C", "epochs", 100.0, "stale-data"),
        ("A2C", "policy_loss", 80.0, "learning-rate-too-high"),
        ("GRPO", "entropy", 1e-3, "entropy-collapse"),
    ],
)
def test_an_input_that_a_family_lacks_is_ignored(algorithm: str, column: str, value: float, code: str) -> None:
    """A2C has no surrogate and one epoch, and the KL divergence of GRPO is the distance from a reference model."""

    made = MadeTraining().configure(algorithm=algorithm, learning_rate=0.02)
    made.set("updates", learning_rate=0.02, **{column: value})
    assert code not in all_codes(diagnose(made.evidence()).findings)


def test_a_non_finite_loss_is_a_fault_in_every_family() -> None:
    """A non-finite loss is a fault whatever the loss measures."""

    for family in FAMILIES:
        made = MadeTraining().configure(algorithm=family.algorithms[0]).set("updates", policy_loss=float("nan"))
        assert diagnose(made.evidence()).findings[0].code == "non-finite"


def test_rules_that_do_not_apply_are_listed_separately() -> None:
    """Rules that do not apply are listed separately from skipped and evaluated rules."""

    diagnosis = diagnose(MadeTraining().configure(algorithm="DQN").evidence())
    assert {"kl-too-large", "value-not-learning", "entropy-too-high"} <= set(diagnosis.inapplicable)
    assert not set(diagnosis.inapplicable) & {*diagnosis.judged, *(one.code for one in diagnosis.skipped_rules)}


def test_an_unknown_algorithm_is_assessed_by_the_metrics_that_it_logs() -> None:
    """Rules use the logged metrics, but ignore a setting called `epochs`, which can count anything."""

    def codes(**configuration: Any) -> set[str]:
        made = MadeTraining()
        made.configuration = {"algorithm": "mine", **configuration}
        return all_codes(diagnose(made.set("updates", kl_divergence=3.0, epochs=None).evidence()).findings)

    assert hyperparameters_of({"algorithm": "mine"}).of_family is UNKNOWN
    assert "kl-too-large" in codes()
    assert "stale-data" not in codes(epochs=100)
    assert "stale-data" in codes(n_epochs=100)


def test_a_zero_coefficient_is_no_fault_if_the_critic_is_trained_separately() -> None:
    """TRPO of Stable-Baselines3 reports 0 for the coefficients of a joint loss and for the gradient limit."""
    joint = {"vf_coef": 0.0, "ent_coef": 0.0, "max_grad_norm": 0.0}

    def found(**settings: Any) -> set[str]:
        made = MadeTraining().configure(**joint, **settings).set("updates", explained_variance=0.3)
        return all_codes(diagnose(made.evidence()).findings)

    assert (found(), found(algorithm="TRPO")) == ({"value-not-learning"}, set())

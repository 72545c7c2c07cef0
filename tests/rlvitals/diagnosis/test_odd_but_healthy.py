"""What looks odd in healthy trainings, by name: none of it is an alarm."""

import numpy as np
import pytest

from rlvitals.diagnosis import diagnose
from rlvitals.testing.trainings import MadeTraining


def alarms(made: MadeTraining) -> list[str]:
    """The codes of all alarms along a training."""
    return [f.code for share in (0.1, 0.25, 0.4, 0.6, 0.8, 1.0) for f in diagnose(made.evidence(share)).alarms]


def test_a_converged_policy_of_nearly_no_entropy() -> None:
    """Entropy falls to nothing as returns reach their best."""

    made = MadeTraining()
    done = np.clip((made.along - 0.3) / 0.4, 0.0, 1.0)
    assert alarms(made.set("updates", entropy=0.69 * (1.0 - done) + 1e-4)) == []


def test_a_converged_policy_that_is_trained_on() -> None:
    """A run that takes up a solved task: returns constant from the first episode, entropy near zero."""

    made = MadeTraining().configure(max_episode_steps=200)
    made.set("episodes", reward=200.0 + made.generator.standard_normal(300), length=150.0 + np.arange(300) % 7)
    made.set("evaluations", reward=200.0, length=150.0).set("episodes", success=True)
    assert alarms(made.set("updates", entropy=0.01 + 1e-3 * made.along)) == []


def test_gaussian_entropy_that_starts_negative() -> None:
    """A standard deviation of 0.14 has an entropy below zero: entropy of a density may be."""

    made = MadeTraining(continuous=True)
    std = 0.14 * np.exp(-0.5 * made.along)
    assert alarms(made.set("updates", entropy=3.0 * (1.42 + np.log(std)), action_std=std)) == []


def test_clip_fraction_of_one_while_the_clip_range_anneals_to_zero() -> None:
    """Every sample is outside a range of nothing."""

    made = MadeTraining()
    left = 1.0 - made.along
    made.set("updates", clip_range=0.2 * left, clip_fraction=made.along, learning_rate=3e-4 * left)
    assert alarms(made) == []


def test_explained_variance_of_minus_two_on_a_solved_task() -> None:
    """Where returns hardly vary, there is nothing to explain."""

    made = MadeTraining()
    explained = np.where(made.along < 0.7, made.updates["explained_variance"], -2.0 + 0.1 * made.along)
    assert alarms(made.set("updates", explained_variance=explained)) == []


def test_rewards_that_are_noisy() -> None:
    """Noise as large as what is learnt."""

    made = MadeTraining(updates=80)
    noise = 150.0 * made.generator.standard_normal(len(made.episodes_along))
    assert alarms(made.set("episodes", reward=made.episodes["reward"] + noise)) == []


def test_rewards_that_are_sparse() -> None:
    """Nine of ten episodes end with nothing, ever fewer of them."""

    made = MadeTraining(updates=80)
    chance = 0.1 + 0.8 * made.episodes_along
    found = made.generator.random(chance.size) < chance
    assert alarms(made.set("episodes", reward=found.astype(float), length=50.0 + np.arange(chance.size) % 9)) == []


def test_rewards_that_start_late() -> None:
    """Nothing happens in the first third; exploration finds it then."""

    made = MadeTraining(updates=80)
    at = made.episodes_along
    reward = np.where(at < 0.33, 20.0, 20.0 + 250.0 * (at - 0.33)) * (
        1.0 + 0.2 * made.generator.standard_normal(at.size)
    )
    assert alarms(made.set("episodes", reward=reward)) == []


def test_a_long_one_step_task_with_large_updates() -> None:
    """One-step episodes, a KL divergence of 0.2 and a clip fraction of 0.5."""

    made = MadeTraining(continuous=True)
    made.set("episodes", length=1.0).set("evaluations", length=1.0)
    made.set("updates", kl_divergence=0.05 + 0.15 * made.along, clip_fraction=0.4 + 0.1 * made.along)
    assert alarms(made) == []


def test_actions_that_end_at_their_bounds() -> None:
    """Bang-bang control is right where force is free."""

    made = MadeTraining(continuous=True)
    assert alarms(made.set("updates", action_bound_fraction=np.minimum(0.97, 0.3 + 2.0 * made.along))) == []


def test_evaluations_far_below_training_are_a_remark() -> None:
    """Never an alarm: deterministic policies of healthy runs may be brittle."""

    made = MadeTraining().set("evaluations", reward=20.0)
    diagnosis = diagnose(made.evidence())
    assert [finding.severity for finding in diagnosis.findings] == ["info"]
    assert diagnosis.status == "healthy"


@pytest.mark.parametrize("depth", [0.5, 0.7])
def test_a_dip_that_recovers(depth: float) -> None:
    """Half or more of what was learnt is gone for a while, and comes back."""

    made = MadeTraining(updates=80)
    dip = np.exp(-(((made.episodes_along - 0.65) / 0.05) ** 2))
    assert alarms(made.set("episodes", reward=made.episodes["reward"] - depth * 180.0 * dip)) == []

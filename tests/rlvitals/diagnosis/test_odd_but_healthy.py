"""Unusual but healthy trainings have no warning or critical finding."""

import numpy as np
import pytest

from rlvitals.diagnosis import diagnose
from rlvitals.testing.trainings import MadeTraining


def alarms(made: MadeTraining) -> list[str]:
    """Return the codes of all warning and critical findings during a training."""
    return [f.code for share in (0.1, 0.25, 0.4, 0.6, 0.8, 1.0) for f in diagnose(made.evidence(share)).alarms]


def test_a_converged_policy_of_nearly_no_entropy() -> None:
    """A converged policy with almost no entropy is healthy: entropy vanishes as returns reach their best level."""

    made = MadeTraining()
    done = np.clip((made.along - 0.3) / 0.4, 0.0, 1.0)
    assert alarms(made.set("updates", entropy=0.69 * (1.0 - done) + 1e-4)) == []


def test_a_converged_policy_that_continues_training() -> None:
    """A run that continues a solved task has constant returns and an entropy near zero from the first episode."""

    made = MadeTraining().configure(max_episode_steps=200)
    made.set("episodes", reward=200.0 + made.generator.standard_normal(300), length=150.0 + np.arange(300) % 7)
    made.set("evaluations", reward=200.0, length=150.0).set("episodes", success=True)
    assert alarms(made.set("updates", entropy=0.01 + 1e-3 * made.along)) == []


def test_gaussian_entropy_that_starts_negative() -> None:
    """The entropy of a Gaussian with a standard deviation of 0.14 is negative."""

    made = MadeTraining(continuous=True)
    std = 0.14 * np.exp(-0.5 * made.along)
    assert alarms(made.set("updates", entropy=3.0 * (1.42 + np.log(std)), action_std=std)) == []


def test_clip_fraction_of_one_while_the_clip_range_anneals_to_zero() -> None:
    """Every sample is outside an empty clip range."""

    made = MadeTraining()
    left = 1.0 - made.along
    made.set("updates", clip_range=0.2 * left, clip_fraction=made.along, learning_rate=3e-4 * left)
    assert alarms(made) == []


def test_explained_variance_of_minus_two_on_a_solved_task() -> None:
    """If returns hardly vary, there is nothing to explain."""

    made = MadeTraining()
    explained = np.where(made.along < 0.7, made.updates["explained_variance"], -2.0 + 0.1 * made.along)
    assert alarms(made.set("updates", explained_variance=explained)) == []


def test_rewards_that_are_noisy() -> None:
    """The noise is as large as the gain."""

    made = MadeTraining(updates=80)
    noise = 150.0 * made.generator.standard_normal(len(made.episodes_along))
    assert alarms(made.set("episodes", reward=made.episodes["reward"] + noise)) == []


def test_rewards_that_are_sparse() -> None:
    """Nine of ten episodes have no reward at first, and fewer later."""

    made = MadeTraining(updates=80)
    chance = 0.1 + 0.8 * made.episodes_along
    found = made.generator.random(chance.size) < chance
    assert alarms(made.set("episodes", reward=found.astype(float), length=50.0 + np.arange(chance.size) % 9)) == []


def test_rewards_that_start_late() -> None:
    """Returns rise only after the first third."""

    made = MadeTraining(updates=80)
    at = made.episodes_along
    reward = np.where(at < 0.33, 20.0, 20.0 + 250.0 * (at - 0.33)) * (
        1.0 + 0.2 * made.generator.standard_normal(at.size)
    )
    assert alarms(made.set("episodes", reward=reward)) == []


def test_a_long_one_step_task_with_large_updates() -> None:
    """One-step episodes with a KL divergence of 0.2 and a clip fraction of 0.5 are healthy."""

    made = MadeTraining(continuous=True)
    made.set("episodes", length=1.0).set("evaluations", length=1.0)
    made.set("updates", kl_divergence=0.05 + 0.15 * made.along, clip_fraction=0.4 + 0.1 * made.along)
    assert alarms(made) == []


def test_actions_that_end_at_their_bounds() -> None:
    """Bang-bang control is optimal if force costs nothing."""

    made = MadeTraining(continuous=True)
    assert alarms(made.set("updates", action_bound_fraction=np.minimum(0.97, 0.3 + 2.0 * made.along))) == []


def test_evaluations_far_below_training_are_info() -> None:
    """The finding is info, because deterministic policies of healthy runs can be brittle."""

    made = MadeTraining().set("evaluations", reward=20.0)
    diagnosis = diagnose(made.evidence())
    assert [finding.severity for finding in diagnosis.findings] == ["info"]
    assert diagnosis.status == "healthy"


@pytest.mark.parametrize("depth", [0.5, 0.7])
def test_a_dip_that_recovers(depth: float) -> None:
    """Half or more of the gain is lost for a while and regained."""

    made = MadeTraining(updates=80)
    dip = np.exp(-(((made.episodes_along - 0.65) / 0.05) ** 2))
    assert alarms(made.set("episodes", reward=made.episodes["reward"] - depth * 180.0 * dip)) == []


def test_a_task_whose_reward_is_met_late() -> None:
    """As in Acrobot, all episodes reach the time limit with the same return for 70 % of the budget."""

    made = MadeTraining()
    late = made.episodes_along > 0.7
    reward = np.where(late, -150.0 + 10.0 * made.generator.standard_normal(late.size), -500.0)
    made.set("episodes", reward=reward, length=-reward, termination_reason=np.where(late, "terminated", "truncated"))
    evaluated = made.evaluations["env_step"] > 0.7 * float(made.total_timesteps or 0)
    made.set("evaluations", reward=np.where(evaluated, -150.0, -500.0), length=np.where(evaluated, 150.0, 500.0))
    assert alarms(made) == []


def test_a_sparse_reward_whose_failures_differ_in_length() -> None:
    """No episode finds the goal in the first 30 %; failures end after different numbers of steps, without a reward."""

    made = MadeTraining(updates=100)
    at = made.episodes_along
    found = made.generator.random(at.size) < np.where(at < 0.3, 0.0, at)
    made.set("episodes", reward=found.astype(float), length=5.0 + np.arange(at.size) % 9)
    began = made.evaluations["env_step"] >= 0.3 * float(made.total_timesteps or 0)
    made.set("evaluations", reward=began.astype(float))
    assert alarms(made) == []


def test_returns_that_rise_little_in_much_noise() -> None:
    """As in a card game, the possible gain is a quarter of a standard deviation."""

    made = MadeTraining(updates=1000)
    at = made.episodes_along
    made.set("episodes", reward=np.sign(made.generator.standard_normal(at.size) - 0.5 + 0.35 * np.minimum(1.0, 2 * at)))
    made.set("evaluations", reward=-0.1).set("updates", explained_variance=0.15)
    assert alarms(made) == []


def test_a_plateau_of_three_quarters_of_the_budget() -> None:
    """During the plateau, missing progress is info."""

    made = MadeTraining(updates=80)
    at = made.episodes_along
    level = np.where(at < 0.72, -180.0, -180.0 + 900.0 * (at - 0.72))
    made.set("episodes", reward=level + 60.0 * made.generator.standard_normal(at.size))
    made.set("evaluations", reward=-180.0).set("updates", explained_variance=0.3 + 0.4 * made.along)
    assert alarms(made) == []
    assert [finding.code for finding in diagnose(made.evidence(0.6)).findings] == ["no-learning"]


def test_a_critic_that_saturates_for_a_third_of_the_budget() -> None:
    """Returns of hundreds saturate the units of the critic, while the policy changes."""

    made = MadeTraining()
    blind = made.along < 0.45
    explained = np.where(blind, 1e-3 * made.generator.standard_normal(60), made.updates["explained_variance"])
    at = made.episodes_along
    level = np.where(at < 0.5, -150.0, -150.0 + 400.0 * (at - 0.5)) + 60.0 * made.generator.standard_normal(at.size)
    clipped = np.where(made.along < 0.3, 0.15, 0.03)
    made.set("episodes", reward=level).set("updates", explained_variance=explained, clip_fraction=clipped)
    assert alarms(made) == []


def test_a_learning_rate_that_decays_under_long_gradients() -> None:
    """The last updates change nothing because the schedule ends, and not because rewards are too large."""

    made = MadeTraining()
    left = 1.0 - made.along
    made.set("updates", learning_rate=3e-4 * left, kl_divergence=0.01 * left**2, gradient_norm=400.0)
    assert alarms(made) == []


def test_updates_that_do_ten_times_as_many_epochs() -> None:
    """A KL target stops updates early at first; later updates use all epochs and take longer."""

    made = MadeTraining()
    epochs = np.where(made.along < 0.5, 1.0, 10.0)
    time = made.updates["time"][0] + np.cumsum(0.1 + 0.4 * epochs)
    assert alarms(made.set("updates", epochs=epochs, time=time)) == []


def test_many_clipped_samples_with_a_critic_that_learns_late() -> None:
    """The value loss matches the bias of the critic, so the data is fresh."""

    made = MadeTraining().flat()
    made.set("updates", clip_fraction=0.4, policy_loss=-0.05, advantage_mean=-4.0, value_loss=10.0)
    made.set("updates", explained_variance=0.5)
    assert "stale-data" not in alarms(made)


def test_an_agent_that_ends_its_episodes_immediately() -> None:
    """As for an agent that always sticks in a card game, evaluations also have one step."""

    made = MadeTraining()
    at = made.episodes_along
    made.set("episodes", length=np.where(at < 0.3, 3.0, 1.0), reward=np.sign(made.generator.standard_normal(at.size)))
    made.set("evaluations", length=1.0, reward=0.1)
    assert "episodes-of-length-one" not in alarms(made)


def test_rewards_that_a_wrapper_normalises_without_a_setting() -> None:
    """Updates and episodes have different rewards, and no setting reports it."""

    made = MadeTraining()
    reward = 0.02 * made.episodes["reward"]
    made.set("episodes", reward=reward).set("evaluations", reward=None)
    made.set("updates", return_mean=40.0, explained_variance=-0.2, reward_mean=1.0)
    assert "advantage-estimation" not in alarms(made)


def test_steady_returns_at_the_target() -> None:
    """Returns at the target need not rise, so the advantages are not wrong."""

    made = MadeTraining(updates=80).flat().set("updates", explained_variance=0.97)
    assert "advantage-estimation" in alarms(made)
    made.facts["target"] = 15.0
    assert alarms(made) == []


def test_statistics_that_are_logged_with_three_decimals() -> None:
    """Rounded statistics repeat, although the rollouts are new."""

    made = MadeTraining()
    assert alarms(made.set("updates", explained_variance=np.where(made.along < 0.5, 0.4, 0.91))) == []


def test_a_critic_that_learns_slowly_is_healthy_but_one_at_its_initial_level_is_not() -> None:
    """Both critics explain nothing and are biased, but only the healthy one moves towards the returns."""

    made = MadeTraining().set("updates", explained_variance=0.05, return_mean=-40.0, advantage_mean=-30.0)
    made.set("updates", advantage_std=20.0, value_mean=-25.0 * made.along)
    assert "value-not-learning" not in alarms(made)
    assert "value-not-learning" in alarms(made.set("updates", value_mean=-0.3 + 0.1 * made.along))


def test_a_critic_that_learns_the_mean_of_a_reward_that_was_never_met() -> None:
    """All returns are equal, so the critic can only learn their mean; a critic that moves away does not learn."""

    made = MadeTraining().set("episodes", reward=-500.0, length=500.0, termination_reason="truncated")
    made.set("evaluations", reward=None).set(
        "updates", explained_variance=-3.0, return_mean=-40.0, advantage_std=10.0, value_loss=800.0
    )
    learns, wanders = -40.0 * np.minimum(1.0, 1.5 * made.along), 8.0 * np.sqrt(made.along)
    for means, told in ((learns, False), (wanders, True)):
        made.set("updates", value_mean=means, advantage_mean=-40.0 - means)
        assert ("value-not-learning" in alarms(made)) is told


def test_an_agent_that_only_gets_worse_is_a_regression() -> None:
    """A drop far below the untrained level is a regression; a drop as large as the noise is healthy."""

    made = MadeTraining(updates=80)
    at, noise = made.episodes_along, 60.0 * made.generator.standard_normal(400)
    made.set("updates", explained_variance=0.02 * made.generator.standard_normal(80)).set("evaluations", reward=-500.0)
    assert "regression" in alarms(made.set("episodes", reward=-150.0 - 400.0 * np.minimum(1.0, 3.0 * at) + noise))
    assert "regression" not in alarms(made.set("episodes", reward=-150.0 - 60.0 * np.minimum(1.0, 3.0 * at) + noise))


def test_a_zero_discount_with_independent_steps() -> None:
    """A few independent attempts at one task can be learned with a discount of 0."""

    made = MadeTraining().configure(gamma=0.0)
    assert alarms(made.set("episodes", length=np.full(300, 4.0))) == []


def test_thirty_long_episodes_with_most_progress_in_the_first_ten() -> None:
    """Returns scatter as widely as they rise, so missing progress is only info."""

    made = MadeTraining(updates=6)
    at, scatter = made.episodes_along, made.generator.standard_normal(30)
    reward = 150.0 * np.minimum(1.0, 3.0 * at) * (1.0 + 1.2 * scatter)
    made.set("episodes", reward=reward, length=1000.0, termination_reason="truncated").set("evaluations", reward=None)
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}


@pytest.mark.parametrize("has_plan", [True, False])
def test_fewer_than_a_hundred_flat_episodes(*, has_plan: bool) -> None:
    """A rise of a standard deviation can hide in them, so missing progress is only info."""

    made = MadeTraining(updates=18).flat().set("updates", explained_variance=None).set("evaluations", reward=None)
    made.total_timesteps = made.total_timesteps if has_plan else None
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}


def test_a_run_that_continues_from_a_checkpoint_and_stays_at_its_level() -> None:
    """Its first episodes are not those of an untrained agent, so missing progress is only info."""

    made = MadeTraining().flat(200.0).set("updates", explained_variance=None).set("evaluations", reward=None)
    made.set("episodes", env_step=made.episodes["env_step"] + 1_000_000)
    made.set("updates", step=made.updates["step"] + 1_000_000)
    made.total_timesteps = (made.total_timesteps or 0) + 1_000_000
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}

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


def test_a_task_whose_reward_is_met_late() -> None:
    """All episodes run into the time limit with the same return for 70 % of the budget, as in Acrobot; then not."""

    made = MadeTraining()
    late = made.episodes_along > 0.7
    reward = np.where(late, -150.0 + 10.0 * made.generator.standard_normal(late.size), -500.0)
    made.set("episodes", reward=reward, length=-reward, termination_reason=np.where(late, "terminated", "truncated"))
    evaluated = made.evaluations["env_step"] > 0.7 * float(made.total_timesteps or 0)
    made.set("evaluations", reward=np.where(evaluated, -150.0, -500.0), length=np.where(evaluated, 150.0, 500.0))
    assert alarms(made) == []


def test_a_sparse_reward_whose_failures_differ_in_length() -> None:
    """Two of five hundred episodes find the goal at first: the others end anywhere, with nothing."""

    made = MadeTraining(updates=100)
    at = made.episodes_along
    found = made.generator.random(at.size) < np.where(at < 0.3, 0.0, at)
    made.set("episodes", reward=found.astype(float), length=5.0 + np.arange(at.size) % 9)
    began = made.evaluations["env_step"] >= 0.3 * float(made.total_timesteps or 0)
    made.set("evaluations", reward=began.astype(float))
    assert alarms(made) == []


def test_returns_that_rise_little_in_much_noise() -> None:
    """Chance decides most of a card game: what can be learnt is a quarter of a standard deviation."""

    made = MadeTraining(updates=1000)
    at = made.episodes_along
    made.set("episodes", reward=np.sign(made.generator.standard_normal(at.size) - 0.5 + 0.35 * np.minimum(1.0, 2 * at)))
    made.set("evaluations", reward=-0.1).set("updates", explained_variance=0.15)
    assert alarms(made) == []


def test_a_plateau_of_three_quarters_of_the_budget() -> None:
    """Until then it is a remark that nothing was learnt."""

    made = MadeTraining(updates=80)
    at = made.episodes_along
    level = np.where(at < 0.72, -180.0, -180.0 + 900.0 * (at - 0.72))
    made.set("episodes", reward=level + 60.0 * made.generator.standard_normal(at.size))
    made.set("evaluations", reward=-180.0).set("updates", explained_variance=0.3 + 0.4 * made.along)
    assert alarms(made) == []
    assert [finding.code for finding in diagnose(made.evidence(0.6)).findings] == ["no-learning"]


def test_a_critic_that_saturates_for_a_third_of_the_budget() -> None:
    """Returns of hundreds drive all units to their ends; the policy moves meanwhile."""

    made = MadeTraining()
    blind = made.along < 0.45
    explained = np.where(blind, 1e-3 * made.generator.standard_normal(60), made.updates["explained_variance"])
    at = made.episodes_along
    level = np.where(at < 0.5, -150.0, -150.0 + 400.0 * (at - 0.5)) + 60.0 * made.generator.standard_normal(at.size)
    clipped = np.where(made.along < 0.3, 0.15, 0.03)
    made.set("episodes", reward=level).set("updates", explained_variance=explained, clip_fraction=clipped)
    assert alarms(made) == []


def test_a_learning_rate_that_decays_under_long_gradients() -> None:
    """The last updates move nothing as the schedule ends: rewards are large, and not too large."""

    made = MadeTraining()
    left = 1.0 - made.along
    made.set("updates", learning_rate=3e-4 * left, kl_divergence=0.01 * left**2, gradient_norm=400.0)
    assert alarms(made) == []


def test_updates_that_do_ten_times_as_many_epochs() -> None:
    """A target of the KL divergence stops early at first; later updates use all epochs, and take their time."""

    made = MadeTraining()
    epochs = np.where(made.along < 0.5, 1.0, 10.0)
    time = made.updates["time"][0] + np.cumsum(0.1 + 0.4 * epochs)
    assert alarms(made.set("updates", epochs=epochs, time=time)) == []


def test_many_samples_clipped_by_a_critic_that_is_late() -> None:
    """The critic is off by more than the spread of the advantages, and its loss says so: the data is fresh."""

    made = MadeTraining().flat()
    made.set("updates", clip_fraction=0.4, policy_loss=-0.05, advantage_mean=-4.0, value_loss=10.0)
    made.set("updates", explained_variance=0.5)
    assert "stale-data" not in alarms(made)


def test_an_agent_that_ends_its_episodes_at_once() -> None:
    """Who always sticks in a card game has episodes of one step; so has the evaluation."""

    made = MadeTraining()
    at = made.episodes_along
    made.set("episodes", length=np.where(at < 0.3, 3.0, 1.0), reward=np.sign(made.generator.standard_normal(at.size)))
    made.set("evaluations", length=1.0, reward=0.1)
    assert "episodes-of-length-one" not in alarms(made)


def test_rewards_that_a_wrapper_normalises_unseen() -> None:
    """Updates see other rewards than episodes sum up, and no setting says so."""

    made = MadeTraining()
    reward = 0.02 * made.episodes["reward"]
    made.set("episodes", reward=reward).set("evaluations", reward=None)
    made.set("updates", return_mean=40.0, explained_variance=-0.2, reward_mean=1.0)
    assert "advantage-estimation" not in alarms(made)


def test_steady_returns_at_the_target() -> None:
    """A solved task that is trained on: nothing is left to rise, and the advantages are not to blame."""

    made = MadeTraining(updates=80).flat().set("updates", explained_variance=0.97)
    assert "advantage-estimation" in alarms(made)
    made.facts["target"] = 15.0
    assert alarms(made) == []


def test_statistics_that_are_logged_with_three_decimals() -> None:
    """What is rounded comes again, though rollouts are new."""

    made = MadeTraining()
    assert alarms(made.set("updates", explained_variance=np.where(made.along < 0.5, 0.4, 0.91))) == []


def test_a_critic_that_learns_slowly_is_not_one_that_is_held() -> None:
    """Both explain nothing and are off; the one moves towards the returns, the other stays where it began."""

    made = MadeTraining().set("updates", explained_variance=0.05, return_mean=-40.0, advantage_mean=-30.0)
    made.set("updates", advantage_std=20.0, value_mean=-25.0 * made.along)
    assert "value-not-learning" not in alarms(made)
    assert "value-not-learning" in alarms(made.set("updates", value_mean=-0.3 + 0.1 * made.along))


def test_a_critic_that_learns_the_mean_of_a_reward_that_nobody_has_met_yet() -> None:
    """All returns are one: there is nothing to explain, but a mean to go to; who wanders off from it does not learn."""

    made = MadeTraining().set("episodes", reward=-500.0, length=500.0, termination_reason="truncated")
    made.set("evaluations", reward=None).set(
        "updates", explained_variance=-3.0, return_mean=-40.0, advantage_std=10.0, value_loss=800.0
    )
    learns, wanders = -40.0 * np.minimum(1.0, 1.5 * made.along), 8.0 * np.sqrt(made.along)
    for means, told in ((learns, False), (wanders, True)):
        made.set("updates", value_mean=means, advantage_mean=-40.0 - means)
        assert ("value-not-learning" in alarms(made)) is told


def test_an_agent_that_only_gets_worse_is_told_so() -> None:
    """Far below what it did untrained, by a critic that explains nothing; a dip as deep as noise is healthy."""

    made = MadeTraining(updates=80)
    at, noise = made.episodes_along, 60.0 * made.generator.standard_normal(400)
    made.set("updates", explained_variance=0.02 * made.generator.standard_normal(80)).set("evaluations", reward=-500.0)
    assert "regression" in alarms(made.set("episodes", reward=-150.0 - 400.0 * np.minimum(1.0, 3.0 * at) + noise))
    assert "regression" not in alarms(made.set("episodes", reward=-150.0 - 60.0 * np.minimum(1.0, 3.0 * at) + noise))


def test_a_discount_of_nothing_where_steps_stand_alone() -> None:
    """A few attempts at one task, each worth what it is worth at once: learnt all the same."""

    made = MadeTraining().configure(gamma=0.0)
    assert alarms(made.set("episodes", length=np.full(300, 4.0))) == []


def test_thirty_long_episodes_of_which_the_first_ten_learnt_most() -> None:
    """What ten episodes learn is a third of the way here: returns scatter as widely as they rose."""

    made = MadeTraining(updates=6)
    at, scatter = made.episodes_along, made.generator.standard_normal(30)
    reward = 150.0 * np.minimum(1.0, 3.0 * at) * (1.0 + 1.2 * scatter)
    made.set("episodes", reward=reward, length=1000.0, termination_reason="truncated").set("evaluations", reward=None)
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}


@pytest.mark.parametrize("has_plan", [True, False])
def test_fewer_than_a_hundred_flat_episodes(*, has_plan: bool) -> None:
    """A rise of a standard deviation hides in them: that there is none is a remark."""

    made = MadeTraining(updates=18).flat().set("updates", explained_variance=None).set("evaluations", reward=None)
    made.total_timesteps = made.total_timesteps if has_plan else None
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}


def test_a_run_that_continues_from_a_checkpoint_and_stays_at_its_level() -> None:
    """Its first episodes are not those of an untrained agent, so that it need not rise."""

    made = MadeTraining().flat(200.0).set("updates", explained_variance=None).set("evaluations", reward=None)
    made.set("episodes", env_step=made.episodes["env_step"] + 1_000_000)
    made.set("updates", step=made.updates["step"] + 1_000_000)
    made.total_timesteps = (made.total_timesteps or 0) + 1_000_000
    said = {one.code: one.severity for one in diagnose(made.evidence()).findings}
    assert said == {"no-learning": "info"}

"""A drop from the best level is found at any time, and a dip that recovers is healthy."""

import numpy as np
import pytest

from rlvitals.diagnosis import Finding, diagnose
from rlvitals.diagnosis.finding import all_codes
from rlvitals.testing.trainings import Array, MadeTraining


def judged(level: Array, noise: float, *, share: float = 1.0, seed: int = 0, **facts: object) -> tuple[Finding, ...]:
    """Return the findings of a training whose returns have a level, without other symptoms."""
    made = MadeTraining(updates=len(level) // 5, seed=seed)
    made.set("episodes", reward=level + noise * made.generator.standard_normal(len(level)))
    for name in ("explained_variance", "kl_divergence", "entropy"):
        made.updates[name] = None
    made.facts |= facts
    return diagnose(made.set("evaluations", reward=None).evidence(share)).findings


def along(count: int = 400) -> Array:
    return np.linspace(0.0, 1.0, count)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("at", [0.05, 0.3, 0.7])
def test_the_loss_of_a_checkpoint_level_is_found(at: float, seed: int) -> None:
    """The first level can be the best one, and the onset is the step of its loss."""

    first = judged(np.where(along() < at, 450.0, 150.0), 40.0, seed=seed)[0]
    assert (first.code, first.severity) == ("regression", "warning")
    assert abs((first.since_step or 0) / 40_000 - at) < 0.06


def test_an_immediate_drop_is_found_before_the_end() -> None:
    """An immediate drop is reported from 30 % of the budget."""

    level = 150.0 - 120.0 * np.minimum(1.0, 8.0 * along())
    assert [one.code for one in judged(level, 15.0, share=0.4, status="running")] == ["regression"]


@pytest.mark.parametrize("depth", [0.3, 1.2])
def test_a_drop_below_the_start_that_recovers_is_healthy(depth: float) -> None:
    """The first updates can temporarily undo what a checkpoint had learned."""

    level = 300.0 - depth * 250.0 * np.exp(-(((along() - 0.2) / 0.08) ** 2)) + 100.0 * along()
    for share in (0.1, 0.2, 0.3, 0.5, 0.9, 1.0):
        assert "regression" not in all_codes(judged(level, 40.0, share=share, status="running"))


def risen() -> Array:
    return np.asarray(20.0 + 180.0 / (1.0 + np.exp(-12.0 * (along() - 0.35))))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tail", [0.08, 0.15, 0.25])
def test_a_dip_of_an_eighth_at_the_end_is_found_if_noise_is_small(tail: float, seed: int) -> None:
    """The finding has the onset and the lost share of the gain."""

    found = judged(risen() - 0.12 * 180.0 * (along() > 1.0 - tail), 4.0, seed=seed)
    assert [one.code for one in found] == ["regression"]
    assert found[0].evidence["lost"] == pytest.approx(0.115, abs=0.02)
    assert (found[0].since_step or 0) / 40_000 == pytest.approx(1.0 - tail, abs=0.02)


@pytest.mark.parametrize("noise", [2.0, 4.0, 10.0, 30.0])
def test_noise_is_not_a_dip(noise: float) -> None:
    """A steady plateau has no findings at any time."""

    for seed in range(8):
        for share in (0.5, 0.9, 0.95, 1.0):
            assert judged(risen(), noise, share=share, seed=seed) == ()


def test_a_small_dip_that_recovers_is_healthy() -> None:
    """A temporary dip, such as a curriculum stage or a phase of exploration, has no findings."""

    level = risen() - 0.3 * 180.0 * ((along() > 0.6) & (along() < 0.75))
    for share in (0.65, 0.7, 0.8, 0.9, 1.0):
        assert judged(level, 4.0, share=share, status="running") == ()


def test_less_reward_at_the_same_success_rate_is_not_a_regression() -> None:
    """A reward can become harder to earn while the success rate stays the same."""

    def codes(success: bool) -> set[str]:
        made = MadeTraining().set("evaluations", reward=None).set("updates", explained_variance=None)
        count = len(made.episodes_along)
        level = np.where(made.episodes_along < 0.3, 300.0, 100.0) + 20.0 * made.generator.standard_normal(count)
        rate = 0.8 if success else np.where(made.episodes_along < 0.3, 0.8, 0.2)
        made.set("episodes", reward=level, success=made.generator.random(count) < rate)
        return all_codes(diagnose(made.evidence()).findings)

    assert "regression" not in codes(success=True)
    assert "regression" in codes(success=False)


def test_a_critic_that_predicts_the_fall_indicates_a_wrong_sign() -> None:
    """If the critic predicts the fall, a sign is wrong; otherwise the policy has broken down."""

    def first(explained: float) -> str:
        made = MadeTraining().set("evaluations", reward=None).set("updates", explained_variance=explained)
        level = 20.0 - 10.0 * np.minimum(1.0, made.episodes_along * 8.0)
        made.set("episodes", reward=level + made.generator.standard_normal(level.size))
        return diagnose(made.evidence()).findings[0].code

    assert first(0.96) == "reward-sign"
    assert first(0.5) == "regression"


def test_a_drop_below_scattered_random_actions_is_found() -> None:
    """The first level shows a drop that the scatter of the best random window hides."""

    generator = np.random.default_rng(2)
    level = np.where(along() < 0.15, 8.0 + generator.gamma(2.0, 7.0, 400), 9.5)
    assert "regression" in all_codes(judged(level, 0.5))

"""Off-policy algorithms: warm-ups, dips and temperatures are healthy; staying below random actions is not."""

import itertools

import pytest

from rlvitals.diagnosis import diagnose
from rlvitals.testing.off_policy import CURVES, OffPolicyTraining

SHARES = (0.3, 0.6, 0.8, 1.0)


def alarms(training: OffPolicyTraining) -> set[str]:
    return {finding.code for share in SHARES for finding in diagnose(training.evidence(share)).alarms}


@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("algorithm", CURVES)
def test_a_healthy_run_has_no_warning_at_any_time(algorithm: str, warm_up: float) -> None:
    """A healthy run has no warning, whether its algorithm, updates and budget are known or not."""

    made = itertools.product((True, False), (True, False), (True, False))
    for seed, (configured, logs_updates, has_budget) in enumerate(made):
        training = OffPolicyTraining(
            algorithm,
            warm_up=warm_up,
            dip=0.25,
            steps=10_000,
            configured=configured,
            logs_updates=logs_updates,
            seed=seed,
        )
        training.total_timesteps = training.total_timesteps if has_budget else None
        assert alarms(training) == set()


@pytest.mark.parametrize("configured", [True, False])
def test_worse_than_random_actions_is_a_regression(*, configured: bool) -> None:
    """Returns below random actions are a regression from the end of the warm-up, and not a wrong sign."""

    first = diagnose(OffPolicyTraining("DQN", learns=False, configured=configured).evidence()).findings[0]
    assert (first.code, first.severity) == ("regression", "warning")
    assert 1_500 < (first.since_step or 0) < 4_000


@pytest.mark.parametrize("algorithm", ["SAC", "TD3"])
def test_returns_near_random_actions_are_no_learning(algorithm: str) -> None:
    """A drop of less than a standard deviation is reported as no learning."""

    first = diagnose(OffPolicyTraining(algorithm, learns=False).evidence()).findings[0]
    assert (first.code, first.severity) == ("no-learning", "warning")
